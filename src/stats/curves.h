/* Curves over all thresholds of a score. Points are scikit-learn's roc_curve with
 * drop_intermediate=False and precision_recall_curve. */
#ifndef STATS_CURVES_H
#define STATS_CURVES_H

#include <stddef.h>

#include "leuko.h"

/* n points; the three arrays [n] are owned by the curve (stats_curve_free). */
typedef struct {
  size_t n;
  double *x, *y;
  double *threshold; /* a score of at least this is answered positive */
} stats_curve;

/* ROC: x = false positive rate, y = true positive rate, thresholds falling; the first point is
 * (0, 0) at infinity. Labels are 0 or 1; a rate whose class is missing is NaN.
 * Errors: NO_DATA (n is 0), BAD_DATA (a score that is not finite, another label), NO_MEMORY. */
leuko_status stats_roc(const double *scores, const int *labels, size_t n, stats_curve *out,
                       leuko_error *error);

/* Precision and recall: x = recall, y = precision, thresholds rising; the last point is (0, 1) at
 * infinity. Without positives the recall is NaN. Errors: as stats_roc. */
leuko_status stats_precision_recall(const double *scores, const int *labels, size_t n,
                                    stats_curve *out, leuko_error *error);

void stats_curve_free(stats_curve *curve);

#endif
