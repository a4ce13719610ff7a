#include <stdlib.h>

#include "base/error.h"
#include "stats/metrics.h"
#include "stats/temperature.h"
#include "stats/threshold.h"
#include "train/train.h"

/* Whether all classes of the model are among the labels [n]. */
static bool has_all_classes(const model *m, const int *labels, size_t n) {
  bool seen[LEUKO_MAX_CLASSES] = {false};
  for (size_t i = 0; i < n; i++) seen[labels[i]] = true;
  for (int c = 0; c < m->class_count; c++)
    if (!seen[c]) return false;
  return true;
}

static leuko_status fit_temperature(const double *logits, const int *labels, size_t n, model *m,
                                    leuko_error *error) {
  leuko_status status =
      stats_fit_temperature(logits, labels, n, m->class_count, &m->temperature, error);
  /* Without a mistake to learn from, the coldest one would make every answer certain. */
  if (status != LEUKO_OK || m->temperature <= STATS_COLDEST) m->temperature = 1;
  return status;
}

static leuko_status choose_threshold(const train_options *o, const double *logits,
                                     const int *labels, size_t n, model *m, leuko_error *error) {
  double *p = malloc(n * sizeof *p);
  if (!p) return error_set_memory(error, n * sizeof *p);
  for (size_t i = 0; i < n; i++) p[i] = stats_sigmoid(logits[i] / m->temperature);
  leuko_status status =
      o->point == TRAIN_POINT_YOUDEN
          ? stats_youden_threshold(p, labels, n, &m->threshold, error)
          : stats_sensitivity_threshold(p, labels, n, o->sensitivity, &m->threshold, error);
  free(p);
  return status;
}

static leuko_status describe(const train_options *o, size_t n, const char *cells, model *m,
                             leuko_error *error) {
  json_decref(m->operating_point);
  m->operating_point = json_pack("{s:I,s:s}", "cells", (json_int_t)n, "data", cells);
  if (!m->operating_point) return error_set_memory(error, 0);
  if (m->class_count > 2) return LEUKO_OK;
  bool youden = o->point == TRAIN_POINT_YOUDEN;
  json_object_set_new(m->operating_point, "chosen", json_string(youden ? "youden" : "sensitivity"));
  if (!youden) json_object_set_new(m->operating_point, "sensitivity", json_real(o->sensitivity));
  return LEUKO_OK;
}

leuko_status train_operating_point(const train_options *options, const double *logits,
                                   const int *labels, size_t n, const char *cells, model *m,
                                   leuko_error *error) {
  if (options->point == TRAIN_POINT_NONE || !has_all_classes(m, labels, n)) return LEUKO_OK;
  int *positive = malloc((n + 1) * sizeof *positive); /* the labels, with two classes of it */
  if (!positive) return error_set_memory(error, n * sizeof *positive);
  for (size_t i = 0; i < n; i++)
    positive[i] = m->class_count == 2 ? labels[i] == m->positive : labels[i];
  leuko_status status = fit_temperature(logits, positive, n, m, error);
  if (status == LEUKO_OK && m->class_count == 2)
    status = choose_threshold(options, logits, positive, n, m, error);
  free(positive);
  return status == LEUKO_OK ? describe(options, n, cells, m, error) : status;
}
