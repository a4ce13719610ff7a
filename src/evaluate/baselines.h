/* What can be had without a network: a few measures of the cell and a logistic regression on them,
 * fitted to the cells that the network was trained on. With two classes only. */
#ifndef EVALUATE_BASELINES_H
#define EVALUATE_BASELINES_H

#include "evaluate/evaluate.h"

#define BASELINE_MEASURES 10

/* The cell's area, the proportions of its box, how much of the box it fills, mean and deviation of
 * red, green and blue, sharpness, of pixels [size][size][3], into out [BASELINE_MEASURES]; all 0
 * where no cell is found. Errors: NO_MEMORY. */
leuko_status baseline_measure(const uint8_t *pixels, int size, double *out, leuko_error *error);

/* Cells with their measures. */
typedef struct {
  const double *measures; /* [count][BASELINE_MEASURES] */
  const int *labels;      /* [count], 1 = positive */
  size_t count;
} baseline_cells;

/* Fits three regressions (on the area, on the mean colours, on all measures) to `trained` and
 * scores them on `tested`, the cells of the evaluation in its order, whose labels are not read:
 * sets e->baselines. Does nothing with more than two classes, or where one is missing among the
 * trained ones. Errors: ARGUMENT (another count of tested cells), NO_MEMORY, BAD_DATA. */
leuko_status evaluate_baselines(const baseline_cells *trained, const baseline_cells *tested,
                                evaluation *e, leuko_error *error);

/* The same over folds: each fold's cells are answered by regressions fitted to those of the others,
 * and the answers scored together; of the majority class likewise (e->majority_accuracy). `cells`
 * are those of the evaluation in its order, fold_of [cells->count] their folds, 0 .. folds-1. Does
 * nothing with more than two classes, or where one is missing among the cells that a fold's model
 * was trained on. Errors: as above. */
leuko_status evaluate_baselines_folds(const baseline_cells *cells, const int *fold_of, int folds,
                                      evaluation *e, leuko_error *error);

#endif
