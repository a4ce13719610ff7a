/* Layers taken out of a network: they answer as the whole does in prediction, and the derivatives
 * by their input are those of finite differences. */
#include "support.h"

#include "base/rng.h"
#include "net/part.h"
#include "net/plan.h"

enum { SIZE = 12, CHANNELS = 3, VALUES = SIZE * SIZE * CHANNELS };

static void ok(leuko_status status, const leuko_error *error) {
  if (status != LEUKO_OK) fail_msg("%s: %s", leuko_status_name(status), error->message);
}

/* A residual network with everything that is left out or folded; *cut is where it falls into two.
 */
static net_graph *build(int *cut) {
  leuko_error error = {0};
  net_graph *g = net_graph_new();
  assert_non_null(g);
  int x = net_input(g, SIZE, SIZE, CHANNELS);
  x = net_conv2d(g, "conv1", x, 8, 3, 1, 1, false);
  x = net_batchnorm(g, "bn1", x, 1e-3f, 0.9f);
  x = net_relu(g, "relu1", x);
  int y = net_conv2d(g, "conv2", x, 8, 3, 1, 1, true);
  y = net_batchnorm(g, "bn2", y, 1e-3f, 0.9f);
  x = net_relu(g, "relu2", net_add(g, "add", x, y));
  *cut = x = net_maxpool(g, "pool", x, 2, 2, 0);
  x = net_conv2d(g, "conv3", x, 16, 3, 2, 1, true);
  x = net_batchnorm(g, "bn3", net_flatten(g, "flatten", x), 1e-3f, 0.9f);
  x = net_dropout(g, "dropout", x, 0.5f);
  net_dense(g, "logits", x, 2);
  ok(net_graph_finish(g, &error), &error);
  return g;
}

static float *random_params(const net_graph *g) {
  float *params = aligned_alloc(64, (g->param_floats * sizeof *params + 63) / 64 * 64);
  assert_non_null(params);
  rng r = rng_open(5, RNG_TEST, 0, 0);
  for (size_t i = 0; i < g->param_floats; i++) params[i] = (float)(0.3 * rng_normal(&r));
  for (int p = 0; p < g->param_count; p++)
    for (size_t i = 0; strstr(g->params[p].name, "variance") && i < g->params[p].count; i++)
      params[g->params[p].offset + i] = (float)(0.5 + rng_uniform(&r));
  return params;
}

static net_plan *plan_of(const net_graph *graph, float *params, const char *backend,
                         bool to_input) {
  const net_plan_options options = {.batch = 1,
                                    .training = to_input,
                                    .to_input = to_input,
                                    .threads = 2,
                                    .backend = backend,
                                    .winograd = true,
                                    .scaling = {.scale = 1, .deviation = {1, 1, 1}}};
  leuko_error error = {0};
  net_plan *plan;
  ok(net_plan_new(graph, &options, &plan, &error), &error);
  ok(net_plan_bind(plan, params, &error), &error);
  return plan;
}

static void run(net_plan *plan, const float *input, size_t count, float *out) {
  leuko_error error = {0};
  const float *values;
  ok(net_plan_forward_floats(plan, input, 1, 0, &values, &error), &error);
  memcpy(out, values, count * sizeof *out);
}

static void fill(float *input, size_t count) {
  rng r = rng_open(6, RNG_TEST, 0, 0);
  for (size_t i = 0; i < count; i++) input[i] = (float)rng_normal(&r);
}

static void parts_answer_as_the_whole(void **state) {
  (void)state;
  int cut;
  leuko_error error = {0};
  net_graph *g = build(&cut);
  float *params = random_params(g), input[VALUES], want[2], got[2];
  fill(input, VALUES);
  net_plan *plan = plan_of(g, params, "ref", false);
  run(plan, input, 2, want);
  net_plan_free(plan);
  net_part below, above;
  ok(net_part_open(g, 0, cut, &below, &error), &error);
  ok(net_part_open(g, cut, g->node_count - 1, &above, &error), &error);
  net_part_fill(&below, params);
  net_part_fill(&above, params);
  const size_t between = net_shape_size(g->nodes[cut].shape);
  float *values = calloc(between, sizeof *values);
  assert_non_null(values);
  for (int training = 0; training < 2; training++) {
    net_plan *first = plan_of(below.graph, below.params, "ref", training);
    net_plan *second = plan_of(above.graph, above.params, "ref", training);
    run(first, input, between, values);
    run(second, values, 2, got);
    for (int i = 0; i < 2; i++) test_close("a logit", (double)got[i], (double)want[i], 1e-5);
    net_plan_free(first);
    net_plan_free(second);
  }
  free(values);
  net_part_close(&below);
  net_part_close(&above);
  net_graph_free(g);
  free(params);
}

/* The slope of the first logit less twice the second's over the step, by `plan`. */
static double slope(net_plan *plan, float *input, size_t at, float step) {
  float high[2], low[2];
  const float before = input[at];
  input[at] = before + step;
  run(plan, input, 2, high);
  input[at] = before - step;
  run(plan, input, 2, low);
  input[at] = before;
  return ((double)high[0] - (double)low[0] - 2 * ((double)high[1] - (double)low[1])) /
         (2 * (double)step);
}

static void gradients_by_the_input_are_slopes(void **state) {
  (void)state;
  static const char *const backends[] = {"ref", "onednn"};
  int cut;
  leuko_error error = {0};
  net_graph *g = build(&cut);
  float *params = random_params(g), input[VALUES], gradient[VALUES];
  const float dlogits[2] = {1, -2};
  fill(input, VALUES);
  net_part part;
  ok(net_part_open(g, 0, g->node_count - 1, &part, &error), &error);
  net_part_fill(&part, params);
  net_plan *exact = plan_of(part.graph, part.params, "ref", false);
  for (size_t b = 0; b < 2; b++) {
    net_plan *plan = plan_of(part.graph, part.params, backends[b], true);
    float logits[2];
    run(plan, input, 2, logits);
    ok(net_plan_backward(plan, dlogits, NULL, &error), &error);
    net_plan_input_gradient(plan, gradient);
    size_t near = 0;
    for (size_t i = 0; i < VALUES; i++) {
      const double want = slope(exact, input, i, 1e-3f);
      near += fabs((double)gradient[i] - want) <= 2e-3 * fmax(1, fabs(want));
    }
    /* Where a relu or a pooling changes its mind within the step, the slope is no derivative. */
    assert_true(near >= VALUES * 95 / 100);
    net_plan_free(plan);
  }
  net_plan_free(exact);
  net_part_close(&part);
  net_graph_free(g);
  free(params);
}

static void a_network_is_cut_where_it_is_one_line(void **state) {
  (void)state;
  int cut;
  leuko_error error = {0};
  net_graph *g = build(&cut);
  net_part part;
  /* The other branch begins before conv2. */
  assert_int_equal(net_part_open(g, net_find_node(g, "conv2"), cut, &part, &error), LEUKO_ARGUMENT);
  assert_null(part.graph);
  /* Batch normalization has lost its convolution. */
  assert_int_equal(net_part_open(g, net_find_node(g, "conv1"), cut, &part, &error), LEUKO_ARGUMENT);
  net_graph_free(g);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(parts_answer_as_the_whole),
      cmocka_unit_test(gradients_by_the_input_are_slopes),
      cmocka_unit_test(a_network_is_cut_where_it_is_one_line),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
