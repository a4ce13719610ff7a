/* Running a single step of a backend on NHWC arrays, whatever layouts the backend prefers. */
#ifndef TESTS_STEP_RUN_H
#define TESTS_STEP_RUN_H

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/rng.h"
#include "net/layout.h"
#include "net/levels.h"
#include "net/step.h"

#define STEP_SEED 7
#define STEP_ITERATION 3
#define STEP_STREAM 5

static inline int between(rng *r, int low, int high) {
  return low + (int)rng_below(r, (uint32_t)(high - low + 1));
}

static inline bool coin(rng *r) {
  return rng_below(r, 2) == 1;
}

/* One of the precisions that there are at this level. */
static inline net_precision some_precision(rng *r, bool training) {
  const bool narrow = training ? net_precision_trains(NET_BF16) : net_precision_supported(NET_BF16);
  return coin(r) && narrow ? NET_BF16 : NET_F32;
}

static inline void needs_avx512(void) {
  if (net_cpu() >= NET_CPU_AVX512_BF16) return;
  print_message("this processor has no AVX-512 with BF16: skipped\n");
  skip();
}

/* What goes into a step and comes out of it, NHWC, each array exactly as long as it must be. */
typedef struct {
  size_t x_count[2], y_count, param_count[NET_MAX_PARAMS];
  float *x[2], *y, *dy, *dx[2];
  float *params[NET_MAX_PARAMS], *grads[NET_MAX_PARAMS];
  float *running[2]; /* batchnorm in training: after the step */
  char implementation[96];
} step_values;

/* The last node of a graph as a step; `graph` must outlive it. */
static inline net_step step_of(const net_graph *graph, int batch, bool training) {
  const net_node *node = &graph->nodes[graph->node_count - 1];
  return (net_step){.op = node->op,
                    .node = node,
                    .batch = batch,
                    .in = graph->nodes[node->inputs[0]].shape,
                    .out = node->shape,
                    .training = training,
                    .need_dx = true,
                    .threads = 2};
}

static inline float *step_array(size_t count) {
  void *array = NULL;
  assert_int_equal(posix_memalign(&array, 64, (count ? count : 1) * sizeof(float)), 0);
  for (size_t i = 0; i < count; i++) ((float *)array)[i] = NAN; /* shows what nobody wrote */
  return array;
}

static inline bool step_has_two_inputs(const net_step *step) {
  return step->op == NET_ADD || step->add;
}

static inline step_values step_values_new(const net_graph *graph, const net_step *step) {
  step_values v = {0};
  v.y_count = (size_t)step->batch * net_shape_size(step->out);
  v.x_count[0] = (size_t)step->batch * net_shape_size(step->in);
  v.x_count[1] = step_has_two_inputs(step) ? v.y_count : 0;
  for (int i = 0; i < 2; i++)
    if (v.x_count[i]) {
      v.x[i] = step_array(v.x_count[i]);
      v.dx[i] = step_array(v.x_count[i]);
    }
  v.y = step_array(v.y_count);
  v.dy = step_array(v.y_count);
  for (int i = 0; i < NET_MAX_PARAMS; i++) {
    if (step->node->params[i] < 0) continue;
    v.param_count[i] = graph->params[step->node->params[i]].count;
    v.params[i] = step_array(v.param_count[i]);
    if (graph->params[step->node->params[i]].trainable) v.grads[i] = step_array(v.param_count[i]);
  }
  if (step->op == NET_BATCHNORM && step->training)
    for (int i = 0; i < 2; i++) v.running[i] = step_array(v.param_count[2 + i]);
  return v;
}

static inline void step_values_free(step_values *v) {
  for (int i = 0; i < 2; i++) {
    free(v->x[i]);
    free(v->dx[i]);
    free(v->running[i]);
  }
  free(v->y);
  free(v->dy);
  for (int i = 0; i < NET_MAX_PARAMS; i++) {
    free(v->params[i]);
    free(v->grads[i]);
  }
  *v = (step_values){0};
}

static inline void step_ok(leuko_status status, const leuko_error *error) {
  if (status != LEUKO_OK) fail_msg("%s: %s", leuko_status_name(status), error->message);
}

static inline float *step_moved(const float *from, net_layout a, net_layout b, int batch,
                                net_shape shape) {
  float *to = step_array((size_t)batch * net_shape_size(shape));
  net_relayout(from, a, to, b, batch, shape, 1);
  return to;
}

/* Runs `step` on v->x, v->params and, if `backward`, v->dy; fills y, dx, grads, running and
 * implementation. step->in_layout is what the producer is said to give. Gives false if the backend
 * does not support the step. */
static inline bool step_run(const net_backend *backend, const net_step *step, bool backward,
                            step_values *v) {
  net_step chosen = *step;
  if (!backend->choose(&chosen)) return false;
  leuko_error error = {0};
  net_kernel *kernel = NULL;
  size_t workspace = 0, scratch = 0;
  step_ok(backend->prepare(&chosen, &kernel, &workspace, &scratch, &error), &error);
  snprintf(v->implementation, sizeof v->implementation, "%s", backend->implementation(kernel));
  const net_layout in = chosen.in_layout, out = chosen.out_layout;
  const net_layout second = step->add ? chosen.add_layout : in;
  const net_shape second_shape = step->add ? step->out : step->in;
  const int batch = step->batch;

  float *x[2] = {step_moved(v->x[0], NET_NHWC, in, batch, step->in), NULL}, *dx[2] = {NULL, NULL};
  if (v->x[1]) x[1] = step_moved(v->x[1], NET_NHWC, second, batch, second_shape);
  for (int i = 0; i < 2; i++)
    if (v->x[i] && step->need_dx) dx[i] = step_array(v->x_count[i]);
  float *y = step_array(v->y_count), *dy = step_array(v->y_count);
  net_call call = {.count = step->batch,
                   .x = {x[0], x[1]},
                   .y = y,
                   .running = {v->running[0], v->running[1]},
                   .workspace = step_array((workspace + 3) / 4),
                   .scratch = step_array((scratch + 3) / 4),
                   .seed = STEP_SEED,
                   .iteration = STEP_ITERATION,
                   .stream = STEP_STREAM};
  /* First a rehearsal with other parameters: nothing of it may show in the second run. (The
   * reference keeps nothing.) */
  float *others[NET_MAX_PARAMS] = {NULL};
  for (int i = 0; i < NET_MAX_PARAMS; i++) {
    if (!v->params[i]) continue;
    others[i] = step_array(v->param_count[i]);
    for (size_t k = 0; k < v->param_count[i]; k++) others[i][k] = 1 + fabsf(v->params[i][k]);
  }
  for (int run = backend == &net_backend_ref; run < 2; run++) {
    for (int i = 0; i < NET_MAX_PARAMS; i++) call.params[i] = run ? v->params[i] : others[i];
    for (int i = 0; i < 2 && v->running[i]; i++)
      memcpy(v->running[i], v->params[2 + i], v->param_count[2 + i] * sizeof(float));
    step_ok(backend->bind(kernel, call.params, &error), &error);
    step_ok(backend->forward(kernel, &call, &error), &error);
    if (!backward) continue;
    net_relayout(v->dy, NET_NHWC, dy, out, batch, step->out, 1);
    call.dy = dy;
    for (int i = 0; i < 2; i++) call.dx[i] = dx[i];
    for (int i = 0; i < NET_MAX_PARAMS; i++) call.grads[i] = v->grads[i];
    step_ok(backend->backward(kernel, &call, &error), &error);
  }
  net_relayout(y, out, v->y, NET_NHWC, batch, step->out, 1);
  for (int i = 0; i < 2; i++)
    if (backward && dx[i]) net_relayout(dx[i], in, v->dx[i], NET_NHWC, batch, step->in, 1);
  for (int i = 0; i < NET_MAX_PARAMS; i++) free(others[i]);
  backend->release(kernel);
  for (int i = 0; i < 2; i++) {
    free(x[i]);
    free(dx[i]);
  }
  free(y);
  free(dy);
  free(call.workspace);
  free(call.scratch);
  return true;
}

/* Fails unless |got - want| <= relative |want| + of_largest max |want| everywhere. */
static inline void step_compare(const char *name, const char *tensor, const float *got,
                                const float *want, size_t count, double relative,
                                double of_largest) {
  double largest = 0;
  for (size_t i = 0; i < count; i++) largest = fmax(largest, fabs((double)want[i]));
  for (size_t i = 0; i < count; i++) {
    double off = fabs((double)got[i] - (double)want[i]);
    double allowed = relative * fabs((double)want[i]) + of_largest * largest;
    if (!(off <= allowed))
      fail_msg("%s: %s[%zu] is %.9g, not %.9g (largest %.3g)", name, tensor, i, (double)got[i],
               (double)want[i], largest);
  }
}

/* A layout that a producer could give for that many channels. */
static inline net_layout step_some_layout(rng *r, int c) {
  static const net_layout all[] = {NET_NHWC, NET_NCHW, NET_NCHW16C};
  return all[rng_below(r, c % 16 == 0 ? 3 : 2)];
}

static inline void step_fill_array(rng *r, float *values, size_t count, double scale) {
  for (size_t i = 0; i < count; i++) values[i] = (float)(scale * rng_normal(r));
}

/* Rounded to what bfloat16 can hold. */
static inline void step_round(float *values, size_t count) {
  for (size_t i = 0; i < count; i++) {
    uint32_t bits = (uint32_t)net_to_bf16(values[i]) << 16;
    memcpy(values + i, &bits, sizeof bits);
  }
}

/* Random inputs, parameters and gradient of the output; inputs and kernel in the step's precision.
 */
static inline void step_fill(rng *r, const net_step *step, step_values *v) {
  for (int i = 0; i < 2; i++)
    if (v->x[i]) step_fill_array(r, v->x[i], v->x_count[i], 1);
  step_fill_array(r, v->dy, v->y_count, 1);
  for (int i = 0; i < NET_MAX_PARAMS; i++)
    if (v->params[i]) step_fill_array(r, v->params[i], v->param_count[i], 0.5);
  if (step->precision == NET_BF16) {
    for (int i = 0; i < 2; i++)
      if (v->x[i]) step_round(v->x[i], v->x_count[i]);
    if (v->params[0]) step_round(v->params[0], v->param_count[0]);
    step_round(v->dy, v->y_count);
  }
  if (step->op != NET_BATCHNORM) return;
  for (size_t i = 0; i < v->param_count[3]; i++)
    v->params[3][i] = (float)(0.5 + rng_uniform(r)); /* variances */
  double shift = 3 * rng_normal(r);
  for (size_t i = 0; i < v->x_count[0]; i++) v->x[0][i] += (float)shift;
  if (step->precision == NET_BF16) step_round(v->x[0], v->x_count[0]);
}

/* The max pooling behind `step`, as a step on its own in the graph `g`. */
static inline net_step step_pooling(net_graph *g, const net_step *step) {
  const net_shape big = step->node->shape;
  net_maxpool(g, "pool", net_input(g, big.h, big.w, big.c), 2, 2, 0);
  return step_of(g, step->batch, true);
}

/* The reference's answer where step->pool in training: two steps, there and back. */
static inline void step_train_pooled(const net_graph *graph, const net_step *step, step_values *v) {
  net_step plain = *step;
  plain.pool = false;
  plain.out = step->node->shape;
  net_graph *g = net_graph_new();
  net_step pool = step_pooling(g, step);
  step_values w = step_values_new(graph, &plain), p = step_values_new(g, &pool);
  memcpy(w.x[0], v->x[0], v->x_count[0] * sizeof(float));
  for (int i = 0; i < NET_MAX_PARAMS; i++)
    if (w.params[i]) memcpy(w.params[i], v->params[i], v->param_count[i] * sizeof(float));
  assert_true(step_run(&net_backend_ref, &plain, false, &w));
  memcpy(p.x[0], w.y, w.y_count * sizeof(float));
  memcpy(p.dy, v->dy, v->y_count * sizeof(float));
  assert_true(step_run(&net_backend_ref, &pool, true, &p));
  memcpy(v->y, p.y, v->y_count * sizeof(float));
  memcpy(w.dy, p.dx[0], w.y_count * sizeof(float));
  assert_true(step_run(&net_backend_ref, &plain, true, &w));
  if (step->need_dx) memcpy(v->dx[0], w.dx[0], v->x_count[0] * sizeof(float));
  for (int i = 0; i < NET_MAX_PARAMS; i++)
    if (w.grads[i]) memcpy(v->grads[i], w.grads[i], v->param_count[i] * sizeof(float));
  step_values_free(&w);
  step_values_free(&p);
  net_graph_free(g);
}

/* The reference's answer, pooled afterwards where step->pool, which the reference does not fuse. */
static inline void step_run_ref(const net_graph *graph, const net_step *step, step_values *v) {
  if (!step->pool) {
    assert_true(step_run(&net_backend_ref, step, step->training, v));
    return;
  }
  if (step->training) {
    step_train_pooled(graph, step, v);
    return;
  }
  net_step plain = *step;
  plain.pool = false;
  plain.out = step->node->shape;
  step_values w = step_values_new(graph, &plain);
  memcpy(w.x[0], v->x[0], v->x_count[0] * sizeof(float));
  for (int i = 0; i < NET_MAX_PARAMS; i++)
    if (w.params[i]) memcpy(w.params[i], v->params[i], v->param_count[i] * sizeof(float));
  assert_true(step_run(&net_backend_ref, &plain, false, &w));
  const net_shape big = plain.out, small = step->out;
  for (int n = 0; n < step->batch; n++)
    for (int h = 0; h < small.h; h++)
      for (int x = 0; x < small.w; x++)
        for (int c = 0; c < small.c; c++) {
          float best = -INFINITY;
          for (int k = 0; k < 4; k++)
            best =
                fmaxf(best, w.y[((n * big.h + 2 * h + k / 2) * big.w + 2 * x + k % 2) * big.c + c]);
          v->y[((n * small.h + h) * small.w + x) * small.c + c] = best;
        }
  step_values_free(&w);
}

/* What a backend may differ by from the reference: forward relative to the value (and 1/10 of that,
 * relative to the largest, for what cancels out), gradients relative to the largest. */
typedef struct {
  double forward, gradient;
} step_tolerance;

/* Where a value before the relu is too near to zero for two backends to agree on its sign, or two
 * of a pooled square too near to each other, takes the gradient out. */
static inline void step_quieten_kinks(const net_graph *graph, const net_step *step, step_values *v,
                                      double near) {
  net_step plain = *step;
  plain.relu = plain.pool = false;
  plain.out = step->node->shape;
  step_values w = step_values_new(graph, &plain);
  memcpy(w.x[0], v->x[0], v->x_count[0] * sizeof(float));
  if (v->x[1]) memcpy(w.x[1], v->x[1], v->x_count[1] * sizeof(float));
  for (int i = 0; i < NET_MAX_PARAMS; i++)
    if (w.params[i]) memcpy(w.params[i], v->params[i], v->param_count[i] * sizeof(float));
  assert_true(step_run(&net_backend_ref, &plain, false, &w));
  double largest = 0;
  for (size_t i = 0; i < w.y_count; i++) largest = fmax(largest, fabs((double)w.y[i]));
  near *= largest;
  const net_shape big = plain.out, small = step->out;
  for (size_t i = 0; i < v->y_count; i++) {
    double first = (double)w.y[i < w.y_count ? i : 0], second = -INFINITY;
    if (step->pool) {
      size_t c = i % (size_t)small.c, x = i / (size_t)small.c % (size_t)small.w;
      size_t row = i / (size_t)small.c / (size_t)small.w, n = row / (size_t)small.h;
      first = -INFINITY;
      for (size_t k = 0; k < 4; k++) {
        size_t y = n * (size_t)big.h + 2 * (row % (size_t)small.h) + k / 2;
        double value = (double)w.y[(y * (size_t)big.w + 2 * x + k % 2) * (size_t)big.c + c];
        second = fmax(second, fmin(first, value));
        first = fmax(first, value);
      }
    }
    if ((step->relu && fabs(first) < near) || (step->pool && first - second < near)) v->dy[i] = 0;
  }
  step_values_free(&w);
}

/* Runs the last node of `g` through `backend` and the reference on random values and frees it.
 * Gives false if the backend declines the step. */
static inline bool step_agrees(const net_backend *backend, rng *r, net_graph *g, net_step step,
                               step_tolerance allowed) {
  char name[160];
  snprintf(name, sizeof name, "%s %s%s%s%s batch %d in %dx%dx%d out %dx%dx%d kernel %d/%d pad %d",
           net_op_name(step.op), step.training ? "training" : net_precision_name(step.precision),
           step.relu ? " relu" : "", step.add ? " add" : "", step.pool ? " pool" : "", step.batch,
           step.in.h, step.in.w, step.in.c, step.out.h, step.out.w, step.out.c,
           step.node->attributes.kernel, step.node->attributes.stride, step.node->attributes.pad);
  step_values want = step_values_new(g, &step), got = step_values_new(g, &step);
  step_fill(r, &step, &want);
  if ((step.relu || step.pool) && step.training)
    step_quieten_kinks(g, &step, &want, (step.precision == NET_BF16 ? 0.15 : 10) * allowed.forward);
  for (int i = 0; i < 2; i++)
    if (want.x[i]) memcpy(got.x[i], want.x[i], want.x_count[i] * sizeof(float));
  memcpy(got.dy, want.dy, want.y_count * sizeof(float));
  for (int i = 0; i < NET_MAX_PARAMS; i++)
    if (want.params[i]) memcpy(got.params[i], want.params[i], want.param_count[i] * sizeof(float));

  bool taken = step_run(backend, &step, step.training, &got);
  if (taken) {
    step_run_ref(g, &step, &want);
    char full[sizeof name + sizeof got.implementation + 4];
    snprintf(full, sizeof full, "%s (%s)", name, got.implementation);
    step_compare(full, "y", got.y, want.y, want.y_count, allowed.forward, allowed.forward / 10);
    for (int i = 0; i < 2; i++)
      if (want.running[i])
        step_compare(full, i ? "new variance" : "new mean", got.running[i], want.running[i],
                     want.param_count[2 + i], allowed.forward, allowed.forward / 10);
    for (int i = 0; step.training && i < 2; i++)
      if (want.x[i] && step.need_dx)
        step_compare(full, i ? "dx2" : "dx", got.dx[i], want.dx[i], want.x_count[i], 0,
                     allowed.gradient);
    for (int i = 0; step.training && i < NET_MAX_PARAMS; i++)
      if (want.grads[i])
        step_compare(full, g->params[step.node->params[i]].name, got.grads[i], want.grads[i],
                     want.param_count[i], 0, allowed.gradient);
  }
  step_values_free(&want);
  step_values_free(&got);
  net_graph_free(g);
  return taken;
}

/* Runs a step in training again, `runs` times, on the same values: the bits must be the same. */
static inline void step_repeats(const net_backend *backend, rng *r, const net_graph *graph,
                                const net_step *step, int runs) {
  step_values first = step_values_new(graph, step), again = step_values_new(graph, step);
  step_fill(r, step, &first);
  memcpy(again.x[0], first.x[0], first.x_count[0] * sizeof(float));
  memcpy(again.dy, first.dy, first.y_count * sizeof(float));
  for (int i = 0; i < 2; i++)
    memcpy(again.params[i], first.params[i], first.param_count[i] * sizeof(float));
  assert_true(step_run(backend, step, true, &first));
  for (int run = 0; run < runs; run++) {
    assert_true(step_run(backend, step, true, &again));
    assert_memory_equal(first.y, again.y, first.y_count * sizeof(float));
    if (step->need_dx)
      assert_memory_equal(first.dx[0], again.dx[0], first.x_count[0] * sizeof(float));
    for (int i = 0; i < 2; i++)
      assert_memory_equal(first.grads[i], again.grads[i], first.param_count[i] * sizeof(float));
  }
  step_values_free(&first);
  step_values_free(&again);
}

#endif
