#include "image/resize.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"

#define MAX_SIDE 65536
/* Weights are integers in units of 2^-22: 8 bits of pixel and 2 to spare fill 32, as in Pillow. */
#define WEIGHT_BITS 22

/* Part of a picture: rows of `stride` bytes. */
typedef struct {
  const uint8_t *rgb;
  size_t stride;
  int width, height;
} view;

/* Where one side's new pixels come from: new pixel i is the sum over j in 0 .. taps-1 of old pixel
 * first[i] + j times weights[i * taps + j]. Every window has as many taps, lies inside the old side
 * and ends in zeros where fewer count. */
typedef struct {
  int taps;
  int *first;       /* [new side] */
  int32_t *weights; /* [new side][taps]; in the same block of memory as first */
} filter;

/* The arithmetic is Pillow's to the letter (double, then rounding), so that the weights are, too.
 */
static void weigh(filter *f, int i, int from, int to) {
  const double scale = (double)from / to, widen = scale > 1 ? scale : 1;
  const double support = widen, center = (i + 0.5) * scale, step = 1 / widen;
  int first = (int)(center - support + 0.5), last = (int)(center + support + 0.5);
  if (first < 0) first = 0;
  if (last > from) last = from;
  double sum = 0;
  for (int x = first; x < last; x++) sum += fmax(0, 1 - fabs((x - center + 0.5) * step));
  f->first[i] = first < from - f->taps ? first : from - f->taps;
  int32_t *weights = f->weights + (size_t)i * (size_t)f->taps;
  for (int x = first; x < last; x++) {
    double weight = fmax(0, 1 - fabs((x - center + 0.5) * step));
    if (sum != 0) weight /= sum;
    weights[x - f->first[i]] = (int32_t)(0.5 + weight * (1 << WEIGHT_BITS));
  }
}

static leuko_status filter_make(filter *f, int from, int to, leuko_error *error) {
  const double scale = (double)from / to;
  double taps = ceil(scale > 1 ? scale : 1) * 2 + 1;
  f->taps = taps < from ? (int)taps : from;
  size_t count = (size_t)to * ((size_t)f->taps + 1);
  f->first = calloc(count, sizeof(int32_t));
  if (!f->first) return error_set_memory(error, count * sizeof(int32_t));
  f->weights = f->first + to;
  for (int i = 0; i < to; i++) weigh(f, i, from, to);
  return LEUKO_OK;
}

static inline uint8_t to_byte(int32_t sum) {
  sum >>= WEIGHT_BITS;
  return (uint8_t)(sum < 0 ? 0 : sum > 255 ? 255 : sum);
}

/* The part of a row or column that is not black: first .. last-1; 0 .. 0 if all of it is. Cells lie
 * on pure black, which costs four fifths of the work and stays what it is. */
typedef struct {
  int first, last;
} span;

/* Of `count` bytes; both ends are rounded outwards to whole pixels. */
static span lit_pixels(const uint8_t *row, size_t count) {
  static const uint8_t black[48];
  size_t first = 0, last = count;
  while (last - first >= sizeof black && memcmp(row + first, black, sizeof black) == 0)
    first += sizeof black;
  while (first < last && row[first] == 0) first++;
  while (last - first >= sizeof black &&
         memcmp(row + last - sizeof black, black, sizeof black) == 0)
    last -= sizeof black;
  while (first < last && row[last - 1] == 0) last--;
  if (first == last) return (span){0, 0};
  return (span){(int)(first / 3), (int)((last + 2) / 3)};
}

/* Which of the `to` new pixels look at any of the old ones in `lit`. */
static span touched(const filter *f, int to, span lit) {
  span new = {0, to};
  while (new.first < to && f->first[new.first] + f->taps <= lit.first) new.first++;
  while (new.last > new.first && f->first[new.last - 1] >= lit.last) new.last--;
  return new;
}

/* in [height][width][3] to out [height][to][3]. */
static void shrink_rows(const view *in, int to, const filter *f, uint8_t *restrict out) {
  for (int y = 0; y < in->height; y++, out += (size_t)to * 3) {
    const uint8_t *row = in->rgb + (size_t)y * in->stride;
    const span new = touched(f, to, lit_pixels(row, (size_t)in->width * 3));
    memset(out, 0, (size_t)to * 3);
    for (int x = new.first; x < new.last; x++) {
      const int32_t *weights = f->weights + (size_t)x * (size_t)f->taps;
      const uint8_t *from = row + (size_t)f->first[x] * 3;
      int32_t r = 1 << (WEIGHT_BITS - 1), g = r, b = r;
      for (int j = 0; j < f->taps; j++, from += 3) {
        r += from[0] * weights[j];
        g += from[1] * weights[j];
        b += from[2] * weights[j];
      }
      out[x * 3] = to_byte(r);
      out[x * 3 + 1] = to_byte(g);
      out[x * 3 + 2] = to_byte(b);
    }
  }
}

/* in [height][width][3] to out [to][width][3]. */
static leuko_status shrink_columns(const view *in, int to, const filter *f, uint8_t *out,
                                   leuko_error *error) {
  const size_t length = (size_t)in->width * 3;
  int32_t *restrict sums = malloc(length * sizeof *sums);
  span *lit = malloc((size_t)in->height * sizeof *lit);
  if (!sums || !lit) {
    free(sums);
    free(lit);
    return error_set_memory(error, length * sizeof *sums);
  }
  for (int y = 0; y < in->height; y++)
    lit[y] = lit_pixels(in->rgb + (size_t)y * in->stride, length);
  for (int y = 0; y < to; y++, out += length) {
    for (size_t i = 0; i < length; i++) sums[i] = 1 << (WEIGHT_BITS - 1);
    for (int j = 0; j < f->taps; j++) {
      const int32_t weight = f->weights[(size_t)y * (size_t)f->taps + (size_t)j];
      const int from = f->first[y] + j;
      if (weight == 0) continue;
      const uint8_t *row = in->rgb + (size_t)from * in->stride;
      const size_t end = (size_t)lit[from].last * 3;
      for (size_t i = (size_t)lit[from].first * 3; i < end; i++) sums[i] += row[i] * weight;
    }
    for (size_t i = 0; i < length; i++) out[i] = to_byte(sums[i]);
  }
  free(sums);
  free(lit);
  return LEUKO_OK;
}

/* A side that keeps its length is left alone, as Pillow leaves it. */
static leuko_status resize(view in, int width, int height, uint8_t *out, leuko_error *error) {
  filter f = {0};
  uint8_t *between = NULL;
  leuko_status status = LEUKO_OK;
  if (width != in.width) {
    status = filter_make(&f, in.width, width, error);
    size_t stride = (size_t)width * 3, bytes = (size_t)in.height * stride;
    if (status == LEUKO_OK && height != in.height && !(between = malloc(bytes)))
      status = error_set_memory(error, bytes);
    if (status == LEUKO_OK) {
      shrink_rows(&in, width, &f, between ? between : out);
      in = (view){between, stride, width, in.height};
    }
    free(f.first);
    if (status != LEUKO_OK || !between) return status;
  }
  if (height != in.height) {
    status = filter_make(&f, in.height, height, error);
    if (status == LEUKO_OK) status = shrink_columns(&in, height, &f, out, error);
    free(f.first);
  } else {
    for (int y = 0; y < height; y++)
      memcpy(out + (size_t)y * (size_t)width * 3, in.rgb + (size_t)y * in.stride,
             (size_t)width * 3);
  }
  free(between);
  return status;
}

static view whole(const image *in) {
  return (view){in->rgb, (size_t)in->width * 3, in->width, in->height};
}

leuko_status image_resize(const image *in, int width, int height, uint8_t *out,
                          leuko_error *error) {
  if (width < 1 || height < 1 || width > MAX_SIDE || height > MAX_SIDE)
    return error_set(error, LEUKO_ARGUMENT, NULL, NULL, "%d x %d is no size for an image", width,
                     height);
  return resize(whole(in), width, height, out, error);
}

/* The overlap of a centred window of `crop` pixels with a side of `side`: where it begins in the
 * picture and in the window, and how long it is. */
static void overlap(int side, int crop, int *in_picture, int *in_window, int *length) {
  *in_picture = side > crop ? (side - crop) / 2 : 0;
  *in_window = side < crop ? (crop - side) / 2 : 0;
  *length = side < crop ? side : crop;
}

leuko_status image_prepare(const image *in, int crop, int size, uint8_t *out, leuko_error *error) {
  if (size < 1 || size > MAX_SIDE || crop < 0)
    return error_set(error, LEUKO_ARGUMENT, NULL, NULL, "crop %d, size %d", crop, size);
  if (crop == 0) return resize(whole(in), size, size, out, error);
  if ((size_t)crop * (size_t)crop > IMAGE_MAX_PIXELS)
    return error_set(error, LEUKO_TOO_LARGE, NULL, NULL,
                     "a crop of %d pixels, the limit is %zu megapixels", crop,
                     IMAGE_MAX_PIXELS / 1000000);
  int x, y, to_x, to_y, width, height;
  overlap(in->width, crop, &x, &to_x, &width);
  overlap(in->height, crop, &y, &to_y, &height);
  view part = whole(in);
  part.rgb += (size_t)y * part.stride + (size_t)x * 3;
  part.width = width;
  part.height = height;
  if (width == crop && height == crop) return resize(part, size, size, out, error);

  const size_t stride = (size_t)crop * 3, bytes = stride * (size_t)crop;
  uint8_t *padded = calloc(bytes, 1);
  if (!padded) return error_set_memory(error, bytes);
  for (int i = 0; i < height; i++)
    memcpy(padded + (size_t)(to_y + i) * stride + (size_t)to_x * 3,
           part.rgb + (size_t)i * part.stride, (size_t)width * 3);
  leuko_status status = resize((view){padded, stride, crop, crop}, size, size, out, error);
  free(padded);
  return status;
}
