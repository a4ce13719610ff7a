/* The eight symmetries of the square: turned and mirrored, a cell is still the same cell. */
#ifndef IMAGE_SYMMETRY_H
#define IMAGE_SYMMETRY_H

#include <stdint.h>

#define IMAGE_SYMMETRIES 8

/* Maps in [size][size][3] to out [size][size][3] (not the same array). `which` is 0 .. 7: bit 0
 * mirrors left-right, bit 1 top-bottom, bit 2 then swaps rows and columns; 0 copies. */
void image_symmetry(const uint8_t *in, int size, int which, uint8_t *out);

#endif
