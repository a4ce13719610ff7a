/* Where in a picture the cell is, and a few simple measures of it. */
#ifndef IMAGE_MASK_H
#define IMAGE_MASK_H

#include <stdbool.h>

#include "image/decode.h"

typedef struct {
  bool cut_out; /* the background is black, as around the cells of C-NMC */
  size_t area;  /* pixels of the cell, its holes filled; 0: no cell was found */
  size_t parts; /* pieces that are not black (or are stained): 1 for a single cell; pieces under a
                   twentieth of the largest are not counted */
  int left, top, width, height; /* smallest box around the cell, pixels; 0 without one */
  double x, y;                  /* centre of gravity, pixels from the left and the top */
  size_t on_border;             /* pixels of the cell that lie on the picture's border */
  double mean[3], deviation[3]; /* of red, green, blue over the cell, 0 .. 255 */
  double saturation;            /* mean of (max - min) / max of a pixel's channels, 0 .. 1 */
  double clipped;               /* share of the cell's pixels with a channel at 255 */
  double sharpness;             /* variance of the Laplacian of the grey values, two pixels and more
                                   within the cell's edge; low where it is blurred */
} image_cell;

/* Finds the cell: on black what is not black, elsewhere what is stained (Otsu's threshold on the
 * span of a pixel's channels); of several pieces the largest, with its holes filled. `mask`
 * [height][width] receives 1 where the cell is, else 0 (all 0 if none is found, which is no error);
 * `cell` (may be NULL) the measures, zero without a cell. Errors: NO_MEMORY. */
leuko_status image_mask(const image *in, uint8_t *mask, image_cell *cell, leuko_error *error);

#endif
