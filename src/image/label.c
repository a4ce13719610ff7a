#include "image/label.h"

#include <string.h>

#include "base/error.h"
#include "image/leptonica.h"

#define POINTS 4 /* of the font that leptonica brings along */

leuko_status image_label_width(const char *text, int *out, leuko_error *error) {
  image_silence_leptonica();
  L_BMF *font = bmfCreate(NULL, POINTS);
  l_int32 width = 0;
  const int failed = !font || (*text && bmfGetStringWidth(font, text, &width));
  bmfDestroy(&font);
  *out = width;
  return failed ? error_set_memory(error, 0) : LEUKO_OK;
}

leuko_status image_label(image *picture, int x, int y, const char *text, const uint8_t colour[3],
                         leuko_error *error) {
  image_silence_leptonica();
  if (!*text) return LEUKO_OK;
  L_BMF *font = bmfCreate(NULL, POINTS);
  PIX *line = pixCreate(picture->width, IMAGE_LABEL_HEIGHT, 32);
  l_int32 width, overflow;
  const int failed =
      !font || !line ||
      pixSetTextline(line, font, text, 0xffffff00, x, font->baselinetab[93] + 1, &width, &overflow);
  for (int row = 0; !failed && row < IMAGE_LABEL_HEIGHT; row++) {
    if (y + row < 0 || y + row >= picture->height) continue;
    const l_uint32 *words = pixGetData(line) + (size_t)row * (size_t)pixGetWpl(line);
    uint8_t *to = picture->rgb + (size_t)(y + row) * (size_t)picture->width * 3;
    for (int column = 0; column < picture->width; column++, to += 3)
      if (words[column] & 0xffffff00) memcpy(to, colour, 3);
  }
  pixDestroy(&line);
  bmfDestroy(&font);
  return failed ? error_set_memory(error, 0) : LEUKO_OK;
}
