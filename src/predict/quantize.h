/* Readies a model for 8 bits: scales of the activations from cells, and how well they do. */
#ifndef PREDICT_QUANTIZE_H
#define PREDICT_QUANTIZE_H

#include "base/progress.h"
#include "model/model.h"
#include "predict/ranges.h"

/* Prepared pixels [count][size][size][3] of labelled cells. */
typedef struct {
  const uint8_t *pixels;
  const int *labels; /* [count], the model's classes; read of tested cells only */
  size_t count;
} quantize_cells;

/* What a set of scales came to on the cells that the ranges were taken from. */
typedef struct {
  model_agreement answers;
  double error;    /* mean difference of probabilities */
  double variance; /* of what the margins move by (predict/rounding.h) */
  double expected; /* share of answers that noise as large as measured leaves the same */
} quantize_trial;

typedef struct {
  quantize_trial tried[RANGES_METHODS]; /* everything in bytes that may be */
  ranges_method chosen;
  int layers;      /* that may be in bytes */
  bool *wide;      /* [graph->node_count], owned: that are left wide; NULL: none */
  int layers_wide; /* how many these are */
  quantize_trial with_wide;
  net_precision beside;     /* the type whose speed is 1 */
  double images_per_second; /* in that type, in batches of 16 */
} quantize_result;
void quantize_result_free(quantize_result *r);

/* Whether this processor has kernels for 8 bits: BACKEND where it has none. */
leuko_status predictor_quantize_possible(leuko_error *error);

/* Takes ranges from the cells `calibrate`, by the method that moves their probabilities the least,
 * leaves wide what would change too many answers in bytes, and measures on the cells `test` how the
 * answers differ from those in float32 and how fast they come; all into m->int8. The caller frees
 * `out`, also on failure. Errors: BACKEND (this processor has no kernels for 8 bits),
 * UNSUPPORTED_MODEL (nothing of the network would be computed in 8 bits, or its answers are not
 * within model_allows_int8's bounds: m->int8 and `out` then hold what was measured), NO_DATA,
 * NO_MEMORY, INTERRUPTED. */
leuko_status predictor_quantize(model *m, const quantize_cells *calibrate,
                                const quantize_cells *test, int threads, const progress *p,
                                quantize_result *out, leuko_error *error);

#endif
