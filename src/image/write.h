/* RGB pixels into image files without loss. */
#ifndef IMAGE_WRITE_H
#define IMAGE_WRITE_H

#include "image/decode.h"

typedef enum { IMAGE_BMP, IMAGE_PNG, IMAGE_TIFF, IMAGE_WEBP } image_format;

/* Writes `picture` to `path`, whole or not at all. Every format keeps all pixels.
 * Errors: ARGUMENT, NO_MEMORY, BACKEND (the encoder), those of writing. */
leuko_status image_write(const char *path, const image *picture, image_format format,
                         leuko_error *error);

#endif
