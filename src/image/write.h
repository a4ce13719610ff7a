/* RGB pixels into image files. */
#ifndef IMAGE_WRITE_H
#define IMAGE_WRITE_H

#include "image/decode.h"

typedef enum { IMAGE_BMP, IMAGE_PNG, IMAGE_TIFF, IMAGE_WEBP } image_format;

/* Encodes `picture` into *bytes [*size], which the caller frees. Every format keeps all pixels.
 * Errors: ARGUMENT, NO_MEMORY, BACKEND (the encoder). */
leuko_status image_encode(const image *picture, image_format format, uint8_t **bytes, size_t *size,
                          leuko_error *error);

/* Encodes `picture` as JPEG, with loss, quality 1 .. 100, into *bytes [*size], which the caller
 * frees. Errors: NO_MEMORY, BACKEND. */
leuko_status image_encode_jpeg(const image *picture, int quality, uint8_t **bytes, size_t *size,
                               leuko_error *error);

/* Writes `picture` to `path`, whole or not at all.
 * Errors: those of image_encode and of writing. */
leuko_status image_write(const char *path, const image *picture, image_format format,
                         leuko_error *error);

#endif
