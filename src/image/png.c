/* PNG through leptonica. Its libpng reports damage and oddities of all kinds on stderr; therefore
 * the file is checked here first and goes on with nothing but what makes the pixels. */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "image/leptonica.h"

#define SIGNATURE 8
#define FRAME 12 /* length, type and check sum around a chunk's data */
#define HEADER_DATA 13

static uint32_t big32(const uint8_t *p) {
  return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/* CRC-32 of ISO 3309, half a byte at a time. */
static uint32_t check_sum(const uint8_t *bytes, size_t size) {
  static const uint32_t table[16] = {0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac,
                                     0x76dc4190, 0x6b6b51f4, 0x4db26158, 0x5005713c,
                                     0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c,
                                     0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c};
  uint32_t crc = 0xffffffff;
  for (size_t i = 0; i < size; i++) {
    crc ^= bytes[i];
    crc = crc >> 4 ^ table[crc & 15];
    crc = crc >> 4 ^ table[crc & 15];
  }
  return ~crc;
}

/* Copies the signature and the chunks that make the pixels to `kept` [source->size]. Transparency
 * is not among them: leptonica would show the stored colors of some files as black. */
static leuko_status keep_pixels(const image_source *source, uint8_t *kept, size_t *kept_size,
                                leuko_error *error) {
  memcpy(kept, source->bytes, SIGNATURE);
  size_t at = SIGNATURE, used = SIGNATURE;
  bool data = false;
  for (;;) {
    const uint8_t *chunk = source->bytes + at;
    size_t left = source->size - at;
    if (left < FRAME || big32(chunk) > left - FRAME)
      return image_damaged(source, "the PNG file is cut off", error);
    size_t size = big32(chunk);
    const uint8_t *type = chunk + 4;
    if (big32(chunk + 8 + size) != check_sum(type, size + 4))
      return image_damaged(source, "a check sum in the PNG file is wrong", error);
    bool end = memcmp(type, "IEND", 4) == 0, pixels = memcmp(type, "IDAT", 4) == 0;
    if (end || pixels || memcmp(type, "IHDR", 4) == 0 || memcmp(type, "PLTE", 4) == 0) {
      memcpy(kept + used, chunk, size + FRAME);
      used += size + FRAME;
    }
    data |= pixels;
    if (end) break;
    at += size + FRAME;
  }
  *kept_size = used;
  return data ? LEUKO_OK : image_damaged(source, "the PNG file has no pixels", error);
}

leuko_status image_decode_png(const image_source *source, image *out, leuko_error *error) {
  const uint8_t *header = source->bytes + SIGNATURE;
  if (source->size < SIGNATURE + FRAME + HEADER_DATA || big32(header) != HEADER_DATA ||
      memcmp(header + 4, "IHDR", 4) != 0)
    return image_damaged(source, "the PNG header is damaged or cut off", error);
  leuko_status status = image_check_sides(source, big32(header + 8), big32(header + 12), error);
  if (status != LEUKO_OK) return status;
  uint8_t *kept = malloc(source->size);
  if (!kept) return error_set_memory(error, source->size);
  size_t size = 0;
  status = keep_pixels(source, kept, &size, error);
  if (status == LEUKO_OK) {
    image_silence_leptonica();
    status = image_from_pix(source, pixReadMemPng(kept, size), true, out, error);
  }
  free(kept);
  return status;
}
