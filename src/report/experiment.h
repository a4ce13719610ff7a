/* The paper's experiment as it stands on disk: which trainings it is made of, and what those that
 * are done have found. */
#ifndef REPORT_EXPERIMENT_H
#define REPORT_EXPERIMENT_H

#include <jansson.h>

#include "report/history.h"

/* A training of the experiment: network, preprocessing ("paper": divided by 255, "weights": as the
 * weights were trained) and split. */
typedef struct {
  const char *model, *preprocess, *split; /* "resnet50", "paper", "image"; constants */
} experiment_job;

/* All trainings, in the order of the paper's Table I, and of each network the paper's own way
 * first: [*count], constant. */
const experiment_job *experiment_jobs(size_t *count);

/* "resnet50-paper-image" into out [size]. */
void experiment_job_name(const experiment_job *job, char *out, size_t size);
/* The job's run folder, OUT/runs/NAME, into out [size]. Errors: TOO_LARGE. */
leuko_status experiment_run_folder(const char *out_folder, const experiment_job *job, char *out,
                                   size_t size, leuko_error *error);

/* What the paper's Table I says of a network, all by its image split. */
typedef struct {
  const char *model, *title; /* "resnet50", "ResNet-50" */
  double accuracy, loss, val_accuracy, val_loss;
} experiment_paper;
/* NULL if the paper has no such network. */
const experiment_paper *experiment_paper_of(const char *model);

/* A training that is done. */
typedef struct {
  const experiment_job *job;
  history curves;
  json_t *metrics; /* of the kept model: metrics.json */
  json_t *run;     /* run.json */
  json_t *timings; /* timings.json, or NULL */
} experiment_run;

typedef struct {
  char folder[1024];
  json_t *description;  /* reproduce.json */
  experiment_run *runs; /* [count], in the order of experiment_jobs */
  size_t count;
} experiment;

/* Reads OUT/reproduce.json and the runs that have their metrics.json. The caller ends with
 * experiment_close. Errors: those of reading, BAD_DATA, NO_DATA (no run is done), NO_MEMORY. */
leuko_status experiment_open(const char *out_folder, experiment *e, leuko_error *error);
void experiment_close(experiment *e);

/* The run of that network, preprocessing and split, or NULL. `preprocess` NULL: the first there is.
 */
const experiment_run *experiment_find(const experiment *e, const char *model,
                                      const char *preprocess, const char *split);

/* A curve's value in the last epoch; NaN where it has none. */
double experiment_last(const experiment_run *run, int curve);
/* A number of the kept model's metrics ("accuracy"), or of run.json's cells ("train"); NaN where
 * there is none. */
double experiment_metric(const experiment_run *run, const char *key);
double experiment_cells(const experiment_run *run, const char *key);
/* How many subjects the validation cells come from. */
size_t experiment_subjects(const experiment_run *run);

#endif
