/* Moving activations between layouts. */
#ifndef NET_LAYOUT_H
#define NET_LAYOUT_H

#include <string.h>

#include "net/step.h"

/* Copies `batch` activations of `shape` from one layout to another; exact but for the rounding to
 * 16 bits (to the nearest, ties to even). `in` and `out` do not overlap. */
void net_relayout(const void *in, net_layout from, void *out, net_layout to, int batch,
                  net_shape shape, int threads);

/* One value to bfloat16, to the nearest, ties to even; a NaN stays one. */
static inline uint16_t net_to_bf16(float value) {
  uint32_t bits;
  memcpy(&bits, &value, sizeof bits);
  if (value != value) return (uint16_t)(bits >> 16 | 0x40);
  return (uint16_t)((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

/* One value to and from 16 bits as such a layout keeps it; as net_relayout rounds. */
uint16_t net_narrowed(float value, net_layout layout);
float net_widened(uint16_t narrow, net_layout layout);

/* sum [count] += part, values of an activation or of its gradient in `layout`. */
void net_accumulate(void *sum, const void *part, net_layout layout, size_t count, int threads);

/* How a network wants its pixels: y[c] = (x[c'] * scale - mean[c]) / deviation[c], where c' is c
 * or, with reverse, 2 - c (RGB to BGR). */
typedef struct {
  float scale;
  float mean[3], deviation[3];
  bool reverse;
} net_input_scaling;

/* The largest magnitude that comes of it. */
float net_input_largest(const net_input_scaling *scaling);

/* uint8 pixels [batch][h][w][3] to float32 in `to` (NHWC or NCHW). */
void net_input_convert(const uint8_t *pixels, const net_input_scaling *scaling, float *out,
                       net_layout to, int batch, net_shape shape, int threads);

#endif
