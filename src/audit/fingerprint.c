#include "audit/fingerprint.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "image/resize.h"

/* Side of the square around the cell, in radii of a circle of its area. */
#define SQUARE 2.2
#define MIN_AREA 200 /* pixels */
#define COVERED 230  /* of 255: a thumbnail's pixel lies within the cell */

/* image_symmetry itself, applied to a picture of its own indices, says where each place comes from.
 */
static void trace_symmetries(int side, uint16_t *from) {
  uint8_t in[FINGERPRINT_PIXELS * 3], out[FINGERPRINT_PIXELS * 3];
  const int pixels = side * side;
  for (int i = 0; i < pixels; i++) {
    in[3 * i] = (uint8_t)(i & 255);
    in[3 * i + 1] = (uint8_t)(i >> 8);
    in[3 * i + 2] = 0;
  }
  for (int which = 0; which < IMAGE_SYMMETRIES; which++) {
    image_symmetry(in, side, which, out);
    for (int i = 0; i < pixels; i++)
      from[which * pixels + i] = (uint16_t)(out[3 * i] | out[3 * i + 1] << 8);
  }
}

void fingerprint_open(fingerprint_tables *tables) {
  trace_symmetries(FINGERPRINT_SIDE, tables->thumbnail[0]);
  trace_symmetries(FINGERPRINT_GRID, tables->grid[0]);
  uint8_t orbits = 0;
  for (int i = 0; i < FINGERPRINT_GRID * FINGERPRINT_GRID; i++) {
    int first = i;
    for (int which = 0; which < IMAGE_SYMMETRIES; which++)
      if (tables->grid[which][i] < first) first = tables->grid[which][i];
    tables->orbit[i] = first == i ? orbits++ : tables->orbit[first];
  }
}

static int grey_of(const uint8_t *rgb) {
  return (299 * rgb[0] + 587 * rgb[1] + 114 * rgb[2] + 500) / 1000;
}

/* The square around the cell as a picture of three planes: unused, the mask, grey on black. */
static leuko_status cut_square(const image *in, const uint8_t *mask, const image_cell *cell,
                               image *out, leuko_error *error) {
  const int side = (int)lround(SQUARE * sqrt((double)cell->area / M_PI));
  const int left = (int)lround(cell->x - (side - 1) / 2.0);
  const int top = (int)lround(cell->y - (side - 1) / 2.0);
  const size_t bytes = (size_t)side * (size_t)side * 3;
  *out = (image){side, side, calloc(bytes, 1)};
  if (!out->rgb) return error_set_memory(error, bytes);
  for (int y = 0; y < side; y++)
    for (int x = 0; x < side; x++) {
      if (top + y < 0 || top + y >= in->height || left + x < 0 || left + x >= in->width) continue;
      const size_t at = (size_t)(top + y) * (size_t)in->width + (size_t)(left + x);
      if (!mask[at]) continue;
      uint8_t *to = out->rgb + ((size_t)y * (size_t)side + (size_t)x) * 3;
      to[1] = 255;
      to[2] = (uint8_t)grey_of(in->rgb + at * 3);
    }
  return LEUKO_OK;
}

static int compare_bytes(const void *left, const void *right) {
  const uint8_t *a = left, *b = right;
  return (*a > *b) - (*a < *b);
}

/* Hash and orbits from the thumbnail; false if too few places lie within the cell. */
static bool make_hash(const fingerprint_tables *tables, fingerprint *f) {
  enum { PLACES = FINGERPRINT_GRID * FINGERPRINT_GRID };
  uint8_t value[PLACES], sorted[PLACES];
  bool inside[PLACES];
  size_t count = 0;
  for (int y = 0; y < FINGERPRINT_GRID; y++)
    for (int x = 0; x < FINGERPRINT_GRID; x++) {
      int sum = 0, covered = 0;
      for (int i = 0; i < 4; i++) {
        const int at = (2 * y + i / 2) * FINGERPRINT_SIDE + 2 * x + i % 2;
        if (!f->inside[at]) continue;
        covered++;
        sum += f->grey[at];
      }
      const int place = y * FINGERPRINT_GRID + x;
      inside[place] = covered >= 2;
      value[place] = (uint8_t)(covered ? sum / covered : 0);
      if (inside[place]) sorted[count++] = value[place];
    }
  if (count < PLACES / 4) return false;
  qsort(sorted, count, 1, compare_bytes);
  const uint8_t median = sorted[count / 2];
  for (int i = 0; i < PLACES; i++)
    f->orbits[tables->orbit[i]] =
        (uint8_t)(f->orbits[tables->orbit[i]] + (inside[i] && value[i] > median));
  for (int which = 0; which < IMAGE_SYMMETRIES; which++)
    for (int i = 0; i < PLACES; i++) {
      const int from = tables->grid[which][i];
      if (inside[from] && value[from] > median) f->hash[which][i / 64] |= UINT64_C(1) << i % 64;
    }
  return true;
}

leuko_status fingerprint_make(const fingerprint_tables *tables, const image *in,
                              const uint8_t *mask, const image_cell *cell, fingerprint *out,
                              leuko_error *error) {
  *out = (fingerprint){0};
  if (cell->area < MIN_AREA) return LEUKO_OK;
  image square;
  uint8_t small[FINGERPRINT_PIXELS * 3];
  leuko_status status = cut_square(in, mask, cell, &square, error);
  if (status == LEUKO_OK)
    status = image_resize(&square, FINGERPRINT_SIDE, FINGERPRINT_SIDE, small, error);
  image_free(&square);
  if (status != LEUKO_OK) return status;
  for (int i = 0; i < FINGERPRINT_PIXELS; i++) {
    const int covered = small[3 * i + 1];
    out->inside[i] = covered >= COVERED;
    if (!out->inside[i]) continue;
    const int grey = (small[3 * i + 2] * 255 + covered / 2) / covered;
    out->grey[i] = (uint8_t)(grey > 255 ? 255 : grey);
  }
  out->usable = make_hash(tables, out);
  return LEUKO_OK;
}

double fingerprint_correlation(const fingerprint_tables *tables, const fingerprint *a,
                               const fingerprint *b, int which) {
  const uint16_t *from = tables->thumbnail[which];
  int both = 0, either = 0;
  int64_t sum_a = 0, sum_b = 0, aa = 0, bb = 0, ab = 0;
  for (int i = 0; i < FINGERPRINT_PIXELS; i++) {
    const int j = from[i], in_a = a->inside[i], in_b = b->inside[j];
    either += in_a | in_b;
    if (!(in_a & in_b)) continue;
    const int u = a->grey[i], v = b->grey[j];
    both++;
    sum_a += u;
    sum_b += v;
    aa += u * u;
    bb += v * v;
    ab += u * v;
  }
  if (both == 0 || both * 7 < either * 6) return -1;
  const double n = both, mean_a = (double)sum_a / n, mean_b = (double)sum_b / n;
  const double var_a = (double)aa / n - mean_a * mean_a, var_b = (double)bb / n - mean_b * mean_b;
  if (var_a < 1 || var_b < 1) return -1; /* no texture, nothing to recognise */
  return ((double)ab / n - mean_a * mean_b) / sqrt(var_a * var_b);
}
