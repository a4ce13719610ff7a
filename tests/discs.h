/* Discs of random pixels on black, as cells are. */
#ifndef TESTS_DISCS_H
#define TESTS_DISCS_H

#include <stdint.h>

#include "base/rng.h"

/* Into pixels [side][side][3]; what lies outside the picture is left away. */
static inline void discs_draw(rng *r, uint8_t *pixels, int side, int cx, int cy, int radius) {
  for (int y = 0; y < side; y++)
    for (int x = 0; x < side; x++) {
      if ((x - cx) * (x - cx) + (y - cy) * (y - cy) > radius * radius) continue;
      for (int c = 0; c < 3; c++) pixels[3 * (y * side + x) + c] = (uint8_t)rng_below(r, 256);
    }
}

#endif
