#include "image/write.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "image/leptonica.h"

static PIX *to_pix(const image *picture) {
  PIX *pix = pixCreate(picture->width, picture->height, 32);
  if (!pix) return NULL;
  const uint8_t *rgb = picture->rgb;
  for (int y = 0; y < picture->height; y++) {
    l_uint32 *row = pixGetData(pix) + (size_t)y * (size_t)pixGetWpl(pix);
    for (int x = 0; x < picture->width; x++, rgb += 3)
      row[x] = (l_uint32)rgb[0] << L_RED_SHIFT | (l_uint32)rgb[1] << L_GREEN_SHIFT |
               (l_uint32)rgb[2] << L_BLUE_SHIFT;
  }
  return pix;
}

static int write_format(l_uint8 **out, size_t *size, PIX *pix, int format) {
  switch ((image_format)format) {
  case IMAGE_BMP:
    return pixWriteMemBmp(out, size, pix);
  case IMAGE_PNG:
    return pixWriteMemPng(out, size, pix, 0);
  case IMAGE_TIFF:
    return pixWriteMemTiff(out, size, pix, IFF_TIFF_ZIP);
  case IMAGE_WEBP:
    return pixWriteMemWebP(out, size, pix, 100, 1);
  }
  return 1;
}

static int write_jpeg(l_uint8 **out, size_t *size, PIX *pix, int quality) {
  return pixWriteMemJpeg(out, size, pix, quality, 0);
}

static leuko_status encode(const image *picture,
                           int (*write)(l_uint8 **out, size_t *size, PIX *pix, int how), int how,
                           uint8_t **bytes, size_t *size, leuko_error *error) {
  *bytes = NULL;
  *size = 0;
  image_silence_leptonica();
  PIX *pix = to_pix(picture);
  if (!pix) return error_set_memory(error, (size_t)picture->width * (size_t)picture->height * 4);
  l_uint8 *encoded = NULL;
  size_t encoded_size = 0;
  const int failed = write(&encoded, &encoded_size, pix, how);
  pixDestroy(&pix);
  leuko_status status = LEUKO_OK;
  if (failed || !encoded)
    status = error_set(error, LEUKO_BACKEND, NULL, NULL, "the image cannot be encoded");
  else if (!(*bytes = malloc(encoded_size))) status = error_set_memory(error, encoded_size);
  if (status == LEUKO_OK) {
    memcpy(*bytes, encoded, encoded_size);
    *size = encoded_size;
  }
  lept_free(encoded);
  return status;
}

leuko_status image_encode(const image *picture, image_format format, uint8_t **bytes, size_t *size,
                          leuko_error *error) {
  return encode(picture, write_format, (int)format, bytes, size, error);
}

leuko_status image_encode_jpeg(const image *picture, int quality, uint8_t **bytes, size_t *size,
                               leuko_error *error) {
  return encode(picture, write_jpeg, quality, bytes, size, error);
}

leuko_status image_write(const char *path, const image *picture, image_format format,
                         leuko_error *error) {
  uint8_t *bytes;
  size_t size;
  leuko_status status = image_encode(picture, format, &bytes, &size, error);
  if (status == LEUKO_OK) status = file_write_all(path, bytes, size, error);
  else if (error && !error->file[0]) snprintf(error->file, sizeof error->file, "%s", path);
  free(bytes);
  return status;
}
