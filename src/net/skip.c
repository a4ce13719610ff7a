#include "net/skip.h"

#include <string.h>

size_t skip_pixels(const uint8_t *pixels, int h, int w, uint8_t *differs) {
  size_t count = 0, area = (size_t)h * (size_t)w;
  for (size_t i = 0; i < area; i++)
    differs[i] = (pixels[3 * i] | pixels[3 * i + 1] | pixels[3 * i + 2]) != 0;
  for (size_t i = 0; i < area; i++) count += differs[i];
  return count;
}

/* out[x] |= row[x * stride + shift] for the x in [from, to). */
static void join_row(const uint8_t *row, int stride, int shift, int from, int to, uint8_t *out) {
  if (stride == 1)
    for (int x = from; x < to; x++) out[x] |= row[x + shift];
  else
    for (int x = from; x < to; x++) out[x] |= row[x * stride + shift];
}

size_t skip_spread(const uint8_t *in, net_shape in_shape, int kernel, int stride, int pad,
                   net_shape out_shape, uint8_t *out, uint8_t *row) {
  size_t count = 0;
  const size_t width = (size_t)in_shape.w;
  for (int y = 0; y < out_shape.h; y++, out += out_shape.w) {
    memset(row, 0, width);
    memset(out, 0, (size_t)out_shape.w);
    for (int k = 0; k < kernel; k++) {
      int from = y * stride - pad + k;
      if (from < 0 || from >= in_shape.h) continue;
      for (size_t x = 0; x < width; x++) row[x] |= in[(size_t)from * width + x];
    }
    for (int k = 0; k < kernel; k++) {
      /* 0 <= x * stride + shift < in_shape.w */
      const int shift = k - pad, first = shift < 0 ? (stride - 1 - shift) / stride : 0;
      const int last = (in_shape.w - 1 - shift) / stride + 1;
      join_row(row, stride, shift, first, last < out_shape.w ? last : out_shape.w, out);
    }
    for (int x = 0; x < out_shape.w; x++) count += out[x];
  }
  return count;
}

size_t skip_join(const uint8_t *other, size_t pixels, uint8_t *into) {
  size_t count = 0;
  for (size_t i = 0; i < pixels; i++) {
    into[i] |= other[i];
    count += into[i];
  }
  return count;
}
