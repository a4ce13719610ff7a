/* Moving activations between layouts. */
#ifndef NET_LAYOUT_H
#define NET_LAYOUT_H

#include "net/step.h"

/* Copies `batch` activations of `shape` from one layout to another; exact, so the order of the
 * threads does not matter. `in` and `out` do not overlap. */
void net_relayout(const float *in, net_layout from, float *out, net_layout to, int batch,
                  net_shape shape, int threads);

/* How a network wants its pixels: y[c] = (x[c'] * scale - mean[c]) / deviation[c], where c' is c
 * or, with reverse, 2 - c (RGB to BGR). */
typedef struct {
  float scale;
  float mean[3], deviation[3];
  bool reverse;
} net_input_scaling;

/* uint8 pixels [batch][h][w][3] to float32 in `to` (NHWC or NCHW). */
void net_input_convert(const uint8_t *pixels, const net_input_scaling *scaling, float *out,
                       net_layout to, int batch, net_shape shape, int threads);

#endif
