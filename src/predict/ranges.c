#include "predict/ranges.h"

#include <math.h>

#define LEVELS 256     /* that a byte has */
#define LEAST 0.001f   /* of the whole range, that of a channel */
#define ENTROPY_STEP 8 /* bins between two ranges that are tried */

const char *ranges_method_name(ranges_method method) {
  static const char *const names[] = {[RANGES_MAXIMUM] = "maximum",
                                      [RANGES_PERCENTILE] = "99.99 %",
                                      [RANGES_LOW] = "99.9 %",
                                      [RANGES_ENTROPY] = "entropy"};
  return names[method];
}

void ranges_raise(ranges_histogram *h, const float *values, size_t count, size_t channels) {
  for (size_t i = 0; i < count; i += channels)
    for (size_t c = 0; c < channels; c++)
      h->channels[c] = values[i + c] > h->channels[c] ? values[i + c] : h->channels[c];
  for (size_t c = 0; c < channels; c++)
    h->largest = h->channels[c] > h->largest ? h->channels[c] : h->largest;
}

void ranges_count(ranges_histogram *h, const float *values, size_t count) {
  if (!(h->largest > 0)) return;
  const float bins = RANGES_BINS / h->largest;
  for (size_t i = 0; i < count; i++) {
    if (!(values[i] > 0)) continue;
    const int bin = (int)(values[i] * bins);
    h->counts[bin < RANGES_BINS ? bin : RANGES_BINS - 1]++;
  }
}

/* How many bins hold that share of the values. */
static int bins_of(const ranges_histogram *h, double share) {
  double all = 0, below = 0;
  for (int i = 0; i < RANGES_BINS; i++) all += (double)h->counts[i];
  for (int i = 0; i < RANGES_BINS; i++) {
    below += (double)h->counts[i];
    if (below >= share * all) return i + 1;
  }
  return RANGES_BINS;
}

/* What is lost, in nats, if the first `bins` are told apart in LEVELS levels only and all above
 * count as the last of them: the relative entropy of the distributions before and after. */
static double loss(const ranges_histogram *h, int bins) {
  double above = 0, all = 0, sum = 0;
  for (int i = 0; i < RANGES_BINS; i++) {
    all += (double)h->counts[i];
    if (i >= bins) above += (double)h->counts[i];
  }
  const double kept = all - above;
  if (!(kept > 0)) return INFINITY;
  for (int level = 0; level < LEVELS; level++) {
    const int first = level * bins / LEVELS, last = (level + 1) * bins / LEVELS;
    double inside = 0;
    int taken = 0; /* bins that hold something share what the level holds */
    for (int i = first; i < last; i++) {
      inside += (double)h->counts[i];
      taken += h->counts[i] > 0;
    }
    for (int i = first; i < last; i++) {
      const double p = ((double)h->counts[i] + (i == bins - 1 ? above : 0)) / all;
      if (!(p > 0)) continue;
      if (h->counts[i] == 0) return INFINITY;
      sum += p * log(p / (inside / taken / kept));
    }
  }
  return sum;
}

static int bins_by_entropy(const ranges_histogram *h) {
  int best = RANGES_BINS;
  double least = INFINITY;
  for (int bins = LEVELS; bins <= RANGES_BINS; bins += ENTROPY_STEP) {
    const double lost = loss(h, bins);
    if (lost < least) {
      least = lost;
      best = bins;
    }
  }
  return best;
}

float ranges_choose(const ranges_histogram *h, ranges_method method) {
  if (!(h->largest > 0) || method == RANGES_MAXIMUM) return h->largest;
  const int bins = method == RANGES_ENTROPY ? bins_by_entropy(h)
                                            : bins_of(h, method == RANGES_LOW ? 0.999 : 0.9999);
  return h->largest * (float)bins / RANGES_BINS;
}

void ranges_scales(const ranges_histogram *h, float range, size_t channels, float *scales) {
  for (size_t c = 0; c < channels; c++) {
    const float own = fminf(fmaxf(h->channels[c], LEAST * range), range);
    scales[c] = sqrtf(own * range) / (LEVELS - 1);
  }
}
