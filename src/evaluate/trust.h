/* How far the scores can be trusted, for evaluate.c: intervals, calibration, predictive values. */
#ifndef EVALUATE_TRUST_H
#define EVALUATE_TRUST_H

#include "evaluate/evaluate.h"

/* Fills groups, intervals, reliability, raw, at_half, predictive and fingerprint of an evaluation
 * whose scores stand. Errors: NO_MEMORY, BACKEND. */
leuko_status evaluate_trust(const evaluate_input *input, evaluation *out, leuko_error *error);

/* For each sample the first subject that is named of its person, into names [count]; "" where none
 * is. The strings are the samples'. Errors: NO_MEMORY. */
leuko_status evaluate_person_names(const evaluate_input *input, const char **names,
                                   leuko_error *error);

/* Numbers persons by their names [count], in the order of these, into out [count], 0 .. *groups-1;
 * a sample without a name is a person of its own. Errors: NO_MEMORY. */
leuko_status evaluate_number_persons(const char *const *names, size_t count, size_t *out,
                                     size_t *groups, leuko_error *error);

/* The seed of all resampling: equal answers have equal intervals. */
#define EVALUATE_SEED 1

/* "accuracy", ... of STATS_ACCURACY, ...; [low, high] or null. */
const char *evaluate_score_name(int score);
json_t *evaluate_interval_json(stats_interval i);

/* Writes a JSON value to a file and releases it (NULL: it could not be made). Errors: those of
 * writing, NO_MEMORY. */
leuko_status evaluate_write_json(const char *path, json_t *value, leuko_error *error);

/* How evaluations are resampled: by their groups, or by sample. */
stats_resampling evaluate_resampling(const evaluation *e, bool by_subject);

#endif
