#include "stats/rank_correlation.h"

#include <math.h>
#include <stdlib.h>

#include "base/error.h"

typedef struct {
  double value;
  size_t place;
} placed;

static int ascending(const void *a, const void *b) {
  const placed *x = a, *y = b;
  if (x->value < y->value || x->value > y->value) return x->value < y->value ? -1 : 1;
  return (x->place > y->place) - (x->place < y->place);
}

/* Ranks from 1 less their mean, (n + 1) / 2. */
static void centred_ranks(const double *values, size_t n, placed *order, double *ranks) {
  for (size_t i = 0; i < n; i++) order[i] = (placed){values[i], i};
  qsort(order, n, sizeof *order, ascending);
  for (size_t first = 0; first < n;) {
    size_t end = first + 1;
    while (end < n && !(order[first].value < order[end].value)) end++;
    const double rank = ((double)first + (double)end - (double)n) / 2;
    for (; first < end; first++) ranks[order[first].place] = rank;
  }
}

leuko_status stats_rank_correlation(const double *a, const double *b, size_t n, double *out,
                                    leuko_error *error) {
  *out = NAN;
  if (n < 2) return LEUKO_OK;
  placed *order = malloc(n * sizeof *order);
  double *x = malloc(2 * n * sizeof *x), *y = x ? x + n : NULL;
  leuko_status status = LEUKO_OK;
  if (order && x) {
    double both = 0, xx = 0, yy = 0;
    centred_ranks(a, n, order, x);
    centred_ranks(b, n, order, y);
    for (size_t i = 0; i < n; i++) {
      both += x[i] * y[i];
      xx += x[i] * x[i];
      yy += y[i] * y[i];
    }
    if (xx > 0 && yy > 0) *out = both / sqrt(xx * yy);
  } else {
    status = error_set_memory(error, n * (sizeof *order + 2 * sizeof *x));
  }
  free(order);
  free(x);
  return status;
}
