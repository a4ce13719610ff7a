/* What cells look like, as far as simple measures tell: the range of each measure over known cells,
 * and why a picture outside is none. */
#ifndef IMAGE_ENVELOPE_H
#define IMAGE_ENVELOPE_H

#include <stdbool.h>

#include "leuko.h"

/* Name, what a value below the range means, what one above it means. Looked at in this order. */
#define IMAGE_MEASURE_MAP(X)                                                                       \
  X(CUT_OUT, "cut_out", BACKGROUND, NONE)                                                          \
  X(PARTS, "parts", NO_CELL, SEVERAL)                                                              \
  X(AREA, "area", SMALL, LARGE)                                                                    \
  X(BORDER, "border", NONE, BORDER)                                                                \
  X(ASPECT, "aspect", SHAPE, NONE)                                                                 \
  X(FILL, "fill", SHAPE, SHAPE)                                                                    \
  X(SHARPNESS, "sharpness", BLURRED, GRAINY)                                                       \
  X(LIGHTNESS, "lightness", COLOUR, COLOUR)                                                        \
  X(GREEN_RED, "green_red", COLOUR, COLOUR)                                                        \
  X(BLUE_YELLOW, "blue_yellow", COLOUR, COLOUR)

typedef enum {
#define IMAGE_MEASURE_ENUM(name, text, below, above) IMAGE_##name,
  IMAGE_MEASURE_MAP(IMAGE_MEASURE_ENUM)
#undef IMAGE_MEASURE_ENUM
      IMAGE_MEASURES
} image_measure_kind;

/* "cut_out", ...; a constant string. */
const char *image_measure_name(image_measure_kind kind);

/* Measures the cell of a square picture [size][size][3] as image_mask finds it, into out
 * [IMAGE_MEASURES]: whether the background is black (0 or 1); number of pieces; log of the
 * cell's share of the picture; share of the picture's border that it lies on; shorter by longer
 * side of its box; share of the box that it fills; log of the sharpness plus 0.01; L*, a*, b* of
 * its mean colour. Without a cell parts is 0 and everything behind it NaN. Errors: NO_MEMORY. */
leuko_status image_measure(const uint8_t *pixels, int size, double *out, leuko_error *error);

typedef struct {
  double low[IMAGE_MEASURES], high[IMAGE_MEASURES];
} image_envelope;

/* The envelope of cells [count][IMAGE_MEASURES]: of each measure the range without the outermost
 * thousandth on either side, `margin` times its width wider on both. Cells without a cell in them
 * are left out. Errors: NO_DATA (none is left), NO_MEMORY. */
leuko_status image_envelope_fit(const double *measures, size_t count, double margin,
                                image_envelope *out, leuko_error *error);

/* Why measures [IMAGE_MEASURES] lie outside; LEUKO_REASON_NONE if they do not. */
leuko_reason image_envelope_check(const image_envelope *envelope, const double *measures);

#endif
