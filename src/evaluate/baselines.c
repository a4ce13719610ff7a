#include "evaluate/baselines.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "evaluate/trust.h"
#include "image/mask.h"
#include "stats/logistic.h"

/* Which measures a baseline sees: `count` of them from `first` on. */
static const struct {
  const char *name;
  size_t first, count;
} kinds[EVALUATE_BASELINES] = {
    {"cell area", 0, 1}, {"mean colour", 3, 3}, {"ten simple measures", 0, BASELINE_MEASURES}};

leuko_status baseline_measure(const uint8_t *pixels, int size, double *out, leuko_error *error) {
  image picture = {size, size, (uint8_t *)(uintptr_t)pixels};
  const size_t area = (size_t)size * (size_t)size;
  memset(out, 0, BASELINE_MEASURES * sizeof *out);
  uint8_t *mask = malloc(area);
  if (!mask) return error_set_memory(error, area);
  image_cell cell;
  leuko_status status = image_mask(&picture, mask, &cell, error);
  free(mask);
  if (status != LEUKO_OK || cell.area == 0) return status;
  double width = cell.width, height = cell.height;
  out[0] = (double)cell.area / (double)area;
  out[1] = width < height ? width / height : height / width;
  out[2] = (double)cell.area / (width * height);
  memcpy(out + 3, cell.mean, sizeof cell.mean);
  memcpy(out + 6, cell.deviation, sizeof cell.deviation);
  out[9] = cell.sharpness;
  return LEUKO_OK;
}

/* The measures of one kind, row by row, into out [count][kind's count], and the labels, of the
 * cells that lie in `fold`, or of all but these. Returns how many. */
static size_t take(const baseline_cells *cells, const int *fold_of, int fold, bool inside, int kind,
                   double *out, int *labels) {
  size_t n = 0;
  for (size_t i = 0; i < cells->count; i++) {
    if (fold_of && (fold_of[i] == fold) != inside) continue;
    memcpy(out + n * kinds[kind].count, cells->measures + i * BASELINE_MEASURES + kinds[kind].first,
           kinds[kind].count * sizeof *out);
    labels[n++] = cells->labels[i];
  }
  return n;
}

/* Fits one kind to the cells outside the fold, if there is one, and answers the tested ones into
 * logits, in their order. */
static leuko_status answer(const baseline_cells *trained, const baseline_cells *tested,
                           const int *fold_of, int fold, int kind, double *x, int *labels,
                           double *logits, leuko_error *error) {
  stats_logistic fitted;
  size_t n = take(trained, fold_of, fold, false, kind, x, labels);
  leuko_status status = stats_logistic_fit(x, labels, n, kinds[kind].count, &fitted, error);
  for (size_t i = 0; status == LEUKO_OK && i < tested->count; i++)
    if (!fold_of || fold_of[i] == fold)
      logits[i] = stats_logistic_logit(&fitted, tested->measures + i * BASELINE_MEASURES +
                                                    kinds[kind].first);
  return status;
}

/* Its scores and their difference from the model's, from logits [n] of the tested cells. */
static leuko_status score(const double *logits, int *answers, evaluation *e, evaluate_baseline *out,
                          leuko_error *error) {
  leuko_status status = stats_binary_metrics(logits, e->labels, e->n, 0.5, &out->scores, error);
  if (status != LEUKO_OK) return status;
  for (size_t i = 0; i < e->n; i++) answers[i] = logits[i] >= 0;
  out->difference = e->binary.auc - out->scores.auc;
  stats_weighted model = {0}, baseline = {0};
  stats_interval own[STATS_SCORES], difference[STATS_SCORES];
  stats_resampling how = evaluate_resampling(e, true);
  status = stats_weighted_open(e->logits, e->labels, e->answers, e->n, 2, &model, error);
  if (status == LEUKO_OK)
    status = stats_weighted_open(logits, e->labels, answers, e->n, 2, &baseline, error);
  if (status == LEUKO_OK) status = stats_score_intervals(&baseline, &how, own, error);
  if (status == LEUKO_OK)
    status = stats_difference_intervals(&model, &baseline, &how, difference, error);
  stats_weighted_close(&model);
  stats_weighted_close(&baseline);
  if (status != LEUKO_OK) return status;
  out->auc = own[STATS_AUC];
  out->by_subject = difference[STATS_AUC];
  out->beaten = out->by_subject.low > 0;
  return LEUKO_OK;
}

/* All kinds, fold by fold where there are any. */
static leuko_status run(const baseline_cells *trained, const baseline_cells *tested,
                        const int *fold_of, int folds, evaluation *e, leuko_error *error) {
  if (tested->count != e->n)
    return error_set(error, LEUKO_ARGUMENT, NULL, NULL, "%zu cells are measured, %zu evaluated",
                     tested->count, e->n);
  const size_t most = trained->count > e->n ? trained->count : e->n;
  double *x = malloc(most * BASELINE_MEASURES * sizeof *x);
  double *logits = malloc(e->n * sizeof *logits);
  int *answers = malloc(most * sizeof *answers);
  leuko_status status = LEUKO_OK;
  if (!x || !logits || !answers)
    status = error_set_memory(error, most * BASELINE_MEASURES * sizeof *x);
  for (int kind = 0; status == LEUKO_OK && kind < EVALUATE_BASELINES; kind++) {
    evaluate_baseline *out = &e->baselines[kind];
    *out = (evaluate_baseline){.name = kinds[kind].name};
    for (int f = 0; status == LEUKO_OK && f < (fold_of ? folds : 1); f++)
      status = answer(trained, tested, fold_of, f, kind, x, answers, logits, error);
    if (status == LEUKO_OK) status = score(logits, answers, e, out, error);
    if (status == LEUKO_OK) e->baseline_count = kind + 1;
  }
  free(x);
  free(logits);
  free(answers);
  return status;
}

leuko_status evaluate_baselines(const baseline_cells *trained, const baseline_cells *tested,
                                evaluation *e, leuko_error *error) {
  size_t positives = 0;
  for (size_t i = 0; i < trained->count; i++) positives += trained->labels[i] == 1;
  if (e->class_count > 2 || positives == 0 || positives == trained->count) return LEUKO_OK;
  return run(trained, tested, NULL, 0, e, error);
}

leuko_status evaluate_baselines_folds(const baseline_cells *cells, const int *fold_of, int folds,
                                      evaluation *e, leuko_error *error) {
  if (e->class_count > 2) return LEUKO_OK;
  size_t right = 0;
  for (int f = 0; f < folds; f++) {
    size_t outside[2] = {0}, inside[2] = {0};
    for (size_t i = 0; i < cells->count; i++)
      (fold_of[i] == f ? inside : outside)[cells->labels[i] == 1]++;
    if (outside[0] == 0 || outside[1] == 0) return LEUKO_OK;
    right += inside[outside[1] > outside[0]];
  }
  e->majority_accuracy = (double)right / (double)cells->count;
  return run(cells, cells, fold_of, folds, e, error);
}
