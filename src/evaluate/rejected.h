/* What the model did not answer, for evaluate.c. */
#ifndef EVALUATE_REJECTED_H
#define EVALUATE_REJECTED_H

#include "evaluate/evaluate.h"

/* Fills out->rejection of an evaluation whose logits and labels stand. Errors: NO_MEMORY. */
leuko_status evaluate_rejected(const evaluate_input *input, evaluation *out, leuko_error *error);

#endif
