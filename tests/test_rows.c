/* A dense kernel of which only the rows that a batch needs are read: the same sums and gradients as
 * of all. */
#include "support.h"

#include "base/rng.h"
#include "each_level.h"
#include "net/plan.h"

#define BATCH 5
#define IN 1100 /* with OUT so large that rows are told */
#define OUT 240 /* not a number of chunks */
#define OUTPUTS (BATCH * OUT)

static void ok(leuko_status status, const leuko_error *error) {
  if (status != LEUKO_OK) fail_msg("%s", error->message);
}

static net_graph *layer(bool relu) {
  net_graph *g = net_graph_new();
  const int x = net_dense(g, "dense", net_input(g, 1, 1, IN), OUT);
  if (relu) net_relu(g, "relu", x);
  leuko_error error;
  ok(net_graph_finish(g, &error), &error);
  return g;
}

typedef struct {
  int param, calls;
  size_t count;
  uint32_t rows[IN];
} told;

static void note(void *context, int param, const uint32_t *rows, size_t count) {
  told *t = context;
  t->param = param;
  t->calls++;
  t->count = count;
  assert_true(count <= IN);
  memcpy(t->rows, rows, count * sizeof *rows);
}

/* Outputs and gradients of one step. */
static void run(const net_graph *g, const char *backend, net_precision precision, int threads,
                told *watched, float *params, const float *x, float outputs[OUTPUTS],
                float *grads) {
  const net_plan_options options = {.batch = BATCH,
                                    .training = true,
                                    .threads = threads,
                                    .backend = backend,
                                    .precision = precision,
                                    .row_watch = {watched ? note : NULL, watched}};
  leuko_error error;
  net_plan *plan;
  const float *out;
  float dy[OUTPUTS];
  for (int i = 0; i < OUTPUTS; i++) dy[i] = (float)(i % 9 - 4) / 4;
  ok(net_plan_new(g, &options, &plan, &error), &error);
  ok(net_plan_bind(plan, params, &error), &error);
  ok(net_plan_forward_floats(plan, x, BATCH, 0, &out, &error), &error);
  memcpy(outputs, out, OUTPUTS * sizeof *outputs);
  ok(net_plan_backward(plan, dy, grads, &error), &error);
  net_plan_free(plan);
}

/* Of each input in how many of ten images it is not zero. */
static void draw(float *x, int often, uint32_t which) {
  rng r = rng_open(7, RNG_TEST, which, 0);
  for (size_t i = 0; i < IN; i++) {
    const bool never = often < 10 && rng_below(&r, 2);
    for (size_t n = 0; n < BATCH; n++)
      x[n * IN + i] = never || (int)rng_below(&r, 10) >= often ? (rng_below(&r, 2) ? 0.0F : -0.0F)
                                                               : (float)rng_normal(&r);
  }
}

static bool is_read(const float *x, size_t i) {
  bool any = false;
  for (size_t n = 0; n < BATCH; n++) any |= x[n * IN + i] != 0;
  return any;
}

static void compare(bool relu, int often, uint32_t which, net_precision precision) {
  net_graph *g = layer(relu);
  const size_t floats = g->param_floats;
  float *x = malloc(BATCH * IN * sizeof *x), *params = malloc(floats * sizeof *params);
  float *expected = calloc(floats, sizeof *expected), *grads = calloc(floats, sizeof *grads);
  float *again = calloc(floats, sizeof *again);
  assert_true(x && params && expected && grads && again);
  draw(x, often, which);
  net_init_params(g, 3, params);
  float reference[OUTPUTS], outputs[OUTPUTS], others[OUTPUTS];
  run(g, "ref", NET_F32, 1, NULL, params, x, reference, expected);

  /* Whoever read another row would get no number. */
  for (size_t i = 0; i < IN; i++)
    for (size_t o = 0; o < OUT; o++)
      if (!is_read(x, i)) params[i * OUT + o] = NAN;
  told t = {0};
  for (size_t i = 0; i < floats; i++) grads[i] = again[i] = NAN;
  run(g, "onednn", precision, 2, &t, params, x, outputs, grads);
  assert_int_equal(t.calls, 1);
  assert_int_equal(t.param, 0);
  size_t count = 0;
  for (uint32_t i = 0; i < IN; i++) {
    if (!is_read(x, i)) continue;
    assert_int_equal(t.rows[count], i);
    for (size_t o = 0; o < OUT; o++)
      test_close("a row's gradient", (double)grads[count * OUT + o], (double)expected[i * OUT + o],
                 1e-5);
    count++;
  }
  assert_int_equal(t.count, count);
  for (size_t i = count * OUT; i < (size_t)IN * OUT; i++) assert_true(isnan(grads[i]));
  for (int p = 1; p < g->param_count; p++)
    for (size_t k = g->params[p].offset; k < g->params[p].offset + g->params[p].count; k++)
      test_close("another gradient", (double)grads[k], (double)expected[k], 1e-5);
  for (int i = 0; i < OUTPUTS; i++)
    test_close("output", (double)outputs[i], (double)reference[i], 1e-5);

  run(g, "onednn", precision, 1, &t, params, x, others, again);
  assert_memory_equal(outputs, others, sizeof outputs);
  assert_memory_equal(grads, again, count * OUT * sizeof *grads);
  free(x);
  free(params);
  free(expected);
  free(grads);
  free(again);
  net_graph_free(g);
}

static void rows_that_are_not_needed_are_not_touched(void **state) {
  (void)state;
  compare(true, 2, 0, NET_F32);
  compare(false, 1, 1, NET_F32);
}

static void all_rows_and_none(void **state) {
  (void)state;
  compare(true, 10, 2, NET_F32);
  compare(true, 0, 3, NET_F32);
}

/* Rows are read and summed in float32 all the same. */
static void also_where_training_is_in_16_bits(void **state) {
  (void)state;
  if (!net_precision_trains(NET_BF16)) skip();
  compare(true, 2, 4, NET_BF16);
}

static void nobody_listens(void *context, int param, const uint32_t *rows, size_t count) {
  (void)context;
  (void)param;
  (void)rows;
  (void)count;
}

/* Whose input is asked for its gradient reads all of its kernel, and so does a layer that nobody
 * watches. */
static void only_where_it_is_watched_and_the_way_back_ends(void **state) {
  (void)state;
  net_graph *g = layer(false);
  net_step wish = {.op = NET_DENSE,
                   .node = &g->nodes[1],
                   .batch = BATCH,
                   .in = g->nodes[0].shape,
                   .out = g->nodes[1].shape,
                   .in_layout = NET_NHWC,
                   .training = true,
                   .threads = 1,
                   .row_watch = {nobody_listens, NULL}};
  const net_backend *learn = net_backends_learn[net_cpu()];
  net_step step = wish;
  assert_true(learn->choose(&step));
  step = wish;
  step.need_dx = true;
  assert_false(learn->choose(&step));
  step = wish;
  step.row_watch.call = NULL;
  assert_false(learn->choose(&step));
  net_graph_free(g);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(rows_that_are_not_needed_are_not_touched),
      cmocka_unit_test(all_rows_and_none),
      cmocka_unit_test(also_where_training_is_in_16_bits),
      cmocka_unit_test(only_where_it_is_watched_and_the_way_back_ends),
  };
  return each_level_run(tests, sizeof tests / sizeof *tests, NET_CPU_GENERIC);
}
