#include "stats/delong.h"

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/error.h"
#include "stats/ranked.h"

/* The structural components into out [n]: for a positive sample the share of negatives that score
 * lower, for a negative one the share of positives that score higher, equal ones counting half.
 * Their means over either class are the area. */
static leuko_status components(const double *scores, const int *labels, size_t n, double *out,
                               leuko_error *error) {
  stats_ranked *order;
  leuko_status status = stats_rank(scores, labels, n, &order, error);
  if (status != LEUKO_OK) return status;
  size_t positives = 0, above[2] = {0, 0};
  for (size_t i = 0; i < n; i++) positives += (size_t)labels[i];
  double of_negatives = (double)(n - positives), of_positives = (double)positives;
  for (size_t first = 0; first < n;) {
    stats_group group = stats_next_group(order, n, first);
    double lower = of_negatives - (double)above[0] - (double)group.negatives;
    double for_positive = (lower + 0.5 * (double)group.negatives) / of_negatives;
    double for_negative = ((double)above[1] + 0.5 * (double)group.positives) / of_positives;
    for (size_t k = first; k < group.end; k++)
      out[order[k].sample] = order[k].label ? for_positive : for_negative;
    above[0] += group.negatives;
    above[1] += group.positives;
    first = group.end;
  }
  free(order);
  return LEUKO_OK;
}

/* Mean of one class's components; NaN without any. */
static double mean_of(const double *v, const int *labels, size_t n, int label, double *count) {
  double sum = 0;
  *count = 0;
  for (size_t i = 0; i < n; i++)
    if (labels[i] == label) sum += v[i], ++*count;
  return *count > 0 ? sum / *count : NAN;
}

/* Covariance of two areas from their components, the sum of what either class contributes. */
static double covariance(const double *v, const double *w, const int *labels, size_t n) {
  double total = 0;
  for (int label = 0; label < 2; label++) {
    double count, sum = 0, mean_v = mean_of(v, labels, n, label, &count);
    double mean_w = mean_of(w, labels, n, label, &count);
    for (size_t i = 0; i < n; i++)
      if (labels[i] == label) sum += (v[i] - mean_v) * (w[i] - mean_w);
    total += count > 1 ? sum / (count - 1) / count : NAN;
  }
  return total;
}

/* Of either class's components; NaN where one is missing. */
static double area_of(const double *v, const int *labels, size_t n) {
  double positives, negatives;
  double area = mean_of(v, labels, n, 1, &positives);
  mean_of(v, labels, n, 0, &negatives);
  return positives > 0 && negatives > 0 ? area : NAN;
}

leuko_status stats_delong(const double *scores, const int *labels, size_t n, double *area,
                          double *variance, leuko_error *error) {
  *area = *variance = NAN;
  double *v = n && n <= SIZE_MAX / sizeof *v ? malloc(n * sizeof *v) : NULL;
  if (n && !v) return error_set_memory(error, n * sizeof *v);
  leuko_status status = components(scores, labels, n, v, error);
  if (status == LEUKO_OK) {
    *area = area_of(v, labels, n);
    *variance = covariance(v, v, labels, n);
  }
  free(v);
  return status;
}

leuko_status stats_delong_compare(const double *a, const double *b, const int *labels, size_t n,
                                  stats_delong_test *out, leuko_error *error) {
  *out = (stats_delong_test){0};
  double *v = n && n <= SIZE_MAX / (2 * sizeof *v) ? malloc(2 * n * sizeof *v) : NULL;
  if (n && !v) return error_set_memory(error, 2 * n * sizeof *v);
  leuko_status status = components(a, labels, n, v, error);
  if (status == LEUKO_OK) status = components(b, labels, n, v + n, error);
  if (status == LEUKO_OK) {
    out->areas[0] = area_of(v, labels, n);
    out->areas[1] = area_of(v + n, labels, n);
    out->variances[0] = covariance(v, v, labels, n);
    out->variances[1] = covariance(v + n, v + n, labels, n);
    out->covariance = covariance(v, v + n, labels, n);
    out->difference = out->areas[0] - out->areas[1];
    double variance = out->variances[0] + out->variances[1] - 2 * out->covariance;
    /* Equal rankings: the rest of the subtraction is rounding. */
    bool equal = out->difference == 0 && variance <= 1e-15 * out->variances[0];
    out->z = equal ? 0 : out->difference / sqrt(variance > 0 ? variance : 0);
    out->p = erfc(fabs(out->z) / sqrt(2));
  }
  free(v);
  return status;
}
