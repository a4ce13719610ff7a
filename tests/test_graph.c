/* Building networks: shapes, errors that name the layer, the parameters' places and first values.
 */
#include "support.h"

#include "net/graph.h"

/* A small network with one of each operation that has parameters. */
static net_graph *small_graph(void) {
  net_graph *graph = net_graph_new();
  int x = net_input(graph, 20, 18, 3);
  x = net_conv2d(graph, "conv", x, 10, 3, 2, 1, true);
  x = net_batchnorm(graph, "bn", x, 1e-3f, 0.99f);
  int skip = net_relu(graph, "relu", x);
  x = net_conv2d(graph, "conv2", skip, 10, 1, 1, 0, false);
  x = net_add(graph, "add", x, skip);
  x = net_maxpool(graph, "pool", x, 3, 2, 1);
  x = net_dropout(graph, "dropout", x, 0.5f);
  x = net_flatten(graph, "flatten", x);
  net_dense(graph, "dense", x, 7);
  assert_int_equal(net_graph_finish(graph, NULL), LEUKO_OK);
  return graph;
}

static void check_shape(const net_graph *graph, const char *name, int h, int w, int c) {
  int node = net_find_node(graph, name);
  assert_true(node >= 0);
  net_shape shape = graph->nodes[node].shape;
  assert_int_equal(shape.h, h);
  assert_int_equal(shape.w, w);
  assert_int_equal(shape.c, c);
}

static void shapes_are_inferred(void **state) {
  (void)state;
  net_graph *graph = small_graph();
  check_shape(graph, "input", 20, 18, 3);
  check_shape(graph, "conv", 10, 9, 10);
  check_shape(graph, "bn", 10, 9, 10);
  check_shape(graph, "add", 10, 9, 10);
  check_shape(graph, "pool", 5, 5, 10);
  check_shape(graph, "flatten", 1, 1, 250);
  check_shape(graph, "dense", 1, 1, 7);
  assert_int_equal(net_find_node(graph, "none"), -1);
  net_graph_free(graph);
}

static void global_pooling_keeps_channels(void **state) {
  (void)state;
  net_graph *graph = net_graph_new();
  net_avgpool(graph, "pool", net_input(graph, 7, 5, 64));
  assert_int_equal(net_graph_finish(graph, NULL), LEUKO_OK);
  check_shape(graph, "pool", 1, 1, 64);
  net_graph_free(graph);
}

static void parameters_lie_apart_on_cache_lines(void **state) {
  (void)state;
  static const struct {
    const char *name;
    int rank, dims[4];
    bool trainable;
  } expected[] = {
      {"conv/kernel", 4, {3, 3, 3, 10}, true},
      {"conv/bias", 1, {10}, true},
      {"bn/gamma", 1, {10}, true},
      {"bn/beta", 1, {10}, true},
      {"bn/mean", 1, {10}, false},
      {"bn/variance", 1, {10}, false},
      {"conv2/kernel", 4, {1, 1, 10, 10}, true},
      {"dense/kernel", 2, {250, 7}, true},
      {"dense/bias", 1, {7}, true},
  };
  net_graph *graph = small_graph();
  assert_int_equal(graph->param_count, sizeof expected / sizeof *expected);
  size_t end = 0;
  for (int i = 0; i < graph->param_count; i++) {
    const net_param *param = &graph->params[i];
    assert_string_equal(param->name, expected[i].name);
    assert_int_equal(net_find_param(graph, expected[i].name), i);
    assert_int_equal(param->rank, expected[i].rank);
    assert_int_equal(param->trainable, expected[i].trainable);
    size_t count = 1;
    for (int d = 0; d < param->rank; d++) {
      assert_int_equal(param->dims[d], expected[i].dims[d]);
      count *= (size_t)param->dims[d];
    }
    assert_int_equal(param->count, count);
    assert_int_equal(param->offset % 16, 0);
    assert_true(param->offset >= end);
    end = param->offset + param->count;
  }
  assert_true(graph->param_floats >= end && graph->param_floats < end + 16);
  const net_node *conv2 = &graph->nodes[net_find_node(graph, "conv2")];
  assert_int_equal(conv2->params[0], 6);
  assert_int_equal(conv2->params[1], -1);
  assert_int_equal(net_find_param(graph, "conv2/bias"), -1);
  net_graph_free(graph);
}

/* Ends a graph that must have failed at layer `name`, and frees it. */
static void check_failure(net_graph *graph, const char *name) {
  leuko_error error = {0};
  int nodes = graph->node_count;
  assert_int_equal(net_relu(graph, "later", 0), 0);
  assert_int_equal(graph->node_count, nodes);
  assert_int_equal(net_graph_finish(graph, &error), LEUKO_ARGUMENT);
  assert_string_equal(error.file, name);
  assert_true(strlen(error.message) > 0);
  net_graph_free(graph);
}

/* A graph with an input of 8x8x4 named by *x. */
static net_graph *with_input(int *x) {
  net_graph *graph = net_graph_new();
  *x = net_input(graph, 8, 8, 4);
  return graph;
}

static void failures_name_the_layer(void **state) {
  (void)state;
  static const struct {
    int filters, kernel, stride, pad;
  } convolutions[] = {{4, 9, 1, 0}, {4, 0, 1, 0},  {4, -1, 1, 0}, {4, 3, 0, 0},      {4, 3, -1, 0},
                      {4, 3, 1, 3}, {4, 3, 1, -1}, {0, 3, 1, 1},  {1 << 30, 1, 1, 0}};
  int x;
  net_graph *graph;
  for (size_t i = 0; i < sizeof convolutions / sizeof *convolutions; i++) {
    graph = with_input(&x);
    net_conv2d(graph, "bad", x, convolutions[i].filters, convolutions[i].kernel,
               convolutions[i].stride, convolutions[i].pad, true);
    check_failure(graph, "bad");
  }
  graph = with_input(&x);
  net_maxpool(graph, "bad", x, 9, 2, 0);
  check_failure(graph, "bad");
  graph = with_input(&x);
  net_dense(graph, "bad", x, 5);
  check_failure(graph, "bad");
  graph = with_input(&x);
  net_dense(graph, "bad", net_flatten(graph, "flatten", x), 0);
  check_failure(graph, "bad");
  graph = with_input(&x);
  net_add(graph, "bad", x, net_conv2d(graph, "conv", x, 4, 3, 1, 0, true));
  check_failure(graph, "bad");
  static const float rates[] = {1.0f, -0.1f, NAN};
  for (size_t i = 0; i < 3; i++) {
    graph = with_input(&x);
    net_dropout(graph, "bad", x, rates[i]);
    check_failure(graph, "bad");
  }
  graph = net_graph_new();
  net_flatten(graph, "bad", net_input(graph, 4096, 4096, 512));
  check_failure(graph, "bad");
  graph = net_graph_new();
  net_input(graph, 0, 8, 3);
  check_failure(graph, "input");
  graph = net_graph_new();
  net_input(graph, 8, 1 << 20, 3);
  check_failure(graph, "input");
}

static void names_and_inputs_are_checked(void **state) {
  (void)state;
  int x;
  net_graph *graph = with_input(&x);
  net_relu(graph, "twice", x);
  net_relu(graph, "twice", x);
  check_failure(graph, "twice");
  char name[NET_NAME + 1];
  memset(name, 'n', sizeof name);
  name[NET_NAME] = 0;
  graph = with_input(&x);
  net_relu(graph, name, x);
  check_failure(graph, name);
  graph = with_input(&x);
  net_relu(graph, "ahead", x + 1);
  check_failure(graph, "ahead");
  graph = with_input(&x);
  net_add(graph, "before", x, -1);
  check_failure(graph, "before");
}

static void the_first_failure_is_kept(void **state) {
  (void)state;
  int x;
  net_graph *graph = with_input(&x);
  net_conv2d(graph, "first", x, 4, 9, 1, 0, true);
  net_dense(graph, "second", x, 5);
  check_failure(graph, "first");
}

static void an_empty_network_is_refused(void **state) {
  (void)state;
  leuko_error error;
  int x;
  net_graph *graph = with_input(&x);
  assert_int_equal(net_graph_finish(graph, &error), LEUKO_ARGUMENT);
  net_graph_free(graph);
  assert_int_equal(net_graph_finish(NULL, &error), LEUKO_NO_MEMORY);
  net_graph_free(NULL);
}

static const float *values_of(const net_graph *graph, const float *params, const char *name,
                              size_t *count) {
  int index = net_find_param(graph, name);
  assert_true(index >= 0);
  *count = graph->params[index].count;
  return params + graph->params[index].offset;
}

static void check_moments(const float *values, size_t count, double deviation) {
  double sum = 0, squares = 0, n = (double)count;
  for (size_t i = 0; i < count; i++) {
    sum += values[i];
    squares += (double)values[i] * values[i];
  }
  /* The mean within five standard errors, the deviation within five per cent. */
  assert_true(fabs(sum / n) < 5 * deviation / sqrt(n));
  assert_true(fabs(sqrt(squares / n) / deviation - 1) < 0.05);
}

static void first_weights_follow_glorot_and_he(void **state) {
  (void)state;
  net_graph *graph = net_graph_new();
  int x = net_input(graph, 8, 8, 32);
  x = net_conv2d(graph, "glorot", x, 48, 3, 1, 1, true);
  x = net_conv2d(graph, "he", x, 64, 3, 1, 1, true);
  x = net_batchnorm(graph, "bn", x, 1e-3f, 0.99f);
  net_dense(graph, "dense", net_avgpool(graph, "pool", x), 100);
  assert_int_equal(net_graph_finish(graph, NULL), LEUKO_OK);
  graph->params[net_find_param(graph, "he/kernel")].init = NET_INIT_HE;
  float *params = malloc(graph->param_floats * sizeof *params);
  assert_non_null(params);
  net_init_params(graph, 42, params);

  size_t count;
  const float *glorot = values_of(graph, params, "glorot/kernel", &count);
  double limit = sqrt(6.0 / (9 * 32 + 9 * 48));
  float largest = 0;
  for (size_t i = 0; i < count; i++) largest = fmaxf(largest, fabsf(glorot[i]));
  assert_true(largest <= (float)limit && largest > 0.99 * limit);
  check_moments(glorot, count, limit / sqrt(3));
  const float *he = values_of(graph, params, "he/kernel", &count);
  check_moments(he, count, sqrt(2.0 / (9 * 48)));
  const float *dense = values_of(graph, params, "dense/kernel", &count);
  check_moments(dense, count, sqrt(2.0 / (64 + 100)));
  static const char *const zeros[] = {"glorot/bias", "he/bias", "bn/beta", "bn/mean", "dense/bias"};
  for (size_t z = 0; z < 5; z++) {
    const float *values = values_of(graph, params, zeros[z], &count);
    for (size_t i = 0; i < count; i++) assert_true(values[i] == 0.0f);
  }
  static const char *const ones[] = {"bn/gamma", "bn/variance"};
  for (size_t o = 0; o < 2; o++) {
    const float *values = values_of(graph, params, ones[o], &count);
    for (size_t i = 0; i < count; i++) assert_true(values[i] == 1.0f);
  }
  free(params);
  net_graph_free(graph);
}

static void first_weights_follow_the_seed(void **state) {
  (void)state;
  net_graph *graph = small_graph();
  size_t bytes = graph->param_floats * sizeof(float);
  float *a = malloc(bytes), *b = malloc(bytes);
  assert_non_null(a);
  assert_non_null(b);
  net_init_params(graph, 1, a);
  memset(b, 0xff, bytes); /* paddings are zeroed too */
  net_init_params(graph, 1, b);
  assert_memory_equal(a, b, bytes);
  net_init_params(graph, 2, b);
  assert_memory_not_equal(a, b, bytes);
  free(a);
  free(b);
  net_graph_free(graph);
}

static void multiplications_and_additions_are_counted(void **state) {
  (void)state;
  net_graph *graph = small_graph();
  double conv = 2.0 * 27 * 10 * 10 * 9, conv2 = 2.0 * 10 * 10 * 10 * 9, dense = 2.0 * 250 * 7;
  test_close("small", net_flop(graph), conv + conv2 + dense, 0);
  net_graph_free(graph);
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
      cmocka_unit_test(shapes_are_inferred),
      cmocka_unit_test(global_pooling_keeps_channels),
      cmocka_unit_test(parameters_lie_apart_on_cache_lines),
      cmocka_unit_test(failures_name_the_layer),
      cmocka_unit_test(names_and_inputs_are_checked),
      cmocka_unit_test(the_first_failure_is_kept),
      cmocka_unit_test(an_empty_network_is_refused),
      cmocka_unit_test(first_weights_follow_glorot_and_he),
      cmocka_unit_test(first_weights_follow_the_seed),
      cmocka_unit_test(multiplications_and_additions_are_counted),
      cmocka_unit_test(a_layer_that_nobody_reads_is_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
