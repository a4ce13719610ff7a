/* Intervals by resampling: subjects, whose cells are alike, are drawn with replacement, each with
 * all of its cells. */
#ifndef STATS_BOOTSTRAP_H
#define STATS_BOOTSTRAP_H

#include <stddef.h>
#include <stdint.h>

#include "leuko.h"

#define STATS_REPETITIONS 2000

/* A 95 % interval; NaN where there is none. */
typedef struct {
  double low, high;
} stats_interval;

typedef struct {
  const size_t *groups; /* [n], 0 .. group_count-1: samples that are drawn together; NULL: every
                           sample stands alone */
  size_t n;
  size_t group_count; /* not read without groups */
  size_t repetitions;
  uint64_t seed;
} stats_resampling;

/* Computes some values of samples that count weights [n] times. */
typedef void (*stats_statistic)(const void *context, const uint32_t *weights, double *values);

/* Draws as many groups as there are with replacement, `repetitions` times, and computes `count`
 * values of each draw into draws [count][repetitions]. Equal for equal `how`, also from machine to
 * machine. Errors: NO_DATA (nothing to draw), ARGUMENT (a group out of range, too many samples),
 * NO_MEMORY. */
leuko_status stats_bootstrap(const stats_resampling *how, stats_statistic statistic,
                             const void *context, size_t count, double *draws, leuko_error *error);

/* The interval of a score that lies within [0, 1], from its value on the samples themselves and its
 * draws [repetitions]; draws that are NaN, where a class was missing, are left out. `groups` is on
 * how many independent groups the score rests. Student's interval on the scale of the log odds,
 * with the draws' deviation: of few subjects, and near 0 and 1, it holds what it says where
 * percentiles are too narrow and lie too high. A score of 0 or 1 gets the bound of as many groups
 * without a single exception (Clopper and Pearson). NaN for fewer than two groups. */
stats_interval stats_score_interval(double value, const double *draws, size_t repetitions,
                                    double groups);

/* The interval of a difference, from its draws [repetitions], which are sorted: percentiles, for
 * few groups taken further out, as Student's interval is than the normal one (Hesterberg: What
 * Teachers Should Know about the Bootstrap, The American Statistician 69, 2015, "expanded
 * percentile interval"). NaN as above. */
stats_interval stats_difference_interval(double *draws, size_t repetitions, double groups);

#endif
