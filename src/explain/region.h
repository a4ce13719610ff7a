/* Where a map lies on the picture that it explains. */
#ifndef EXPLAIN_REGION_H
#define EXPLAIN_REGION_H

#include "explain/explain.h"

/* The part of a picture that a network is given, in pixels; it may reach beyond the picture. */
typedef struct {
  double left, top, width, height;
} explain_region;

/* As image_prepare cuts it out. */
explain_region explain_region_of(const image *picture, int crop);

/* The map's value at a point of the region, each coordinate from 0 to 1: bilinear between its
 * places, beyond the outer ones as on them. */
double explain_value(const explain_map *map, double x, double y);

/* A cell's mask [picture's height][width] (image_mask) as seen by a network of `size` pixels, into
 * out [size][size]. */
void explain_mask(const image *picture, const uint8_t *mask, explain_region region, int size,
                  uint8_t *out);

/* How much of what speaks for the class lies on the cell: of the map's positive values, over the
 * mask [size][size]; and for comparison the cell's share of the area. NaN where the map has none.
 */
typedef struct {
  double inside, area;
} explain_share;
explain_share explain_share_of(const explain_map *map, const uint8_t *mask, int size);

#endif
