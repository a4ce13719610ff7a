/* What train and evaluate have in common: scoring a model on cells, and a run's result files. */
#ifndef CLI_OUTPUTS_H
#define CLI_OUTPUTS_H

#include "evaluate/evaluate.h"
#include "predict/predictor.h"
#include "train/train.h"

/* The samples `chosen` [count] of `data` with their answers, ready to be scored. Borrows from
 * `data` and the predictor's model. */
typedef struct {
  evaluate_input input;
  evaluate_sample *samples;
  double *logits;
  const char *classes[LEUKO_MAX_CLASSES];
} scored;

/* Answers prepared cells. The caller ends with outputs_free. Errors: those of predictor_logits. */
leuko_status outputs_score(leuko_predictor *predictor, const train_data *data, const size_t *chosen,
                           size_t count, const progress *p, scored *out, leuko_error *error);
void outputs_free(scored *s);

/* Scores the run's best model on its tested cells and writes predictions.csv, metrics.json and
 * figures/ into `run`. Without a working gnuplot there is a warning on stderr instead of figures.
 * *result is ended with evaluate_free. */
leuko_status outputs_write(const char *run, const train_data *data, int threads,
                           const char *backend, const progress *p, evaluation *result,
                           leuko_error *error);

#endif
