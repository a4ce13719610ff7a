/* From a decoded picture to the square that a network looks at. */
#ifndef IMAGE_RESIZE_H
#define IMAGE_RESIZE_H

#include "image/decode.h"

/* Resizes all of `in` to out [height][width][3] as Pillow's Image.resize((width, height), BILINEAR)
 * does: a triangle filter, widened to the scale when shrinking, horizontally and then vertically,
 * in fixed point with rounding to 8 bits in between.
 * Errors: ARGUMENT (a size that is not 1 .. 65536), NO_MEMORY. */
leuko_status image_resize(const image *in, int width, int height, uint8_t *out, leuko_error *error);

/* Crops the central crop x crop pixels (black beyond the border where the picture is smaller; 0:
 * all of it, whatever its shape) and resizes them to out [size][size][3]. Errors: ARGUMENT,
 * TOO_LARGE (a crop of more than IMAGE_MAX_PIXELS), NO_MEMORY. */
leuko_status image_prepare(const image *in, int crop, int size, uint8_t *out, leuko_error *error);

#endif
