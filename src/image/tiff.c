/* TIFF through leptonica, the first page. Leptonica lets libtiff fill up with black what a
 * truncated file lacks, so where the pixels lie is read here first. */
#include <stdbool.h>

#include "image/leptonica.h"

enum {
  TAG_WIDTH = 256,
  TAG_HEIGHT = 257,
  TAG_OFFSETS = 273,
  TAG_SAMPLES = 277,
  TAG_COUNTS = 279,
  TAG_TILES = 322
};
enum { TYPE_SHORT = 3, TYPE_LONG = 4 };

/* A field: `count` numbers of 2 or 4 bytes from `at` on, known to lie inside the file. */
typedef struct {
  size_t at, count, width;
} tiff_field;

static uint32_t number(const image_source *source, size_t at, size_t width) {
  const bool little = source->bytes[0] == 'I';
  uint32_t value = 0;
  for (size_t i = 0; i < width; i++)
    value = value << 8 | source->bytes[at + (little ? width - 1 - i : i)];
  return value;
}

/* Reads the 12-byte entry at `at`; false if it is no array of short or long numbers in the file. */
static bool read_field(const image_source *source, size_t at, tiff_field *field) {
  uint32_t type = number(source, at + 2, 2);
  field->count = number(source, at + 4, 4);
  field->width = type == TYPE_SHORT ? 2 : 4;
  if ((type != TYPE_SHORT && type != TYPE_LONG) || field->count == 0) return false;
  size_t bytes = field->count * field->width;
  field->at = bytes <= 4 ? at + 8 : number(source, at + 8, 4);
  return field->at <= source->size && bytes <= source->size - field->at;
}

static uint32_t item(const image_source *source, const tiff_field *field, size_t i) {
  return number(source, field->at + i * field->width, field->width);
}

leuko_status image_decode_tiff(const image_source *source, image *out, leuko_error *error) {
  const char *cut = "the TIFF directory is damaged or cut off";
  if (source->size < 10) return image_damaged(source, cut, error);
  const size_t directory = number(source, 4, 4);
  if (directory < 8 || directory > source->size - 2) return image_damaged(source, cut, error);
  const size_t entries = number(source, directory, 2);
  if (entries * 12 > source->size - directory - 2) return image_damaged(source, cut, error);
  tiff_field width = {0}, height = {0}, samples = {0}, offsets = {0}, counts = {0};
  for (size_t i = 0; i < entries; i++) {
    const size_t at = directory + 2 + i * 12;
    tiff_field *field;
    switch (number(source, at, 2)) {
    case TAG_WIDTH:
      field = &width;
      break;
    case TAG_HEIGHT:
      field = &height;
      break;
    case TAG_SAMPLES:
      field = &samples;
      break;
    case TAG_OFFSETS:
      field = &offsets;
      break;
    case TAG_COUNTS:
      field = &counts;
      break;
    case TAG_TILES:
      return image_unsupported(source, "a TIFF file in tiles", error);
    default:
      continue;
    }
    if (!read_field(source, at, field)) return image_damaged(source, cut, error);
  }
  if (!width.count || !height.count || !offsets.count || counts.count != offsets.count)
    return image_damaged(source, cut, error);
  leuko_status status =
      image_check_sides(source, item(source, &width, 0), item(source, &height, 0), error);
  if (status != LEUKO_OK) return status;
  for (size_t i = 0; i < offsets.count; i++)
    if ((uint64_t)item(source, &offsets, i) + item(source, &counts, i) > source->size)
      return image_damaged(source, "the TIFF file ends before its pixels do", error);
  /* Libtiff has applied the alpha of RGBA already, but not that of grey. */
  const bool blend = samples.count && item(source, &samples, 0) == 2;
  image_silence_leptonica();
  return image_from_pix(source, pixReadMemTiff(source->bytes, source->size, 0), blend, out, error);
}
