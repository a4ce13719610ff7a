/* One look at every file: measures, background, traces of blocks, fingerprint; then outliers. */
#include <limits.h>
#include <math.h>
#include <omp.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "audit/steps.h"
#include "base/error.h"
#include "base/file.h"
#include "base/sort.h"
#include "base/threads.h"

#define MAX_FILE_BYTES ((size_t)1 << 30)
#define TRACE 16   /* a channel below this is black to the eye */
#define RINGING 16 /* pixels around a cell's box that JPEG's blocks may reach */

static audit_background look_behind(const image *in, const uint8_t *mask, const image_cell *cell) {
  bool traces = false;
  for (int y = 0; y < in->height; y++)
    for (int x = 0; x < in->width; x++) {
      const size_t at = (size_t)y * (size_t)in->width + (size_t)x;
      if (mask[at]) continue;
      const uint8_t *rgb = in->rgb + 3 * at;
      traces |= rgb[0] || rgb[1] || rgb[2];
      if (rgb[0] < TRACE && rgb[1] < TRACE && rgb[2] < TRACE) continue;
      if (x < cell->left - RINGING || x >= cell->left + cell->width + RINGING ||
          y < cell->top - RINGING || y >= cell->top + cell->height + RINGING)
        return AUDIT_BACKGROUND_OTHER;
    }
  return traces ? AUDIT_BACKGROUND_TRACES : AUDIT_BACKGROUND_BLACK;
}

/* Counts steps of green that are larger than the steps right before and behind: `at` is the first
 * of four pixels within the cell, `step` apart; the middle step crosses a block's border or not. */
static void count_step(const image *in, const uint8_t *mask, size_t at, size_t step, bool border,
                       double larger[2], double all[2]) {
  if (!mask[at] || !mask[at + step] || !mask[at + 2 * step] || !mask[at + 3 * step]) return;
  int green[4];
  for (size_t k = 0; k < 4; k++) green[k] = in->rgb[3 * (at + k * step) + 1];
  const int before = abs(green[0] - green[1]), middle = abs(green[1] - green[2]);
  const int behind = abs(green[2] - green[3]);
  larger[border] += middle > before && middle > behind;
  all[border]++;
}

/* How often a step across the border of two 8 x 8 blocks is larger than those beside it, over how
 * often a step elsewhere is. */
static double look_for_blocks(const image *in, const uint8_t *mask, const image_cell *cell) {
  double larger[2] = {0}, all[2] = {0};
  const size_t width = (size_t)in->width;
  const int right = cell->left + cell->width, bottom = cell->top + cell->height;
  for (int y = cell->top; y < bottom; y++)
    for (int x = cell->left; x < right; x++) {
      const size_t at = (size_t)y * width + (size_t)x;
      if (x + 3 < right) count_step(in, mask, at, 1, x % 8 == 6, larger, all);
      if (y + 3 < bottom) count_step(in, mask, at, width, y % 8 == 6, larger, all);
    }
  if (larger[0] == 0 || all[1] == 0) return NAN;
  return larger[1] / all[1] / (larger[0] / all[0]);
}

static int paeth(int left, int up, int corner) {
  const int estimate = left + up - corner;
  const int l = abs(estimate - left), u = abs(estimate - up), c = abs(estimate - corner);
  return l <= u && l <= c ? left : u <= c ? up : corner;
}

/* Order-0 entropy of the cell's pixels less PNG's Paeth prediction, in bits. */
static double measure_detail(const image *in, const uint8_t *mask, const image_cell *cell) {
  size_t histogram[3][256] = {{0}};
  double count = 0, bits = 0;
  const size_t width = (size_t)in->width;
  for (int y = cell->top > 0 ? cell->top : 1; y < cell->top + cell->height; y++)
    for (int x = cell->left > 0 ? cell->left : 1; x < cell->left + cell->width; x++) {
      const size_t at = (size_t)y * width + (size_t)x;
      if (!mask[at]) continue;
      const uint8_t *here = in->rgb + 3 * at, *up = here - 3 * width;
      for (int c = 0; c < 3; c++)
        histogram[c][(here[c] - paeth(here[c - 3], up[c], up[c - 3])) & 255]++;
      count++;
    }
  for (int c = 0; c < 3; c++)
    for (int v = 0; v < 256; v++) {
      const double n = (double)histogram[c][v];
      if (n > 0) bits -= n * log2(n / count);
    }
  return bits;
}

static leuko_status look_at(const audit *a, size_t i, fingerprint *print,
                            const fingerprint_tables *tables) {
  audit_cell *c = &a->cells[i];
  char path[PATH_MAX];
  leuko_status status = dataset_sample_file(a->d, i, path, sizeof path, NULL);
  file_map map = {0};
  if (status == LEUKO_OK) status = file_map_open(path, MAX_FILE_BYTES, &map, NULL);
  if (status != LEUKO_OK) return status;
  image picture = {0};
  uint8_t *mask = NULL;
  status = image_decode(map.data, map.size, NULL, &picture, NULL);
  c->bytes = map.size;
  encoding_describe(map.data, map.size, a->d->samples[i].format, c->encoding);
  if (status == LEUKO_OK && !(mask = malloc((size_t)picture.width * (size_t)picture.height)))
    status = LEUKO_NO_MEMORY;
  if (status == LEUKO_OK) status = image_mask(&picture, mask, &c->cell, NULL);
  if (status == LEUKO_OK) status = fingerprint_make(tables, &picture, mask, &c->cell, print, NULL);
  if (status == LEUKO_OK) {
    c->usable = true;
    c->width = picture.width;
    c->height = picture.height;
    c->background = look_behind(&picture, mask, &c->cell);
    c->blocks = look_for_blocks(&picture, mask, &c->cell);
    c->detail = measure_detail(&picture, mask, &c->cell);
  }
  free(mask);
  image_free(&picture);
  file_unmap(&map);
  return status;
}

leuko_status audit_read_cells(audit *a, fingerprint *prints, const fingerprint_tables *tables,
                              int threads, const progress *p, leuko_error *error) {
  static const char phase[] = "looking at cells";
  const dataset *d = a->d;
  atomic_size_t done = 0;
  atomic_int failure = LEUKO_OK;
#pragma omp parallel for schedule(dynamic, 4) num_threads(threads_count(threads))
  for (size_t i = 0; i < d->count; i++) {
    if (atomic_load(&failure) != LEUKO_OK) continue;
    leuko_status status = LEUKO_OK;
    if (d->samples[i].status == LEUKO_OK) status = look_at(a, i, &prints[i], tables);
    const size_t reached = atomic_fetch_add(&done, 1) + 1;
    /* A file that has changed since the scan is left out; only want of memory ends it all. */
    if (status != LEUKO_NO_MEMORY) status = LEUKO_OK;
    /* The callback belongs to the calling thread, which is the team's first. */
    if (omp_get_thread_num() == 0 && reached < d->count &&
        progress_report(p, phase, reached, d->count, NULL))
      status = LEUKO_INTERRUPTED;
    if (status != LEUKO_OK) atomic_store(&failure, (int)status);
  }
  leuko_status status = (leuko_status)atomic_load(&failure);
  if (status == LEUKO_OK && progress_report(p, phase, d->count, d->count, NULL))
    status = LEUKO_INTERRUPTED;
  if (status != LEUKO_OK)
    return error_set(error, status, d->root, NULL, "%s while %s", leuko_status_message(status),
                     phase);
  for (size_t i = 0; i < d->count; i++) a->usable += a->cells[i].usable;
  if (a->usable == 0)
    return error_set(error, LEUKO_NO_DATA, d->root, NULL, "no image here can be read");
  return LEUKO_OK;
}

static double measure_of(const audit_cell *c, audit_measure measure) {
  switch (measure) {
  case AUDIT_AREA:
    return log((double)c->cell.area);
  case AUDIT_SHARPNESS:
    return log(c->cell.sharpness + 0.01);
  case AUDIT_RED:
  case AUDIT_GREEN:
  case AUDIT_BLUE:
    return c->cell.mean[measure - AUDIT_RED];
  default:
    return c->cell.saturation;
  }
}

/* Median of numbers [count], which are sorted; 0 of none. */
static double median_of(double *numbers, size_t count) {
  if (count == 0) return 0;
  sort_doubles(numbers, count);
  return (numbers[(count - 1) / 2] + numbers[count / 2]) / 2;
}

/* 1.4826 times the median distance from the median: the standard deviation of a normal
 * distribution. Where more than half are equal, 1.2533 times the mean distance. */
static double spread_of(double *numbers, size_t count, double median) {
  double sum = 0;
  for (size_t i = 0; i < count; i++) {
    numbers[i] = fabs(numbers[i] - median);
    sum += numbers[i];
  }
  const double middle = median_of(numbers, count);
  if (middle > 0) return 1.4826 * middle;
  return count ? 1.2533 * sum / (double)count : 0;
}

static void flag_cell(audit_cell *c, bool mostly_cut_out) {
  const image_cell *k = &c->cell;
  if (mostly_cut_out && !k->cut_out) c->flags |= AUDIT_NOT_CUT_OUT;
  if (k->area == 0) {
    c->flags |= AUDIT_NO_CELL;
    return;
  }
  if (k->parts > 1) c->flags |= AUDIT_SEVERAL;
  if (k->on_border > 0) c->flags |= AUDIT_ON_BORDER;
  if (fabs(c->z[AUDIT_AREA]) > AUDIT_OUTLIER) c->flags |= AUDIT_ODD_SIZE;
  if (c->z[AUDIT_SHARPNESS] < -AUDIT_OUTLIER) c->flags |= AUDIT_BLURRED;
  if (k->clipped > AUDIT_CLIPPED) c->flags |= AUDIT_OVEREXPOSED;
  for (int m = AUDIT_RED; m <= AUDIT_SATURATION; m++)
    if (fabs(c->z[m]) > AUDIT_OUTLIER) c->flags |= AUDIT_ODD_COLOUR;
}

leuko_status audit_mark_cells(audit *a, leuko_error *error) {
  const size_t count = a->d->count;
  double *numbers = malloc((count + 1) * sizeof *numbers);
  if (!numbers) return error_set_memory(error, (count + 1) * sizeof *numbers);
  for (int m = 0; m < AUDIT_MEASURES; m++) {
    size_t n = 0;
    for (size_t i = 0; i < count; i++)
      if (a->cells[i].cell.area > 0) numbers[n++] = measure_of(&a->cells[i], (audit_measure)m);
    a->median[m] = median_of(numbers, n);
    a->spread[m] = spread_of(numbers, n, a->median[m]);
  }
  free(numbers);
  size_t cut_out = 0;
  for (size_t i = 0; i < count; i++) cut_out += a->cells[i].cell.cut_out;
  for (size_t i = 0; i < count; i++) {
    audit_cell *c = &a->cells[i];
    if (!c->usable) continue;
    for (int m = 0; m < AUDIT_MEASURES; m++) {
      const double away = measure_of(c, (audit_measure)m) - a->median[m];
      c->z[m] = c->cell.area == 0 ? NAN : a->spread[m] > 0 ? away / a->spread[m] : 0;
    }
    flag_cell(c, 2 * cut_out > a->usable);
    for (int f = 0; f < AUDIT_FLAGS; f++) a->flagged[f] += c->flags >> f & 1;
  }
  return LEUKO_OK;
}

const char *audit_flag_name(int index) {
  static const char *const names[AUDIT_FLAGS] = {"no cell",    "several pieces", "on the border",
                                                 "odd size",   "blurred",        "overexposed",
                                                 "odd colour", "not cut out"};
  return names[index];
}

const char *audit_measure_name(audit_measure measure) {
  static const char *const names[AUDIT_MEASURES] = {"area",  "sharpness", "red",
                                                    "green", "blue",      "saturation"};
  return names[measure];
}
