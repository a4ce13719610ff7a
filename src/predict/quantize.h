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

/* What is left wide, one after the other, while bytes move the probabilities by more than hardly
 * anything. */
typedef enum {
  QUANTIZE_FIRST, /* what the first layers give */
  QUANTIZE_3X3,   /* what 3x3 convolutions of stride 1 read, where they would read bytes */
  QUANTIZE_WIDE_COUNT
} quantize_wide;

/* As the command calls it. */
const char *quantize_wide_name(quantize_wide what);

/* What each way to choose the ranges came to on the cells that they were taken from. */
typedef struct {
  model_agreement tried[RANGES_METHODS];
  double error[RANGES_METHODS]; /* mean difference of probabilities */
  ranges_method chosen;
  /* By that method, with that left wide; no cells: not tried. */
  struct {
    model_agreement tried;
    double error;
    bool kept; /* as it moves the probabilities less */
  } wide[QUANTIZE_WIDE_COUNT];
  net_precision beside;     /* the type whose speed is 1 */
  double images_per_second; /* in that type, in batches of 16 */
} quantize_result;

/* Whether this processor has kernels for 8 bits: BACKEND where it has none. */
leuko_status predictor_quantize_possible(leuko_error *error);

/* Takes ranges from the cells `calibrate`, by the method that moves their probabilities the least,
 * and measures on the cells `test` how the answers differ from those in float32 and how fast they
 * come; all into m->int8. Errors: BACKEND (this processor has no kernels for 8 bits),
 * UNSUPPORTED_MODEL (nothing of the network would be computed in 8 bits, or its answers are not
 * within model_allows_int8's bounds: m->int8 and `out` then hold what was measured), NO_DATA,
 * NO_MEMORY, INTERRUPTED. */
leuko_status predictor_quantize(model *m, const quantize_cells *calibrate,
                                const quantize_cells *test, int threads, const progress *p,
                                quantize_result *out, leuko_error *error);

#endif
