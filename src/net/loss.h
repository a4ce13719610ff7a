/* Cross-entropy from logits, and its gradient. */
#ifndef NET_LOSS_H
#define NET_LOSS_H

#include <stddef.h>

/* One batch: logits [count][outputs], labels [count]. One output: sigmoid, label 1 is the positive
 * class. More: softmax. `weights` [classes] scale each sample's loss by its class (NULL: 1). */
typedef struct {
  double loss;    /* sum over the batch of the weighted losses, nats */
  size_t correct; /* answers that are right at p = 0.5, or by the largest logit */
} net_loss_sum;

/* Writes the gradient of the mean loss, sum / count, into dlogits [count][outputs] (NULL: none).
 * The sum is taken in order. */
net_loss_sum net_loss(const float *logits, const int *labels, int count, int outputs,
                      const double *weights, float *dlogits);

#endif
