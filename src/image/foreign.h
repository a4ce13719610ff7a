/* Drawn pictures that are no cells, to see what a model makes of them. */
#ifndef IMAGE_FOREIGN_H
#define IMAGE_FOREIGN_H

#include "image/decode.h"

#define IMAGE_FOREIGN_MAP(X)                                                                       \
  X(BLANK, "blanks")       /* one colour */                                                        \
  X(GRADIENT, "gradients") /* from one colour to another */                                        \
  X(NOISE, "noise")        /* every pixel by itself, grey or in colour */                          \
  X(TEXTURE, "textures")   /* clouds, stripes and checks */                                        \
  X(SCENE, "scenes")       /* something of a photograph: sky, ground, shaded things */             \
  X(SHAPE, "shapes")       /* one thing on black, of any colour and form but a cell's look */

typedef enum {
#define IMAGE_FOREIGN_ENUM(name, text) IMAGE_FOREIGN_##name,
  IMAGE_FOREIGN_MAP(IMAGE_FOREIGN_ENUM)
#undef IMAGE_FOREIGN_ENUM
      IMAGE_FOREIGN_KINDS
} image_foreign;

/* Draws picture `index` of a kind, side x side pixels (image_free). Equal arguments give equal
 * pictures. Errors: NO_MEMORY. */
leuko_status image_foreign_draw(image_foreign kind, uint64_t seed, uint32_t index, int side,
                                image *out, leuko_error *error);

#endif
