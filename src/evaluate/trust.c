#include "evaluate/trust.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/hash.h"
#include "evaluate/subjects.h"
#include "stats/predictive.h"

/* A sample and what tells its person. */
typedef struct {
  int group;
  const char *name;
  size_t sample;
} owner;

static int compare_owners(const void *a, const void *b) {
  const owner *x = a, *y = b;
  int by_name = strcmp(x->name, y->name);
  if (x->group != y->group) return (x->group > y->group) - (x->group < y->group);
  return by_name ? by_name : (x->sample > y->sample) - (x->sample < y->sample);
}

static owner *sort_owners(const int *groups, const char *const *names, size_t count) {
  owner *list = malloc((count + 1) * sizeof *list);
  for (size_t i = 0; list && i < count; i++)
    list[i] = (owner){groups ? groups[i] : 0, names ? names[i] : "", i};
  if (list) qsort(list, count, sizeof *list, compare_owners);
  return list;
}

leuko_status evaluate_person_names(const evaluate_input *input, const char **names,
                                   leuko_error *error) {
  for (size_t i = 0; i < input->count; i++) {
    const char *subject = input->samples[i].subject;
    names[i] = subject ? subject : "";
  }
  if (!input->groups) return LEUKO_OK;
  owner *list = sort_owners(input->groups, NULL, input->count);
  if (!list) return error_set_memory(error, input->count * sizeof *list);
  for (size_t first = 0, end; first < input->count; first = end) {
    const char *name = "";
    for (end = first; end < input->count && list[end].group == list[first].group; end++)
      if (!name[0]) name = names[list[end].sample];
    for (size_t k = first; k < end; k++) names[list[k].sample] = name;
  }
  free(list);
  return LEUKO_OK;
}

leuko_status evaluate_number_persons(const char *const *names, size_t count, size_t *out,
                                     size_t *groups, leuko_error *error) {
  *groups = 0;
  owner *list = sort_owners(NULL, names, count);
  if (!list) return error_set_memory(error, count * sizeof *list);
  for (size_t i = 0; i < count; i++) {
    bool same = i > 0 && list[i].name[0] && strcmp(list[i].name, list[i - 1].name) == 0;
    if (!same) ++*groups;
    out[list[i].sample] = *groups - 1;
  }
  free(list);
  return LEUKO_OK;
}

stats_resampling evaluate_resampling(const evaluation *e, bool by_subject) {
  return (stats_resampling){.groups = by_subject ? e->groups : NULL,
                            .n = e->n,
                            .group_count = e->group_count,
                            .repetitions = STATS_REPETITIONS,
                            .seed = EVALUATE_SEED};
}

/* The persons of the samples that count. */
static leuko_status set_groups(const evaluate_input *input, evaluation *out, leuko_error *error) {
  const char **names = malloc(input->count * sizeof *names);
  out->groups = malloc(input->count * sizeof *out->groups);
  leuko_status status = LEUKO_OK;
  if (!names || !out->groups) status = error_set_memory(error, 2 * input->count * sizeof *names);
  if (status == LEUKO_OK) status = evaluate_person_names(input, names, error);
  if (status == LEUKO_OK) {
    size_t n = 0;
    for (size_t i = 0; i < input->count; i++)
      if (evaluate_counts(&input->samples[i])) names[n++] = names[i];
    status = evaluate_number_persons(names, n, out->groups, &out->group_count, error);
  }
  free(names);
  return status;
}

static leuko_status set_intervals(evaluation *out, leuko_error *error) {
  for (int s = 0; s < STATS_SCORES; s++)
    out->by_subject[s] = out->by_image[s] = (stats_interval){NAN, NAN};
  stats_weighted w;
  leuko_status status = stats_weighted_open(out->logits, out->labels, out->answers, out->n,
                                            out->class_count, &w, error);
  if (status != LEUKO_OK) return status;
  stats_resampling by_subject = evaluate_resampling(out, true);
  stats_resampling by_image = evaluate_resampling(out, false);
  if (out->subject_count > 0)
    status = stats_score_intervals(&w, &by_subject, out->by_subject, error);
  if (status == LEUKO_OK) status = stats_score_intervals(&w, &by_image, out->by_image, error);
  stats_weighted_close(&w);
  return status;
}

/* p and what it speaks of for each sample, of logits times `factor`. */
static leuko_status reliability(const evaluation *e, double factor, stats_reliability *out,
                                leuko_error *error) {
  double *p = malloc(e->n * sizeof *p);
  int *hits = malloc(e->n * sizeof *hits);
  leuko_status status = LEUKO_OK;
  if (!p || !hits) status = error_set_memory(error, e->n * (sizeof *p + sizeof *hits));
  for (size_t i = 0; status == LEUKO_OK && i < e->n; i++) {
    if (e->class_count == 2) {
      p[i] = stats_sigmoid(e->logits[i] * factor);
      hits[i] = e->labels[i];
      continue;
    }
    double all[LEUKO_MAX_CLASSES];
    for (int c = 0; c < e->class_count; c++)
      all[c] = e->logits[i * (size_t)e->class_count + (size_t)c] * factor;
    stats_softmax(all, e->class_count, all);
    p[i] = all[e->answers[i]];
    hits[i] = e->answers[i] == e->labels[i];
  }
  if (status == LEUKO_OK) status = stats_reliability_of(p, hits, e->n, out, error);
  free(p);
  free(hits);
  return status;
}

/* The scores of two classes before the temperature and at one half. */
static leuko_status set_raw(evaluation *out, leuko_error *error) {
  stats_reliability raw;
  leuko_status status = reliability(out, out->temperature, &raw, error);
  size_t width = out->class_count == 2 ? 1 : (size_t)out->class_count, count = out->n * width;
  double *logits = malloc(count * sizeof *logits);
  if (!logits) return error_set_memory(error, count * sizeof *logits);
  for (size_t i = 0; i < count; i++) logits[i] = out->logits[i] * out->temperature;
  out->raw.calibration_error = raw.error;
  out->raw.brier = NAN;
  if (status == LEUKO_OK && out->class_count == 2) {
    status = stats_binary_metrics(logits, out->labels, out->n, 0.5, &out->at_half, error);
    out->raw.loss = out->at_half.loss;
    out->raw.brier = out->at_half.brier;
  } else if (status == LEUKO_OK) {
    stats_multiclass scores;
    status =
        stats_multiclass_metrics(logits, out->labels, out->n, out->class_count, &scores, error);
    out->raw.loss = scores.loss;
  }
  free(logits);
  return status;
}

static void set_predictive(const evaluate_input *input, evaluation *out) {
  static const double usual[] = {0.05, 0.25, 0.5};
  const double *list = input->prevalence_count ? input->prevalences : usual;
  out->prevalence_count = input->prevalence_count ? input->prevalence_count : 3;
  for (int i = 0; i < out->prevalence_count; i++) {
    double sensitivity = out->binary.sensitivity, specificity = out->binary.specificity;
    out->predictive[i].prevalence = list[i];
    out->predictive[i].positive = stats_positive_predictive(sensitivity, specificity, list[i]);
    out->predictive[i].negative = stats_negative_predictive(sensitivity, specificity, list[i]);
  }
}

static int compare_text(const void *a, const void *b) {
  return strcmp(*(const char *const *)a, *(const char *const *)b);
}

leuko_status evaluate_fingerprint(const evaluate_input *input, char hex[65], leuko_error *error) {
  const char **list = malloc((input->count + 1) * sizeof *list);
  if (!list) return error_set_memory(error, input->count * sizeof *list);
  size_t n = 0;
  for (size_t i = 0; i < input->count; i++)
    if (evaluate_counts(&input->samples[i])) list[n++] = input->samples[i].sha256;
  qsort(list, n, sizeof *list, compare_text);
  hash *h;
  leuko_status status = hash_open(&h, error);
  for (size_t i = 0; status == LEUKO_OK && i < n; i++) hash_add(h, list[i], strlen(list[i]));
  if (status == LEUKO_OK) status = hash_close(h, hex, error);
  free(list);
  return status;
}

leuko_status evaluate_trust(const evaluate_input *input, evaluation *out, leuko_error *error) {
  leuko_status status = set_groups(input, out, error);
  if (status == LEUKO_OK) status = set_intervals(out, error);
  if (status == LEUKO_OK) status = reliability(out, 1, &out->reliability, error);
  if (status == LEUKO_OK) status = set_raw(out, error);
  if (status == LEUKO_OK) status = evaluate_fingerprint(input, out->fingerprint, error);
  if (status == LEUKO_OK)
    out->fitted_here = input->fitted_on && strcmp(input->fitted_on, out->fingerprint) == 0;
  if (status == LEUKO_OK && out->class_count == 2) set_predictive(input, out);
  return status;
}
