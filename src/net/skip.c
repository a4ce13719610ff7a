#include "net/skip.h"

#include <string.h>

size_t skip_pixels(const uint8_t *pixels, int h, int w, uint8_t *differs) {
  size_t count = 0, area = (size_t)h * (size_t)w;
  for (size_t i = 0; i < area; i++) {
    differs[i] = (pixels[3 * i] | pixels[3 * i + 1] | pixels[3 * i + 2]) != 0;
    count += differs[i];
  }
  return count;
}

size_t skip_spread(const uint8_t *in, net_shape in_shape, int kernel, int stride, int pad,
                   net_shape out_shape, uint8_t *out, uint8_t *row) {
  size_t count = 0;
  const size_t width = (size_t)in_shape.w;
  for (int y = 0; y < out_shape.h; y++, out += out_shape.w) {
    memset(row, 0, width);
    for (int k = 0; k < kernel; k++) {
      int from = y * stride - pad + k;
      if (from < 0 || from >= in_shape.h) continue;
      for (size_t x = 0; x < width; x++) row[x] |= in[(size_t)from * width + x];
    }
    for (int x = 0; x < out_shape.w; x++) {
      int first = x * stride - pad, last = first + kernel;
      if (first < 0) first = 0;
      if (last > in_shape.w) last = in_shape.w;
      uint8_t any = 0;
      for (int k = first; k < last; k++) any |= row[k];
      out[x] = any;
      count += any;
    }
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
