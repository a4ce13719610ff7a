#include "stats/temperature.h"

#include <math.h>

#include "base/error.h"
#include "stats/metrics.h"

/* First and second derivative of the summed cross-entropy by the inverse temperature. */
static void derivatives(const double *logits, const int *labels, size_t n, int classes,
                        double inverse, double *first, double *second) {
  *first = *second = 0;
  for (size_t i = 0; i < n; i++) {
    if (classes == 2) {
      double z = logits[i], p = stats_sigmoid(inverse * z);
      *first += z * (p - labels[i]);
      *second += z * z * p * (1 - p);
      continue;
    }
    const double *row = logits + i * (size_t)classes;
    double p[LEUKO_MAX_CLASSES], mean = 0, squares = 0;
    for (int c = 0; c < classes; c++) p[c] = inverse * row[c];
    stats_softmax(p, classes, p);
    for (int c = 0; c < classes; c++) mean += p[c] * row[c];
    for (int c = 0; c < classes; c++) squares += p[c] * (row[c] - mean) * (row[c] - mean);
    *first += mean - row[labels[i]];
    *second += squares;
  }
}

static leuko_status check(const double *logits, const int *labels, size_t n, int classes,
                          leuko_error *error) {
  if (classes < 2 || classes > LEUKO_MAX_CLASSES)
    return error_set(error, LEUKO_ARGUMENT, NULL, NULL, "%d classes, but 2 to %d are possible",
                     classes, LEUKO_MAX_CLASSES);
  if (n == 0) return error_set(error, LEUKO_NO_DATA, NULL, NULL, "no sample to fit to");
  const size_t width = classes == 2 ? 1 : (size_t)classes;
  for (size_t i = 0; i < n; i++) {
    if (labels[i] < 0 || labels[i] >= classes)
      return error_set(error, LEUKO_BAD_DATA, NULL, NULL, "sample %zu has label %d of %d classes",
                       i, labels[i], classes);
    for (size_t c = 0; c < width; c++)
      if (!isfinite(logits[i * width + c]))
        return error_set(error, LEUKO_BAD_DATA, NULL, NULL,
                         "sample %zu has a logit that is not a finite number", i);
  }
  return LEUKO_OK;
}

leuko_status stats_fit_temperature(const double *logits, const int *labels, size_t n, int classes,
                                   double *out, leuko_error *error) {
  *out = 1;
  leuko_status status = check(logits, labels, n, classes, error);
  if (status != LEUKO_OK) return status;
  /* The cross-entropy is convex in the inverse: Newton's steps, halving where they leave the
   * bracket. */
  double low = 1 / STATS_HOTTEST, high = 1 / STATS_COLDEST, at = 1, first, second;
  derivatives(logits, labels, n, classes, low, &first, &second);
  if (first >= 0) {
    /* With logits that are all 0 every temperature is as good. */
    *out = second > 0 ? STATS_HOTTEST : 1;
    return LEUKO_OK;
  }
  derivatives(logits, labels, n, classes, high, &first, &second);
  if (first <= 0) {
    *out = STATS_COLDEST;
    return LEUKO_OK;
  }
  for (int i = 0; i < 200 && high - low > 1e-15 * high; i++) {
    derivatives(logits, labels, n, classes, at, &first, &second);
    if (first > 0) high = at;
    else low = at;
    double next = second > 0 ? at - first / second : low;
    if (!(next > low && next < high)) next = low + (high - low) / 2;
    if (fabs(next - at) <= 1e-15 * at) break;
    at = next;
  }
  *out = 1 / at;
  return LEUKO_OK;
}
