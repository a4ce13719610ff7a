/* Labels in the order of their scores, the common ground of areas and curves. */
#ifndef STATS_RANKED_H
#define STATS_RANKED_H

#include <stddef.h>

#include "leuko.h"

typedef struct {
  double score;
  int label; /* 0 or 1 */
  size_t sample;
} stats_ranked;

/* Samples of one score: first .. end-1 of the order. */
typedef struct {
  size_t end;
  size_t positives, negatives;
} stats_group;

/* Sorts scores [n] with labels [n] (0 or 1), the highest first, equal ones by sample, into *out
 * [n], which the caller frees. Errors: NO_DATA (n is 0), BAD_DATA (a score that is not finite,
 * another label), NO_MEMORY. */
leuko_status stats_rank(const double *scores, const int *labels, size_t n, stats_ranked **out,
                        leuko_error *error);

/* The group of equal scores that starts at `first`, below n. */
stats_group stats_next_group(const stats_ranked *order, size_t n, size_t first);

#endif
