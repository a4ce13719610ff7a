#include "net/layout.h"

#include <string.h>

/* Strides in floats of one image: value (y, x, c) lies at base(c) + (y * w + x) * step. */
static inline size_t channel_base(net_layout layout, size_t pixels, size_t c, size_t *step,
                                  size_t channels) {
  switch (layout) {
  case NET_NHWC:
    *step = channels;
    return c;
  case NET_NCHW:
    *step = 1;
    return c * pixels;
  case NET_NCHW16C:
    *step = 16;
    return c / 16 * 16 * pixels + c % 16;
  }
  return 0;
}

/* Between NHWC and blocks of 16: whole vectors of 16 channels move together. */
static void move_blocks(const float *in, net_layout from, float *out, size_t pixels,
                        size_t channels) {
  for (size_t block = 0; block < channels / 16; block++)
    for (size_t p = 0; p < pixels; p++) {
      size_t flat = p * channels + block * 16, blocked = (block * pixels + p) * 16;
      if (from == NET_NHWC) memcpy(out + blocked, in + flat, 16 * sizeof *in);
      else memcpy(out + flat, in + blocked, 16 * sizeof *in);
    }
}

void net_relayout(const float *in, net_layout from, float *out, net_layout to, int batch,
                  net_shape shape, int threads) {
  size_t size = net_shape_size(shape), channels = (size_t)shape.c;
  size_t pixels = (size_t)shape.h * (size_t)shape.w;
#pragma omp parallel for num_threads(threads) schedule(static)
  for (int n = 0; n < batch; n++) {
    const float *source = in + (size_t)n * size;
    float *target = out + (size_t)n * size;
    if (from == to) {
      memcpy(target, source, size * sizeof *in);
      continue;
    }
    if (from != NET_NCHW && to != NET_NCHW && channels % 16 == 0) {
      move_blocks(source, from, target, pixels, channels);
      continue;
    }
    for (size_t c = 0; c < channels; c++) {
      size_t in_step = 0, out_step = 0;
      size_t a = channel_base(from, pixels, c, &in_step, channels);
      size_t b = channel_base(to, pixels, c, &out_step, channels);
      for (size_t p = 0; p < pixels; p++) target[b + p * out_step] = source[a + p * in_step];
    }
  }
}

void net_input_convert(const uint8_t *pixels, const net_input_scaling *scaling, float *out,
                       net_layout to, int batch, net_shape shape, int threads) {
  size_t area = (size_t)shape.h * (size_t)shape.w;
  float table[3][256]; /* every value that a channel can take */
  for (int c = 0; c < 3; c++)
    for (int v = 0; v < 256; v++)
      table[c][v] = ((float)v * scaling->scale - scaling->mean[c]) / scaling->deviation[c];
#pragma omp parallel for num_threads(threads) schedule(static)
  for (int n = 0; n < batch; n++) {
    const uint8_t *source = pixels + (size_t)n * area * 3;
    float *target = out + (size_t)n * area * 3;
    for (size_t c = 0; c < 3; c++) {
      const uint8_t *from = source + (scaling->reverse ? 2 - c : c);
      if (to == NET_NCHW)
        for (size_t p = 0; p < area; p++) target[c * area + p] = table[c][from[3 * p]];
      else
        for (size_t p = 0; p < area; p++) target[3 * p + c] = table[c][from[3 * p]];
    }
  }
}
