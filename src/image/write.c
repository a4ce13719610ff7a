#include "image/write.h"

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

leuko_status image_write(const char *path, const image *picture, image_format format,
                         leuko_error *error) {
  image_silence_leptonica();
  PIX *pix = to_pix(picture);
  if (!pix) return error_set_memory(error, (size_t)picture->width * (size_t)picture->height * 4);
  l_uint8 *bytes = NULL;
  size_t size = 0;
  int failed = 1;
  switch (format) {
  case IMAGE_BMP:
    failed = pixWriteMemBmp(&bytes, &size, pix);
    break;
  case IMAGE_PNG:
    failed = pixWriteMemPng(&bytes, &size, pix, 0);
    break;
  case IMAGE_TIFF:
    failed = pixWriteMemTiff(&bytes, &size, pix, IFF_TIFF_ZIP);
    break;
  case IMAGE_WEBP:
    failed = pixWriteMemWebP(&bytes, &size, pix, 100, 1);
    break;
  }
  pixDestroy(&pix);
  leuko_status status;
  if (failed || !bytes)
    status = error_set(error, LEUKO_BACKEND, path, NULL, "the image cannot be encoded");
  else status = file_write_all(path, bytes, size, error);
  lept_free(bytes);
  return status;
}
