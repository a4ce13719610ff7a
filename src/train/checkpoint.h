/* The state of a training between two epochs. */
#ifndef TRAIN_CHECKPOINT_H
#define TRAIN_CHECKPOINT_H

#include "train/target.h"

/* Beside the target: the optimizer's moments [graph->param_floats] and step, the running average of
 * the parameters, and the history. */
typedef struct {
  float *m, *v;
  float *average; /* NULL: none is kept */
  uint64_t step;
  train_epoch *history; /* [capacity] */
  int epochs, capacity;
  int best;
} checkpoint;

/* Writes best.safetensors: the model alone, with `params` in place of the target's own. */
leuko_status checkpoint_save_best(const char *out, target *t, float *params, const checkpoint *c,
                                  leuko_error *error);
/* Writes last.safetensors: all that the next epoch needs. Holds no times, so that equal runs give
 * equal bytes. */
leuko_status checkpoint_save_last(const char *out, target *t, const checkpoint *c,
                                  leuko_error *error);
/* Reads last.safetensors into `t` (its parameters only) and `c`. Errors: those of reading,
 * BAD_MODEL, MISMATCH (more epochs than c->capacity). */
leuko_status checkpoint_load(const char *out, target *t, checkpoint *c, leuko_error *error);

#endif
