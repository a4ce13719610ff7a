/* Where an image can differ from the blank one.
 *
 * Cells of C-NMC are cut out on pure black. The network is run once on an all-black image, and its
 * activations are kept. A real image's can differ from them only where the cell's influence
 * reaches: that is geometry, layer by layer. The rest is the blank's, also at the borders, and is
 * neither computed nor stored: who reads it, reads the blank. What a pixel gets therefore depends
 * on neither tiling nor batch nor neighbours. */
#ifndef NET_SKIP_H
#define NET_SKIP_H

#include <string.h>

#include "net/graph.h"

/* One input of a step. */
typedef struct {
  const uint8_t *computed; /* [images][h][w]: 0 where only `blank` holds the pixel; NULL: all are */
  const void *blank;       /* [h][w][c] of one image, in the activations' type */
} net_skip;

/* The same in training, where parameters change with every step and the gradients of the blank
 * image's pixels are wanted, too: one activation of the whole batch that is the same pixel wherever
 * no image's cell and no padding reaches ("flat"). The pixel is kept once, and so is the sum of its
 * places' gradients: forward it is computed once, and on the way back the products of that sum
 * stand for those of all places. */
typedef struct {
  const uint8_t *computed; /* [images][h][w]: 0 where the pixel is `pixel`; NULL: nowhere */
  void *pixel;             /* [c], in the activation's type */
  double *gradient;        /* [c]: sum of the gradients of those places */
  bool complete;           /* of an output: others read it who want, and give, every place */
} net_flat;

#define SKIP_GROUP 16 /* pixels that are looked at together */

/* Whether a group of pixels [SKIP_GROUP][3] is black, as most are around a cell. */
static inline bool skip_group_is_black(const uint8_t *pixels) {
  uint64_t words[SKIP_GROUP * 3 / 8], any = 0;
  memcpy(words, pixels, sizeof words);
  for (size_t i = 0; i < SKIP_GROUP * 3 / 8; i++) any |= words[i];
  return any == 0;
}

/* Which of the pixels [h][w][3] are not black. Returns their number. */
size_t skip_pixels(const uint8_t *pixels, int h, int w, uint8_t *differs);

/* What a window of `kernel`, `stride` and `pad` makes of it: output pixels whose window holds a
 * pixel that differs. `row` has room for in.w bytes. Returns their number. */
size_t skip_spread(const uint8_t *in, net_shape in_shape, int kernel, int stride, int pad,
                   net_shape out_shape, uint8_t *out, uint8_t *row);

/* Marks, in addition, the output pixels whose window holds padding. Returns how many are new. */
size_t skip_border(int kernel, int stride, int pad, net_shape in_shape, net_shape out_shape,
                   uint8_t *out);

/* Whether one of the pixels is marked in the square (y, x) of side x side pixels of an image. */
static inline bool skip_any(const uint8_t *marks, net_shape shape, int side, int y, int x) {
  for (int i = y * side; i < (y + 1) * side && i < shape.h; i++)
    for (int j = x * side; j < (x + 1) * side && j < shape.w; j++)
      if (marks[i * shape.w + j]) return true;
  return false;
}

/* into |= other. Returns the number of pixels that differ. */
size_t skip_join(const uint8_t *other, size_t pixels, uint8_t *into);

#endif
