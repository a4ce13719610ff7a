/* Uncompressed BMP, the format of the data set. Own reader, since leptonica's refuses files with
 * spare bytes at their end and trusts palette indices. */
#include <stdbool.h>
#include <string.h>

#include "image/formats.h"

#define FILE_HEADER 14
#define RGB_UNCOMPRESSED 0
#define RGB_BITFIELDS 3

static uint32_t u16(const uint8_t *p) {
  return (uint32_t)p[0] | (uint32_t)p[1] << 8;
}

static uint32_t u32(const uint8_t *p) {
  return u16(p) | u16(p + 2) << 16;
}

/* One row of 24 or 32 bits a pixel, stored blue, green, red. */
static void read_true_color(const uint8_t *row, int width, int bytes, uint8_t *rgb) {
  for (int x = 0; x < width; x++, row += bytes, rgb += 3) {
    rgb[0] = row[2];
    rgb[1] = row[1];
    rgb[2] = row[0];
  }
}

/* One row of 1, 4 or 8 bits a pixel; false where an index is beyond the palette. */
static bool read_palette(const uint8_t *row, int width, int bits, const uint8_t *palette,
                         uint32_t colors, uint8_t *rgb) {
  const int per_byte = 8 / bits;
  for (int x = 0; x < width; x++, rgb += 3) {
    int shift = 8 - bits * (x % per_byte + 1);
    uint32_t index = (uint32_t)row[x / per_byte] >> shift & ((1u << bits) - 1);
    if (index >= colors) return false;
    const uint8_t *color = palette + (size_t)index * 4;
    rgb[0] = color[2];
    rgb[1] = color[1];
    rgb[2] = color[0];
  }
  return true;
}

leuko_status image_decode_bmp(const image_source *source, image *out, leuko_error *error) {
  const uint8_t *bytes = source->bytes;
  if (source->size < FILE_HEADER + 40)
    return image_damaged(source, "the BMP header is cut off", error);
  const uint32_t offset = u32(bytes + 10), header = u32(bytes + 14);
  const uint8_t *info = bytes + FILE_HEADER;
  if (header < 40 || header > 4096)
    return image_unsupported(source, "a BMP file of an old or unknown version", error);
  const int32_t width = (int32_t)u32(info + 4), height = (int32_t)u32(info + 8);
  const uint32_t bits = u16(info + 14), compression = u32(info + 16);
  const bool palette = bits == 1 || bits == 4 || bits == 8;
  /* Bit fields are read where they say what an uncompressed file means anyway; their masks stand at
   * the same place behind the 40 bytes whether or not they belong to the header. */
  const bool plain_fields = compression == RGB_BITFIELDS && bits == 32 &&
                            source->size >= FILE_HEADER + 52 && u32(info + 40) == 0xff0000 &&
                            u32(info + 44) == 0xff00 && u32(info + 48) == 0xff;
  if (!palette && bits != 24 && bits != 32)
    return image_unsupported(source, "a BMP file of an unusual depth", error);
  if (compression != RGB_UNCOMPRESSED && !plain_fields)
    return image_unsupported(source, "a compressed BMP file", error);

  /* Negative: the rows go from top to bottom. */
  const int64_t rows = height < 0 ? -(int64_t)height : height;
  leuko_status status = image_check_sides(source, width, rows, error);
  if (status != LEUKO_OK) return status;
  const size_t stride = ((size_t)width * bits + 31) / 32 * 4;
  const uint64_t colors_at = (uint64_t)FILE_HEADER + header;
  if (offset < colors_at || offset > source->size ||
      (uint64_t)rows * stride > source->size - offset)
    return image_damaged(source, "the BMP file is shorter than its header says", error);
  status = image_allocate(source, width, rows, out, error);
  if (status != LEUKO_OK) return status;
  uint32_t colors = 0;
  if (palette) {
    colors = u32(info + 32);
    if (colors == 0 || colors > 1u << bits) colors = 1u << bits;
    if (colors > (offset - colors_at) / 4) colors = (uint32_t)((offset - colors_at) / 4);
  }
  for (int64_t y = 0; y < rows; y++) {
    const uint8_t *row = bytes + offset + (size_t)(height < 0 ? y : rows - 1 - y) * stride;
    uint8_t *rgb = out->rgb + (size_t)y * (size_t)width * 3;
    if (!palette) read_true_color(row, width, (int)bits / 8, rgb);
    else if (!read_palette(row, width, (int)bits, bytes + colors_at, colors, rgb))
      return image_damaged(source, "the BMP file uses a color that its palette lacks", error);
  }
  return LEUKO_OK;
}
