#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "explain/steps.h"
#include "net/layout.h"

/* Inputs of one call: what is kept for the way back is large. */
#define BATCH 4

/* The picture and a black one as the network's input. */
static void inputs_of(const explainer *e, const uint8_t *pixels, float *input, float *black) {
  const int size = e->m->net.size;
  const net_shape shape = {size, size, 3};
  memset(e->pixels, 0, explain_picture_bytes(e));
  net_input_convert(e->pixels, &e->m->scaling, black, NET_NHWC, 1, shape, e->threads);
  net_input_convert(pixels, &e->m->scaling, input, NET_NHWC, 1, shape, e->threads);
}

/* Adds the gradients by the inputs of a batch to sum [values]. */
static leuko_status add_gradients(explainer *e, const float *batch, int label, size_t values,
                                  float *gradients, double *sum, leuko_error *error) {
  const float *logits;
  float dlogits[BATCH * LEUKO_MAX_CLASSES];
  for (int i = 0; i < BATCH; i++)
    explain_score_gradient(e->m, label, dlogits + i * e->m->net.outputs);
  leuko_status status = net_plan_forward_floats(e->whole.plan, batch, BATCH, 0, &logits, error);
  if (status == LEUKO_OK) status = net_plan_backward(e->whole.plan, dlogits, NULL, error);
  if (status != LEUKO_OK) return status;
  net_plan_input_gradient(e->whole.plan, gradients);
  for (size_t k = 0; k < BATCH; k++)
    for (size_t i = 0; i < values; i++) sum[i] += (double)gradients[k * values + i];
  return LEUKO_OK;
}

/* The class's logit of the picture less that of a black one. */
static leuko_status difference(explainer *e, const uint8_t *pixels, int label, double *out,
                               leuko_error *error) {
  double scores[2];
  const size_t bytes = explain_picture_bytes(e);
  memcpy(e->pixels, pixels, bytes);
  memset(e->pixels + bytes, 0, bytes);
  leuko_status status = explain_scores(e, 2, label, scores, error);
  if (status == LEUKO_OK) *out = scores[0] - scores[1];
  return status;
}

leuko_status explain_gradients(explainer *e, const uint8_t *pixels, int label, explain_map *out,
                               leuko_error *error) {
  const size_t size = (size_t)e->m->net.size, values = size * size * 3;
  float *input = malloc(values * sizeof *input), *black = malloc(values * sizeof *black);
  float *batch = malloc(BATCH * values * sizeof *batch);
  float *gradients = malloc(BATCH * values * sizeof *gradients);
  double *sum = calloc(values, sizeof *sum);
  leuko_status status = LEUKO_OK;
  if (!input || !black || !batch || !gradients || !sum)
    status = error_set_memory(error, 2 * BATCH * values * sizeof *batch);
  if (status == LEUKO_OK)
    status = explain_map_new(EXPLAIN_GRADIENTS, (int)size, 0.5 / (double)size, 1 / (double)size,
                             out, error);
  if (status == LEUKO_OK)
    status = explain_ready(e, &e->whole, 0, e->m->graph->node_count - 1, BATCH, true, error);
  if (status == LEUKO_OK) status = difference(e, pixels, label, &out->whole, error);
  if (status == LEUKO_OK) inputs_of(e, pixels, input, black);
  for (size_t first = 0; first < EXPLAIN_STEPS && status == LEUKO_OK; first += BATCH) {
    for (size_t k = 0; k < BATCH; k++) {
      const float along = ((float)(first + k) + 0.5f) / EXPLAIN_STEPS;
      for (size_t i = 0; i < values; i++)
        batch[k * values + i] = black[i] + along * (input[i] - black[i]);
    }
    status = add_gradients(e, batch, label, values, gradients, sum, error);
  }
  for (size_t i = 0; i < size * size && status == LEUKO_OK; i++) {
    double value = 0;
    for (size_t c = 3 * i; c < 3 * i + 3; c++)
      value += ((double)input[c] - (double)black[c]) * sum[c] / EXPLAIN_STEPS;
    out->values[i] = (float)value;
  }
  free(input);
  free(black);
  free(batch);
  free(gradients);
  free(sum);
  return status;
}
