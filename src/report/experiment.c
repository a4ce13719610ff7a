#include "report/experiment.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"

static const experiment_job jobs[] = {
    {"resnet50", "paper", "image"},   {"resnet50", "paper", "subject"},
    {"resnet50", "weights", "image"}, {"resnet50", "weights", "subject"},
    {"vgg16", "weights", "image"},    {"vgg16", "weights", "subject"},
    {"cnn", "paper", "image"},        {"cnn", "paper", "subject"},
};
#define JOBS (sizeof jobs / sizeof *jobs)

static const experiment_paper paper[] = {
    {"resnet50", "ResNet-50", 0.7905, 0.4957, 0.7927, 0.4919},
    {"vgg16", "VGG16", 0.9653, 0.0944, 0.8966, 0.4045},
    {"cnn", "CNN", 0.8815, 0.3282, 0.8821, 0.3096},
};

const experiment_job *experiment_jobs(size_t *count) {
  *count = JOBS;
  return jobs;
}

void experiment_job_name(const experiment_job *job, char *out, size_t size) {
  snprintf(out, size, "%s-%s-%s", job->model, job->preprocess, job->split);
}

leuko_status experiment_run_folder(const char *out_folder, const experiment_job *job, char *out,
                                   size_t size, leuko_error *error) {
  char name[64], below[80];
  experiment_job_name(job, name, sizeof name);
  snprintf(below, sizeof below, "runs/%s", name);
  return file_join(out, size, out_folder, below, error);
}

const experiment_paper *experiment_paper_of(const char *model) {
  for (size_t i = 0; i < sizeof paper / sizeof *paper; i++)
    if (strcmp(paper[i].model, model) == 0) return &paper[i];
  return NULL;
}

static leuko_status read_json(const char *folder, const char *name, json_t **out,
                              leuko_error *error) {
  char path[1024], *text;
  size_t size;
  leuko_status status = file_join(path, sizeof path, folder, name, error);
  if (status == LEUKO_OK) status = file_read(path, (size_t)64 << 20, &text, &size, error);
  if (status != LEUKO_OK) return status;
  *out = json_loadb(text, size, 0, NULL);
  free(text);
  if (json_is_object(*out)) return LEUKO_OK;
  return error_set(error, LEUKO_BAD_DATA, path, "remove the file and start again",
                   "not the JSON object that leuko writes");
}

static leuko_status read_run(const char *folder, experiment_run *run, leuko_error *error) {
  char path[1024];
  leuko_status status = file_join(path, sizeof path, folder, "history.csv", error);
  if (status == LEUKO_OK) status = history_read(path, &run->curves, error);
  if (status == LEUKO_OK) status = read_json(folder, "metrics.json", &run->metrics, error);
  if (status == LEUKO_OK) status = read_json(folder, "run.json", &run->run, error);
  if (status == LEUKO_OK) {
    json_t *timings = NULL;
    if (read_json(folder, "timings.json", &timings, NULL) == LEUKO_OK) run->timings = timings;
    else json_decref(timings);
  }
  return status;
}

leuko_status experiment_open(const char *out_folder, experiment *e, leuko_error *error) {
  *e = (experiment){.runs = calloc(JOBS, sizeof *e->runs)};
  if (!e->runs) return error_set_memory(error, JOBS * sizeof *e->runs);
  snprintf(e->folder, sizeof e->folder, "%s", out_folder);
  leuko_status status = read_json(out_folder, "reproduce.json", &e->description, error);
  for (size_t i = 0; status == LEUKO_OK && i < JOBS; i++) {
    char folder[1024], done[1024];
    status = experiment_run_folder(out_folder, &jobs[i], folder, sizeof folder, error);
    if (status == LEUKO_OK) status = file_join(done, sizeof done, folder, "metrics.json", error);
    if (status != LEUKO_OK || !file_exists(done)) continue;
    e->runs[e->count].job = &jobs[i];
    status = read_run(folder, &e->runs[e->count++], error);
  }
  if (status == LEUKO_OK && e->count == 0)
    status = error_set(error, LEUKO_NO_DATA, out_folder, NULL, "no training of it is done");
  if (status != LEUKO_OK) experiment_close(e);
  return status;
}

void experiment_close(experiment *e) {
  for (size_t i = 0; i < e->count; i++) {
    history_free(&e->runs[i].curves);
    json_decref(e->runs[i].metrics);
    json_decref(e->runs[i].run);
    json_decref(e->runs[i].timings);
  }
  free(e->runs);
  json_decref(e->description);
  *e = (experiment){0};
}

const experiment_run *experiment_find(const experiment *e, const char *model,
                                      const char *preprocess, const char *split) {
  for (size_t i = 0; i < e->count; i++) {
    const experiment_job *job = e->runs[i].job;
    if (strcmp(job->model, model) == 0 && strcmp(job->split, split) == 0 &&
        (!preprocess || strcmp(job->preprocess, preprocess) == 0))
      return &e->runs[i];
  }
  return NULL;
}

double experiment_last(const experiment_run *run, int curve) {
  return run->curves.curves[curve][run->curves.epochs - 1];
}

static double number_of(json_t *object, const char *key) {
  json_t *value = json_object_get(object, key);
  return json_is_number(value) ? json_number_value(value) : NAN;
}

double experiment_metric(const experiment_run *run, const char *key) {
  return number_of(run->metrics, key);
}

double experiment_cells(const experiment_run *run, const char *key) {
  return number_of(json_object_get(run->run, "cells"), key);
}

size_t experiment_subjects(const experiment_run *run) {
  return json_array_size(json_object_get(run->metrics, "subjects"));
}
