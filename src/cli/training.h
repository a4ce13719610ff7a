/* What `leuko train` and `leuko reproduce` do alike: a run from its cells to its result files. */
#ifndef CLI_TRAINING_H
#define CLI_TRAINING_H

#include "cli/outputs.h"
#include "cli/teacher.h"
#include "weights/weights.h"

/* A run and what its options borrow. Not to be copied once the weights are found. */
typedef struct {
  train_data_options data;
  train_options train;
  teacher *taught_by; /* opened; NULL: the labels alone are learnt */
  char weights_path[2048];
  weights_source source;
} training;

/* Finds and identifies the weight file of train.net, as weights_find does; for a network without a
 * base there is nothing to do. Errors: those of weights_find and weights_identify. */
leuko_status training_find_weights(training *t, const char *place, leuko_error *error);

/* Makes the fold's teacher, or that of a single training (0), the one of train; as teacher_of. */
void training_take_teacher(training *t, int fold);

/* Trains on opened cells (setting the number of outputs), scores the best model and writes the
 * result files. `result` and `scores` are ended by the caller, on success only. Errors: those of
 * train_run and outputs_write. */
leuko_status training_run(training *t, const train_data *data, const progress *p,
                          train_result *result, evaluation *scores, leuko_error *error);

#endif
