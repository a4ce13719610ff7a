#include "stats/calibration.h"

#include <math.h>
#include <stdlib.h>

#include "stats/ranked.h"

leuko_status stats_reliability_of(const double *p, const int *hits, size_t n,
                                  stats_reliability *out, leuko_error *error) {
  *out = (stats_reliability){.bins = n < STATS_BINS ? n : STATS_BINS};
  stats_ranked *order;
  leuko_status status = stats_rank(p, hits, n, &order, error);
  if (status != LEUKO_OK) return status;
  /* The order falls: filled from the last bin and its last place on. */
  size_t b = out->bins, left = 0; /* places left in bin b */
  for (size_t first = 0; first < n;) {
    stats_group group = stats_next_group(order, n, first);
    double share = (double)group.positives / (double)(group.end - first);
    for (size_t k = first; k < group.end; k++, left--) {
      if (left == 0) {
        b--;
        left = n / out->bins + (b < n % out->bins);
        out->bin[b].high = order[k].score;
      }
      stats_bin *bin = &out->bin[b];
      bin->n++;
      bin->low = order[k].score;
      bin->mean_p += order[k].score;
      bin->share += share;
    }
    first = group.end;
  }
  free(order);
  for (b = 0; b < out->bins; b++) {
    stats_bin *bin = &out->bin[b];
    out->error += fabs(bin->mean_p - bin->share) / (double)n;
    bin->mean_p /= (double)bin->n;
    bin->share /= (double)bin->n;
  }
  return LEUKO_OK;
}
