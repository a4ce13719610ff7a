/* Text on a picture. */
#ifndef IMAGE_LABEL_H
#define IMAGE_LABEL_H

#include "image/decode.h"

/* Of one line, in pixels. */
#define IMAGE_LABEL_HEIGHT 18

/* Writes a line of ASCII text in `colour` (RGB), its upper left corner at (x, y); what does not fit
 * is cut off. Errors: NO_MEMORY. */
leuko_status image_label(image *picture, int x, int y, const char *text, const uint8_t colour[3],
                         leuko_error *error);
/* The width of a line, pixels. Errors: NO_MEMORY. */
leuko_status image_label_width(const char *text, int *out, leuko_error *error);

#endif
