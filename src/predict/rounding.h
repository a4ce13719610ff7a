/* What rounding activations to bytes does to answers, and which layers are better left wide. */
#ifndef PREDICT_ROUNDING_H
#define PREDICT_ROUNDING_H

#include <stdbool.h>

#include "model/model.h"

/* A layer whose output may be in bytes. */
typedef struct {
  int node;
  double variance; /* of what its rounding alone adds to the margins */
  double flop;     /* of the layers that read it, which bytes make faster */
  bool wide;
} rounding_layer;

/* How far the answers from logits [count][outputs] are from changing, in units of logits, into
 * margins [count] (to the threshold, or from the largest to the second), and by how much the logits
 * `others` lie further from that, into moved [count]. */
void rounding_margins(const model *m, const double *logits, const double *others, size_t count,
                      double *margins, double *moved);
/* Of moved [count]: the variance around 0, INFINITY where one is not finite. */
double rounding_variance(const double *moved, size_t count);
/* The share of answers of these margins [count] that stay the same under normal noise of that
 * variance. */
double rounding_agreement(const double *margins, size_t count, double variance);
/* Marks more of the layers [layers] as wide, those first whose rounding does the most harm for the
 * work that it makes faster, until that of the others leaves the share `wanted` of the answers the
 * same; one at least stays in bytes. `variance` is that of all together, which the layers' own are
 * brought to, being measured one by one. */
void rounding_leave_wide(rounding_layer *layers, size_t count, double variance,
                         const double *margins, size_t cells, double wanted);

#endif
