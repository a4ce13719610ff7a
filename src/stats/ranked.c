#include "stats/ranked.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/error.h"

static int compare_falling(const void *a, const void *b) {
  const stats_ranked *x = a, *y = b;
  if (x->score < y->score || x->score > y->score)
    return (x->score < y->score) - (x->score > y->score);
  return (x->sample > y->sample) - (x->sample < y->sample);
}

leuko_status stats_rank(const double *scores, const int *labels, size_t n, stats_ranked **out,
                        leuko_error *error) {
  *out = NULL;
  if (n == 0) return error_set(error, LEUKO_NO_DATA, NULL, NULL, "no sample to score");
  stats_ranked *order = n <= SIZE_MAX / sizeof *order ? malloc(n * sizeof *order) : NULL;
  if (!order) return error_set_memory(error, n * sizeof *order);
  for (size_t i = 0; i < n; i++) {
    if (!isfinite(scores[i]) || labels[i] < 0 || labels[i] > 1) {
      free(order);
      if (!isfinite(scores[i]))
        return error_set(error, LEUKO_BAD_DATA, NULL, NULL,
                         "sample %zu has a score that is not a finite number", i);
      return error_set(error, LEUKO_BAD_DATA, NULL, NULL,
                       "sample %zu has label %d, but 0 or 1 is expected", i, labels[i]);
    }
    order[i] = (stats_ranked){scores[i], labels[i], i};
  }
  qsort(order, n, sizeof *order, compare_falling);
  *out = order;
  return LEUKO_OK;
}

stats_group stats_next_group(const stats_ranked *order, size_t n, size_t first) {
  stats_group group = {.end = first};
  while (group.end < n && !(order[group.end].score < order[first].score))
    group.positives += (size_t)order[group.end++].label;
  group.negatives = group.end - first - group.positives;
  return group;
}
