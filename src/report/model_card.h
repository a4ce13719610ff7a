/* The model card: what somebody has to know who gets a model and nothing else, as Markdown (after
 * Mitchell et al.: Model Cards for Model Reporting, FAT* 2019). */
#ifndef REPORT_MODEL_CARD_H
#define REPORT_MODEL_CARD_H

#include "report/study.h"

/* Writes a card with a part for each run to `path`. Errors: those of writing. */
leuko_status model_card_write(const study *s, const char *path, leuko_error *error);

#endif
