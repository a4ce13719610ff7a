/* The variance of the area under an ROC curve, and of the difference of two areas on the same
 * samples (DeLong, DeLong, Clarke-Pearson: Biometrics 44, 1988). It takes samples as independent:
 * cells of one subject are not, so that errors are larger and p values higher than it says. */
#ifndef STATS_DELONG_H
#define STATS_DELONG_H

#include <stddef.h>

#include "leuko.h"

/* Area and variance of scores [n] for labels [n] (0 or 1). NaN where a class is missing; the
 * variance also where a class has one sample only. O(n log n), as by the midranks of Sun and Xu
 * (IEEE Signal Processing Letters 21, 2014). Errors: NO_DATA (n is 0), BAD_DATA (a score that is
 * not finite, another label), NO_MEMORY. */
leuko_status stats_delong(const double *scores, const int *labels, size_t n, double *area,
                          double *variance, leuko_error *error);

typedef struct {
  double areas[2], variances[2], covariance;
  double difference; /* areas[0] - areas[1] */
  double z;          /* difference by its standard error; 0 where both are 0 */
  double p;          /* two-sided */
} stats_delong_test;

/* Compares two scores a, b [n] of the same samples. Errors: as above. */
leuko_status stats_delong_compare(const double *a, const double *b, const int *labels, size_t n,
                                  stats_delong_test *out, leuko_error *error);

#endif
