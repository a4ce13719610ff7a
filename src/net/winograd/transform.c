#include <string.h>

#include "net/product.h"
#include "net/winograd/transforms.h"
#include "net/winograd/winograd.h"

/* One tile's 6x6 pixels of 16 channels; outside the image they are zero. */
VECTOR_INLINE void load_patch(const winograd_shape *s, const float *plane, int top, int left,
                              v16 d[6][6]) {
  bool inside = top >= 0 && left >= 0 && top + 6 <= s->in_h && left + 6 <= s->in_w;
  for (int i = 0; i < 6; i++)
    for (int j = 0; j < 6; j++) {
      int y = top + i, x = left + j;
      if (inside || (y >= 0 && y < s->in_h && x >= 0 && x < s->in_w))
        d[i][j] = v16_load(plane + ((ptrdiff_t)y * s->in_w + x) * 16);
      else d[i][j] = v16_zero();
    }
}

VECTOR void winograd_input(const winograd_shape *s, const float *x, size_t first, size_t count,
                           float *v, size_t stride) {
  const size_t plane = (size_t)s->in_h * (size_t)s->in_w * 16;
  const int blocks = s->channels / 16;
  for (size_t t = 0; t < count; t++) {
    winograd_place at = winograd_locate(s, first + t);
    int top = at.y * 4 - s->pad, left = at.x * 4 - s->pad;
    const float *image = x + (size_t)at.image * (size_t)blocks * plane;
    float *to = v + t * (size_t)s->channels;
    for (int b = 0; b < blocks; b++, to += 16) {
      v16 d[6][6], half[6][6];
      load_patch(s, image + (size_t)b * plane, top, left, d);
      for (int j = 0; j < 6; j++) {
        v16 column[6] = {d[0][j], d[1][j], d[2][j], d[3][j], d[4][j], d[5][j]}, o[6];
        input_1d(column, o);
        for (int i = 0; i < 6; i++) half[i][j] = o[i];
      }
      for (int i = 0; i < 6; i++) {
        v16 o[6];
        input_1d(half[i], o);
        for (int j = 0; j < 6; j++) v16_store(to + (size_t)(i * 6 + j) * stride, o[j]);
      }
    }
  }
}

VECTOR_INLINE void store_tile(const winograd_shape *s, v16 o[4][4], int top, int left,
                              float *plane) {
  for (int i = 0; i < 4 && top + i < s->out_h; i++)
    for (int j = 0; j < 4 && left + j < s->out_w; j++)
      v16_store(plane + ((size_t)(top + i) * (size_t)s->out_w + (size_t)(left + j)) * 16, o[i][j]);
}

VECTOR void winograd_output(const winograd_shape *s, const float *m, size_t stride, size_t first,
                            size_t count, int chunk, int width, const float *bias, float *y) {
  const size_t pixels = (size_t)s->out_h * (size_t)s->out_w;
  for (size_t t = 0; t < count; t++) {
    winograd_place at = winograd_locate(s, first + t);
    for (int f = 0; f < width; f += 16) {
      const float *from = m + t * (size_t)width + (size_t)f;
      v16 half[4][6], o[4][4];
      for (int j = 0; j < 6; j++) {
        v16 column[6], r[4];
        for (int i = 0; i < 6; i++) column[i] = v16_load(from + (size_t)(i * 6 + j) * stride);
        output_1d(column, r);
        for (int i = 0; i < 4; i++) half[i][j] = r[i];
      }
      v16 offset = bias ? v16_load(bias + chunk + f) : v16_zero();
      for (int i = 0; i < 4; i++) {
        output_1d(half[i], o[i]);
        for (int j = 0; j < 4; j++) {
          o[i][j] = add(o[i][j], offset);
          if (s->relu) o[i][j] = v16_relu(o[i][j]);
        }
      }
      size_t block = (size_t)at.image * (size_t)(s->filters / 16) + (size_t)(chunk + f) / 16;
      float *plane = y + block * pixels * 16;
      store_tile(s, o, at.y * 4, at.x * 4, plane);
    }
  }
}

VECTOR void winograd_output_gradient(const winograd_shape *s, const float *dy, size_t first,
                                     size_t count, float *z, size_t stride) {
  const size_t plane = (size_t)s->out_h * (size_t)s->out_w * 16;
  const int blocks = s->filters / 16;
  for (size_t t = 0; t < count; t++) {
    winograd_place at = winograd_locate(s, first + t);
    float *to = z + t * (size_t)s->filters;
    for (int b = 0; b < blocks; b++, to += 16) {
      const float *from = dy + ((size_t)at.image * (size_t)blocks + (size_t)b) * plane;
      v16 half[6][4];
      for (int j = 0; j < 4; j++) {
        v16 column[4], o[6];
        for (int i = 0; i < 4; i++) {
          int row = at.y * 4 + i, x = at.x * 4 + j;
          column[i] = row < s->out_h && x < s->out_w
                          ? v16_load(from + ((size_t)row * (size_t)s->out_w + (size_t)x) * 16)
                          : v16_zero();
        }
        output_gradient_1d(column, o);
        for (int i = 0; i < 6; i++) half[i][j] = o[i];
      }
      for (int i = 0; i < 6; i++) {
        v16 o[6];
        output_gradient_1d(half[i], o);
        for (int j = 0; j < 6; j++) v16_store(to + (size_t)(i * 6 + j) * stride, o[j]);
      }
    }
  }
}

/* u [36] of 16 filters at one channel. */
VECTOR_INLINE void transform_kernel(v16 g[3][3], float *u, size_t stride) {
  v16 half[6][3];
  for (int j = 0; j < 3; j++) {
    v16 column[3] = {g[0][j], g[1][j], g[2][j]}, o[6];
    kernel_1d(column, o);
    for (int i = 0; i < 6; i++) half[i][j] = o[i];
  }
  for (int i = 0; i < 6; i++) {
    v16 o[6];
    kernel_1d(half[i], o);
    for (int j = 0; j < 6; j++) v16_store(u + (size_t)(i * 6 + j) * stride, o[j]);
  }
}

/* Sixteen filters of the kernel at one channel; turned, they are the kernel's channels, which lie
 * `filters` apart. */
VECTOR static v16 load_weights(const float *kernel, int k, int channels, int filters, int c, int f,
                               bool turned) {
  size_t window = (size_t)k * (size_t)channels * (size_t)filters;
  if (!turned) return v16_load(kernel + window + (size_t)c * (size_t)filters + (size_t)f);
  float lane[16];
  window = (size_t)(8 - k) * (size_t)channels * (size_t)filters;
  for (int i = 0; i < 16; i++)
    lane[i] = kernel[window + (size_t)(f + i) * (size_t)channels + (size_t)c];
  return v16_load(lane);
}

/* Channels c .. c+15: side by side in the turned kernel's memory and one behind the other in u. */
VECTOR static void kernel_channels(const float *kernel, int channels, int filters, bool turned,
                                   int c, float *u) {
  for (int f = 0; f < filters; f += 16) {
    const int chunk = f / PRODUCT_WIDTH * PRODUCT_WIDTH;
    const int width = filters - chunk < PRODUCT_WIDTH ? filters - chunk : PRODUCT_WIDTH;
    float *to = u + (size_t)WINOGRAD_POSITIONS * (size_t)channels * (size_t)chunk +
                (size_t)c * (size_t)width + (size_t)(f - chunk);
    for (int i = 0; i < 16; i++, to += width) {
      v16 g[3][3];
      for (int k = 0; k < 9; k++)
        g[k / 3][k % 3] = load_weights(kernel, k, channels, filters, c + i, f, turned);
      transform_kernel(g, to, (size_t)channels * (size_t)width);
    }
  }
}

void winograd_kernel(const float *kernel, int channels, int filters, bool turned, float *u,
                     int threads) {
#pragma omp parallel for num_threads(threads) schedule(static)
  for (int c = 0; c < channels; c += 16) kernel_channels(kernel, channels, filters, turned, c, u);
}

VECTOR static void gradient_channel(const float *du, int parts, size_t part_stride, int channels,
                                    int filters, int c, float *dkernel) {
  const size_t size = (size_t)channels * (size_t)filters;
  for (int f = 0; f < filters; f += 16) {
    const size_t at = (size_t)c * (size_t)filters + (size_t)f;
    v16 half[3][6];
    for (int j = 0; j < 6; j++) {
      v16 column[6], o[3];
      for (int i = 0; i < 6; i++) {
        const float *from = du + (size_t)(i * 6 + j) * size + at;
        column[i] = v16_load(from);
        for (int p = 1; p < parts; p++)
          column[i] = add(column[i], v16_load(from + (size_t)p * part_stride));
      }
      kernel_gradient_1d(column, o);
      for (int i = 0; i < 3; i++) half[i][j] = o[i];
    }
    for (int i = 0; i < 3; i++) {
      v16 o[3];
      kernel_gradient_1d(half[i], o);
      for (int j = 0; j < 3; j++) v16_store(dkernel + (size_t)(i * 3 + j) * size + at, o[j]);
    }
  }
}

void winograd_kernel_gradient(const float *du, int parts, size_t part_stride, int channels,
                              int filters, float *dkernel, int threads) {
#pragma omp parallel for num_threads(threads) schedule(static)
  for (int c = 0; c < channels; c++)
    gradient_channel(du, parts, part_stride, channels, filters, c, dkernel);
}
