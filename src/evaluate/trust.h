/* How far the scores can be trusted, for evaluate.c: intervals, calibration, predictive values. */
#ifndef EVALUATE_TRUST_H
#define EVALUATE_TRUST_H

#include "evaluate/evaluate.h"

/* Fills groups, intervals, reliability, raw, at_half, predictive and fingerprint of an evaluation
 * whose scores stand. Errors: NO_MEMORY, BACKEND. */
leuko_status evaluate_trust(const evaluate_input *input, evaluation *out, leuko_error *error);

/* Numbers the persons of the samples [count] into out [count], 0 .. *groups-1, by input->groups or
 * else by subject; samples of unknown subjects are a person each. Errors: NO_MEMORY. */
leuko_status evaluate_persons(const evaluate_input *input, size_t *out, size_t *groups,
                              leuko_error *error);

/* How evaluations are resampled: by their groups, or by sample. */
stats_resampling evaluate_resampling(const evaluation *e, bool by_subject);

#endif
