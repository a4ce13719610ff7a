#include "stats/weighted.h"

#include <math.h>
#include <stdlib.h>

#include "base/error.h"
#include "stats/ranked.h"

static leuko_status check(const int *labels, const int *answers, size_t n, int classes,
                          leuko_error *error) {
  for (size_t i = 0; i < n; i++)
    if (labels[i] < 0 || labels[i] >= classes || answers[i] < 0 || answers[i] >= classes)
      return error_set(error, LEUKO_BAD_DATA, NULL, NULL,
                       "sample %zu has label %d and answer %d of %d classes", i, labels[i],
                       answers[i], classes);
  return LEUKO_OK;
}

static leuko_status place(const double *scores, const int *is_class, size_t n, stats_place *places,
                          leuko_error *error) {
  stats_ranked *order;
  leuko_status status = stats_rank(scores, is_class, n, &order, error);
  for (size_t k = 0; status == LEUKO_OK && k < n; k++)
    places[k] = (stats_place){.sample = (uint32_t)order[k].sample,
                              .is_class = (uint8_t)order[k].label,
                              .last = k + 1 == n || order[k + 1].score < order[k].score};
  free(order);
  return status;
}

leuko_status stats_weighted_open(const double *scores, const int *labels, const int *answers,
                                 size_t n, int classes, stats_weighted *out, leuko_error *error) {
  *out = (stats_weighted){0};
  if (classes < 2 || classes > LEUKO_MAX_CLASSES)
    return error_set(error, LEUKO_ARGUMENT, NULL, NULL, "%d classes, but 2 to %d are possible",
                     classes, LEUKO_MAX_CLASSES);
  if (n == 0) return error_set(error, LEUKO_NO_DATA, NULL, NULL, "no sample to score");
  const size_t width = classes == 2 ? 1 : (size_t)classes;
  if (n >= UINT32_MAX)
    return error_set(error, LEUKO_TOO_LARGE, NULL, NULL, "%zu samples are too many", n);
  leuko_status status = check(labels, answers, n, classes, error);
  if (status != LEUKO_OK) return status;
  *out = (stats_weighted){classes, (int)width, n, labels, answers, NULL};
  out->places = malloc(width * n * sizeof *out->places);
  double *column = malloc(n * sizeof *column);
  int *is_class = malloc(n * sizeof *is_class);
  if (!out->places || !column || !is_class)
    status = error_set_memory(error, n * (width * sizeof *out->places + sizeof *column));
  for (size_t c = 0; status == LEUKO_OK && c < width; c++) {
    for (size_t i = 0; i < n; i++) {
      column[i] = scores[i * width + c];
      is_class[i] = labels[i] == (classes == 2 ? 1 : (int)c);
    }
    status = place(column, is_class, n, out->places + c * n, error);
  }
  free(column);
  free(is_class);
  if (status != LEUKO_OK) stats_weighted_close(out);
  return status;
}

void stats_weighted_close(stats_weighted *w) {
  free(w->places);
  *w = (stats_weighted){0};
}

static double ratio(double part, double whole) {
  return whole > 0 ? part / whole : NAN;
}

/* The Mann-Whitney statistic, equal scores counting half. */
static double weighted_auc(const stats_place *places, size_t n, const uint32_t *weights) {
  uint64_t positives = 0, negatives = 0, here[2] = {0, 0};
  double wins = 0;
  for (size_t k = 0; k < n; k++) {
    here[places[k].is_class] += weights[places[k].sample];
    if (!places[k].last) continue;
    wins += (double)here[0] * ((double)positives + 0.5 * (double)here[1]);
    positives += here[1];
    negatives += here[0];
    here[0] = here[1] = 0;
  }
  return ratio(wins, (double)positives * (double)negatives);
}

static void confusion_scores(uint64_t confusion[LEUKO_MAX_CLASSES][LEUKO_MAX_CLASSES], int classes,
                             double *values) {
  double recalls = 0, f1 = 0, correct = 0, total = 0;
  for (int c = 0; c < classes; c++) {
    double hits = (double)confusion[c][c], truth = 0, answered = 0;
    for (int other = 0; other < classes; other++) {
      truth += (double)confusion[c][other];
      answered += (double)confusion[other][c];
    }
    total += truth;
    correct += hits;
    recalls += ratio(hits, truth);
    f1 += hits > 0 ? truth * 2 * hits / (truth + answered) : 0;
    if (classes == 2) values[c ? STATS_SENSITIVITY : STATS_SPECIFICITY] = ratio(hits, truth);
  }
  values[STATS_ACCURACY] = ratio(correct, total);
  values[STATS_BALANCED_ACCURACY] = recalls / classes;
  values[STATS_WEIGHTED_F1] = ratio(f1, total);
}

void stats_weighted_scores(const void *context, const uint32_t *weights, double *values) {
  const stats_weighted *w = context;
  uint64_t confusion[LEUKO_MAX_CLASSES][LEUKO_MAX_CLASSES] = {{0}};
  values[STATS_SENSITIVITY] = values[STATS_SPECIFICITY] = NAN;
  for (size_t i = 0; i < w->n; i++) confusion[w->labels[i]][w->answers[i]] += weights[i];
  confusion_scores(confusion, w->classes, values);
  double areas = 0;
  for (int c = 0; c < w->orders; c++)
    areas += weighted_auc(w->places + (size_t)c * w->n, w->n, weights);
  values[STATS_AUC] = areas / w->orders;
}

void stats_binary_scores(const stats_binary *from, double *scores) {
  scores[STATS_ACCURACY] = from->accuracy;
  scores[STATS_BALANCED_ACCURACY] = from->balanced_accuracy;
  scores[STATS_WEIGHTED_F1] = from->weighted_f1;
  scores[STATS_AUC] = from->auc;
  scores[STATS_SENSITIVITY] = from->sensitivity;
  scores[STATS_SPECIFICITY] = from->specificity;
}

void stats_multiclass_scores(const stats_multiclass *from, double *scores) {
  scores[STATS_ACCURACY] = from->accuracy;
  scores[STATS_BALANCED_ACCURACY] = from->balanced_accuracy;
  scores[STATS_WEIGHTED_F1] = from->weighted_f1;
  scores[STATS_AUC] = from->auc;
  scores[STATS_SENSITIVITY] = scores[STATS_SPECIFICITY] = NAN;
}
