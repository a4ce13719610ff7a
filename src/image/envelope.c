#include "image/envelope.h"

#include <math.h>
#include <stdlib.h>

#include "base/error.h"
#include "base/sort.h"
#include "image/lab.h"
#include "image/mask.h"

#define OUTERMOST 1000 /* one cell of so many is left out on either side */

static const struct {
  const char *name;
  leuko_reason below, above;
} kinds[IMAGE_MEASURES] = {
#define IMAGE_MEASURE_KIND(name, text, below, above)                                               \
  {text, LEUKO_REASON_##below, LEUKO_REASON_##above},
    IMAGE_MEASURE_MAP(IMAGE_MEASURE_KIND)
#undef IMAGE_MEASURE_KIND
};

const char *image_measure_name(image_measure_kind kind) {
  return kinds[kind].name;
}

static void measure_colour(const double mean[3], double lab[3]) {
  double linear[256];
  uint8_t rgb[3];
  lab_linear(linear);
  for (int c = 0; c < 3; c++) rgb[c] = (uint8_t)(mean[c] + 0.5);
  lab_from_rgb(linear, rgb, lab);
}

leuko_status image_measure(const uint8_t *pixels, int size, double *out, leuko_error *error) {
  image picture = {size, size, (uint8_t *)(uintptr_t)pixels};
  const size_t all = (size_t)size * (size_t)size;
  uint8_t *mask = malloc(all);
  if (!mask) return error_set_memory(error, all);
  image_cell cell;
  leuko_status status = image_mask(&picture, mask, &cell, error);
  free(mask);
  if (status != LEUKO_OK) return status;
  for (int m = 0; m < IMAGE_MEASURES; m++) out[m] = NAN;
  out[IMAGE_CUT_OUT] = cell.cut_out;
  out[IMAGE_PARTS] = cell.area > 0 ? (double)cell.parts : 0;
  if (cell.area == 0) return LEUKO_OK;
  const double width = cell.width, height = cell.height;
  out[IMAGE_AREA] = log((double)cell.area / (double)all);
  out[IMAGE_BORDER] = (double)cell.on_border / (4.0 * size - 4);
  out[IMAGE_ASPECT] = width < height ? width / height : height / width;
  out[IMAGE_FILL] = (double)cell.area / (width * height);
  out[IMAGE_SHARPNESS] = log(cell.sharpness + 0.01);
  measure_colour(cell.mean, out + IMAGE_LIGHTNESS);
  return LEUKO_OK;
}

leuko_status image_envelope_fit(const double *measures, size_t count, double margin,
                                image_envelope *out, leuko_error *error) {
  *out = (image_envelope){0};
  double *values = malloc((count + 1) * sizeof *values);
  if (!values) return error_set_memory(error, (count + 1) * sizeof *values);
  size_t n = 0;
  for (int m = 0; m < IMAGE_MEASURES; m++) {
    n = 0;
    for (size_t i = 0; i < count; i++) {
      const double *row = measures + i * IMAGE_MEASURES;
      if (row[IMAGE_PARTS] > 0) values[n++] = row[m];
    }
    if (n == 0) break;
    sort_doubles(values, n);
    const size_t left_out = n / OUTERMOST;
    const double low = values[left_out], high = values[n - 1 - left_out];
    out->low[m] = low - margin * (high - low);
    out->high[m] = high + margin * (high - low);
  }
  free(values);
  return n > 0 ? LEUKO_OK
               : error_set(error, LEUKO_NO_DATA, NULL, NULL, "no cell is found in any picture");
}

leuko_reason image_envelope_check(const image_envelope *envelope, const double *measures) {
  for (int m = 0; m < IMAGE_MEASURES; m++) {
    if (measures[m] < envelope->low[m] && kinds[m].below) return kinds[m].below;
    if (measures[m] > envelope->high[m] && kinds[m].above) return kinds[m].above;
  }
  return LEUKO_REASON_NONE;
}
