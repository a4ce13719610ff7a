/* The run folder's files beside the models. Formats: docs/formats.md. */
#ifndef TRAIN_RUN_FOLDER_H
#define TRAIN_RUN_FOLDER_H

#include "train/train.h"

/* Everything that decides the run's bits, as JSON (new reference). */
json_t *run_options_json(const train_data *data, const train_data_options *data_options,
                         const train_options *options);

/* Makes the folder with split.csv, or, on resuming, checks that the run there was made with the
 * same options and data. *resumes tells whether there is a checkpoint to go on from. Errors: as
 * train_run. */
leuko_status run_folder_open(const train_data *data, const train_data_options *data_options,
                             const train_options *options, bool *resumes, leuko_error *error);
/* Writes run.json, with the plan's implementations. */
leuko_status run_write_description(const train_data *data, const train_data_options *data_options,
                                   const train_options *options, const net_plan *plan,
                                   leuko_error *error);

leuko_status run_write_history(const char *out, const train_epoch *history, int epochs,
                               leuko_error *error);
/* Fills the seconds of `history` [epochs] from history.csv, as far as it has them. */
void run_read_seconds(const char *out, train_epoch *history, int epochs);

#endif
