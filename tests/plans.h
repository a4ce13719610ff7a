/* Small networks as whole plans: subjects of several kinds, run on random images forth and back. */
#ifndef TESTS_PLANS_H
#define TESTS_PLANS_H

#include "support.h"

#include "base/rng.h"
#include "net/plan.h"

static inline void plans_ok(leuko_status status, const leuko_error *error) {
  if (status != LEUKO_OK) fail_msg("%s: %s", leuko_status_name(status), error->message);
}

static inline float *plans_floats(size_t count) {
  float *out = NULL;
  assert_int_equal(posix_memalign((void **)&out, 64, (count ? count : 1) * sizeof *out), 0);
  memset(out, 0, count * sizeof *out);
  return out;
}

/* Uniform in -1 .. 1. */
static inline void plans_fill(float *out, size_t count, uint32_t number) {
  rng r = rng_open(11, RNG_TEST, 0, number);
  for (size_t i = 0; i < count; i++) out[i] = (float)(2 * rng_uniform(&r) - 1);
}

/* What one plan made of a batch. */
typedef struct {
  float *logits; /* [batch][outputs] */
  float *grads;  /* [param_floats]; training only */
  float *params; /* [param_floats], running statistics moved on in training */
} plans_results;

static inline void plans_free_results(plans_results *r) {
  free(r->logits);
  free(r->grads);
  free(r->params);
}

/* A graph under test with its parameters. */
typedef struct {
  net_graph *graph;
  float *params;
  int side, channels; /* of the input */
} plans_subject;

static inline net_plan_options plans_how(const char *backend, int batch, bool training) {
  return (net_plan_options){.batch = batch,
                            .training = training,
                            .threads = 2,
                            .backend = backend,
                            .scaling = {.scale = 1, .deviation = {1, 1, 1}},
                            .seed = 5};
}

/* Ends building: random parameters, of batch normalization such ones as a trained network has. */
static inline plans_subject plans_finish(net_graph *graph) {
  leuko_error error = {0};
  plans_ok(net_graph_finish(graph, &error), &error);
  plans_subject s = {.graph = graph, .params = plans_floats(graph->param_floats)};
  s.side = graph->nodes[0].shape.h;
  s.channels = graph->nodes[0].shape.c;
  net_init_params(graph, 3, s.params);
  for (int i = 0; i < graph->param_count; i++) {
    const net_param *p = &graph->params[i];
    if (p->rank != 1) continue;
    float *values = s.params + p->offset;
    plans_fill(values, p->count, (uint32_t)i);
    bool variance = strstr(p->name, "/variance"), gamma = strstr(p->name, "/gamma");
    for (size_t k = 0; k < p->count; k++)
      values[k] = variance || gamma ? 1 + 0.5f * values[k] : 0.3f * values[k];
  }
  return s;
}

static inline void plans_free_subject(plans_subject *s) {
  net_graph_free(s->graph);
  free(s->params);
}

static inline size_t plans_input_count(const plans_subject *s, int batch) {
  return (size_t)batch * net_shape_size(s->graph->nodes[0].shape);
}

/* Plans, binds and runs `s` on batch random images; with training, back from random dlogits. */
static inline plans_results plans_run(const plans_subject *s, const net_plan_options *options,
                                      uint32_t iteration) {
  leuko_error error = {0};
  net_plan *plan;
  plans_results r = {.params = plans_floats(s->graph->param_floats)};
  memcpy(r.params, s->params, s->graph->param_floats * sizeof *r.params);
  plans_ok(net_plan_new(s->graph, options, &plan, &error), &error);
  plans_ok(net_plan_bind(plan, r.params, &error), &error);
  size_t outputs = (size_t)net_plan_outputs(plan) * (size_t)options->batch;
  float *input = plans_floats(plans_input_count(s, options->batch));
  plans_fill(input, plans_input_count(s, options->batch), 1000);
  const float *logits;
  /* Twice: what an earlier call left in the shared buffers must not show. */
  for (int turn = 0; turn < 2; turn++) {
    memcpy(r.params, s->params, s->graph->param_floats * sizeof *r.params);
    plans_ok(net_plan_forward_floats(plan, input, options->batch, iteration, &logits, &error),
             &error);
    free(r.logits);
    r.logits = plans_floats(outputs);
    memcpy(r.logits, logits, outputs * sizeof *logits);
    if (!options->training) continue;
    float *dlogits = plans_floats(outputs);
    plans_fill(dlogits, outputs, 2000);
    if (!r.grads) r.grads = plans_floats(s->graph->param_floats);
    plans_ok(net_plan_backward(plan, dlogits, r.grads, &error), &error);
    free(dlogits);
  }
  free(input);
  net_plan_free(plan);
  return r;
}

/* Within `tolerance` of the largest entry. */
static inline void plans_near(const char *name, const char *tensor, const float *got,
                              const float *want, size_t count, double tolerance) {
  double largest = 0;
  for (size_t i = 0; i < count; i++) largest = fmax(largest, fabs((double)want[i]));
  for (size_t i = 0; i < count; i++)
    if (!(fabs((double)got[i] - (double)want[i]) <= tolerance * fmax(largest, 1e-3)))
      fail_msg("%s: %s[%zu] is %.9g, not %.9g (largest %.3g)", name, tensor, i, (double)got[i],
               (double)want[i], largest);
}

static inline void plans_same_bits(const char *name, const float *a, const float *b, size_t count) {
  for (size_t i = 0; i < count; i++)
    if (memcmp(&a[i], &b[i], sizeof *a) != 0)
      fail_msg("%s: value %zu of %zu is %.9g and %.9g", name, i, count, (double)a[i], (double)b[i]);
}

/* A block of convolution, batch normalization, relu and pooling, and what follows. */
static inline plans_subject plans_chain(int side, int channels, const int *widths, int blocks,
                                        bool norm, int pad) {
  net_graph *g = net_graph_new();
  int x = net_input(g, side, side, channels);
  for (int i = 0; i < blocks; i++) {
    char name[4][16];
    static const char *const kinds[] = {"conv", "norm", "relu", "pool"};
    for (int k = 0; k < 4; k++) snprintf(name[k], sizeof name[k], "%s%d", kinds[k], i);
    x = net_conv2d(g, name[0], x, widths[i], 3, 1, pad, !norm);
    if (norm) x = net_batchnorm(g, name[1], x, 1e-3f, 0.9f);
    x = net_relu(g, name[2], x);
    if (i + 1 < blocks || i == 0) x = net_maxpool(g, name[3], x, 2, 2, 0);
  }
  x = net_flatten(g, "flatten", x);
  x = net_dense(g, "dense", x, 7);
  x = net_relu(g, "dense_relu", x);
  net_dense(g, "logits", x, 2);
  return plans_finish(g);
}

/* A residual network in small: values with two readers, a strided projection, global pooling. */
static inline plans_subject plans_residual(int side, int width, bool stem_pool) {
  net_graph *g = net_graph_new();
  int x = net_input(g, side, side, 3);
  x = net_conv2d(g, "stem", x, width, 5, 1, 2, false);
  x = net_batchnorm(g, "stem_norm", x, 1e-3f, 0.9f);
  x = net_relu(g, "stem_relu", x);
  if (stem_pool) x = net_maxpool(g, "stem_pool", x, 3, 2, 1);
  int y = net_conv2d(g, "a1", x, width, 3, 1, 1, false);
  y = net_batchnorm(g, "a1_norm", y, 1e-3f, 0.9f);
  y = net_relu(g, "a1_relu", y);
  y = net_conv2d(g, "a2", y, width, 3, 1, 1, false);
  y = net_batchnorm(g, "a2_norm", y, 1e-3f, 0.9f);
  y = net_add(g, "a_add", x, y);
  y = net_relu(g, "a_relu", y);
  int z = net_conv2d(g, "b1", y, 2 * width, 3, 2, 1, false);
  z = net_batchnorm(g, "b1_norm", z, 1e-3f, 0.9f);
  z = net_relu(g, "b1_relu", z);
  z = net_conv2d(g, "b2", z, 2 * width, 1, 1, 0, true);
  int p = net_conv2d(g, "projection", y, 2 * width, 1, 2, 0, true);
  z = net_add(g, "b_add", z, p);
  z = net_avgpool(g, "average", z);
  net_dense(g, "logits", z, 3);
  return plans_finish(g);
}

/* The network's own input read twice, and added to what comes out of a convolution. */
static inline plans_subject plans_short_circuit(int side) {
  net_graph *g = net_graph_new();
  int x = net_input(g, side, side, 3);
  int y = net_conv2d(g, "conv", x, 3, 3, 1, 1, true);
  y = net_add(g, "add", x, y);
  y = net_relu(g, "relu", y);
  /* One value with three readers, two of them the same layer. */
  int twice = net_add(g, "twice", y, y);
  y = net_add(g, "thrice", twice, y);
  y = net_avgpool(g, "average", y);
  net_dense(g, "logits", y, 1);
  return plans_finish(g);
}

#define PLANS_SUBJECTS 8
static inline plans_subject plans_make(int index, const char **name) {
  switch (index) {
  case 0:
    *name = "widths that 16 does not divide";
    return plans_chain(17, 3, (int[]){5, 9, 20}, 2, false, 0);
  case 1:
    *name = "blocked widths";
    return plans_chain(20, 3, (int[]){16, 32}, 2, false, 0);
  case 2:
    *name = "blocked and other widths in turn";
    return plans_chain(24, 3, (int[]){16, 7, 48}, 3, true, 1);
  case 3:
    *name = "one channel, one block";
    return plans_chain(9, 1, (int[]){32}, 1, true, 1);
  case 4:
    *name = "many channels in";
    return plans_chain(8, 16, (int[]){16, 3}, 2, true, 1);
  case 5:
    *name = "residual, blocked";
    return plans_residual(16, 16, true);
  case 6:
    *name = "residual, odd";
    return plans_residual(11, 6, false);
  default:
    *name = "short circuit";
    return plans_short_circuit(7);
  }
}

#endif
