#include "stats/curves.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/error.h"
#include "stats/ranked.h"

/* Room for a point at each of n scores and one more. */
static leuko_status curve_alloc(size_t n, stats_curve *out, leuko_error *error) {
  *out = (stats_curve){0};
  size_t bytes = n < SIZE_MAX / sizeof(double) ? (n + 1) * sizeof(double) : 0;
  out->x = bytes ? malloc(bytes) : NULL;
  out->y = bytes ? malloc(bytes) : NULL;
  out->threshold = bytes ? malloc(bytes) : NULL;
  if (out->x && out->y && out->threshold) return LEUKO_OK;
  stats_curve_free(out);
  return error_set_memory(error, 3 * bytes);
}

void stats_curve_free(stats_curve *curve) {
  free(curve->x);
  free(curve->y);
  free(curve->threshold);
  *curve = (stats_curve){0};
}

static void add_point(stats_curve *curve, double x, double y, double threshold) {
  curve->x[curve->n] = x;
  curve->y[curve->n] = y;
  curve->threshold[curve->n++] = threshold;
}

static size_t count_positives(const int *labels, size_t n) {
  size_t positives = 0;
  for (size_t i = 0; i < n; i++) positives += (size_t)labels[i];
  return positives;
}

leuko_status stats_roc(const double *scores, const int *labels, size_t n, stats_curve *out,
                       leuko_error *error) {
  *out = (stats_curve){0};
  stats_ranked *order;
  leuko_status status = stats_rank(scores, labels, n, &order, error);
  if (status != LEUKO_OK) return status;
  status = curve_alloc(n, out, error);
  if (status == LEUKO_OK) {
    double positives = (double)count_positives(labels, n), negatives = (double)n - positives;
    double scale_x = negatives > 0 ? negatives : NAN, scale_y = positives > 0 ? positives : NAN;
    size_t tp = 0, fp = 0;
    add_point(out, 0 / scale_x, 0 / scale_y, INFINITY);
    for (size_t first = 0; first < n;) {
      stats_group group = stats_next_group(order, n, first);
      tp += group.positives;
      fp += group.negatives;
      add_point(out, (double)fp / scale_x, (double)tp / scale_y, order[first].score);
      first = group.end;
    }
  }
  free(order);
  return status;
}

static void reverse(double *values, size_t n) {
  for (size_t i = 0; i < n / 2; i++) {
    double kept = values[i];
    values[i] = values[n - 1 - i];
    values[n - 1 - i] = kept;
  }
}

leuko_status stats_precision_recall(const double *scores, const int *labels, size_t n,
                                    stats_curve *out, leuko_error *error) {
  *out = (stats_curve){0};
  stats_ranked *order;
  leuko_status status = stats_rank(scores, labels, n, &order, error);
  if (status != LEUKO_OK) return status;
  status = curve_alloc(n, out, error);
  if (status == LEUKO_OK) {
    size_t positives = count_positives(labels, n), tp = 0;
    double scale = positives > 0 ? (double)positives : NAN;
    add_point(out, 0 / scale, 1, INFINITY);
    for (size_t first = 0; first < n;) {
      stats_group group = stats_next_group(order, n, first);
      tp += group.positives;
      add_point(out, (double)tp / scale, (double)tp / (double)group.end, order[first].score);
      first = group.end;
    }
    reverse(out->x, out->n);
    reverse(out->y, out->n);
    reverse(out->threshold, out->n);
  }
  free(order);
  return status;
}
