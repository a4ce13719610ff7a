/* How far scores, and differences of scores, would move with other subjects. */
#ifndef STATS_UNCERTAINTY_H
#define STATS_UNCERTAINTY_H

#include "stats/bootstrap.h"
#include "stats/weighted.h"

/* Intervals of all scores into out [STATS_SCORES]. Errors: those of stats_bootstrap. */
leuko_status stats_score_intervals(const stats_weighted *w, const stats_resampling *how,
                                   stats_interval *out, leuko_error *error);

/* The same for the scores of `a` minus those of `b`, two classifiers that answered the same samples
 * (equal n, classes and labels, in one order): every draw is made of both. Errors: also ARGUMENT.
 */
leuko_status stats_difference_intervals(const stats_weighted *a, const stats_weighted *b,
                                        const stats_resampling *how, stats_interval *out,
                                        leuko_error *error);

#endif
