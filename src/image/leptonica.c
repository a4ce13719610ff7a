#include "image/leptonica.h"

#include <pthread.h>

static void swallow(const char *message) {
  (void)message;
}

static void silence(void) {
  leptSetStderrHandler(swallow);
}

/* Leptonica writes its messages to stderr unless told otherwise, which can only be done for the
 * whole process (its severity level is as global as this and leaves some of them out). Switching
 * around each call would race between threads, so they go off once and stay off. A host program
 * that wants them can install a handler of its own afterwards. */
void image_silence_leptonica(void) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  pthread_once(&once, silence);
}

/* One row of leptonica's 32-bit words. */
static void take_row(const l_uint32 *row, int width, bool blend, uint8_t *rgb) {
  for (int x = 0; x < width; x++, rgb += 3) {
    rgb[0] = (uint8_t)(row[x] >> L_RED_SHIFT);
    rgb[1] = (uint8_t)(row[x] >> L_GREEN_SHIFT);
    rgb[2] = (uint8_t)(row[x] >> L_BLUE_SHIFT);
    /* As libtiff and libpng round it. */
    const unsigned alpha = blend ? row[x] >> L_ALPHA_SHIFT & 255 : 255;
    if (alpha < 255)
      for (int i = 0; i < 3; i++) rgb[i] = (uint8_t)((rgb[i] * alpha + 127) / 255);
  }
}

leuko_status image_from_pix(const image_source *source, PIX *pix, bool blend, image *out,
                            leuko_error *error) {
  if (!pix) return image_damaged(source, "the pixels are damaged or cut off", error);
  /* From 1, 2, 4, 8 or 16 bits, with or without palette. */
  PIX *words = pixGetDepth(pix) == 32 ? pixClone(pix) : pixConvertTo32(pix);
  pixDestroy(&pix);
  if (!words) return image_unsupported(source, "an unusual kind of pixels", error);
  const int width = pixGetWidth(words), height = pixGetHeight(words);
  blend = blend && pixGetSpp(words) == 4;
  leuko_status status = image_allocate(source, width, height, out, error);
  for (int y = 0; status == LEUKO_OK && y < height; y++)
    take_row(pixGetData(words) + (size_t)y * (size_t)pixGetWpl(words), width, blend,
             out->rgb + (size_t)y * (size_t)width * 3);
  pixDestroy(&words);
  return status;
}
