/* Learning from other networks' answers beside the labels: Hinton, Vinyals and Dean 2015,
 * "Distilling the Knowledge in a Neural Network" (arXiv:1503.02531), for two classes, at a
 * temperature of 1 and with equal weights. */
#ifndef TRAIN_DISTILL_H
#define TRAIN_DISTILL_H

#include "net/loss.h"

/* What the label counts in the target of a cell; the teacher counts the rest. */
#define DISTILL_LABEL_WEIGHT 0.5

/* The target of a cell: the mean of its label (1: the positive class) and of p, the teacher's
 * probability of the positive class. */
double distill_target(int label, double p);

/* net_loss of one output whose targets [count] are probabilities of the positive class: the
 * cross-entropy from target to answer, which is not 0 at its lowest but the targets' entropy. Its
 * gradient is p - target, divided by count, into dlogits [count]. Labels [count] choose each
 * sample's weight in `weights` [2], and say what is a right answer. */
net_loss_sum distill_loss(const float *logits, const int *labels, const double *targets, int count,
                          const double *weights, float *dlogits);

#endif
