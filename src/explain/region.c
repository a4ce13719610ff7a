#include "explain/region.h"

#include <math.h>

explain_region explain_region_of(const image *picture, int crop) {
  if (crop == 0) return (explain_region){0, 0, picture->width, picture->height};
  /* Towards zero: pixels left of the window, or black ones before the picture. */
  const int left = (picture->width - crop) / 2, top = (picture->height - crop) / 2;
  return (explain_region){left, top, crop, crop};
}

/* The two places around a coordinate and how far it is from the first to the second. */
static double around(const explain_map *map, double at, int *first, int *second) {
  const double place = fmin(fmax((at - map->first) / map->step, 0), map->side - 1);
  *first = (int)place;
  *second = *first + 1 < map->side ? *first + 1 : *first;
  return place - *first;
}

double explain_value(const explain_map *map, double x, double y) {
  int left, right, top, bottom;
  const double across = around(map, x, &left, &right), down = around(map, y, &top, &bottom);
  const float *above = map->values + (size_t)top * (size_t)map->side;
  const float *below = map->values + (size_t)bottom * (size_t)map->side;
  return (1 - down) * ((1 - across) * (double)above[left] + across * (double)above[right]) +
         down * ((1 - across) * (double)below[left] + across * (double)below[right]);
}

void explain_mask(const image *picture, const uint8_t *mask, explain_region region, int size,
                  uint8_t *out) {
  for (int i = 0; i < size; i++)
    for (int j = 0; j < size; j++) {
      const int x = (int)floor(region.left + (j + 0.5) / size * region.width);
      const int y = (int)floor(region.top + (i + 0.5) / size * region.height);
      const bool within = x >= 0 && y >= 0 && x < picture->width && y < picture->height;
      out[(size_t)i * (size_t)size + (size_t)j] =
          within ? mask[(size_t)y * (size_t)picture->width + (size_t)x] : 0;
    }
}

explain_share explain_share_of(const explain_map *map, const uint8_t *mask, int size) {
  double all = 0, inside = 0;
  size_t area = 0, at = 0;
  for (int i = 0; i < size; i++)
    for (int j = 0; j < size; j++, at++) {
      const double value = fmax(explain_value(map, (j + 0.5) / size, (i + 0.5) / size), 0);
      all += value;
      if (!mask[at]) continue;
      inside += value;
      area++;
    }
  return (explain_share){all > 0 ? inside / all : NAN, (double)area / (double)at};
}
