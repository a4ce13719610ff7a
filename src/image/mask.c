#include "image/mask.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"

/* JPEG's ringing around a cell that is cut out on black stays below this; the darkest chromatin of
 * a Wright or Jenner-Giemsa stain does not. */
#define BLACK 16
/* The mean spans (max - min of the channels) of stained and unstained pixels are at least this far
 * apart; else there is only noise. */
#define MIN_CONTRAST 24
#define MIN_AREA 16      /* pixels */
#define COUNTED_PART 20  /* pieces of at least 1/20 of the largest count */
#define SHARPNESS_EDGE 2 /* pixels */

/* Pixels of one row that hang together. */
typedef struct {
  int y, first, end;
  size_t parent; /* disjoint sets: towards the first run of the piece */
  size_t area;   /* of the whole piece, in its first run */
  bool outside;  /* the piece reaches the border, in its first run */
} run;

typedef struct {
  run *items;
  size_t count, capacity;
} run_list;

static size_t find_piece(run *items, size_t i) {
  while (items[i].parent != i) {
    items[i].parent = items[items[i].parent].parent;
    i = items[i].parent;
  }
  return i;
}

static void join_pieces(run *items, size_t a, size_t b) {
  a = find_piece(items, a);
  b = find_piece(items, b);
  if (a == b) return;
  size_t keep = a < b ? a : b, lose = a < b ? b : a;
  items[lose].parent = keep;
  items[keep].area += items[lose].area;
  items[keep].outside |= items[lose].outside;
}

static leuko_status add_run(run_list *list, run r, leuko_error *error) {
  if (list->count == list->capacity) {
    size_t capacity = list->capacity ? 2 * list->capacity : 1024;
    run *items = realloc(list->items, capacity * sizeof *items);
    if (!items) return error_set_memory(error, capacity * sizeof *items);
    list->items = items;
    list->capacity = capacity;
  }
  r.parent = list->count;
  list->items[list->count++] = r;
  return LEUKO_OK;
}

/* Lists the pieces of the pixels that have `value`, joined over edges, not over corners. */
static leuko_status find_pieces(const uint8_t *mask, int width, int height, uint8_t value,
                                run_list *list, leuko_error *error) {
  size_t above = 0; /* the first run of the row above that may still touch */
  for (int y = 0; y < height; y++) {
    const uint8_t *row = mask + (size_t)y * (size_t)width;
    const size_t row_start = list->count;
    for (int x = 0; x < width;) {
      if (row[x] != value) {
        x++;
        continue;
      }
      run r = {.y = y, .first = x};
      while (x < width && row[x] == value) x++;
      r.end = x;
      r.area = (size_t)(r.end - r.first);
      r.outside = y == 0 || y == height - 1 || r.first == 0 || r.end == width;
      leuko_status status = add_run(list, r, error);
      if (status != LEUKO_OK) return status;
      run *items = list->items;
      while (above < row_start && items[above].end <= r.first) above++;
      for (size_t i = above; i < row_start && items[i].first < r.end; i++)
        join_pieces(items, i, list->count - 1);
    }
    above = row_start;
  }
  return LEUKO_OK;
}

static void paint_run(uint8_t *mask, int width, const run *r, uint8_t value) {
  memset(mask + (size_t)r->y * (size_t)width + r->first, value, (size_t)(r->end - r->first));
}

/* Keeps the largest piece (of equals the first); returns how many pieces count. */
static leuko_status keep_largest(uint8_t *mask, int width, int height, size_t *parts,
                                 leuko_error *error) {
  run_list list = {0};
  leuko_status status = find_pieces(mask, width, height, 1, &list, error);
  size_t largest = 0;
  for (size_t i = 0; status == LEUKO_OK && i < list.count; i++)
    if (list.items[i].parent == i && list.items[i].area > list.items[largest].area) largest = i;
  *parts = 0;
  if (status == LEUKO_OK && list.count > 0) {
    const size_t area = list.items[largest].area;
    for (size_t i = 0; i < list.count; i++) {
      const run *r = &list.items[i];
      *parts += r->parent == i && r->area >= MIN_AREA && r->area * COUNTED_PART >= area;
      if (area < MIN_AREA || find_piece(list.items, i) != largest) paint_run(mask, width, r, 0);
    }
  }
  free(list.items);
  return status;
}

static leuko_status fill_holes(uint8_t *mask, int width, int height, leuko_error *error) {
  run_list list = {0};
  leuko_status status = find_pieces(mask, width, height, 0, &list, error);
  for (size_t i = 0; status == LEUKO_OK && i < list.count; i++)
    if (!list.items[find_piece(list.items, i)].outside) paint_run(mask, width, &list.items[i], 1);
  free(list.items);
  return status;
}

static int largest_channel(const uint8_t *rgb) {
  int m = rgb[0] > rgb[1] ? rgb[0] : rgb[1];
  return m > rgb[2] ? m : rgb[2];
}

static int smallest_channel(const uint8_t *rgb) {
  int m = rgb[0] < rgb[1] ? rgb[0] : rgb[1];
  return m < rgb[2] ? m : rgb[2];
}

/* True if at least half of the pixels on the border are black. */
static bool has_black_border(const image *in) {
  size_t black = 0, all = 0;
  for (int y = 0; y < in->height; y++)
    for (int x = 0; x < in->width;) {
      const uint8_t *rgb = in->rgb + ((size_t)y * (size_t)in->width + (size_t)x) * 3;
      black += largest_channel(rgb) < BLACK;
      all++;
      x += y == 0 || y == in->height - 1 || x == in->width - 1 ? 1 : in->width - 1;
    }
  return 2 * black >= all;
}

/* Otsu's threshold on a histogram of 256 values: what lies above it is the upper class. 256 where
 * the means of the classes are nearer than MIN_CONTRAST. */
static int otsu(const size_t histogram[256]) {
  double count = 0, sum = 0;
  for (int v = 0; v < 256; v++) {
    count += (double)histogram[v];
    sum += (double)histogram[v] * v;
  }
  double below = 0, below_sum = 0, best = 0, apart = 0;
  int threshold = 256;
  for (int v = 0; v < 255; v++) {
    below += (double)histogram[v];
    below_sum += (double)histogram[v] * v;
    const double above = count - below;
    if (below == 0 || above == 0) continue;
    const double difference = (sum - below_sum) / above - below_sum / below;
    const double between = below * above * difference * difference;
    if (between <= best) continue;
    best = between;
    apart = difference;
    threshold = v;
  }
  return apart < MIN_CONTRAST ? 256 : threshold;
}

static void mark_stained(const image *in, uint8_t *mask) {
  const size_t pixels = (size_t)in->width * (size_t)in->height;
  size_t histogram[256] = {0};
  for (size_t i = 0; i < pixels; i++) {
    const uint8_t *rgb = in->rgb + i * 3;
    histogram[largest_channel(rgb) - smallest_channel(rgb)]++;
  }
  const int threshold = otsu(histogram);
  for (size_t i = 0; i < pixels; i++) {
    const uint8_t *rgb = in->rgb + i * 3;
    mask[i] = largest_channel(rgb) - smallest_channel(rgb) > threshold;
  }
}

/* Box, centre, colours: all that is a sum over the cell's pixels. */
static void measure_pixels(const image *in, const uint8_t *mask, image_cell *cell) {
  double sum[3] = {0}, squares[3] = {0}, saturation = 0, sum_x = 0, sum_y = 0;
  size_t area = 0, clipped = 0;
  int left = in->width, right = -1, top = -1, bottom = -1;
  for (int y = 0; y < in->height; y++) {
    const uint8_t *row = mask + (size_t)y * (size_t)in->width;
    for (int x = 0; x < in->width; x++) {
      if (!row[x]) continue;
      const uint8_t *rgb = in->rgb + ((size_t)y * (size_t)in->width + (size_t)x) * 3;
      area++;
      sum_x += x;
      sum_y += y;
      if (x < left) left = x;
      if (x > right) right = x;
      if (top < 0) top = y;
      bottom = y;
      cell->on_border += x == 0 || y == 0 || x == in->width - 1 || y == in->height - 1;
      for (int c = 0; c < 3; c++) {
        sum[c] += rgb[c];
        squares[c] += (double)rgb[c] * rgb[c];
      }
      const int most = largest_channel(rgb);
      clipped += most == 255;
      if (most > 0) saturation += (double)(most - smallest_channel(rgb)) / most;
    }
  }
  cell->area = area;
  if (area == 0) return;
  const double n = (double)area;
  cell->left = left;
  cell->top = top;
  cell->width = right - left + 1;
  cell->height = bottom - top + 1;
  cell->x = sum_x / n;
  cell->y = sum_y / n;
  cell->saturation = saturation / n;
  cell->clipped = (double)clipped / n;
  for (int c = 0; c < 3; c++) {
    cell->mean[c] = sum[c] / n;
    cell->deviation[c] = sqrt(fmax(0, squares[c] / n - cell->mean[c] * cell->mean[c]));
  }
}

static int grey(const uint8_t *rgb) {
  return (299 * rgb[0] + 587 * rgb[1] + 114 * rgb[2] + 500) / 1000;
}

static double measure_sharpness(const image *in, const uint8_t *mask, const image_cell *cell) {
  const ptrdiff_t width = in->width, edge = SHARPNESS_EDGE;
  double sum = 0, squares = 0, count = 0;
  for (ptrdiff_t y = cell->top + edge; y < cell->top + cell->height - edge; y++)
    for (ptrdiff_t x = cell->left + edge; x < cell->left + cell->width - edge; x++) {
      const uint8_t *m = mask + y * width + x;
      if (!m[0] || !m[-edge] || !m[edge] || !m[-edge * width] || !m[edge * width]) continue;
      const uint8_t *rgb = in->rgb + (y * width + x) * 3;
      const double laplacian = grey(rgb - 3) + grey(rgb + 3) + grey(rgb - 3 * width) +
                               grey(rgb + 3 * width) - 4 * grey(rgb);
      sum += laplacian;
      squares += laplacian * laplacian;
      count++;
    }
  return count > 0 ? fmax(0, squares / count - (sum / count) * (sum / count)) : 0;
}

leuko_status image_mask(const image *in, uint8_t *mask, image_cell *cell, leuko_error *error) {
  const size_t pixels = (size_t)in->width * (size_t)in->height;
  image_cell found = {.cut_out = has_black_border(in)};
  if (found.cut_out)
    for (size_t i = 0; i < pixels; i++) mask[i] = largest_channel(in->rgb + i * 3) >= BLACK;
  else mark_stained(in, mask);
  leuko_status status = keep_largest(mask, in->width, in->height, &found.parts, error);
  if (status == LEUKO_OK) status = fill_holes(mask, in->width, in->height, error);
  if (status != LEUKO_OK || !cell) return status;
  measure_pixels(in, mask, &found);
  if (found.area > 0) found.sharpness = measure_sharpness(in, mask, &found);
  *cell = found;
  return LEUKO_OK;
}
