/* Scores over persons instead of cells, for evaluate.c. */
#ifndef EVALUATE_PERSONS_H
#define EVALUATE_PERSONS_H

#include "evaluate/evaluate.h"

/* Fills out->persons, person_count, person_positives, by_share and by_logit of an evaluation of two
 * classes whose answers stand. Errors: NO_MEMORY; then part of it may be filled, and evaluate_free
 * clears it. */
leuko_status evaluate_persons(const evaluate_input *input, evaluation *out, leuko_error *error);

/* The value of metrics.json's `by_person`: a new reference, null where no person is named. */
json_t *evaluate_persons_json(const evaluation *e);

#endif
