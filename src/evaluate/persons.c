#include "evaluate/persons.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/number.h"
#include "base/text.h"
#include "evaluate/subjects.h"
#include "evaluate/trust.h"
#include "stats/proportion.h"

/* A sample that counts, by its place among them, and its person. */
typedef struct {
  const char *name;
  size_t at;
} owned;

static int compare(const void *a, const void *b) {
  const owned *x = a, *y = b;
  int by_name = strverscmp(x->name, y->name);
  return by_name ? by_name : (x->at > y->at) - (x->at < y->at);
}

static void sum_up(const evaluation *e, const owned *cells, size_t count, evaluate_person *out) {
  size_t answered = 0;
  double sum = 0;
  for (size_t i = 0; i < count; i++) {
    answered += e->answers[cells[i].at] == 1;
    sum += e->logits[cells[i].at];
    out->positive |= e->labels[cells[i].at] == 1;
  }
  out->n = count;
  out->share = (double)answered / (double)count;
  out->mean_logit = sum / (double)count;
}

/* The persons by name, with what they are scored by. */
static leuko_status list_persons(const evaluate_input *input, evaluation *out, leuko_error *error) {
  const char **names = malloc((input->count + 1) * sizeof *names);
  owned *cells = malloc((out->n + 1) * sizeof *cells);
  leuko_status status = LEUKO_OK;
  if (!names || !cells) status = error_set_memory(error, input->count * sizeof *names);
  if (status == LEUKO_OK) status = evaluate_person_names(input, names, error);
  size_t n = 0, count = 0, persons = 0;
  for (size_t i = 0; status == LEUKO_OK && i < input->count; i++) {
    if (!evaluate_counts(&input->samples[i])) continue;
    if (names[i][0]) cells[count++] = (owned){names[i], n};
    n++;
  }
  if (status == LEUKO_OK && count > 0) {
    qsort(cells, count, sizeof *cells, compare);
    for (size_t i = 0; i < count; i++)
      persons += i == 0 || strcmp(cells[i].name, cells[i - 1].name) != 0;
    out->persons = calloc(persons, sizeof *out->persons);
    if (!out->persons) status = error_set_memory(error, persons * sizeof *out->persons);
  }
  for (size_t first = 0, end; status == LEUKO_OK && first < count; first = end) {
    for (end = first + 1; end < count && strcmp(cells[end].name, cells[first].name) == 0;) end++;
    evaluate_person *one = &out->persons[out->person_count++];
    sum_up(out, cells + first, end - first, one);
    out->person_positives += one->positive;
    one->name = strdup(cells[first].name);
    if (!one->name) status = error_set_memory(error, strlen(cells[first].name) + 1);
  }
  free(names);
  free(cells);
  return status;
}

/* Scores persons by one value each; from `threshold` on a person is answered positive. */
static leuko_status score(const evaluation *e, const double *values, const int *labels,
                          int *answers, double threshold, evaluate_person_scores *out,
                          leuko_error *error) {
  const size_t n = e->person_count;
  for (size_t i = 0; i < n; i++) {
    answers[i] = values[i] >= threshold;
    if (answers[i] == labels[i]) continue;
    if (labels[i] == 1) out->missed++;
    else out->alarmed++;
  }
  const size_t wrong = out->missed + out->alarmed;
  out->error = (double)wrong / (double)n;
  out->error_interval = stats_proportion_interval(wrong, n);
  leuko_status status = stats_auc(values, labels, n, &out->auc, error);
  stats_weighted w;
  if (status == LEUKO_OK) status = stats_weighted_open(values, labels, answers, n, 2, &w, error);
  if (status != LEUKO_OK) return status;
  const stats_resampling how = {.n = n, .repetitions = STATS_REPETITIONS, .seed = EVALUATE_SEED};
  stats_interval intervals[STATS_SCORES];
  status = stats_score_intervals(&w, &how, intervals, error);
  if (status == LEUKO_OK) out->auc_interval = intervals[STATS_AUC];
  stats_weighted_close(&w);
  return status;
}

leuko_status evaluate_persons(const evaluate_input *input, evaluation *out, leuko_error *error) {
  leuko_status status = list_persons(input, out, error);
  const size_t n = out->person_count;
  if (status != LEUKO_OK || n == 0) return status;
  double *values = malloc(n * sizeof *values);
  int *labels = malloc(n * sizeof *labels), *answers = malloc(n * sizeof *answers);
  if (!values || !labels || !answers) status = error_set_memory(error, n * sizeof *values);
  if (status == LEUKO_OK) {
    for (size_t i = 0; i < n; i++) labels[i] = out->persons[i].positive;
    for (size_t i = 0; i < n; i++) values[i] = out->persons[i].share;
    status = score(out, values, labels, answers, 0.5, &out->by_share, error);
  }
  if (status == LEUKO_OK) {
    for (size_t i = 0; i < n; i++) values[i] = out->persons[i].mean_logit;
    const double threshold = log(out->threshold) - log1p(-out->threshold);
    status = score(out, values, labels, answers, threshold, &out->by_logit, error);
  }
  free(values);
  free(labels);
  free(answers);
  return status;
}

static json_t *scores_json(const evaluate_person_scores *s) {
  return json_pack("{s:o,s:o,s:I,s:I,s:f,s:o}", "auc", number_json(s->auc), "auc_interval",
                   evaluate_interval_json(s->auc_interval), "missed", (json_int_t)s->missed,
                   "alarmed", (json_int_t)s->alarmed, "error", s->error, "error_interval",
                   evaluate_interval_json(s->error_interval));
}

json_t *evaluate_persons_json(const evaluation *e) {
  if (e->person_count == 0) return json_null();
  json_t *list = json_array();
  for (size_t i = 0; i < e->person_count; i++) {
    const evaluate_person *one = &e->persons[i];
    json_array_append_new(list, json_pack("{s:o,s:I,s:b,s:f,s:f}", "person", text_json(one->name),
                                          "n", (json_int_t)one->n, "positive", one->positive,
                                          "share", one->share, "mean_logit", one->mean_logit));
  }
  return json_pack("{s:I,s:I,s:o,s:o,s:o}", "persons", (json_int_t)e->person_count, "positives",
                   (json_int_t)e->person_positives, "share", scores_json(&e->by_share),
                   "mean_logit", scores_json(&e->by_logit), "list", list);
}
