/* From what values an activation takes to the largest that a byte shall hold. */
#ifndef PREDICT_RANGES_H
#define PREDICT_RANGES_H

#include <stddef.h>
#include <stdint.h>

#define RANGES_BINS 2048

/* Of the values above 0 of an activation; bin i holds those up to (i + 1) / RANGES_BINS of the
 * largest. */
typedef struct {
  float largest;
  float *channels; /* [c], owned: the largest value of each channel */
  uint64_t counts[RANGES_BINS];
} ranges_histogram;

typedef enum {
  RANGES_MAXIMUM,    /* the largest value */
  RANGES_PERCENTILE, /* 99.99 % of the values above 0 lie below it */
  RANGES_LOW,        /* 99.9 % */
  RANGES_ENTROPY, /* the bytes tell the most of the values' distribution: Migacz, "8-bit inference
                     with TensorRT", GTC 2017 */
  RANGES_METHODS
} ranges_method;
const char *ranges_method_name(ranges_method method); /* "maximum", ... */

/* Raises the largest values to those of values [count / channels][channels]. */
void ranges_raise(ranges_histogram *h, const float *values, size_t count, size_t channels);
/* Counts values [count], none above h->largest. */
void ranges_count(ranges_histogram *h, const float *values, size_t count);
/* By that method; 0 where no value was above 0. */
float ranges_choose(const ranges_histogram *h, ranges_method method);
/* What one of 255 counts in each channel, into scales [channels], where `range` is that of the
 * whole activation: the range of a channel is the geometric mean of that and of its own largest
 * value, so that channels of small values get finer steps and the weights that read them, which are
 * multiplied by the scales, do not get too unequal. After Xiao et al., "SmoothQuant", ICML 2023,
 * equation 4 with alpha 0.5. */
void ranges_scales(const ranges_histogram *h, float range, size_t channels, float *scales);

#endif
