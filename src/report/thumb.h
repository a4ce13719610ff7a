/* Small pictures of cells within a page. */
#ifndef REPORT_THUMB_H
#define REPORT_THUMB_H

#include "base/file.h"
#include "image/mask.h"

/* The square around the cell, a little larger than its box; around the whole picture where `cell`
 * has none. Pixels; it may reach beyond the picture. */
typedef struct {
  int left, top, side;
} thumb_square;
thumb_square thumb_square_of(const image *picture, const image_cell *cell);

/* Writes the square around the cell, black beyond the picture, turned and mirrored by `symmetry`
 * (image/symmetry.h; 0: as it is), as a picture of THUMB_SIDE pixels; `about` is read to those who
 * cannot see it. Errors: NO_MEMORY, BACKEND; then nothing is written. */
#define THUMB_SIDE 112
leuko_status thumb_write(file_writer *writer, const image *picture, const image_cell *cell,
                         int symmetry, const char *about, leuko_error *error);

#endif
