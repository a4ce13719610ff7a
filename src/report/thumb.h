/* Small pictures of cells within a page. */
#ifndef REPORT_THUMB_H
#define REPORT_THUMB_H

#include "base/file.h"
#include "image/mask.h"

/* Writes the square around the cell (a little larger than its box; the whole picture where `cell`
 * has none), turned and mirrored by `symmetry` (image/symmetry.h; 0: as it is), as a picture of
 * THUMB_SIDE pixels; `about` is read to those who cannot see it. Errors:
 * NO_MEMORY, BACKEND; then nothing is written. */
#define THUMB_SIDE 112
leuko_status thumb_write(file_writer *writer, const image *picture, const image_cell *cell,
                         int symmetry, const char *about, leuko_error *error);

#endif
