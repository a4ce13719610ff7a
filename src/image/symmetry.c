#include "image/symmetry.h"

#include <stddef.h>

void image_symmetry(const uint8_t *in, int size, int which, uint8_t *out) {
  /* Bytes from one pixel of `in` to the next one to be written, to the right and down. */
  const ptrdiff_t pixel = 3, row = (ptrdiff_t)size * 3, end = size - 1;
  ptrdiff_t right = pixel, down = row;
  if (which & 4) {
    right = row;
    down = pixel;
  }
  if (which & 1) {
    in += pixel * end;
    if (which & 4) down = -down;
    else right = -right;
  }
  if (which & 2) {
    in += row * end;
    if (which & 4) right = -right;
    else down = -down;
  }
  for (int y = 0; y < size; y++, in += down) {
    const uint8_t *from = in;
    for (int x = 0; x < size; x++, from += right, out += 3) {
      out[0] = from[0];
      out[1] = from[1];
      out[2] = from[2];
    }
  }
}
