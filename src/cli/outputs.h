/* A run's result files. */
#ifndef CLI_OUTPUTS_H
#define CLI_OUTPUTS_H

#include "evaluate/evaluate.h"
#include "predict/predictor.h"
#include "train/rejection.h"

/* Chooses the best model's threshold and temperature, if the options say so, fits when it is not to
 * answer, scores it and the trivial baselines on its tested cells and writes predictions.csv, the
 * curves' points, figures/ and, last of all, metrics.json into the run folder. Without a working
 * gnuplot there is a warning on stderr instead of figures. *result is ended with evaluate_free. */
leuko_status outputs_write(const train_data *data, const train_data_options *data_options,
                           const train_options *options, const progress *p, evaluation *result,
                           leuko_error *error);

/* For a model that was trained on all cells: fits when it is not to answer and tries bfloat16, as
 * above; no score is written, since cells that were trained on have none. */
leuko_status outputs_fit(const train_data *data, const train_data_options *data_options,
                         const train_options *options, const progress *p, leuko_error *error);

/* What drawing has come to: where gnuplot is to blame, a warning on stderr and LEUKO_OK. */
leuko_status outputs_drawn(leuko_status status, const leuko_error *trouble, leuko_error *error);

/* The figures of a run's scores, and of its history if there is one, into RUN/figures. Figures that
 * cannot be drawn are a warning only where gnuplot is to blame. */
leuko_status outputs_draw(const char *run, bool history, const evaluation *e, leuko_error *error);

#endif
