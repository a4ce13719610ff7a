/* The paper's Table I, measured again. */
#ifndef REPORT_TABLE1_H
#define REPORT_TABLE1_H

#include "report/experiment.h"

/* Writes OUT/table1.csv and OUT/table1.md: the last epoch's figures of every training that is done,
 * as in the paper, beside the paper's. Format: docs/formats.md. Errors: those of writing. */
leuko_status table1_write(const experiment *e, leuko_error *error);

#endif
