#include "dataset/split.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/number.h"
#include "base/rng.h"
#include "dataset/gather.h"
#include "dataset/search.h"

#define FOLDS 1000 /* names_fold gives at most three digits */

static const char *const kinds[] = {"subject", "fold", "image"};

const char *split_kind_name(split_kind by) {
  return kinds[by];
}

bool split_kind_parse(const char *text, split_kind *by) {
  for (int i = 0; i < 3; i++) {
    if (strcmp(text, kinds[i]) != 0) continue;
    *by = (split_kind)i;
    return true;
  }
  return false;
}

bool split_parse_ratio(const char *text, double *train_share) {
  char *colon, *end;
  double train = number_read(text, &colon);
  if (colon == text || *colon != ':') return false;
  double test = number_read(colon + 1, &end);
  if (end == colon + 1 || *end || !(train > 0) || !(test > 0) || !isfinite(train + test))
    return false;
  *train_share = train / (train + test);
  return *train_share > 0 && *train_share < 1;
}

static leuko_status by_subject(const dataset *d, gathering *g, double train_share, uint64_t seed,
                               leuko_error *error) {
  leuko_status status = gather_check_subjects(d, g, error);
  if (status != LEUKO_OK) return status;
  if (g->units < 2)
    return error_set(error, LEUKO_BAD_DATA, d->root, "split by image, knowing that it leaks",
                     "all %zu cells come from one subject, or from subjects that are tied",
                     g->sample_count);
  return search_sides(g->cells, g->units, d->class_count, train_share, seed, g->train, error);
}

/* Cells that remain for testing if `fold` is the tested one and ties pull into training. Marks the
 * units in training. */
static size_t try_fold(const dataset *d, gathering *g, int fold) {
  memset(g->train, 0, g->units);
  for (size_t i = 0; i < g->sample_count; i++)
    if (d->samples[g->samples[i]].fold != fold) g->train[g->unit[i]] = 1;
  size_t tested = 0;
  for (size_t i = 0; i < g->sample_count; i++) tested += !g->train[g->unit[i]];
  return tested;
}

static leuko_status by_fold(const dataset *d, gathering *g, double train_share,
                            split_report *report, leuko_error *error) {
  bool present[FOLDS] = {false};
  size_t folds = 0;
  double nearest = 1;
  for (size_t i = 0; i < g->sample_count; i++) {
    int fold = d->samples[g->samples[i]].fold;
    folds += !present[fold];
    present[fold] = true;
  }
  if (folds < 2)
    return error_set(error, LEUKO_BAD_DATA, d->root, "split by subject instead",
                     "a split by fold needs two folders fold_N, here is only one");
  for (int fold = 0; fold < FOLDS; fold++) {
    if (!present[fold]) continue;
    double tested = (double)try_fold(d, g, fold) / (double)g->sample_count;
    double distance = fabs(1 - tested - train_share);
    if (distance > nearest + 1e-12) continue;
    nearest = distance;
    report->test_fold = fold;
  }
  try_fold(d, g, report->test_fold);
  for (size_t i = 0; i < g->sample_count; i++)
    report->moved += d->samples[g->samples[i]].fold == report->test_fold && g->train[g->unit[i]];
  return LEUKO_OK;
}

/* Every class exactly in the ratio, cells in seeded order; a unit of identical cells that would
 * overshoot is passed over, and single cells behind it fill up. */
static leuko_status by_image(const dataset *d, gathering *g, double train_share, uint64_t seed,
                             leuko_error *error) {
  size_t classes = (size_t)d->class_count, left[LEUKO_MAX_CLASSES] = {0};
  for (size_t u = 0; u < g->units; u++)
    for (size_t c = 0; c < classes; c++) left[c] += g->cells[u * classes + c];
  for (size_t c = 0; c < classes; c++) {
    size_t all = left[c];
    left[c] = (size_t)(train_share * (double)all + 0.5);
    if (all > 1 && left[c] == 0) left[c] = 1;
    if (all > 1 && left[c] == all) left[c] = all - 1;
  }
  size_t *order = malloc(g->units * sizeof *order);
  if (!order) return error_set_memory(error, g->units * sizeof *order);
  for (size_t u = 0; u < g->units; u++) order[u] = u;
  rng random = rng_open(seed, RNG_SPLIT, 0, 1);
  rng_shuffle(&random, order, g->units);
  for (size_t i = 0; i < g->units; i++) {
    const size_t *cells = g->cells + order[i] * classes;
    bool fits = true;
    for (size_t c = 0; c < classes; c++) fits = fits && cells[c] <= left[c];
    if (!fits) continue;
    g->train[order[i]] = 1;
    for (size_t c = 0; c < classes; c++) left[c] -= cells[c];
  }
  free(order);
  return LEUKO_OK;
}

static void set_parts(dataset *d, const gathering *g, double train_share, split_report *report) {
  size_t all[LEUKO_MAX_CLASSES] = {0}, train[LEUKO_MAX_CLASSES] = {0};
  for (size_t i = 0; i < g->sample_count; i++) {
    dataset_sample *s = &d->samples[g->samples[i]];
    bool trained = g->train[g->unit[i]];
    s->part = trained ? DATASET_TRAIN : DATASET_TEST;
    if (trained) report->train++;
    else report->test++;
    all[s->label]++;
    train[s->label] += trained;
  }
  for (int c = 0; c < d->class_count; c++) {
    if (all[c] == 0) continue;
    double excess = fabs((double)train[c] / (double)all[c] - train_share);
    if (excess > report->worst_excess) report->worst_excess = excess;
  }
}

leuko_status dataset_split(dataset *d, split_kind by, double train_share, uint64_t seed,
                           split_report *report, leuko_error *error) {
  split_report found = {.test_fold = -1};
  for (size_t i = 0; i < d->count; i++) d->samples[i].part = DATASET_NONE;
  if (!(train_share > 0 && train_share < 1))
    return error_set(error, LEUKO_ARGUMENT, d->root, "give a ratio such as 60:40",
                     "the share of training cells must lie between 0 and 1, not %g", train_share);
  if (d->count && d->samples[0].group < 0)
    return error_set(error, LEUKO_ARGUMENT, d->root, "call dataset_tie first",
                     "it is not known yet which cells must stay together");
  gathering g;
  leuko_status status = gather_cells(d, by, &g, &found.aside, error);
  if (status != LEUKO_OK) return status;
  if (by == SPLIT_BY_SUBJECT) status = by_subject(d, &g, train_share, seed, error);
  else if (by == SPLIT_BY_FOLD) status = by_fold(d, &g, train_share, &found, error);
  else status = by_image(d, &g, train_share, seed, error);
  if (status == LEUKO_OK) {
    set_parts(d, &g, train_share, &found);
    if (found.train == 0 || found.test == 0) {
      for (size_t i = 0; i < d->count; i++) d->samples[i].part = DATASET_NONE;
      status = error_set(error, LEUKO_NO_DATA, d->root, "give more cells or another ratio",
                         "no cell is left for %s", found.train ? "testing" : "training");
    }
  }
  gathering_free(&g);
  if (status == LEUKO_OK && report) *report = found;
  return status;
}

static int compare_subjects(const void *left, const void *right) {
  const dataset_sample *a, *b;
  memcpy(&a, left, sizeof a);
  memcpy(&b, right, sizeof b);
  return strcmp(a->subject, b->subject);
}

size_t dataset_leaks(const dataset *d, split_leaks *leaks) {
  split_leaks found = {0};
  uint8_t *group = calloc(d->count + 1, 1), *twin = calloc(d->count + 1, 1);
  const dataset_sample **sorted = malloc((d->count + 1) * sizeof *sorted);
  size_t count = 0;
  if (group && twin && sorted) {
    for (size_t i = 0; i < d->count; i++) {
      const dataset_sample *s = &d->samples[i];
      if (s->part == DATASET_NONE) continue;
      group[s->group] |= (uint8_t)s->part; /* 1 train, 2 test, 3 both */
      twin[s->twin] |= (uint8_t)s->part;
      found.unknown += !s->subject[0];
      sorted[count++] = s;
    }
    if (count) qsort(sorted, count, sizeof *sorted, compare_subjects);
    for (size_t i = 0; i < count; i++) {
      const dataset_sample *s = sorted[i];
      found.twins += s->part == DATASET_TEST && twin[s->twin] == 3;
      if (!s->subject[0] || (i > 0 && strcmp(sorted[i - 1]->subject, s->subject) == 0)) continue;
      found.subjects++;
      found.leaking += group[s->group] == 3;
    }
  } else {
    found.leaking = SIZE_MAX; /* what could not be looked for is not denied */
  }
  free(group);
  free(twin);
  free(sorted);
  if (leaks) *leaks = found;
  return found.leaking + found.twins;
}
