/* Whether probabilities mean what they say: bins of a reliability diagram, and their error. */
#ifndef STATS_CALIBRATION_H
#define STATS_CALIBRATION_H

#include <stddef.h>

#include "leuko.h"

#define STATS_BINS 15

/* Samples whose probabilities follow each other. */
typedef struct {
  size_t n;
  double low, high; /* their lowest and highest p */
  double mean_p;
  double share; /* of them that are hits */
} stats_bin;

typedef struct {
  size_t bins; /* STATS_BINS, or as many as there are samples */
  stats_bin bin[STATS_BINS];
  double error; /* expected calibration error: mean of |mean_p - share|, weighted by n */
} stats_reliability;

/* Sorts p [n] into bins of equal size, rising; the first ones hold one more where n is no multiple
 * (NumPy's array_split). hits [n] is 1 where the event came true of which p is the probability.
 * Samples of equal p are taken as equally often hit, so that their order does not matter where a
 * bin ends among them. Errors: NO_DATA (n is 0), BAD_DATA (p that is not finite, other hits),
 * NO_MEMORY. */
leuko_status stats_reliability_of(const double *p, const int *hits, size_t n,
                                  stats_reliability *out, leuko_error *error);

#endif
