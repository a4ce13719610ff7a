/* A share of independent cases. */
#ifndef STATS_PROPORTION_H
#define STATS_PROPORTION_H

#include "stats/bootstrap.h"

/* The 95 % interval of the share behind `k` of `n` cases (k at most n): that of Clopper and Pearson
 * (The use of confidence or fiducial limits, Biometrika 26, 1934), which holds the true share at
 * least that often, whatever it is. NaN without a case. */
stats_interval stats_proportion_interval(size_t k, size_t n);

#endif
