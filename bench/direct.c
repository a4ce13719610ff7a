/* What a network gives by direct convolution, without Winograd's algorithm: for the comparison with
 * other frameworks in tests/oracle/real_features.py.
 *
 *     build/bench/direct features NETWORK WEIGHTS weights|paper <PATHS >VALUES
 *     build/bench/direct logits MODEL.safetensors <PATHS >VALUES
 *
 * Reads a list of image files, writes float32 values, one row a file, and tells on stderr which
 * implementations of convolution ran. Features are those of an ImageNet base under its own
 * preprocessing or under the paper's (divided by 255), logits those of a trained model. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/threads.h"
#include "image/resize.h"
#include "model/model.h"
#include "weights/weights.h"

#define BATCH 16

typedef struct {
  model whole;
  net_graph *base; /* NULL where logits are wanted */
  float *base_params;
  net_plan *plan;
  uint8_t *pixels; /* [BATCH][size][size][3] */
} network;

static leuko_status open_base(const char *name, const char *weights, bool as_paper, network *n,
                              leuko_error *error) {
  model *m = &n->whole;
  weights_source source;
  *m = (model){.scaling = {.scale = 1.0f / 255, .deviation = {1, 1, 1}}};
  leuko_status status = zoo_defaults(name, &m->net, error);
  if (status == LEUKO_OK) status = weights_identify(weights, name, &m->net, &source, error);
  if (status == LEUKO_OK && !as_paper) m->scaling = source.scaling;
  if (status == LEUKO_OK) status = model_build(m, error);
  if (status == LEUKO_OK) status = weights_load(weights, m->graph, m->params, NULL, error);
  if (status == LEUKO_OK) status = zoo_build_base(&m->net, &n->base, error);
  if (status != LEUKO_OK) return status;
  size_t bytes = (n->base->param_floats * sizeof(float) + 63) / 64 * 64;
  n->base_params = aligned_alloc(64, bytes);
  if (!n->base_params) return LEUKO_NO_MEMORY;
  net_copy_params(m->graph, m->params, n->base, n->base_params);
  return LEUKO_OK;
}

static leuko_status make_ready(network *n, leuko_error *error) {
  net_plan_options options = model_plan_options(&n->whole, BATCH, threads_count(0), "onednn");
  options.winograd = false;
  leuko_status status = net_plan_new(n->base ? n->base : n->whole.graph, &options, &n->plan, error);
  if (status != LEUKO_OK) return status;
  size_t side = (size_t)n->whole.net.size;
  n->pixels = malloc(BATCH * side * side * 3);
  if (!n->pixels) return LEUKO_NO_MEMORY;
  return net_plan_bind(n->plan, n->base ? n->base_params : n->whole.params, error);
}

/* Fills a batch from the list on stdin; *count is 0 at its end. */
static leuko_status read_batch(network *n, size_t *count, leuko_error *error) {
  const size_t side = (size_t)n->whole.net.size;
  char path[4096];
  leuko_status status = LEUKO_OK;
  for (*count = 0; *count < BATCH && fgets(path, sizeof path, stdin) && status == LEUKO_OK;) {
    path[strcspn(path, "\n")] = 0;
    image picture;
    status = image_read(path, &picture, NULL, error);
    if (status == LEUKO_OK)
      status = image_prepare(&picture, n->whole.crop, n->whole.net.size,
                             n->pixels + (*count)++ * side * side * 3, error);
    image_free(&picture);
  }
  return status;
}

/* Each implementation once, with the number of layers. */
static void tell_convolutions(const net_plan *plan) {
  for (int i = 0; i < net_plan_rows(plan); i++) {
    net_plan_row row = net_plan_row_at(plan, i);
    int layers = 0, first = i;
    for (int k = 0; k < net_plan_rows(plan); k++) {
      net_plan_row other = net_plan_row_at(plan, k);
      if (strcmp(other.op, "conv2d") != 0 || strcmp(other.implementation, row.implementation) != 0)
        continue;
      layers++;
      if (k < first) first = k;
    }
    if (strcmp(row.op, "conv2d") == 0 && first == i)
      fprintf(stderr, "%d convolutions by %s\n", layers, row.implementation);
  }
}

static leuko_status run(network *n, leuko_error *error) {
  leuko_status status = make_ready(n, error);
  size_t count;
  while (status == LEUKO_OK && (status = read_batch(n, &count, error)) == LEUKO_OK && count > 0) {
    const float *values;
    status = net_plan_forward(n->plan, n->pixels, (int)count, 0, &values, error);
    if (status == LEUKO_OK)
      fwrite(values, sizeof *values, count * net_plan_outputs(n->plan), stdout);
  }
  if (status == LEUKO_OK) tell_convolutions(n->plan);
  return status;
}

int main(int argc, char **argv) {
  network n = {0};
  leuko_error error = {0};
  leuko_status status;
  if (argc == 5 && strcmp(argv[1], "features") == 0) {
    status = open_base(argv[2], argv[3], strcmp(argv[4], "paper") == 0, &n, &error);
  } else if (argc == 3 && strcmp(argv[1], "logits") == 0) {
    status = model_load(argv[2], &n.whole, &error);
  } else {
    fprintf(stderr, "usage: direct features NETWORK WEIGHTS weights|paper <PATHS >VALUES\n"
                    "       direct logits MODEL.safetensors <PATHS >VALUES\n");
    return 2;
  }
  if (status == LEUKO_OK) status = run(&n, &error);
  if (status != LEUKO_OK) fprintf(stderr, "direct: %s %s\n", error.file, error.message);
  net_plan_free(n.plan);
  net_graph_free(n.base);
  free(n.base_params);
  free(n.pixels);
  model_free(&n.whole);
  return status != LEUKO_OK || fflush(stdout) != 0;
}
