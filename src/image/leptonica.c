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

leuko_status image_from_pix(const image_source *source, PIX *pix, bool blend, image *out,
                            leuko_error *error) {
  if (!pix) return image_damaged(source, "the pixels are damaged or cut off", error);
  PIX *rgb = pixConvertTo32(pix); /* from 1, 2, 4, 8, 16 bits, with or without palette */
  blend = blend && pixGetSpp(pix) == 4;
  pixDestroy(&pix);
  if (!rgb) return image_unsupported(source, "an unusual kind of pixels", error);
  const int width = pixGetWidth(rgb), height = pixGetHeight(rgb);
  leuko_status status = image_allocate(source, width, height, out, error);
  for (int y = 0; status == LEUKO_OK && y < height; y++) {
    const l_uint32 *row = pixGetData(rgb) + (size_t)y * (size_t)pixGetWpl(rgb);
    uint8_t *to = out->rgb + (size_t)y * (size_t)width * 3;
    for (int x = 0; x < width; x++, to += 3) {
      const uint8_t color[3] = {(uint8_t)(row[x] >> L_RED_SHIFT),
                                (uint8_t)(row[x] >> L_GREEN_SHIFT),
                                (uint8_t)(row[x] >> L_BLUE_SHIFT)};
      image_blend(color, blend ? row[x] >> L_ALPHA_SHIFT & 255 : 255, to);
    }
  }
  pixDestroy(&rgb);
  return status;
}
