#include "evaluate/compare.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/number.h"
#include "base/text.h"
#include "evaluate/trust.h"

/* The common cells of all runs, one after the other as run 0 lists them. */
typedef struct {
  answers runs[COMPARE_MOST];
  size_t count;               /* runs */
  const answers_cell **cells; /* [count][n] */
  size_t n;
  int *labels;                  /* [n] */
  int *answered[COMPARE_MOST];  /* [n] */
  double *scores[COMPARE_MOST]; /* [n] */
  stats_weighted weighted[COMPARE_MOST];
  size_t *groups; /* [n] */
  stats_resampling how;
} table;

static void free_table(table *t) {
  for (size_t r = 0; r < t->count; r++) {
    answers_close(&t->runs[r]);
    stats_weighted_close(&t->weighted[r]);
    free(t->answered[r]);
    free(t->scores[r]);
  }
  free(t->cells);
  free(t->labels);
  free(t->groups);
}

/* Walks through the sorted cells of all runs at once; files of equal bytes pair up in the order of
 * their paths. */
static leuko_status find_common(table *t, leuko_error *error) {
  size_t most = t->runs[0].count, at[COMPARE_MOST] = {0};
  t->cells = calloc(t->count * most + 1, sizeof *t->cells);
  if (!t->cells) return error_set_memory(error, t->count * most * sizeof *t->cells);
  while (at[0] < most) {
    const char *wanted = t->runs[0].cells[at[0]].sha256;
    bool everywhere = true;
    for (size_t r = 1; r < t->count; r++) {
      const answers *a = &t->runs[r];
      while (at[r] < a->count && strcmp(a->cells[at[r]].sha256, wanted) < 0) at[r]++;
      everywhere &= at[r] < a->count && strcmp(a->cells[at[r]].sha256, wanted) == 0;
    }
    for (size_t r = 0; everywhere && r < t->count; r++)
      t->cells[r * most + t->n] = &t->runs[r].cells[at[r]];
    if (everywhere)
      for (size_t r = 1; r < t->count; r++) at[r]++;
    t->n += everywhere;
    at[0]++;
  }
  for (size_t r = 1; r < t->count; r++)
    memmove(t->cells + r * t->n, t->cells + r * most, t->n * sizeof *t->cells);
  if (t->n == 0)
    return error_set(error, LEUKO_NO_DATA, NULL, "compare runs that were tested on the same cells",
                     "no cell was answered by all");
  return LEUKO_OK;
}

static leuko_status fill_run(table *t, size_t r, const char *folder, leuko_error *error) {
  t->answered[r] = malloc(t->n * sizeof *t->answered[r]);
  t->scores[r] = malloc(t->n * sizeof *t->scores[r]);
  if (!t->answered[r] || !t->scores[r]) return error_set_memory(error, t->n * sizeof(double));
  for (size_t i = 0; i < t->n; i++) {
    const answers_cell *cell = t->cells[r * t->n + i];
    t->answered[r][i] = cell->answer;
    t->scores[r][i] = cell->score;
    if (cell->label != t->labels[i])
      return error_set(error, LEUKO_BAD_DATA, folder, NULL,
                       "'%.120s' is labelled otherwise than in the first run", cell->path);
  }
  return stats_weighted_open(t->scores[r], t->labels, t->answered[r], t->n, 2, &t->weighted[r],
                             error);
}

static leuko_status set_persons(table *t, comparison *out, leuko_error *error) {
  size_t teller = 0; /* the run that says who is one person */
  for (size_t r = t->count; r-- > 0;)
    if (t->runs[r].persons) teller = r;
  const char **names = malloc(t->n * sizeof *names);
  t->groups = malloc(t->n * sizeof *t->groups);
  leuko_status status = LEUKO_OK;
  if (!names || !t->groups) status = error_set_memory(error, t->n * sizeof *names);
  bool known = false;
  for (size_t i = 0; status == LEUKO_OK && i < t->n; i++) {
    names[i] = t->cells[teller * t->n + i]->person;
    known |= names[i][0] != 0;
  }
  size_t persons = 0;
  if (status == LEUKO_OK) status = evaluate_number_persons(names, t->n, t->groups, &persons, error);
  free(names);
  out->persons = known ? persons : 0;
  t->how = (stats_resampling){.groups = t->groups,
                              .n = t->n,
                              .group_count = persons,
                              .repetitions = STATS_REPETITIONS,
                              .seed = EVALUATE_SEED};
  return status;
}

static leuko_status score_run(table *t, size_t r, compare_run *out, leuko_error *error) {
  uint32_t *once = malloc(t->n * sizeof *once);
  if (!once) return error_set_memory(error, t->n * sizeof *once);
  for (size_t i = 0; i < t->n; i++) once[i] = 1;
  stats_weighted_scores(&t->weighted[r], once, out->scores);
  free(once);
  out->own = t->runs[r].count;
  return stats_score_intervals(&t->weighted[r], &t->how, out->by_subject, error);
}

static leuko_status score_pair(const table *t, const comparison *c, compare_pair *out,
                               leuko_error *error) {
  for (int s = 0; s < STATS_SCORES; s++)
    out->differences[s] = c->runs[out->first].scores[s] - c->runs[out->second].scores[s];
  leuko_status status = stats_difference_intervals(
      &t->weighted[out->first], &t->weighted[out->second], &t->how, out->by_subject, error);
  if (status != LEUKO_OK) return status;
  return stats_delong_compare(t->scores[out->first], t->scores[out->second], t->labels, t->n,
                              &out->delong, error);
}

static leuko_status check_classes(const table *t, const char *const *names, leuko_error *error) {
  for (size_t r = 1; r < t->count; r++)
    for (int c = 0; c < 2; c++)
      if (strcmp(t->runs[r].classes[c], t->runs[0].classes[c]) != 0)
        return error_set(error, LEUKO_BAD_DATA, names[r], NULL,
                         "other classes than those of the first run");
  return LEUKO_OK;
}

static leuko_status score_all(table *t, const char *const *folders, comparison *out,
                              leuko_error *error) {
  t->labels = malloc(t->n * sizeof *t->labels);
  out->pairs = calloc(t->count * t->count, sizeof *out->pairs);
  if (!t->labels || !out->pairs) return error_set_memory(error, t->n * sizeof *t->labels);
  for (size_t i = 0; i < t->n; i++) t->labels[i] = t->cells[i]->label;
  leuko_status status = set_persons(t, out, error);
  for (size_t r = 0; status == LEUKO_OK && r < t->count; r++) {
    out->runs[r].folder = folders[r];
    status = fill_run(t, r, folders[r], error);
    if (status == LEUKO_OK) status = score_run(t, r, &out->runs[r], error);
  }
  out->run_count = t->count;
  for (size_t a = 0; a < t->count; a++)
    for (size_t b = a + 1; status == LEUKO_OK && b < t->count; b++) {
      compare_pair *pair = &out->pairs[out->pair_count++];
      pair->first = a;
      pair->second = b;
      status = score_pair(t, out, pair, error);
    }
  return status;
}

static leuko_status check_count(size_t count, leuko_error *error) {
  if (count >= 2 && count <= COMPARE_MOST) return LEUKO_OK;
  return error_set(error, LEUKO_ARGUMENT, NULL, NULL, "%zu runs, but 2 to %d can be compared",
                   count, COMPARE_MOST);
}

leuko_status compare_answers(answers *runs, const char *const *names, size_t count, comparison *out,
                             leuko_error *error) {
  *out = (comparison){0};
  leuko_status status = check_count(count, error);
  table t = {.count = status == LEUKO_OK ? count : 0};
  memcpy(t.runs, runs, t.count * sizeof *runs);
  for (size_t r = t.count; r < count; r++) answers_close(&runs[r]);
  memset(runs, 0, count * sizeof *runs);
  if (status == LEUKO_OK) status = check_classes(&t, names, error);
  if (status == LEUKO_OK) status = find_common(&t, error);
  if (status == LEUKO_OK) {
    out->n = t.n;
    memcpy(out->positive, t.runs[0].classes[1], sizeof out->positive);
    status = score_all(&t, names, out, error);
  }
  free_table(&t);
  if (status != LEUKO_OK) compare_free(out);
  return status;
}

leuko_status compare_runs(const char *const *folders, size_t count, comparison *out,
                          leuko_error *error) {
  *out = (comparison){0};
  answers runs[COMPARE_MOST] = {0};
  leuko_status status = check_count(count, error);
  size_t opened = 0;
  while (status == LEUKO_OK && opened < count) {
    status = answers_open(folders[opened], &runs[opened], error);
    opened += status == LEUKO_OK;
  }
  if (status == LEUKO_OK) return compare_answers(runs, folders, count, out, error);
  for (size_t r = 0; r < opened; r++) answers_close(&runs[r]);
  return status;
}

void compare_free(comparison *c) {
  free(c->pairs);
  *c = (comparison){0};
}

/* {"accuracy": {NAME: value, "by_subject": [low, high]}, ...} */
static json_t *values_json(const char *name, const double *values, const stats_interval *list) {
  json_t *all = json_object();
  for (int s = 0; s < STATS_SCORES; s++) {
    json_t *one = json_object();
    json_object_set_new(one, name, number_json(values[s]));
    json_object_set_new(one, "by_subject", evaluate_interval_json(list[s]));
    json_object_set_new(all, evaluate_score_name(s), one);
  }
  return all;
}

json_t *compare_json(const comparison *c) {
  json_t *runs = json_array(), *pairs = json_array();
  for (size_t r = 0; r < c->run_count; r++) {
    const compare_run *run = &c->runs[r];
    json_t *value = json_object();
    json_object_set_new(value, "run", text_json(run->folder));
    json_object_set_new(value, "cells", json_integer((json_int_t)run->own));
    json_object_set_new(value, "scores", values_json("value", run->scores, run->by_subject));
    json_array_append_new(runs, value);
  }
  for (size_t k = 0; k < c->pair_count; k++) {
    const compare_pair *pair = &c->pairs[k];
    json_t *value = json_object(), *delong = json_object();
    json_object_set_new(value, "first", text_json(c->runs[pair->first].folder));
    json_object_set_new(value, "second", text_json(c->runs[pair->second].folder));
    json_object_set_new(value, "differences",
                        values_json("difference", pair->differences, pair->by_subject));
    json_object_set_new(delong, "z", number_json(pair->delong.z));
    json_object_set_new(delong, "p", number_json(pair->delong.p));
    json_object_set_new(value, "delong", delong);
    json_array_append_new(pairs, value);
  }
  json_t *out = json_object();
  json_object_set_new(out, "n", json_integer((json_int_t)c->n));
  json_object_set_new(out, "persons",
                      c->persons ? json_integer((json_int_t)c->persons) : json_null());
  json_object_set_new(out, "positive", text_json(c->positive));
  json_object_set_new(out, "runs", runs);
  json_object_set_new(out, "pairs", pairs);
  return out;
}
