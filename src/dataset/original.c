#include "dataset/original.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/hash.h"

#define FILE_HEADER 14
#define INFO_HEADER 40
#define V5_HEADER 124

/* What differs between the kinds. */
typedef struct {
  uint32_t info_size;        /* of the header behind the file header */
  uint32_t pixels_per_metre; /* 3779 is 96 dots an inch */
} kind;

static const kind kinds[] = {
    {INFO_HEADER, 3779}, /* training part, 450x450 */
    {V5_HEADER, 3779},   /* preliminary phase, 450x450 */
    {INFO_HEADER, 0},    /* final phase, 600x600 */
};

/* The rest of the version 5 header, from offset 54 of the file on: red, green, blue and alpha
 * masks, the colour space "sRGB" (stored backwards) with its end points, no gamma, and the
 * intent 4. */
static const uint8_t v5_rest[V5_HEADER - INFO_HEADER] = {
    0x00, 0x00, 0xff, 0x00, 0x00, 0xff, 0x00, 0x00, 0xff, 0x00, 0x00, 0x00, 0x00, 0x00,
    0x00, 0xff, 0x42, 0x47, 0x52, 0x73, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
    0x54, 0xb8, 0x1e, 0xfc, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x66, 0x66,
    0x66, 0xfc, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0xc4, 0xf5, 0x28, 0xff,
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x04};

static void put16(uint8_t *at, uint32_t value) {
  at[0] = (uint8_t)value;
  at[1] = (uint8_t)(value >> 8);
}

static void put32(uint8_t *at, uint32_t value) {
  put16(at, value & 0xffff);
  put16(at + 2, value >> 16);
}

static void put_headers(uint8_t *file, const image *picture, const kind *k, size_t size,
                        size_t pixels) {
  uint32_t offset = FILE_HEADER + k->info_size;
  memcpy(file, "BM", 2);
  put32(file + 2, (uint32_t)size);
  put32(file + 10, offset);
  put32(file + 14, k->info_size);
  put32(file + 18, (uint32_t)picture->width);
  put32(file + 22, (uint32_t)picture->height);
  put16(file + 26, 1);  /* planes */
  put16(file + 28, 24); /* bits a pixel */
  put32(file + 34, (uint32_t)pixels);
  put32(file + 38, k->pixels_per_metre);
  put32(file + 42, k->pixels_per_metre);
  if (k->info_size == V5_HEADER) memcpy(file + 54, v5_rest, sizeof v5_rest);
}

leuko_status original_has_hash(const image *picture, uint64_t bytes, const char *sha256,
                               bool *equal, leuko_error *error) {
  *equal = false;
  size_t width = (size_t)picture->width, height = (size_t)picture->height;
  size_t stride = (3 * width + 3) / 4 * 4, pixels = stride * height;
  uint8_t *file = NULL;
  leuko_status status = LEUKO_OK;
  for (size_t i = 0; status == LEUKO_OK && !*equal && i < sizeof kinds / sizeof *kinds; i++) {
    size_t offset = FILE_HEADER + kinds[i].info_size, size = offset + pixels;
    if (size != bytes || size > UINT32_MAX) continue;
    if (!file && !(file = calloc(FILE_HEADER + V5_HEADER + pixels, 1)))
      return error_set_memory(error, FILE_HEADER + V5_HEADER + pixels);
    memset(file, 0, offset);
    put_headers(file, picture, &kinds[i], size, pixels);
    for (size_t y = 0; y < height; y++) { /* bottom row first, blue first, rows padded with 0 */
      const uint8_t *in = picture->rgb + (height - 1 - y) * 3 * width;
      uint8_t *out = file + offset + y * stride;
      for (size_t x = 0; x < width; x++) {
        out[3 * x] = in[3 * x + 2];
        out[3 * x + 1] = in[3 * x + 1];
        out[3 * x + 2] = in[3 * x];
      }
      memset(out + 3 * width, 0, stride - 3 * width);
    }
    char hex[HASH_HEX];
    status = hash_bytes(file, size, hex, error);
    *equal = status == LEUKO_OK && strcmp(hex, sha256) == 0;
  }
  free(file);
  return status;
}
