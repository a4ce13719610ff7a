/* Logistic regression on a few measures, the least that a network has to beat. */
#ifndef STATS_LOGISTIC_H
#define STATS_LOGISTIC_H

#include <stddef.h>

#include "leuko.h"

#define STATS_MAX_MEASURES 16

typedef struct {
  size_t measures;
  double mean[STATS_MAX_MEASURES];      /* of the samples that it was fitted to */
  double deviation[STATS_MAX_MEASURES]; /* 1 for a measure that does not vary */
  double weights[STATS_MAX_MEASURES];   /* of the standardised measures */
  double bias;
} stats_logistic;

/* Fits x [n][measures] to labels [n] (0 or 1): cross-entropy plus half the squared weights of the
 * standardised measures, which is scikit-learn's StandardScaler and LogisticRegression(C=1). By
 * Newton's method, to the last digits. Errors: NO_DATA (n is 0), ARGUMENT (measures), BAD_DATA (a
 * measure that is not finite, another label). */
leuko_status stats_logistic_fit(const double *x, const int *labels, size_t n, size_t measures,
                                stats_logistic *out, leuko_error *error);

/* Log odds of label 1 for a sample's measures. */
double stats_logistic_logit(const stats_logistic *l, const double *x);

#endif
