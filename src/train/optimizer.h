/* What moves the parameters of a training: Adam, with a running average behind it if that is asked.
 *
 * Rows of a kernel that a batch does not read get no gradient, but still move by what is left of
 * their moments, in every step. They may be moved later: all the steps they missed at once, before
 * they are read again. The parameters are the same bits, and of VGG16's head, whose weights and
 * moments no cache holds, a step touches three tenths. */
#ifndef TRAIN_OPTIMIZER_H
#define TRAIN_OPTIMIZER_H

#include "net/graph.h"

/* All borrowed. */
typedef struct {
  const net_graph *graph;
  const double *rates;   /* [param_count]: of each parameter, relative to the step's rate */
  const float *grads;    /* [param_floats] */
  float *params, *m, *v; /* [param_floats] */
  float *average;        /* [param_floats] or NULL */
  double decay;          /* of the average */
  int threads;
} optimizer_options;

typedef struct optimizer optimizer;

/* Goes on behind step number `step`. Ends with optimizer_free. Errors: NO_MEMORY. */
leuko_status optimizer_new(const optimizer_options *options, uint64_t step, optimizer **out,
                           leuko_error *error);
void optimizer_free(optimizer *o);

/* Before the batch of the next step is computed: only these rows of a dense kernel are read, and
 * the gradients are those that a net_row_watch describes. Brings them up to date. */
void optimizer_read(optimizer *o, int param, const uint32_t *rows, size_t count);
/* The next step, at learning rate `lr`. */
void optimizer_step(optimizer *o, double lr);
/* Brings all rows up to date: before somebody else looks at the parameters, or a batch reads them
 * of which nothing was told. */
void optimizer_settle(optimizer *o);

#endif
