#include "explain/cam.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "explain/steps.h"

/* weight[k] = mean over the places of dy/dA[k]. */
void cam_weights(const float *gradients, size_t places, size_t channels, double *weights) {
  memset(weights, 0, channels * sizeof *weights);
  for (size_t i = 0; i < places; i++)
    for (size_t k = 0; k < channels; k++)
      weights[k] += (double)gradients[i * channels + k] / (double)places;
}

/* weight[k] = sum over the places of alpha relu(g) with g = dy/dA[k] and
 * alpha = g^2 / (2 g^2 + g^3 sum over the places of A[k]). */
void cam_plus_weights(const float *activations, const float *gradients, size_t places,
                      size_t channels, double *weights) {
  for (size_t k = 0; k < channels; k++) {
    double sum = 0;
    for (size_t i = 0; i < places; i++) sum += (double)activations[i * channels + k];
    weights[k] = 0;
    for (size_t i = 0; i < places; i++) {
      const double g = (double)gradients[i * channels + k];
      if (g > 0) weights[k] += g / (2 + g * sum);
    }
  }
}

void cam_map(const float *activations, const double *weights, size_t places, size_t channels,
             float *map) {
  for (size_t i = 0; i < places; i++) {
    double sum = 0;
    for (size_t k = 0; k < channels; k++) sum += weights[k] * (double)activations[i * channels + k];
    map[i] = (float)fmax(sum, 0);
  }
}

/* Where the places of a layer's output lie, if its network's padding and poolings treat the left
 * and the right border alike: evenly over the picture. */
leuko_status explain_cam(explainer *e, explain_method method, const uint8_t *pixels, int label,
                         explain_map *out, leuko_error *error) {
  const net_graph *graph = e->m->graph;
  const net_shape shape = graph->nodes[e->layer].shape;
  const size_t places = (size_t)shape.h * (size_t)shape.w, channels = (size_t)shape.c;
  float *gradients = malloc(places * channels * sizeof *gradients);
  double *weights = malloc(channels * sizeof *weights);
  leuko_status status = LEUKO_OK;
  if (!gradients || !weights) status = error_set_memory(error, places * channels * sizeof(float));
  if (status == LEUKO_OK)
    status = explain_map_new(method, shape.h, 0.5 / shape.h, 1.0 / shape.h, out, error);
  if (status == LEUKO_OK) status = explain_ready(e, &e->below, 0, e->layer, 1, false, error);
  if (status == LEUKO_OK)
    status = explain_ready(e, &e->above, e->layer, graph->node_count - 1, 1, true, error);
  const float *activations, *logits;
  float dlogits[LEUKO_MAX_CLASSES];
  explain_score_gradient(e->m, label, dlogits);
  if (status == LEUKO_OK)
    status = net_plan_forward(e->below.plan, pixels, 1, 0, &activations, error);
  if (status == LEUKO_OK)
    status = net_plan_forward_floats(e->above.plan, activations, 1, 0, &logits, error);
  if (status == LEUKO_OK) status = net_plan_backward(e->above.plan, dlogits, NULL, error);
  if (status == LEUKO_OK) {
    net_plan_input_gradient(e->above.plan, gradients);
    if (method == EXPLAIN_GRADCAM) cam_weights(gradients, places, channels, weights);
    else cam_plus_weights(activations, gradients, places, channels, weights);
    cam_map(activations, weights, places, channels, out->values);
  }
  free(gradients);
  free(weights);
  return status;
}
