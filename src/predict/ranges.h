/* From what values an activation takes to the largest that a byte shall hold. */
#ifndef PREDICT_RANGES_H
#define PREDICT_RANGES_H

#include <stddef.h>
#include <stdint.h>

#define RANGES_BINS 2048

/* Of the values above 0; bin i holds those up to (i + 1) / RANGES_BINS of the largest. */
typedef struct {
  float largest;
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

/* Largest of values [count] and `largest`. */
float ranges_largest(const float *values, size_t count, float largest);
/* Counts values [count], none above h->largest. */
void ranges_count(ranges_histogram *h, const float *values, size_t count);
/* By that method; 0 where no value was above 0. */
float ranges_choose(const ranges_histogram *h, ranges_method method);

#endif
