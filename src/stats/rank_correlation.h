/* Spearman's rank correlation. */
#ifndef STATS_RANK_CORRELATION_H
#define STATS_RANK_CORRELATION_H

#include <stddef.h>

#include "leuko.h"

/* Of a [n] and b [n], equal values with their mean rank (scipy.stats.spearmanr), into *out, -1 ..
 * 1; NaN where n is under 2 or one of them is constant. Errors: NO_MEMORY. */
leuko_status stats_rank_correlation(const double *a, const double *b, size_t n, double *out,
                                    leuko_error *error);

#endif
