/* The trivial baselines of an evaluation, from the cells' pictures. */
#ifndef CLI_SIMPLE_H
#define CLI_SIMPLE_H

#include "base/progress.h"
#include "dataset/dataset.h"
#include "evaluate/evaluate.h"

/* Measures the training and the evaluated cells of a divided data set (from pictures of 128 pixels,
 * prepared once and cached) and sets e->baselines. `positive` is the class of the data that the
 * evaluation calls positive. What the evaluation counted must be the usable, labelled cells of
 * `part` in the order of the set; where it is not, as after a refusal, or where nothing is trained
 * on, there are no baselines and no error. With `folds` above 0 all cells of both parts were
 * evaluated, each as held out in its fold, and so are the baselines. Errors: those of prepared_open
 * and evaluate_baselines. */
leuko_status simple_baselines(const dataset *set, int folds, dataset_part part, int positive,
                              int threads, const progress *p, evaluation *e, leuko_error *error);

#endif
