#include "stats/metrics.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "stats/ranked.h"

double stats_sigmoid(double logit) {
  if (logit >= 0) return 1 / (1 + exp(-logit));
  double e = exp(logit);
  return e / (1 + e);
}

double stats_binary_loss(double logit, int label) {
  return fmax(logit, 0) - logit * label + log1p(exp(-fabs(logit)));
}

int stats_argmax(const double *logits, int k) {
  int best = 0;
  for (int c = 1; c < k; c++)
    if (logits[c] > logits[best]) best = c;
  return best;
}

void stats_softmax(const double *logits, int k, double *p) {
  double largest = logits[stats_argmax(logits, k)], sum = 0;
  for (int c = 0; c < k; c++) sum += p[c] = exp(logits[c] - largest);
  for (int c = 0; c < k; c++) p[c] /= sum;
}

void stats_probabilities(const double *logits, int classes, int positive, double temperature,
                         double *p) {
  const double divisor = temperature > 0 ? temperature : 1;
  if (classes == 2) {
    p[positive] = stats_sigmoid(logits[0] / divisor);
    p[1 - positive] = 1 - p[positive];
    return;
  }
  for (int c = 0; c < classes; c++) p[c] = logits[c] / divisor;
  stats_softmax(p, classes, p);
}

static double ratio(double part, double whole) {
  return whole > 0 ? part / whole : NAN;
}

/* The probability that a positive scores above a negative, half of it for equal scores: the
 * Mann-Whitney statistic, a group of equal scores at a time. `order` falls. */
static double ranked_auc(const stats_ranked *order, size_t n) {
  double positives = 0, negatives = 0, wins = 0;
  for (size_t first = 0; first < n;) {
    stats_group group = stats_next_group(order, n, first);
    wins += (double)group.negatives * (positives + 0.5 * (double)group.positives);
    positives += (double)group.positives;
    negatives += (double)group.negatives;
    first = group.end;
  }
  return ratio(wins, positives * negatives);
}

static double ranked_average_precision(const stats_ranked *order, size_t n) {
  double positives = 0, sum = 0;
  for (size_t first = 0; first < n;) {
    stats_group group = stats_next_group(order, n, first);
    positives += (double)group.positives;
    sum += (double)group.positives * positives / (double)group.end;
    first = group.end;
  }
  return ratio(sum, positives);
}

leuko_status stats_auc(const double *scores, const int *labels, size_t n, double *out,
                       leuko_error *error) {
  *out = NAN;
  if (n == 0) return LEUKO_OK;
  stats_ranked *order;
  leuko_status status = stats_rank(scores, labels, n, &order, error);
  if (status != LEUKO_OK) return status;
  *out = ranked_auc(order, n);
  free(order);
  return LEUKO_OK;
}

/* F1 of one class from its hits, its true count and its answered count; 0 if nothing was hit. */
static double f1_score(size_t hits, size_t truth, size_t answered) {
  return hits ? 2 * (double)hits / (double)(truth + answered) : 0;
}

leuko_status stats_binary_metrics(const double *logits, const int *labels, size_t n,
                                  double threshold, stats_binary *out, leuko_error *error) {
  *out = (stats_binary){.n = n};
  stats_ranked *order;
  leuko_status status = stats_rank(logits, labels, n, &order, error);
  if (status != LEUKO_OK) return status;
  for (size_t i = 0; i < n; i++) {
    double p = stats_sigmoid(logits[i]), miss = p - labels[i];
    out->loss += stats_binary_loss(logits[i], labels[i]);
    out->brier += miss * miss;
    out->confusion[labels[i]][p >= threshold]++;
  }
  out->loss /= (double)n;
  out->brier /= (double)n;
  size_t tn = out->confusion[0][0], fp = out->confusion[0][1];
  size_t fn = out->confusion[1][0], tp = out->confusion[1][1];
  out->positives = fn + tp;
  out->accuracy = (double)(tn + tp) / (double)n;
  out->sensitivity = ratio((double)tp, (double)(tp + fn));
  out->specificity = ratio((double)tn, (double)(tn + fp));
  out->balanced_accuracy = (out->sensitivity + out->specificity) / 2;
  out->weighted_f1 = ((double)(tp + fn) * f1_score(tp, tp + fn, tp + fp) +
                      (double)(tn + fp) * f1_score(tn, tn + fp, tn + fn)) /
                     (double)n;
  out->auc = ranked_auc(order, n);
  out->average_precision = ranked_average_precision(order, n);
  free(order);
  return LEUKO_OK;
}

static leuko_status check_multiclass(const double *logits, const int *labels, size_t n, int k,
                                     leuko_error *error) {
  if (k < 2 || k > LEUKO_MAX_CLASSES)
    return error_set(error, LEUKO_ARGUMENT, NULL, NULL, "%d classes, but 2 to %d are possible", k,
                     LEUKO_MAX_CLASSES);
  if (n == 0) return error_set(error, LEUKO_NO_DATA, NULL, NULL, "no sample to score");
  for (size_t i = 0; i < n; i++) {
    if (labels[i] < 0 || labels[i] >= k)
      return error_set(error, LEUKO_BAD_DATA, NULL, NULL, "sample %zu has label %d of %d classes",
                       i, labels[i], k);
    for (int c = 0; c < k; c++)
      if (!isfinite(logits[i * (size_t)k + (size_t)c]))
        return error_set(error, LEUKO_BAD_DATA, NULL, NULL,
                         "sample %zu has a score that is not a finite number", i);
  }
  return LEUKO_OK;
}

/* Mean over the classes of the area under p(class) against the rest. `p` is [k][n]. */
static leuko_status multiclass_auc(const double *p, const int *labels, size_t n, int k,
                                   int *is_class, double *out, leuko_error *error) {
  double sum = 0;
  for (int c = 0; c < k; c++) {
    for (size_t i = 0; i < n; i++) is_class[i] = labels[i] == c;
    double area;
    leuko_status status = stats_auc(p + (size_t)c * n, is_class, n, &area, error);
    if (status != LEUKO_OK) return status;
    sum += area;
  }
  *out = sum / k;
  return LEUKO_OK;
}

static void score_confusion(stats_multiclass *out) {
  double recalls = 0, f1 = 0;
  size_t correct = 0;
  for (int c = 0; c < out->classes; c++) {
    size_t truth = 0, answered = 0, hits = out->confusion[c][c];
    for (int other = 0; other < out->classes; other++) {
      truth += out->confusion[c][other];
      answered += out->confusion[other][c];
    }
    correct += hits;
    recalls += ratio((double)hits, (double)truth);
    f1 += (double)truth * f1_score(hits, truth, answered);
  }
  out->accuracy = (double)correct / (double)out->n;
  out->balanced_accuracy = recalls / out->classes;
  out->weighted_f1 = f1 / (double)out->n;
}

leuko_status stats_multiclass_metrics(const double *logits, const int *labels, size_t n, int k,
                                      stats_multiclass *out, leuko_error *error) {
  *out = (stats_multiclass){.n = n, .classes = k};
  leuko_status status = check_multiclass(logits, labels, n, k, error);
  if (status != LEUKO_OK) return status;
  size_t width = (size_t)k;
  double *p = n <= SIZE_MAX / (width * sizeof *p) ? malloc(n * width * sizeof *p) : NULL;
  int *is_class = malloc(n * sizeof *is_class);
  if (!p || !is_class) {
    free(p);
    free(is_class);
    return error_set_memory(error, n * (width * sizeof *p + sizeof *is_class));
  }
  for (size_t i = 0; i < n; i++) {
    const double *row = logits + i * width;
    double soft[LEUKO_MAX_CLASSES];
    stats_softmax(row, k, soft);
    for (size_t c = 0; c < width; c++) p[c * n + i] = soft[c];
    int answer = stats_argmax(row, k);
    double sum = 0;
    for (int c = 0; c < k; c++) sum += exp(row[c] - row[answer]);
    out->loss += log(sum) + row[answer] - row[labels[i]];
    out->confusion[labels[i]][answer]++;
  }
  out->loss /= (double)n;
  score_confusion(out);
  status = multiclass_auc(p, labels, n, k, is_class, &out->auc, error);
  free(p);
  free(is_class);
  return status;
}
