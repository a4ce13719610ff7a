/* A picture of a cell beside what explains its answer. */
#ifndef EXPLAIN_OVERLAY_H
#define EXPLAIN_OVERLAY_H

#include "explain/region.h"

/* What an overlay shows of a picture, `side` pixels square: the part within (left, top) and
 * `length` pixels further, black where that is beyond the picture. */
typedef struct {
  int left, top, length, side;
} explain_view;

/* Paints the map over the view of a picture that is grey there, into out [side][side][3]: yellow to
 * red what speaks for the class, blue what speaks against it, the more opaque the more it does; the
 * picture shows through where the map is 0 and beyond the region. `strongest` is the value of full
 * strength. Errors: NO_MEMORY. */
leuko_status explain_paint(const image *picture, explain_region region, const explain_map *map,
                           double strongest, explain_view view, uint8_t *out, leuko_error *error);

/* The value that is painted at full strength: the largest by amount; of integrated gradients, which
 * single pixels dominate, that below which 99 % of those are that are not 0. 0 for an empty map.
 * Errors: NO_MEMORY. */
leuko_status explain_strongest(const explain_map *map, double *out, leuko_error *error);

/* The whole as one picture: the cell with a frame around what the network sees, then for each of
 * the maps [count] the cell under it, with the outline of `mask` [height][width] and a scale.
 * `head` stands above (ASCII). *out is owned by the caller (image_free). Errors: NO_MEMORY. */
leuko_status explain_overlay(const image *picture, const uint8_t *mask, explain_region region,
                             const explain_map *maps, size_t count, const char *head, image *out,
                             leuko_error *error);

#endif
