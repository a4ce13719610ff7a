#include "image/decode.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "base/hash.h"
#include "image/formats.h"

/* The largest image in the most wasteful encoding, 16 bits in four channels, with some metadata. */
#define MAX_FILE_BYTES (IMAGE_MAX_PIXELS * 8 + (16u << 20))

leuko_status image_damaged(const image_source *source, const char *reason, leuko_error *error) {
  return error_set(error, LEUKO_CORRUPT_IMAGE, source->file, "fetch or export the file again", "%s",
                   reason);
}

leuko_status image_unsupported(const image_source *source, const char *reason, leuko_error *error) {
  return error_set(error, LEUKO_NOT_AN_IMAGE, source->file, "save it as an 8-bit RGB PNG", "%s",
                   reason);
}

leuko_status image_check_sides(const image_source *source, int64_t width, int64_t height,
                               leuko_error *error) {
  const long long w = width, h = height;
  if (width <= 0 || height <= 0)
    return image_damaged(source, "the header declares an image without pixels", error);
  if (width < IMAGE_MIN_SIDE || height < IMAGE_MIN_SIDE)
    return error_set(error, LEUKO_TOO_SMALL, source->file, "give the cell at its original size",
                     "%lld x %lld pixels, at least %d x %d are needed", w, h, IMAGE_MIN_SIDE,
                     IMAGE_MIN_SIDE);
  if (width > (int64_t)IMAGE_MAX_PIXELS / height)
    return error_set(error, LEUKO_TOO_LARGE, source->file, "cut out single cells first",
                     "%lld x %lld pixels, the limit is %zu megapixels", w, h,
                     IMAGE_MAX_PIXELS / 1000000);
  return LEUKO_OK;
}

leuko_status image_allocate(const image_source *source, int64_t width, int64_t height, image *out,
                            leuko_error *error) {
  leuko_status status = image_check_sides(source, width, height, error);
  if (status != LEUKO_OK) return status;
  size_t bytes = (size_t)width * (size_t)height * 3;
  uint8_t *rgb = malloc(bytes);
  if (!rgb) return error_set_memory(error, bytes);
  *out = (image){(int)width, (int)height, rgb};
  return LEUKO_OK;
}

static bool begins(const image_source *source, size_t at, const char *magic, size_t length) {
  return source->size >= at + length && memcmp(source->bytes + at, magic, length) == 0;
}

leuko_status image_decode(const uint8_t *bytes, size_t size, const char *file, image *out,
                          leuko_error *error) {
  *out = (image){0};
  const image_source source = {bytes, size, file};
  if (size == 0)
    return error_set(error, LEUKO_EMPTY, file, "fetch the file again", "the file is empty");
  leuko_status status;
  if (begins(&source, 0, "BM", 2)) status = image_decode_bmp(&source, out, error);
  else if (begins(&source, 0, "\xff\xd8\xff", 3)) status = image_decode_jpeg(&source, out, error);
  else if (begins(&source, 0, "\x89PNG\r\n\x1a\n", 8))
    status = image_decode_png(&source, out, error);
  else if (begins(&source, 0, "II*\0", 4) || begins(&source, 0, "MM\0*", 4))
    status = image_decode_tiff(&source, out, error);
  else if (begins(&source, 0, "RIFF", 4) && begins(&source, 8, "WEBP", 4))
    status = image_decode_webp(&source, out, error);
  else
    status = error_set(error, LEUKO_NOT_AN_IMAGE, file, "give a BMP, PNG, JPEG, TIFF or WebP file",
                       "the file begins like none of the known formats");
  if (status != LEUKO_OK) image_free(out);
  return status;
}

leuko_status image_read(const char *path, image *out, char *sha256, leuko_error *error) {
  *out = (image){0};
  if (sha256) sha256[0] = 0;
  file_map map;
  leuko_status status = file_map_open(path, MAX_FILE_BYTES, &map, error);
  if (status != LEUKO_OK) return status;
  if (sha256) status = hash_bytes(map.data, map.size, sha256, error);
  if (status == LEUKO_OK) status = image_decode(map.data, map.size, path, out, error);
  file_unmap(&map);
  return status;
}

void image_free(image *picture) {
  free(picture->rgb);
  *picture = (image){0};
}

leuko_status image_pixel_hash(const image *picture, char hex[65], leuko_error *error) {
  const uint32_t sides[2] = {(uint32_t)picture->width, (uint32_t)picture->height};
  uint8_t header[8];
  for (int i = 0; i < 8; i++) header[i] = (uint8_t)(sides[i / 4] >> (i % 4 * 8));
  hash *h;
  leuko_status status = hash_open(&h, error);
  if (status != LEUKO_OK) return status;
  hash_add(h, header, sizeof header);
  hash_add(h, picture->rgb, (size_t)picture->width * (size_t)picture->height * 3);
  return hash_close(h, hex, error);
}
