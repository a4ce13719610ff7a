/* Scores of a classifier, from logits and true labels. Definitions are scikit-learn's. */
#ifndef STATS_METRICS_H
#define STATS_METRICS_H

#include <stddef.h>

#include "leuko.h"

/* Two classes; label 1 is the positive one. A value that is not defined because a class is missing
 * is NaN. */
typedef struct {
  size_t n, positives;
  double loss;              /* mean cross-entropy, nats */
  double accuracy;          /* share of the n answered right */
  double balanced_accuracy; /* mean of sensitivity and specificity */
  double sensitivity;       /* share of the positives answered positive */
  double specificity;       /* share of the negatives answered negative */
  double weighted_f1;       /* F1 of both classes, weighted by their true counts */
  double auc;               /* area under the ROC curve */
  double average_precision; /* sum of precision times step in recall */
  double brier;             /* mean of (p - label)^2 */
  size_t confusion[2][2];   /* [true][predicted], 1 = positive */
} stats_binary;

/* Three classes or more, and also two with two logits. NaN as above. */
typedef struct {
  size_t n;
  int classes;
  double loss;              /* mean cross-entropy of the softmax, nats */
  double accuracy;          /* share of the n answered right */
  double balanced_accuracy; /* mean over the classes of the share answered right */
  double weighted_f1;       /* F1 of every class, weighted by their true counts */
  double auc; /* area under the ROC curve of p(class), each class against the rest, plain mean */
  size_t confusion[LEUKO_MAX_CLASSES][LEUKO_MAX_CLASSES]; /* [true][predicted] */
} stats_multiclass;

/* 1 / (1 + exp(-logit)), without overflow. */
double stats_sigmoid(double logit);

/* Cross-entropy of one sample in nats, from its logit and label (0 or 1):
 * max(x, 0) - x*y + log(1 + exp(-|x|)), finite for every finite logit. */
double stats_binary_loss(double logit, int label);

/* Softmax of logits [k] into p [k]; both may be the same array. */
void stats_softmax(const double *logits, int k, double *p);

/* From logits to the probabilities p [classes]: with two classes from one logit, that of class
 * `positive`, else from logits [classes]. Logits are divided by `temperature`; 0: 1. */
void stats_probabilities(const double *logits, int classes, int positive, double temperature,
                         double *p);

/* Index of the largest of logits [k], the first one of equals. */
int stats_argmax(const double *logits, int k);

/* Area under the ROC curve of scores [n] for labels [n] (0 or 1) into *out: the Mann-Whitney
 * statistic with midranks for ties (Hanley, McNeil: Radiology 143, 1982). NaN if a class is
 * missing. Errors: NO_MEMORY. */
leuko_status stats_auc(const double *scores, const int *labels, size_t n, double *out,
                       leuko_error *error);

/* Scores of logits [n] (before the sigmoid) for labels [n] (0 or 1); p >= threshold is answered
 * positive. Errors: NO_DATA (n is 0), BAD_DATA (a logit that is not finite, another label),
 * NO_MEMORY. */
leuko_status stats_binary_metrics(const double *logits, const int *labels, size_t n,
                                  double threshold, stats_binary *out, leuko_error *error);

/* Scores of logits [n][k] (before the softmax) for labels [n] (0 .. k-1); the largest logit is the
 * answer. k is 2 .. LEUKO_MAX_CLASSES. Errors: as stats_binary_metrics, ARGUMENT (k). */
leuko_status stats_multiclass_metrics(const double *logits, const int *labels, size_t n, int k,
                                      stats_multiclass *out, leuko_error *error);

#endif
