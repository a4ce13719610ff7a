/* The table of subjects, for evaluate.c. */
#ifndef EVALUATE_SUBJECTS_H
#define EVALUATE_SUBJECTS_H

#include <stdbool.h>

#include "evaluate/evaluate.h"

/* Whether a sample takes part in the scores: answered, and its true class known. */
static inline bool evaluate_counts(const evaluate_sample *sample) {
  return sample->status == LEUKO_OK && sample->label >= 0;
}

/* Fills out->subjects and out->subject_count. Errors: NO_MEMORY; then both may be part-filled and
 * evaluate_free clears them. */
leuko_status evaluate_subjects(const evaluate_input *input, evaluation *out, leuko_error *error);

#endif
