/* `leuko train --folds`: a training for each fold, and all cells scored as held out. */
#ifndef CLI_CROSS_VALIDATION_H
#define CLI_CROSS_VALIDATION_H

#include "cli/training.h"
#include "evaluate/pooled.h"

/* Trains on opened cells with folds into OUT/fold-1, OUT/fold-2, ..., one after another, and pools
 * the answers for the held-out cells: OUT/folds.csv, predictions.csv, roc.csv, pr.csv,
 * calibration.csv, figures/, metrics.json and, last of all, evaluation.json. t->train.out is OUT.
 * With t->train.resume finished folds are passed over. Each fold's model gets the threshold and
 * temperature that the other folds' held-out cells give. With `refit` a last model is trained on
 * all cells, into OUT/all; its threshold, temperature and when it does not answer come from the
 * folds' held-out cells; it has no scores of its own. `scores` and `folds` are ended by the
 * caller, on success only. Errors: ARGUMENT (OUT holds a run, or a cross-validation without
 * resume), MISMATCH (other folds or options than OUT's), those of training_run, of reading and
 * writing. */
leuko_status cross_validate(training *t, train_data *data, bool refit, evaluation *scores,
                            pooled *folds, leuko_error *error);

#endif
