/* What a frozen base makes of the cells: computed once, kept in the cache, read in every epoch. */
#ifndef TRAIN_FEATURES_H
#define TRAIN_FEATURES_H

#include "base/cache.h"
#include "base/progress.h"
#include "dataset/prepared.h"
#include "net/plan.h"

typedef struct {
  const net_graph *base;
  float *params; /* [base->param_floats] */
  net_input_scaling scaling;
  const prepared *pixels;  /* the cells */
  const char *description; /* names the base's graph: equal text, equal graph */
  bool symmetries;         /* also of the other seven views of each cell */
  bool bf16;               /* keep the upper half of each value, rounded */
  net_precision precision; /* in which the base is run */
  int batch, threads;
  const char *backend;
} features_request;

typedef struct {
  cache_file cache;
  size_t count; /* cells */
  int views;    /* 1 or 8 */
  int width;    /* values of one view */
  bool bf16;
} features;

/* Computes the features or maps those of an earlier run with the same cells, base, weights, scaling
 * and type; what a run that was stopped had computed is taken over. The caller ends with
 * features_close. Errors: NO_MEMORY, BACKEND, INTERRUPTED. */
leuko_status features_open(const features_request *request, const progress *p, features *out,
                           leuko_error *error);
void features_close(features *f);

/* The values of one cell under symmetry `view` into out [width]; a view that is not kept is the
 * cell as it is. */
void features_read(const features *f, size_t cell, int view, float *out);

#endif
