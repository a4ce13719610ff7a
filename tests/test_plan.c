/* Plans of whole networks: what folding, fusing, laying out and sharing of buffers do to a graph
 * must not show in its results. */
#include "support.h"

#include "base/rng.h"
#include "net/plan.h"
#include "net/product.h"

static void ok(leuko_status status, const leuko_error *error) {
  if (status != LEUKO_OK) fail_msg("%s: %s", leuko_status_name(status), error->message);
}

static float *floats(size_t count) {
  float *out = NULL;
  assert_int_equal(posix_memalign((void **)&out, 64, (count ? count : 1) * sizeof *out), 0);
  memset(out, 0, count * sizeof *out);
  return out;
}

/* Uniform in -1 .. 1. */
static void fill(float *out, size_t count, uint32_t number) {
  rng r = rng_open(11, RNG_TEST, 0, number);
  for (size_t i = 0; i < count; i++) out[i] = (float)(2 * rng_uniform(&r) - 1);
}

/* What one plan made of a batch. */
typedef struct {
  float *logits; /* [batch][outputs] */
  float *grads;  /* [param_floats]; training only */
  float *params; /* [param_floats], running statistics moved on in training */
} results;

static void free_results(results *r) {
  free(r->logits);
  free(r->grads);
  free(r->params);
}

/* A graph under test with its parameters. */
typedef struct {
  net_graph *graph;
  float *params;
  int side, channels; /* of the input */
} subject;

static net_plan_options how(const char *backend, int batch, bool training) {
  return (net_plan_options){.batch = batch,
                            .training = training,
                            .threads = 2,
                            .backend = backend,
                            .scaling = {.scale = 1, .deviation = {1, 1, 1}},
                            .seed = 5};
}

/* Ends building: random parameters, of batch normalization such ones as a trained network has. */
static subject finish(net_graph *graph) {
  leuko_error error = {0};
  ok(net_graph_finish(graph, &error), &error);
  subject s = {.graph = graph, .params = floats(graph->param_floats)};
  s.side = graph->nodes[0].shape.h;
  s.channels = graph->nodes[0].shape.c;
  net_init_params(graph, 3, s.params);
  for (int i = 0; i < graph->param_count; i++) {
    const net_param *p = &graph->params[i];
    if (p->rank != 1) continue;
    float *values = s.params + p->offset;
    fill(values, p->count, (uint32_t)i);
    bool variance = strstr(p->name, "/variance"), gamma = strstr(p->name, "/gamma");
    for (size_t k = 0; k < p->count; k++)
      values[k] = variance || gamma ? 1 + 0.5f * values[k] : 0.3f * values[k];
  }
  return s;
}

static void free_subject(subject *s) {
  net_graph_free(s->graph);
  free(s->params);
}

static size_t input_count(const subject *s, int batch) {
  return (size_t)batch * net_shape_size(s->graph->nodes[0].shape);
}

/* Plans, binds and runs `s` on batch random images; with training, back from random dlogits. */
static results run(const subject *s, const net_plan_options *options, uint32_t iteration) {
  leuko_error error = {0};
  net_plan *plan;
  results r = {.params = floats(s->graph->param_floats)};
  memcpy(r.params, s->params, s->graph->param_floats * sizeof *r.params);
  ok(net_plan_new(s->graph, options, &plan, &error), &error);
  ok(net_plan_bind(plan, r.params, &error), &error);
  size_t outputs = (size_t)net_plan_outputs(plan) * (size_t)options->batch;
  float *input = floats(input_count(s, options->batch));
  fill(input, input_count(s, options->batch), 1000);
  const float *logits;
  /* Twice: what an earlier call left in the shared buffers must not show. */
  for (int turn = 0; turn < 2; turn++) {
    memcpy(r.params, s->params, s->graph->param_floats * sizeof *r.params);
    ok(net_plan_forward_floats(plan, input, options->batch, iteration, &logits, &error), &error);
    free(r.logits);
    r.logits = floats(outputs);
    memcpy(r.logits, logits, outputs * sizeof *logits);
    if (!options->training) continue;
    float *dlogits = floats(outputs);
    fill(dlogits, outputs, 2000);
    if (!r.grads) r.grads = floats(s->graph->param_floats);
    ok(net_plan_backward(plan, dlogits, r.grads, &error), &error);
    free(dlogits);
  }
  free(input);
  net_plan_free(plan);
  return r;
}

/* Within `tolerance` of the largest entry. */
static void near(const char *name, const char *tensor, const float *got, const float *want,
                 size_t count, double tolerance) {
  double largest = 0;
  for (size_t i = 0; i < count; i++) largest = fmax(largest, fabs((double)want[i]));
  for (size_t i = 0; i < count; i++)
    if (!(fabs((double)got[i] - (double)want[i]) <= tolerance * fmax(largest, 1e-3)))
      fail_msg("%s: %s[%zu] is %.9g, not %.9g (largest %.3g)", name, tensor, i, (double)got[i],
               (double)want[i], largest);
}

static void same_bits(const char *name, const float *a, const float *b, size_t count) {
  for (size_t i = 0; i < count; i++)
    if (memcmp(&a[i], &b[i], sizeof *a) != 0)
      fail_msg("%s: value %zu of %zu is %.9g and %.9g", name, i, count, (double)a[i], (double)b[i]);
}

/* A block of convolution, batch normalization, relu and pooling, and what follows. */
static subject chain(int side, int channels, const int *widths, int blocks, bool norm, int pad) {
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
  return finish(g);
}

/* A residual network in small: values with two readers, a strided projection, global pooling. */
static subject residual(int side, int width, bool stem_pool) {
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
  return finish(g);
}

/* The network's own input read twice, and added to what comes out of a convolution. */
static subject short_circuit(int side) {
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
  return finish(g);
}

#define SUBJECTS 8
static subject make(int index, const char **name) {
  switch (index) {
  case 0:
    *name = "widths that 16 does not divide";
    return chain(17, 3, (int[]){5, 9, 20}, 2, false, 0);
  case 1:
    *name = "blocked widths";
    return chain(20, 3, (int[]){16, 32}, 2, false, 0);
  case 2:
    *name = "blocked and other widths in turn";
    return chain(24, 3, (int[]){16, 7, 48}, 3, true, 1);
  case 3:
    *name = "one channel, one block";
    return chain(9, 1, (int[]){32}, 1, true, 1);
  case 4:
    *name = "many channels in";
    return chain(8, 16, (int[]){16, 3}, 2, true, 1);
  case 5:
    *name = "residual, blocked";
    return residual(16, 16, true);
  case 6:
    *name = "residual, odd";
    return residual(11, 6, false);
  default:
    *name = "short circuit";
    return short_circuit(7);
  }
}

static void onednn_agrees_with_ref_in_inference(void **state) {
  (void)state;
  for (int i = 0; i < SUBJECTS; i++) {
    const char *name;
    subject s = make(i, &name);
    net_plan_options ref = how("ref", 3, false), fast = how("onednn", 3, false);
    results a = run(&s, &ref, 0), b = run(&s, &fast, 0);
    size_t outputs = 3 * net_shape_size(s.graph->nodes[s.graph->node_count - 1].shape);
    near(name, "logits", b.logits, a.logits, outputs, 1e-4);
    fast.winograd = true;
    results c = run(&s, &fast, 0);
    near(name, "logits with Winograd", c.logits, a.logits, outputs, 1e-3);
    free_results(&a);
    free_results(&b);
    free_results(&c);
    free_subject(&s);
  }
}

static void onednn_agrees_with_ref_in_training(void **state) {
  (void)state;
  for (int i = 0; i < SUBJECTS; i++) {
    const char *name;
    subject s = make(i, &name);
    net_plan_options ref = how("ref", 4, true), fast = how("onednn", 4, true);
    results a = run(&s, &ref, 0), b = run(&s, &fast, 0);
    size_t outputs = 4 * net_shape_size(s.graph->nodes[s.graph->node_count - 1].shape);
    near(name, "logits", b.logits, a.logits, outputs, 1e-4);
    for (int p = 0; p < s.graph->param_count; p++) {
      const net_param *param = &s.graph->params[p];
      if (param->trainable)
        near(name, param->name, b.grads + param->offset, a.grads + param->offset, param->count,
             1e-3);
      else
        near(name, param->name, b.params + param->offset, a.params + param->offset, param->count,
             1e-4);
    }
    free_results(&a);
    free_results(&b);
    free_subject(&s);
  }
}

/* Sum of logits times fixed weights, in training mode. */
static double loss(const subject *s, float *params, net_plan *plan, const float *input,
                   const float *weights, size_t outputs, int batch) {
  leuko_error error = {0};
  const float *logits;
  float *used = floats(s->graph->param_floats); /* forward moves the running statistics */
  memcpy(used, params, s->graph->param_floats * sizeof *used);
  ok(net_plan_bind(plan, used, &error), &error);
  ok(net_plan_forward_floats(plan, input, batch, 0, &logits, &error), &error);
  double sum = 0;
  for (size_t i = 0; i < outputs; i++) sum += (double)logits[i] * (double)weights[i];
  free(used);
  return sum;
}

/* Every reader's part of a gradient counts: each tensor's gradient against the slope of the loss in
 * a random direction. */
static void gradients_add_up_where_a_value_has_several_readers(void **state) {
  (void)state;
  enum { BATCH = 3 };
  static const char *const backends[] = {"ref", "onednn"};
  for (int i = 5; i < SUBJECTS; i++)
    for (int b = 0; b < 2; b++) {
      const char *name;
      subject s = make(i, &name);
      net_plan_options options = how(backends[b], BATCH, true);
      results r = run(&s, &options, 0);
      leuko_error error = {0};
      net_plan *plan;
      ok(net_plan_new(s.graph, &options, &plan, &error), &error);
      size_t outputs = BATCH * (size_t)net_plan_outputs(plan), inputs = input_count(&s, BATCH);
      float *input = floats(inputs), *weights = floats(outputs);
      fill(input, inputs, 1000);
      fill(weights, outputs, 2000);
      for (int p = 0; p < s.graph->param_count; p++) {
        const net_param *param = &s.graph->params[p];
        if (!param->trainable) continue;
        float *direction = floats(param->count), *moved = floats(s.graph->param_floats);
        fill(direction, param->count, 3000 + (uint32_t)p);
        double slope = 0, length = 0, at[2];
        for (size_t k = 0; k < param->count; k++) {
          slope += (double)r.grads[param->offset + k] * (double)direction[k];
          length += (double)direction[k] * (double)direction[k];
        }
        const double step = 1e-3 / sqrt(length);
        for (int side = 0; side < 2; side++) {
          memcpy(moved, s.params, s.graph->param_floats * sizeof *moved);
          for (size_t k = 0; k < param->count; k++)
            moved[param->offset + k] += (float)((side ? step : -step) * (double)direction[k]);
          at[side] = loss(&s, moved, plan, input, weights, outputs, BATCH);
        }
        double measured = (at[1] - at[0]) / (2 * step), most = 0;
        for (size_t k = 0; k < param->count; k++)
          most += fabs((double)r.grads[param->offset + k] * (double)direction[k]);
        if (!(fabs(measured - slope) <= 0.02 * most + 2e-6 / step))
          fail_msg("%s with %s: the gradient of %s says %.6g, the loss %.6g", name, backends[b],
                   param->name, slope, measured);
        free(direction);
        free(moved);
      }
      free(input);
      free(weights);
      net_plan_free(plan);
      free_results(&r);
      free_subject(&s);
    }
}

/* conv -> batchnorm -> relu in one step against the formula. */
static void folded_normalization_is_the_formula(void **state) {
  (void)state;
  static const char *const backends[] = {"ref", "onednn"};
  for (int bias = 0; bias < 2; bias++)
    for (int b = 0; b < 2; b++) {
      net_graph *whole = net_graph_new(), *bare = net_graph_new();
      int x = net_conv2d(whole, "conv", net_input(whole, 7, 7, 3), 16, 3, 1, 1, bias);
      net_relu(whole, "relu", net_batchnorm(whole, "norm", x, 1e-3f, 0.9f));
      net_conv2d(bare, "conv", net_input(bare, 7, 7, 3), 16, 3, 1, 1, bias);
      subject folded = finish(whole), plain = finish(bare);
      memcpy(plain.params, folded.params, bare->param_floats * sizeof *plain.params);
      net_plan_options options = how(backends[b], 2, false);
      results got = run(&folded, &options, 0), before = run(&plain, &options, 0);
      const float *p[4];
      static const char *const names[] = {"norm/gamma", "norm/beta", "norm/mean", "norm/variance"};
      for (int i = 0; i < 4; i++)
        p[i] = folded.params + whole->params[net_find_param(whole, names[i])].offset;
      const size_t count = 2 * 7 * 7 * 16;
      for (size_t i = 0; i < count; i++) {
        size_t c = i % 16;
        double want = ((double)before.logits[i] - (double)p[2][c]) /
                          sqrt((double)p[3][c] + (double)1e-3f) * (double)p[0][c] +
                      (double)p[1][c];
        test_close(backends[b], (double)got.logits[i], fmax(want, 0), 1e-5);
      }
      free_results(&got);
      free_results(&before);
      free_subject(&folded);
      free_subject(&plain);
    }
}

static void folding_leaves_one_step_a_convolution(void **state) {
  (void)state;
  const char *name;
  subject s = make(6, &name);
  leuko_error error = {0};
  net_plan *plan;
  net_plan_options options = how("ref", 1, false);
  ok(net_plan_new(s.graph, &options, &plan, &error), &error);
  for (int i = 0; i < net_plan_rows(plan); i++) {
    assert_string_not_equal(net_plan_row_at(plan, i).op, "batchnorm");
    assert_string_not_equal(net_plan_row_at(plan, i).op, "relu");
  }
  net_plan_free(plan);
  free_subject(&s);
}

/* Normalization whose convolution has another reader cannot be folded into it. */
static void a_convolution_read_elsewhere_is_not_folded(void **state) {
  (void)state;
  net_graph *g = net_graph_new();
  int x = net_conv2d(g, "conv", net_input(g, 6, 6, 3), 4, 3, 1, 1, false);
  int y = net_batchnorm(g, "norm", x, 1e-3f, 0.9f);
  net_avgpool(g, "average", net_add(g, "add", x, y));
  subject s = finish(g);
  net_graph *bare = net_graph_new();
  net_conv2d(bare, "conv", net_input(bare, 6, 6, 3), 4, 3, 1, 1, false);
  subject plain = finish(bare);
  memcpy(plain.params, s.params, bare->param_floats * sizeof *plain.params);
  net_plan_options options = how("ref", 1, false);
  results got = run(&s, &options, 0), before = run(&plain, &options, 0);
  static const char *const names[] = {"norm/gamma", "norm/beta", "norm/mean", "norm/variance"};
  for (size_t c = 0; c < 4; c++) {
    double p[4], sum = 0;
    for (int i = 0; i < 4; i++)
      p[i] = (double)s.params[g->params[net_find_param(g, names[i])].offset + c];
    for (size_t i = 0; i < 36; i++) {
      double value = (double)before.logits[i * 4 + c];
      sum += value + (value - p[2]) / sqrt(p[3] + (double)1e-3f) * p[0] + p[1];
    }
    test_close("average", (double)got.logits[c], sum / 36, 1e-5);
  }
  free_results(&got);
  free_results(&before);
  free_subject(&s);
  free_subject(&plain);
}

static void dropout_follows_seed_and_iteration(void **state) {
  (void)state;
  net_graph *g = net_graph_new();
  net_dropout(g, "dropout", net_flatten(g, "flatten", net_input(g, 10, 10, 3)), 0.25f);
  subject s = finish(g);
  enum { BATCH = 4, COUNT = 4 * 300 };
  net_plan_options options = how("onednn", BATCH, true);
  results first = run(&s, &options, 1), again = run(&s, &options, 1), later = run(&s, &options, 2);
  options.threads = 1;
  results alone = run(&s, &options, 1);
  options.seed = 6;
  results other = run(&s, &options, 1);
  options.training = false;
  results none = run(&s, &options, 1);
  same_bits("the same iteration", first.logits, again.logits, COUNT);
  same_bits("one thread", first.logits, alone.logits, COUNT);
  assert_memory_not_equal(first.logits, later.logits, COUNT * sizeof(float));
  assert_memory_not_equal(first.logits, other.logits, COUNT * sizeof(float));
  int dropped = 0;
  for (size_t i = 0; i < COUNT; i++) {
    if (first.logits[i] == 0) dropped++;
    else test_close("kept", (double)first.logits[i], (double)none.logits[i] / 0.75, 1e-6);
  }
  assert_in_range(dropped, COUNT / 4 - 60, COUNT / 4 + 60); /* 4 standard deviations */
  results *all[] = {&first, &again, &later, &alone, &other, &none};
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) free_results(all[i]);
  free_subject(&s);
}

static void equal_plans_give_equal_bits(void **state) {
  (void)state;
  for (int i = 0; i < SUBJECTS; i++) {
    const char *name;
    subject s = make(i, &name);
    net_plan_options options = how("onednn", 5, true);
    results first = run(&s, &options, 0), second = run(&s, &options, 0);
    size_t outputs = 5 * net_shape_size(s.graph->nodes[s.graph->node_count - 1].shape);
    same_bits(name, first.logits, second.logits, outputs);
    same_bits(name, first.grads, second.grads, s.graph->param_floats);
    same_bits(name, first.params, second.params, s.graph->param_floats);
    free_results(&first);
    free_results(&second);
    free_subject(&s);
  }
}

/* In ref to the bit; oneDNN may add up in another order. */
static void threads_do_not_change_the_results(void **state) {
  (void)state;
  for (int i = 0; i < SUBJECTS; i++)
    for (int training = 0; training < 2; training++) {
      const char *name;
      subject s = make(i, &name);
      size_t outputs = 5 * net_shape_size(s.graph->nodes[s.graph->node_count - 1].shape);
      net_plan_options options = how("ref", 5, training);
      results two = run(&s, &options, 0);
      options.threads = 1;
      results one = run(&s, &options, 0);
      same_bits(name, one.logits, two.logits, outputs);
      if (training) same_bits(name, one.grads, two.grads, s.graph->param_floats);
      if (training) same_bits(name, one.params, two.params, s.graph->param_floats);
      free_results(&one);
      free_results(&two);
      options = how("onednn", 5, training);
      two = run(&s, &options, 0);
      options.threads = 1;
      one = run(&s, &options, 0);
      near(name, "logits", one.logits, two.logits, outputs, 1e-5);
      free_results(&one);
      free_results(&two);
      free_subject(&s);
    }
}

/* An image's logits do not depend on the company it is computed in: to the bit within one plan,
 * whatever the number of images, and in ref; also in plans of different batches where the dense
 * layers are leuko's own. */
static void company_does_not_change_an_answer(void **state) {
  (void)state;
  static const struct {
    const char *backend;
    bool winograd;
  } ways[] = {{"ref", false}, {"onednn", false}, {"onednn", true}};
  enum { BATCH = 16 };
  for (int i = 0; i < SUBJECTS; i++)
    for (size_t w = 0; w < sizeof ways / sizeof *ways; w++) {
      const char *name;
      subject s = make(i, &name);
      leuko_error error = {0};
      net_plan *single, *many;
      net_plan_options options = how(ways[w].backend, 1, false);
      options.winograd = ways[w].winograd;
      ok(net_plan_new(s.graph, &options, &single, &error), &error);
      options.batch = BATCH;
      ok(net_plan_new(s.graph, &options, &many, &error), &error);
      ok(net_plan_bind(single, s.params, &error), &error);
      ok(net_plan_bind(many, s.params, &error), &error);
      size_t image = input_count(&s, 1), outputs = (size_t)net_plan_outputs(single);
      float *input = floats(BATCH * image), *whole = floats(BATCH * outputs);
      fill(input, BATCH * image, 7);
      const float *logits;
      ok(net_plan_forward_floats(many, input, BATCH, 0, &logits, &error), &error);
      memcpy(whole, logits, BATCH * outputs * sizeof *whole);
      static const int counts[] = {1, 5, 15};
      for (size_t c = 0; c < sizeof counts / sizeof *counts; c++) {
        ok(net_plan_forward_floats(many, input, counts[c], 0, &logits, &error), &error);
        same_bits(name, logits, whole, (size_t)counts[c] * outputs);
      }
      for (size_t k = 0; k < BATCH; k++) {
        ok(net_plan_forward_floats(single, input + k * image, 1, 0, &logits, &error), &error);
        near(name, "logits", logits, whole + k * outputs, outputs, 1e-5);
        if (w == 0 || product_supported()) same_bits(name, logits, whole + k * outputs, outputs);
      }
      free(input);
      free(whole);
      net_plan_free(single);
      net_plan_free(many);
      free_subject(&s);
    }
}

/* Convolutions, normalization and pooling give the same bits in any batch, with any threads. */
static void company_does_not_change_features(void **state) {
  (void)state;
  enum { BATCH = 16 };
  for (int blocked = 0; blocked < 2; blocked++) {
    const int width = blocked ? 16 : 9;
    net_graph *g = net_graph_new();
    int x = net_relu(g, "r1", net_conv2d(g, "c1", net_input(g, 18, 18, 3), width, 3, 1, 0, true));
    x = net_conv2d(g, "c2", net_maxpool(g, "p1", x, 2, 2, 0), 2 * width, 3, 1, 1, false);
    x = net_relu(g, "r2", net_batchnorm(g, "n2", x, 1e-3f, 0.9f));
    net_avgpool(g, "average", net_conv2d(g, "c3", x, width, 1, 2, 0, true));
    subject s = finish(g);
    leuko_error error = {0};
    net_plan *single, *many;
    net_plan_options options = how("onednn", 1, false);
    ok(net_plan_new(s.graph, &options, &single, &error), &error);
    options.batch = BATCH;
    options.threads = 1;
    ok(net_plan_new(s.graph, &options, &many, &error), &error);
    ok(net_plan_bind(single, s.params, &error), &error);
    ok(net_plan_bind(many, s.params, &error), &error);
    size_t image = input_count(&s, 1), outputs = (size_t)net_plan_outputs(single);
    float *input = floats(BATCH * image);
    fill(input, BATCH * image, 7);
    const float *alone, *together;
    ok(net_plan_forward_floats(many, input, BATCH, 0, &together, &error), &error);
    for (size_t k = 0; k < BATCH; k++) {
      ok(net_plan_forward_floats(single, input + k * image, 1, 0, &alone, &error), &error);
      same_bits("features", alone, together + k * outputs, outputs);
    }
    free(input);
    net_plan_free(single);
    net_plan_free(many);
    free_subject(&s);
  }
}

static void pixels_are_scaled_on_the_way_in(void **state) {
  (void)state;
  net_graph *g = net_graph_new();
  net_flatten(g, "flatten", net_input(g, 2, 2, 3));
  subject s = finish(g);
  net_plan_options options = how("onednn", 2, false);
  options.scaling = (net_input_scaling){
      .scale = 1.0f / 255, .mean = {0.1f, 0.2f, 0.3f}, .deviation = {0.5f, 2, 4}, .reverse = true};
  leuko_error error = {0};
  net_plan *plan;
  ok(net_plan_new(s.graph, &options, &plan, &error), &error);
  ok(net_plan_bind(plan, s.params, &error), &error);
  uint8_t pixels[24];
  for (int i = 0; i < 24; i++) pixels[i] = (uint8_t)(i * 11);
  const float *out;
  ok(net_plan_forward(plan, pixels, 2, 0, &out, &error), &error);
  for (int i = 0; i < 24; i++) {
    int c = i % 3;
    double x = pixels[i - c + 2 - c] / 255.0;
    test_close("pixel", (double)out[i],
               (x - (double)options.scaling.mean[c]) / (double)options.scaling.deviation[c], 1e-6);
  }
  net_plan_free(plan);
  free_subject(&s);
}

static void wrong_calls_are_refused(void **state) {
  (void)state;
  const char *name;
  subject s = make(0, &name);
  leuko_error error = {0};
  net_plan *plan;
  net_plan_options options = how("abacus", 2, false);
  assert_int_equal(net_plan_new(s.graph, &options, &plan, &error), LEUKO_ARGUMENT);
  assert_null(plan);
  assert_non_null(strstr(error.message, "abacus"));
  options = how("ref", 0, false);
  assert_int_equal(net_plan_new(s.graph, &options, &plan, &error), LEUKO_ARGUMENT);
  options = how("ref", 2, false);
  ok(net_plan_new(s.graph, &options, &plan, &error), &error);
  float *input = floats(input_count(&s, 3));
  const float *logits;
  float dlogits[4] = {0};
  assert_int_equal(net_plan_forward_floats(plan, input, 1, 0, &logits, &error), LEUKO_ARGUMENT);
  ok(net_plan_bind(plan, s.params, &error), &error);
  assert_int_equal(net_plan_forward_floats(plan, input, 3, 0, &logits, &error), LEUKO_ARGUMENT);
  assert_int_equal(net_plan_forward_floats(plan, input, 0, 0, &logits, &error), LEUKO_ARGUMENT);
  assert_int_equal(net_plan_backward(plan, dlogits, s.params, &error), LEUKO_ARGUMENT);
  net_plan_free(plan);
  free(input);
  free_subject(&s);
}

static void a_layer_that_nobody_reads_is_refused(void **state) {
  (void)state;
  net_graph *g = net_graph_new();
  int x = net_flatten(g, "flatten", net_input(g, 4, 4, 3));
  net_dense(g, "lost", x, 2);
  net_dense(g, "logits", x, 2);
  leuko_error error = {0};
  assert_int_equal(net_graph_finish(g, &error), LEUKO_ARGUMENT);
  assert_non_null(strstr(error.message, "lost"));
  net_graph_free(g);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(onednn_agrees_with_ref_in_inference),
      cmocka_unit_test(onednn_agrees_with_ref_in_training),
      cmocka_unit_test(gradients_add_up_where_a_value_has_several_readers),
      cmocka_unit_test(folded_normalization_is_the_formula),
      cmocka_unit_test(folding_leaves_one_step_a_convolution),
      cmocka_unit_test(a_convolution_read_elsewhere_is_not_folded),
      cmocka_unit_test(dropout_follows_seed_and_iteration),
      cmocka_unit_test(equal_plans_give_equal_bits),
      cmocka_unit_test(threads_do_not_change_the_results),
      cmocka_unit_test(company_does_not_change_an_answer),
      cmocka_unit_test(company_does_not_change_features),
      cmocka_unit_test(pixels_are_scaled_on_the_way_in),
      cmocka_unit_test(wrong_calls_are_refused),
      cmocka_unit_test(a_layer_that_nobody_reads_is_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
