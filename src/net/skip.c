#include "net/skip.h"

#include <string.h>

/* The sum of marks, which are 0 or 1, eight at a time. */
static size_t count_marks(const uint8_t *marks, size_t count) {
  size_t sum = 0, i = 0;
  for (; i + 8 <= count; i += 8) {
    uint64_t eight;
    memcpy(&eight, marks + i, sizeof eight);
    sum += (eight * 0x0101010101010101) >> 56;
  }
  for (; i < count; i++) sum += marks[i];
  return sum;
}

size_t skip_pixels(const uint8_t *pixels, int h, int w, uint8_t *differs) {
  const size_t area = (size_t)h * (size_t)w;
  for (size_t i = 0; i < area; i += SKIP_GROUP) {
    const size_t now = area - i < SKIP_GROUP ? area - i : SKIP_GROUP;
    if (now == SKIP_GROUP && skip_group_is_black(pixels + 3 * i)) {
      memset(differs + i, 0, SKIP_GROUP);
      continue;
    }
    for (size_t k = i; k < i + now; k++)
      differs[k] = (pixels[3 * k] | pixels[3 * k + 1] | pixels[3 * k + 2]) != 0;
  }
  return count_marks(differs, area);
}

/* out[x] |= row[x * stride + shift] for the x in [from, to). */
static void join_row(const uint8_t *restrict row, int stride, int shift, int from, int to,
                     uint8_t *restrict out) {
  if (stride == 1)
    for (int x = from; x < to; x++) out[x] |= row[x + shift];
  else if (stride == 2)
    for (int x = from; x < to; x++) out[x] |= row[2 * x + shift];
  else
    for (int x = from; x < to; x++) out[x] |= row[x * stride + shift];
}

static void join(const uint8_t *restrict other, size_t count, uint8_t *restrict into) {
  for (size_t i = 0; i < count; i++) into[i] |= other[i];
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
      join(in + (size_t)from * width, width, row);
    }
    for (int k = 0; k < kernel; k++) {
      /* 0 <= x * stride + shift < in_shape.w */
      const int shift = k - pad, first = shift < 0 ? (stride - 1 - shift) / stride : 0;
      const int last = (in_shape.w - 1 - shift) / stride + 1;
      join_row(row, stride, shift, first, last < out_shape.w ? last : out_shape.w, out);
    }
    count += count_marks(out, (size_t)out_shape.w);
  }
  return count;
}

/* Whether the window of output row or column `at` ends outside 0 .. size. */
static bool reaches_out(int at, int kernel, int stride, int pad, int size) {
  return at * stride < pad || at * stride - pad + kernel > size;
}

size_t skip_border(int kernel, int stride, int pad, net_shape in_shape, net_shape out_shape,
                   uint8_t *out) {
  size_t count = 0;
  for (int y = 0; y < out_shape.h && pad > 0; y++) {
    const bool whole_row = reaches_out(y, kernel, stride, pad, in_shape.h);
    for (int x = 0; x < out_shape.w; x++, out++) {
      if (*out || !(whole_row || reaches_out(x, kernel, stride, pad, in_shape.w))) continue;
      *out = 1;
      count++;
    }
  }
  return count;
}

size_t skip_join(const uint8_t *other, size_t pixels, uint8_t *into) {
  join(other, pixels, into);
  return count_marks(into, pixels);
}
