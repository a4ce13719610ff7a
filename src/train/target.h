/* What is trained: a whole network, or the head behind a base that keeps its weights. */
#ifndef TRAIN_TARGET_H
#define TRAIN_TARGET_H

#include "train/features.h"
#include "train/train.h"

typedef struct {
  model m;          /* the whole, as it is saved */
  net_graph *graph; /* what is trained: the whole network's graph or the head's own */
  float *params;    /* [graph->param_floats] */
  bool frozen;      /* the head is trained, on `rows` */
  features rows;
} target;

/* Builds the network of `options`, with initial parameters by seed and, for one with a base, those
 * of its weight file; where the base is frozen, runs it over all cells. The caller ends with
 * target_close. Errors: those of weights_load and features_open, BAD_DATA (a class name that is too
 * long), ARGUMENT, NO_MEMORY. */
leuko_status target_open(const train_data *data, int crop, const train_options *options,
                         const progress *p, target *out, leuko_error *error);
void target_close(target *t);

/* Puts the trained parameters into the model, and back. */
void target_store(target *t);
void target_fetch(target *t);

#endif
