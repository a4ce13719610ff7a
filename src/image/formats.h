/* The readers behind image_decode, one a format. Each takes bytes that begin like a file of its
 * format, and on success fills `out` with pixels that image_decode's caller owns. */
#ifndef IMAGE_FORMATS_H
#define IMAGE_FORMATS_H

#include "image/decode.h"

typedef struct {
  const uint8_t *bytes;
  size_t size;
  const char *file; /* for errors; may be NULL */
} image_source;

/* Checks the sides that a header declares, before anything is allocated for them.
 * Errors: CORRUPT_IMAGE (no pixels at all), TOO_SMALL, TOO_LARGE. */
leuko_status image_check_sides(const image_source *source, int64_t width, int64_t height,
                               leuko_error *error);
/* The same, then allocates the pixels. Errors: also NO_MEMORY. */
leuko_status image_allocate(const image_source *source, int64_t width, int64_t height, image *out,
                            leuko_error *error);

/* CORRUPT_IMAGE with a reason and the usual remedy. */
leuko_status image_damaged(const image_source *source, const char *reason, leuko_error *error);
/* NOT_AN_IMAGE for a variant of the format that is not read. */
leuko_status image_unsupported(const image_source *source, const char *reason, leuko_error *error);

leuko_status image_decode_bmp(const image_source *source, image *out, leuko_error *error);
leuko_status image_decode_jpeg(const image_source *source, image *out, leuko_error *error);
leuko_status image_decode_png(const image_source *source, image *out, leuko_error *error);
leuko_status image_decode_tiff(const image_source *source, image *out, leuko_error *error);
leuko_status image_decode_webp(const image_source *source, image *out, leuko_error *error);

#endif
