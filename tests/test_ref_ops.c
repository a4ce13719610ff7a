/* The reference backend against PyTorch, against finite differences and against pencil and paper.
 */
#include "fixture.h"
#include "step_run.h"

#include "base/rng.h"
#include "net/loss.h"

static int open_fixture(void **state) {
  (void)state;
  return fixture_open("ops");
}

static int number(const json_t *c, const char *key) {
  return (int)json_integer_value(json_object_get(c, key));
}

static float real(const json_t *c, const char *key) {
  return (float)json_number_value(json_object_get(c, key));
}

static bool flag(const json_t *c, const char *key) {
  return json_is_true(json_object_get(c, key));
}

static const char *text(const json_t *c, const char *key) {
  return json_string_value(json_object_get(c, key));
}

/* Tensor "case/name" of the fixture, NULL if there is none; its length must be `count`. */
static const float *stored(const json_t *c, const char *name, size_t count) {
  char full[128];
  size_t found = 0;
  snprintf(full, sizeof full, "%s/%s", text(c, "name"), name);
  const float *values = safetensors_f32(&fixture, full, &found);
  if (values && found != count) fail_msg("%s has %zu values, not %zu", full, found, count);
  return values;
}

/* A graph whose last node is what the case is about. */
static net_graph *graph_of(const json_t *c) {
  const json_t *in = json_object_get(c, "in");
  net_graph *g = net_graph_new();
  int x = net_input(g, (int)json_integer_value(json_array_get(in, 0)),
                    (int)json_integer_value(json_array_get(in, 1)),
                    (int)json_integer_value(json_array_get(in, 2)));
  const char *op = text(c, "op");
  if (strcmp(op, "conv2d") == 0)
    net_conv2d(g, "node", x, number(c, "filters"), number(c, "kernel"), number(c, "stride"),
               number(c, "pad"), flag(c, "bias"));
  else if (strcmp(op, "batchnorm") == 0)
    net_batchnorm(g, "node", x, real(c, "epsilon"), real(c, "momentum"));
  else if (strcmp(op, "relu") == 0) net_relu(g, "node", x);
  else if (strcmp(op, "maxpool") == 0)
    net_maxpool(g, "node", x, number(c, "kernel"), number(c, "stride"), number(c, "pad"));
  else if (strcmp(op, "global_avgpool") == 0) net_avgpool(g, "node", x);
  else if (strcmp(op, "dense") == 0) net_dense(g, "node", x, number(c, "filters"));
  else if (strcmp(op, "add") == 0) net_add(g, "node", x, x);
  else if (strcmp(op, "flatten") == 0) net_flatten(g, "node", x);
  else fail_msg("unknown operation %s", op);
  leuko_error error = {0};
  step_ok(net_graph_finish(g, &error), &error);
  return g;
}

static const char *param_name(const net_graph *g, const net_step *step, int i) {
  return strrchr(g->params[step->node->params[i]].name, '/') + 1;
}

static void load(const json_t *c, const char *name, float *to, size_t count) {
  const float *values = stored(c, name, count);
  if (!values) fail_msg("%s/%s is missing", text(c, "name"), name);
  memcpy(to, values, count * sizeof *to);
}

static void check(const json_t *c, const char *name, const float *got, size_t count,
                  double relative, double of_largest) {
  const float *want = stored(c, name, count);
  if (!want) fail_msg("%s/%s is missing", text(c, "name"), name);
  step_compare(text(c, "name"), name, got, want, count, relative, of_largest);
}

static void check_case(const json_t *c, int threads) {
  net_graph *g = graph_of(c);
  net_step step = step_of(g, number(c, "batch"), flag(c, "training"));
  step.relu = flag(c, "relu");
  step.add = flag(c, "add");
  step.threads = threads;
  step_values v = step_values_new(g, &step);
  const bool backward = !step.add;
  load(c, "x", v.x[0], v.x_count[0]);
  if (v.x[1]) load(c, "x2", v.x[1], v.x_count[1]);
  if (backward) load(c, "dy", v.dy, v.y_count);
  for (int i = 0; i < NET_MAX_PARAMS; i++)
    if (v.params[i]) load(c, param_name(g, &step, i), v.params[i], v.param_count[i]);

  assert_true(step_run(&net_backend_ref, &step, backward, &v));

  check(c, "y", v.y, v.y_count, 1e-5, 1e-8);
  if (v.running[0]) {
    check(c, "new_mean", v.running[0], v.param_count[2], 1e-5, 0);
    check(c, "new_variance", v.running[1], v.param_count[3], 1e-5, 0);
  }
  if (backward) {
    check(c, "dx", v.dx[0], v.x_count[0], 0, 1e-4);
    if (v.x[1]) check(c, "dx2", v.dx[1], v.x_count[1], 0, 1e-4);
    for (int i = 0; i < NET_MAX_PARAMS; i++) {
      char name[80];
      if (!v.grads[i]) continue;
      snprintf(name, sizeof name, "d%s", param_name(g, &step, i));
      check(c, name, v.grads[i], v.param_count[i], 0, 1e-4);
    }
  }
  step_values_free(&v);
  net_graph_free(g);
}

static void test_every_operation_agrees_with_pytorch(void **state) {
  (void)state;
  size_t i;
  json_t *c;
  json_array_foreach(cases, i, c) {
    if (strcmp(text(c, "op"), "loss") == 0) continue;
    check_case(c, 1);
    check_case(c, 3);
  }
}

static void test_losses_agree_with_pytorch(void **state) {
  (void)state;
  size_t i;
  json_t *c;
  json_array_foreach(cases, i, c) {
    if (strcmp(text(c, "op"), "loss") != 0) continue;
    enum { MOST = 64 };
    const int batch = number(c, "batch");
    const int outputs = (int)json_integer_value(json_array_get(json_object_get(c, "in"), 2));
    const int classes = outputs == 1 ? 2 : outputs;
    float logits[MOST], stored_labels[MOST], weights[MOST], dlogits[MOST];
    int labels[MOST];
    double class_weights[MOST];
    const size_t count = (size_t)batch * (size_t)outputs;
    load(c, "logits", logits, count);
    load(c, "labels", stored_labels, (size_t)batch);
    load(c, "weights", weights, (size_t)classes);
    for (int n = 0; n < batch; n++) labels[n] = (int)stored_labels[n];
    for (int n = 0; n < classes; n++) class_weights[n] = (double)weights[n];
    for (int weighted = 0; weighted < 2; weighted++) {
      net_loss_sum sum =
          net_loss(logits, labels, batch, outputs, weighted ? class_weights : NULL, dlogits);
      float loss = (float)sum.loss, correct = (float)sum.correct;
      check(c, weighted ? "weighted_sum" : "sum", &loss, 1, 1e-6, 0);
      check(c, weighted ? "weighted_dlogits" : "dlogits", dlogits, count, 1e-5, 1e-9);
      check(c, "correct", &correct, 1, 0, 0);
    }
  }
}

static double uniform(rng *r, double low, double high) {
  return low + (high - low) * rng_uniform(r);
}

static void fill(rng *r, float *values, size_t count, double scale) {
  for (size_t i = 0; i < count; i++) values[i] = (float)(scale * rng_normal(r));
}

/* Values 0.05 apart in random order, none nearer to 0 than 0.025: a step of 0.01 changes neither a
 * sign nor which value of a window is the largest. */
static void fill_apart(rng *r, float *values, size_t count) {
  size_t *order = malloc(count * sizeof *order);
  for (size_t i = 0; i < count; i++) order[i] = i;
  rng_shuffle(r, order, count);
  for (size_t i = 0; i < count; i++)
    values[i] = (float)(0.05 * ((double)order[i] - (double)(count / 2) + 0.5));
  free(order);
}

static double weighted_output(const net_step *step, step_values *v) {
  assert_true(step_run(&net_backend_ref, step, false, v));
  double sum = 0;
  for (size_t i = 0; i < v->y_count; i++) sum += (double)v->y[i] * (double)v->dy[i];
  return sum;
}

/* Compares `gradient` [count] with the central difference of sum(y * dy) over a step of h in each
 * of `values`. The step taken is the one that float32 can hold. */
static void check_differences(const net_step *step, step_values *v, const char *tensor,
                              float *values, const float *gradient, size_t count, double h) {
  float *measured = malloc(count * sizeof *measured);
  for (size_t i = 0; i < count; i++) {
    const float kept = values[i];
    values[i] = (float)((double)kept + h);
    double above = values[i], plus = weighted_output(step, v);
    values[i] = (float)((double)kept - h);
    double below = values[i], minus = weighted_output(step, v);
    values[i] = kept;
    measured[i] = (float)((plus - minus) / (above - below));
  }
  step_compare(step->node->name, tensor, gradient, measured, count, 0, 1e-3);
  free(measured);
}

static void check_gradients(net_graph *g, int batch, bool training, bool apart, double h) {
  leuko_error error = {0};
  step_ok(net_graph_finish(g, &error), &error);
  net_step step = step_of(g, batch, training);
  step_values v = step_values_new(g, &step);
  rng r = rng_open(11, RNG_TEST, (uint32_t)step.op, (uint32_t)training);
  for (int i = 0; i < 2 && v.x[i]; i++)
    if (apart) fill_apart(&r, v.x[i], v.x_count[i]);
    else fill(&r, v.x[i], v.x_count[i], 1);
  fill(&r, v.dy, v.y_count, 1);
  for (int i = 0; i < NET_MAX_PARAMS; i++)
    if (v.params[i]) fill(&r, v.params[i], v.param_count[i], 1);
  if (step.op == NET_BATCHNORM)
    for (size_t i = 0; i < v.param_count[3]; i++) v.params[3][i] = (float)uniform(&r, 0.5, 2);

  assert_true(step_run(&net_backend_ref, &step, true, &v));
  for (int i = 0; i < 2 && v.x[i]; i++)
    check_differences(&step, &v, i ? "dx2" : "dx", v.x[i], v.dx[i], v.x_count[i], h);
  for (int i = 0; i < NET_MAX_PARAMS; i++)
    if (v.grads[i])
      check_differences(&step, &v, param_name(g, &step, i), v.params[i], v.grads[i],
                        v.param_count[i], h);
  step_values_free(&v);
  net_graph_free(g);
}

/* y is linear in everything but batch normalization's input, so the step may be wide: the wider,
 * the less float32's rounding of y counts. */
#define WIDE 0.25
#define NARROW 0.01

static void test_gradients_are_finite_differences(void **state) {
  (void)state;
  net_graph *g = net_graph_new();
  net_conv2d(g, "conv", net_input(g, 6, 5, 3), 4, 3, 1, 1, true);
  check_gradients(g, 2, true, false, WIDE);
  g = net_graph_new();
  net_conv2d(g, "conv stride 2", net_input(g, 7, 6, 2), 3, 3, 2, 0, false);
  check_gradients(g, 2, true, false, WIDE);
  g = net_graph_new();
  net_batchnorm(g, "batchnorm", net_input(g, 3, 3, 4), 1e-3f, 0.9f);
  check_gradients(g, 3, true, false, NARROW);
  g = net_graph_new();
  net_batchnorm(g, "batchnorm inference", net_input(g, 3, 3, 4), 1e-3f, 0.9f);
  check_gradients(g, 3, false, false, WIDE);
  g = net_graph_new();
  net_relu(g, "relu", net_input(g, 4, 3, 5));
  check_gradients(g, 2, true, true, NARROW);
  g = net_graph_new();
  net_maxpool(g, "maxpool", net_input(g, 6, 6, 2), 2, 2, 0);
  check_gradients(g, 2, true, true, NARROW);
  g = net_graph_new();
  net_maxpool(g, "maxpool overlapping", net_input(g, 7, 8, 2), 3, 2, 1);
  check_gradients(g, 2, true, true, NARROW);
  g = net_graph_new();
  net_avgpool(g, "avgpool", net_input(g, 4, 5, 3));
  check_gradients(g, 2, true, false, WIDE);
  g = net_graph_new();
  net_dense(g, "dense", net_input(g, 1, 1, 13), 6);
  check_gradients(g, 3, true, false, WIDE);
  g = net_graph_new();
  int x = net_input(g, 3, 4, 2);
  net_add(g, "add", x, x);
  check_gradients(g, 2, true, false, WIDE);
  g = net_graph_new();
  net_flatten(g, "flatten", net_input(g, 3, 4, 2));
  check_gradients(g, 2, true, false, WIDE);
  g = net_graph_new();
  net_dropout(g, "dropout", net_input(g, 4, 4, 3), 0.4f);
  check_gradients(g, 2, true, false, WIDE);
}

/* 3x3 image, 2x2 kernel, bias 10; dy all 1. */
static void test_convolution_by_hand(void **state) {
  (void)state;
  net_graph *g = net_graph_new();
  net_conv2d(g, "conv", net_input(g, 3, 3, 1), 1, 2, 1, 0, true);
  net_step step = step_of(g, 1, true);
  step_values v = step_values_new(g, &step);
  for (int i = 0; i < 9; i++) v.x[0][i] = (float)(i + 1);
  for (int i = 0; i < 4; i++) v.params[0][i] = (float)(i + 1);
  for (int i = 0; i < 4; i++) v.dy[i] = 1;
  v.params[1][0] = 10;
  assert_true(step_run(&net_backend_ref, &step, true, &v));
  const float y[] = {47, 57, 77, 87};
  const float dx[] = {1, 3, 2, 4, 10, 6, 3, 7, 4};
  const float dkernel[] = {12, 16, 24, 28};
  assert_memory_equal(v.y, y, sizeof y);
  assert_memory_equal(v.dx[0], dx, sizeof dx);
  assert_memory_equal(v.grads[0], dkernel, sizeof dkernel);
  assert_true(v.grads[1][0] == 4.0f);
  step_values_free(&v);
  net_graph_free(g);
}

/* 3x3 windows, stride 2, pad 1 over a 4x4 image. The 9 is the largest of two windows and gets both
 * gradients; of two equal values the first wins; padding does not win over negative values. */
static void test_max_pooling_by_hand(void **state) {
  (void)state;
  net_graph *g = net_graph_new();
  net_maxpool(g, "pool", net_input(g, 4, 4, 1), 3, 2, 1);
  net_step step = step_of(g, 1, true);
  step_values v = step_values_new(g, &step);
  const float x[] = {-5, -3, -8, -7, //
                     -4, -6, -9, -7, //
                     5,  9,  2,  3,  //
                     1,  0,  3,  3};
  const float dy[] = {1, 2, 4, 8};
  memcpy(v.x[0], x, sizeof x);
  memcpy(v.dy, dy, sizeof dy);
  assert_true(step_run(&net_backend_ref, &step, true, &v));
  const float y[] = {-3, -3, 9, 9};
  const float dx[] = {0, 3, 0, 0, 0, 0, 0, 0, 0, 12, 0, 0, 0, 0, 0, 0};
  assert_memory_equal(v.y, y, sizeof y);
  assert_memory_equal(v.dx[0], dx, sizeof dx);
  for (int i = 0; i < 16; i++) v.x[0][i] = 1;
  assert_true(step_run(&net_backend_ref, &step, true, &v));
  const float first[] = {1, 2, 0, 0, 4, 8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0};
  assert_memory_equal(v.dx[0], first, sizeof first);
  step_values_free(&v);
  net_graph_free(g);
}

static void test_dropout_drops_its_share_and_keeps_the_mean(void **state) {
  (void)state;
  net_graph *g = net_graph_new();
  net_dropout(g, "dropout", net_input(g, 50, 40, 10), 0.3f);
  net_step step = step_of(g, 1, true);
  step_values v = step_values_new(g, &step);
  for (size_t i = 0; i < v.y_count; i++) v.x[0][i] = 1, v.dy[i] = 1;
  assert_true(step_run(&net_backend_ref, &step, true, &v));
  size_t dropped = 0;
  for (size_t i = 0; i < v.y_count; i++) {
    assert_true(v.y[i] == 0 || fabs((double)v.y[i] - 1 / 0.7) < 1e-6);
    assert_true(v.dx[0][i] == v.y[i]); /* the same mask on the way back */
    dropped += v.y[i] == 0;
  }
  /* 20,000 draws: the deviation of the share is 0.0032. */
  assert_true(fabs((double)dropped / (double)v.y_count - 0.3) < 0.015);
  step.training = false;
  assert_true(step_run(&net_backend_ref, &step, false, &v));
  assert_memory_equal(v.y, v.x[0], v.y_count * sizeof(float));
  step_values_free(&v);
  net_graph_free(g);
}

static void test_a_nan_shows_in_the_output(void **state) {
  (void)state;
  net_graph *g = net_graph_new();
  net_maxpool(g, "pool", net_input(g, 2, 2, 1), 2, 2, 0);
  net_step step = step_of(g, 1, false);
  step_values v = step_values_new(g, &step);
  for (int at = 0; at < 4; at++) {
    for (int i = 0; i < 4; i++) v.x[0][i] = i == at ? NAN : 1;
    assert_true(step_run(&net_backend_ref, &step, false, &v));
    assert_true(isnan(v.y[0]));
  }
  step_values_free(&v);
  net_graph_free(g);
  g = net_graph_new();
  net_relu(g, "relu", net_input(g, 1, 1, 1));
  step = step_of(g, 1, false);
  v = step_values_new(g, &step);
  assert_true(step_run(&net_backend_ref, &step, false, &v)); /* x is NaN */
  assert_true(isnan(v.y[0]));
  step_values_free(&v);
  net_graph_free(g);
}

static void test_what_it_cannot_fuse_it_declines(void **state) {
  (void)state;
  net_graph *g = net_graph_new();
  net_avgpool(g, "pool", net_input(g, 4, 4, 1));
  net_step step = step_of(g, 1, false);
  step.relu = true;
  assert_false(net_backend_ref.choose(&step));
  net_graph_free(g);
  g = net_graph_new();
  net_conv2d(g, "conv", net_input(g, 6, 6, 1), 2, 3, 1, 0, true);
  step = step_of(g, 1, false);
  step.in_layout = NET_NCHW;
  assert_true(net_backend_ref.choose(&step));
  assert_int_equal(step.in_layout, NET_NHWC);
  step.pool = true;
  assert_false(net_backend_ref.choose(&step));
  net_graph_free(g);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_every_operation_agrees_with_pytorch),
      cmocka_unit_test(test_losses_agree_with_pytorch),
      cmocka_unit_test(test_gradients_are_finite_differences),
      cmocka_unit_test(test_convolution_by_hand),
      cmocka_unit_test(test_max_pooling_by_hand),
      cmocka_unit_test(test_dropout_drops_its_share_and_keeps_the_mean),
      cmocka_unit_test(test_a_nan_shows_in_the_output),
      cmocka_unit_test(test_what_it_cannot_fuse_it_declines),
  };
  return cmocka_run_group_tests(tests, open_fixture, fixture_close);
}
