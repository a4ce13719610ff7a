/* Where in a cell's picture a run's model sees its answer, as a picture beside the cell's. */
#ifndef REPORT_CELL_MAP_H
#define REPORT_CELL_MAP_H

#include "image/decode.h"
#include "image/mask.h"
#include "report/page.h"

typedef struct cell_maps cell_maps;

/* Gets ready to draw maps for a run; *out is NULL where a model is not there or has other than two
 * classes, else ended with cell_maps_close. Errors: those of model_load and explain_open,
 * NO_MEMORY. */
leuko_status cell_maps_open(const study_run *run, cell_maps **out, leuko_error *error);
void cell_maps_close(cell_maps *maps);
/* The layer that is looked at. */
const char *cell_maps_layer(const cell_maps *maps);

/* Writes the cell of that sample of the run in grey under the Grad-CAM map of the model that had
 * not learnt from it, for the class that was answered (1: the positive one), cut out and sized as
 * thumb_write does. Errors: those of model_load and explain_run, NO_MEMORY. */
leuko_status cell_map_write(page *p, cell_maps *maps, size_t sample, const image *picture,
                            const image_cell *cell, int answer, leuko_error *error);

#endif
