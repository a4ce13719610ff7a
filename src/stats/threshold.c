#include "stats/threshold.h"

#include <math.h>

#include "base/error.h"
#include "stats/curves.h"

/* Between point `k` of a ROC curve, whose thresholds fall, and the next. */
static double halfway(const stats_curve *roc, size_t k) {
  double above = roc->threshold[k], below = k + 1 < roc->n ? roc->threshold[k + 1] : 0;
  double middle = below + (above - below) / 2;
  return middle > below ? middle : above;
}

static leuko_status curve_of_both(const double *scores, const int *labels, size_t n,
                                  stats_curve *roc, leuko_error *error) {
  leuko_status status = stats_roc(scores, labels, n, roc, error);
  if (status != LEUKO_OK) return status;
  if (isfinite(roc->x[0]) && isfinite(roc->y[0])) return LEUKO_OK;
  stats_curve_free(roc);
  return error_set(error, LEUKO_NO_DATA, NULL, NULL,
                   "a threshold cannot be chosen on one class alone");
}

leuko_status stats_youden_threshold(const double *scores, const int *labels, size_t n, double *out,
                                    leuko_error *error) {
  stats_curve roc;
  leuko_status status = curve_of_both(scores, labels, n, &roc, error);
  if (status != LEUKO_OK) return status;
  size_t best = 1; /* the first point answers nothing positive */
  for (size_t k = 2; k < roc.n; k++)
    if (roc.y[k] - roc.x[k] > roc.y[best] - roc.x[best]) best = k;
  *out = halfway(&roc, best);
  stats_curve_free(&roc);
  return LEUKO_OK;
}

leuko_status stats_sensitivity_threshold(const double *scores, const int *labels, size_t n,
                                         double sensitivity, double *out, leuko_error *error) {
  if (!(sensitivity > 0 && sensitivity <= 1))
    return error_set(error, LEUKO_ARGUMENT, NULL, "take a share such as 0.95",
                     "a sensitivity of %g is not possible", sensitivity);
  stats_curve roc;
  leuko_status status = curve_of_both(scores, labels, n, &roc, error);
  if (status != LEUKO_OK) return status;
  size_t k = 1;
  while (k + 1 < roc.n && roc.y[k] < sensitivity) k++;
  *out = halfway(&roc, k);
  stats_curve_free(&roc);
  return LEUKO_OK;
}
