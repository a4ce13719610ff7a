/* Parameters and pixels from a formula, which the PyTorch oracles repeat exactly (hashed and
 * cell_pixels in tests/oracle/torch_fixture.py): fixtures of whole networks hold results only. */
#ifndef TESTS_FORMULA_H
#define TESTS_FORMULA_H

#include <stdbool.h>
#include <stdint.h>

/* A mix of index and stream, below 2^24. */
static inline uint32_t formula_hashed(uint32_t index, uint32_t stream) {
  uint32_t x = index + stream * 0x9E3779B9u;
  x = (x ^ x >> 16) * 0x7FEB352Du;
  x = (x ^ x >> 15) * 0x846CA68Bu;
  return (x ^ x >> 16) >> 8;
}

/* The same in -1 .. 1. */
static inline double formula_uniform(uint32_t index, uint32_t stream) {
  return 2 * (formula_hashed(index, stream) / 16777216.0) - 1;
}

/* pixels [count][size][size][3]: noise, brighter from image to image, inside a disk; black around
 * it, as a cell is. */
static inline void formula_pixels(int count, int size, uint32_t stream, uint8_t *pixels) {
  uint32_t at = 0;
  for (int n = 0; n < count; n++)
    for (int row = 0; row < size; row++)
      for (int column = 0; column < size; column++)
        for (int c = 0; c < 3; c++, at++) {
          int dy = 2 * row - size, dx = 2 * column - size, radius = size * 3 / 4;
          bool outside = dy * dy + dx * dx > radius * radius;
          uint32_t bound = (uint32_t)(40 * (n % 6) + 56);
          pixels[at] = (uint8_t)(outside ? 0 : formula_hashed(at, stream) % bound);
        }
}

#endif
