/* How an image file is written, beyond its format: what tells re-encoded files from others. */
#ifndef AUDIT_ENCODING_H
#define AUDIT_ENCODING_H

#include <stddef.h>
#include <stdint.h>

#define ENCODING_LENGTH 64

/* Describes the file in memory into `out`: "jpeg, quality 92, 4:2:0", "png, 8 bits, type 2",
 * "bmp, 24 bits, header 40"; else only `format`. Reads headers only and trusts none of them. */
void encoding_describe(const uint8_t *bytes, size_t size, const char *format,
                       char out[ENCODING_LENGTH]);

#endif
