#include "report/thumb.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "image/resize.h"
#include "image/symmetry.h"
#include "image/write.h"
#include "report/html.h"

thumb_square thumb_square_of(const image *picture, const image_cell *cell) {
  const bool found = cell->area > 0;
  const int width = found ? cell->width : picture->width;
  const int height = found ? cell->height : picture->height;
  const int longest = width > height ? width : height;
  const int side = found ? longest + longest / 8 + 2 : longest;
  return (thumb_square){(found ? cell->left : 0) + width / 2 - side / 2,
                        (found ? cell->top : 0) + height / 2 - side / 2, side};
}

/* Cuts the square out; black beyond the picture. */
static leuko_status cut(const image *in, const image_cell *cell, image *out, leuko_error *error) {
  const thumb_square square = thumb_square_of(in, cell);
  const int side = square.side;
  *out = (image){side, side, calloc((size_t)side * (size_t)side, 3)};
  if (!out->rgb) return error_set_memory(error, (size_t)side * (size_t)side * 3);
  for (int y = 0; y < side; y++)
    for (int x = 0; x < side; x++) {
      const int from_x = square.left + x, from_y = square.top + y;
      if (from_x < 0 || from_y < 0 || from_x >= in->width || from_y >= in->height) continue;
      memcpy(out->rgb + ((size_t)y * (size_t)side + (size_t)x) * 3,
             in->rgb + ((size_t)from_y * (size_t)in->width + (size_t)from_x) * 3, 3);
    }
  return LEUKO_OK;
}

leuko_status thumb_write(file_writer *writer, const image *picture, const image_cell *cell,
                         int symmetry, const char *about, leuko_error *error) {
  image square = {0};
  uint8_t small[THUMB_SIDE * THUMB_SIDE * 3], turned[THUMB_SIDE * THUMB_SIDE * 3], *png = NULL;
  const image shrunk = {THUMB_SIDE, THUMB_SIDE, turned};
  size_t size = 0;
  leuko_status status = cut(picture, cell, &square, error);
  if (status == LEUKO_OK) status = image_resize(&square, THUMB_SIDE, THUMB_SIDE, small, error);
  image_free(&square);
  if (status == LEUKO_OK) image_symmetry(small, THUMB_SIDE, symmetry, turned);
  if (status == LEUKO_OK) status = image_encode(&shrunk, IMAGE_PNG, &png, &size, error);
  if (status == LEUKO_OK) html_png(writer, png, size, about);
  free(png);
  return status;
}
