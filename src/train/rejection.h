/* When a trained model is not to answer: fitted behind the last epoch. */
#ifndef TRAIN_REJECTION_H
#define TRAIN_REJECTION_H

#include "train/train.h"

/* The most training cells that it is fitted to, evenly over them. */
#define TRAIN_REJECTION_CELLS 4096
/* The share of the validation cells that is to be answered. */
#define TRAIN_KEPT 0.95

/* Cells of a run: the tested ones, then the training cells to fit to. */
typedef struct {
  size_t *samples; /* [tested + fitted] indices as train_data's, owned */
  size_t tested, fitted;
} train_rejection_cells;

/* Lists them; ends with train_rejection_cells_free. Errors: NO_MEMORY. */
leuko_status train_rejection_list(const train_data *data, train_rejection_cells *out,
                                  leuko_error *error);
void train_rejection_cells_free(train_rejection_cells *cells);

/* Fits, into m->rejection, the envelope of the pictures and the distance of rows
 * [tested + fitted][model_last_width], what the model's last layer reads of `cells`. The envelope
 * is as wide as needed for 99 % of the tested cells, if some width is enough; the distance's
 * threshold keeps TRAIN_KEPT of them, of those outside the envelope none. `reasons` [tested]
 * receives why each of the tested cells would be rejected. Where no cell is found in any picture it
 * is left empty; where a class has one cell, there is no distance. Errors: those of prepared_open,
 * NO_MEMORY, BAD_DATA. */
leuko_status train_rejection(const train_data *data, const train_data_options *data_options,
                             const train_rejection_cells *cells, const float *rows,
                             const progress *p, model *m, leuko_reason *reasons,
                             leuko_error *error);

/* For a model that was trained on all cells, so that none is left to choose by: takes from the
 * models of a cross-validation [count] the mean of their thresholds and of the shares that they
 * keep, and widens the envelope to hold theirs. Nothing is changed if one of them never rejects. */
void train_rejection_adopt(const model_rejection *const *folds, size_t count, model_rejection *out);

#endif
