/* Where in a cell's picture a run's model sees its answer, as a picture beside the cell's. */
#ifndef REPORT_CELL_MAP_H
#define REPORT_CELL_MAP_H

#include "explain/explain.h"
#include "image/mask.h"
#include "report/page.h"

/* Gets ready to draw maps for a run; *out is NULL where its model is not there or has other than
 * two classes, else ended with explain_close. Errors: those of explain_open. */
leuko_status cell_map_open(const study_run *run, explainer **out, leuko_error *error);

/* Writes the cell in grey under its Grad-CAM map for the class that was answered (1: the positive
 * one), cut out and sized as thumb_write does. Errors: those of explain_run, NO_MEMORY. */
leuko_status cell_map_write(page *p, const study_run *run, explainer *e, const image *picture,
                            const image_cell *cell, int answer, leuko_error *error);

#endif
