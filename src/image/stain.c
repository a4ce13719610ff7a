#include "image/stain.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "image/lab.h"
#include "image/mask.h"

#define LEAST_DEVIATION 0.01

static const char *const names[] = {[STAIN_AS_IS] = "none", [STAIN_REINHARD] = "reinhard"};

const char *stain_name(stain_method method) {
  return names[method];
}

bool stain_parse(const char *name, stain_method *out) {
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    if (strcmp(name, names[i]) == 0) {
      *out = (stain_method)i;
      return true;
    }
  return false;
}

bool stain_same(const stain *a, const stain *b) {
  bool same = a->method == b->method;
  for (int c = 0; same && a->method != STAIN_AS_IS && c < 3; c++)
    same =
        a->target.mean[c] == b->target.mean[c] && a->target.deviation[c] == b->target.deviation[c];
  return same;
}

static leuko_status find_cell(const uint8_t *pixels, int size, uint8_t **mask, image_cell *cell,
                              leuko_error *error) {
  const size_t count = (size_t)size * (size_t)size;
  *mask = malloc(count);
  if (!*mask) return error_set_memory(error, count);
  /* It only reads. */
  const image picture = {size, size, (uint8_t *)(uintptr_t)pixels};
  leuko_status status = image_mask(&picture, *mask, cell, error);
  if (status == LEUKO_OK) return LEUKO_OK;
  free(*mask);
  *mask = NULL;
  return status;
}

static stain_look look_of(const double linear[256], const uint8_t *pixels, const uint8_t *mask,
                          size_t count, size_t area) {
  /* Relative to the first pixel, which keeps the squares' sum exact enough. */
  double first[3] = {0}, sum[3] = {0}, squares[3] = {0};
  size_t seen = 0;
  for (size_t i = 0; i < count; i++) {
    if (!mask[i]) continue;
    double lab[3];
    lab_from_rgb(linear, pixels + 3 * i, lab);
    for (int c = 0; c < 3; c++) {
      if (seen == 0) first[c] = lab[c];
      const double d = lab[c] - first[c];
      sum[c] += d;
      squares[c] += d * d;
    }
    seen++;
  }
  stain_look out;
  const double n = (double)area;
  for (int c = 0; c < 3; c++) {
    out.mean[c] = first[c] + sum[c] / n;
    out.deviation[c] = sqrt(fmax(0, squares[c] / n - sum[c] / n * (sum[c] / n)));
  }
  return out;
}

leuko_status stain_measure(const uint8_t *pixels, int size, stain_look *out, bool *found,
                           leuko_error *error) {
  *out = (stain_look){0};
  *found = false;
  uint8_t *mask;
  image_cell cell;
  leuko_status status = find_cell(pixels, size, &mask, &cell, error);
  if (status != LEUKO_OK) return status;
  if (cell.area > 0) {
    double linear[256];
    lab_linear(linear);
    *out = look_of(linear, pixels, mask, (size_t)size * (size_t)size, cell.area);
    *found = true;
  }
  free(mask);
  return LEUKO_OK;
}

leuko_status stain_apply(const stain *s, int size, uint8_t *pixels, leuko_error *error) {
  if (s->method == STAIN_AS_IS) return LEUKO_OK;
  uint8_t *mask;
  image_cell cell;
  leuko_status status = find_cell(pixels, size, &mask, &cell, error);
  if (status != LEUKO_OK) return status;
  if (cell.area > 0) {
    const size_t count = (size_t)size * (size_t)size;
    double linear[256], factor[3];
    lab_linear(linear);
    const stain_look own = look_of(linear, pixels, mask, count, cell.area);
    for (int c = 0; c < 3; c++)
      factor[c] =
          own.deviation[c] < LEAST_DEVIATION ? 1 : s->target.deviation[c] / own.deviation[c];
    for (size_t i = 0; i < count; i++) {
      if (cell.cut_out && !mask[i]) continue;
      double lab[3];
      lab_from_rgb(linear, pixels + 3 * i, lab);
      for (int c = 0; c < 3; c++) lab[c] = (lab[c] - own.mean[c]) * factor[c] + s->target.mean[c];
      lab_to_rgb(lab, pixels + 3 * i);
    }
  }
  free(mask);
  return LEUKO_OK;
}
