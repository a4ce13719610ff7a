#include "image/jitter.h"

#include <math.h>

/* Intensities are integers of 1/64, saturation is one of 1/1024: the same bits everywhere. */
#define FRACTION 6
#define SATURATION 10

static uint8_t to_byte(int value) {
  int byte = (value + (1 << (FRACTION - 1))) >> FRACTION;
  return (uint8_t)(byte < 0 ? 0 : byte > 255 ? 255 : byte);
}

void image_jitter_apply(const image_jitter *jitter, size_t count, uint8_t *pixels) {
  uint16_t table[3][256]; /* at most 4 * 255 * 64 = 65280 */
  for (int c = 0; c < 3; c++) {
    table[c][0] = 0;
    for (int v = 1; v < 256; v++)
      table[c][v] =
          (uint16_t)lround(jitter->light * (255 << FRACTION) * pow(v / 255.0, jitter->density[c]));
  }
  const int saturation = (int)lround(jitter->saturation * (1 << SATURATION));
  for (uint8_t *p = pixels, *end = pixels + 3 * count; p < end; p += 3) {
    if (!(p[0] | p[1] | p[2])) continue;
    const int r = table[0][p[0]], g = table[1][p[1]], b = table[2][p[2]];
    const int luma = (77 * r + 150 * g + 29 * b) >> 8;
    /* The rounding of negative numbers by >> is gcc's and clang's: towards minus infinity. */
    p[0] = to_byte(luma + ((saturation * (r - luma)) >> SATURATION));
    p[1] = to_byte(luma + ((saturation * (g - luma)) >> SATURATION));
    p[2] = to_byte(luma + ((saturation * (b - luma)) >> SATURATION));
  }
}
