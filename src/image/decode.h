/* Image files into RGB pixels: BMP, PNG, JPEG, TIFF, WebP, whatever their names say. */
#ifndef IMAGE_DECODE_H
#define IMAGE_DECODE_H

#include "leuko.h"

#define IMAGE_MIN_SIDE 8                     /* pixels */
#define IMAGE_MAX_PIXELS ((size_t)100000000) /* width x height */

/* A picture of 8 bits a channel. */
typedef struct {
  int width, height;
  uint8_t *rgb; /* [height][width][3], owned: image_free */
} image;

/* Decodes a file held in memory. Grey values and palettes become RGB, 16 bits a channel their upper
 * 8; what is transparent is seen on black, the background of the data set's cells. Sizes are read
 * from the header and checked before anything is allocated. `file` only names the source in `error`
 * and may be NULL. On failure `out` is zeroed. Nothing is ever written to stderr. Errors: EMPTY,
 * NOT_AN_IMAGE, CORRUPT_IMAGE (also where pixels are missing at the end), TOO_SMALL (a side under
 * IMAGE_MIN_SIDE), TOO_LARGE (over IMAGE_MAX_PIXELS), NO_MEMORY. */
leuko_status image_decode(const uint8_t *bytes, size_t size, const char *file, image *out,
                          leuko_error *error);

/* Reads and decodes a file. `sha256` [65] (may be NULL) receives the hash of its bytes in
 * hexadecimal, also where they cannot be decoded; "" where they cannot be read.
 * Errors: those of file_map_open and of image_decode, BACKEND from hashing. */
leuko_status image_read(const char *path, image *out, char *sha256, leuko_error *error);

/* Frees the pixels and zeroes the structure; a zeroed one is fine. */
void image_free(image *picture);

/* SHA-256 in hexadecimal over width and height (32 bits each, little endian) and the pixels: equal
 * for files of any format that show the same pixels. Errors: NO_MEMORY, BACKEND. */
leuko_status image_pixel_hash(const image *picture, char hex[65], leuko_error *error);

#endif
