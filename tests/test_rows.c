/* A dense kernel of which only the rows that a batch needs are read, and the optimizer that moves
 * the others later: the same sums, and the same bits of parameters, as with all rows in every step.
 */
#include "support.h"

#include "base/rng.h"
#include "each_level.h"
#include "net/plan.h"
#include "train/optimizer.h"

#define BATCH 5
#define IN 1100 /* with OUT so large that rows are told */
#define OUT 240 /* not a number of chunks */

static void ok(leuko_status status, const leuko_error *error) {
  if (status != LEUKO_OK) fail_msg("%s", error->message);
}

static net_graph *two_layers(bool relu) {
  net_graph *g = net_graph_new();
  int x = net_dense(g, "dense1", net_input(g, 1, 1, IN), OUT);
  if (relu) x = net_relu(g, "relu", x);
  net_dense(g, "logits", x, 1);
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

/* Logits and gradients of one step. */
static void run(const net_graph *g, const char *backend, net_precision precision, int threads,
                told *watched, float *params, const float *x, float logits[BATCH], float *grads) {
  const net_plan_options options = {.batch = BATCH,
                                    .training = true,
                                    .threads = threads,
                                    .backend = backend,
                                    .precision = precision,
                                    .row_watch = {watched ? note : NULL, watched}};
  leuko_error error;
  net_plan *plan;
  const float *out;
  const float dlogits[BATCH] = {0.5F, -1, 0.25F, 2, -0.75F};
  ok(net_plan_new(g, &options, &plan, &error), &error);
  ok(net_plan_bind(plan, params, &error), &error);
  ok(net_plan_forward_floats(plan, x, BATCH, 0, &out, &error), &error);
  memcpy(logits, out, BATCH * sizeof *logits);
  ok(net_plan_backward(plan, dlogits, grads, &error), &error);
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
  net_graph *g = two_layers(relu);
  const size_t floats = g->param_floats;
  float *x = malloc(BATCH * IN * sizeof *x), *params = malloc(floats * sizeof *params);
  float *expected = calloc(floats, sizeof *expected), *grads = calloc(floats, sizeof *grads);
  float *again = calloc(floats, sizeof *again);
  assert_true(x && params && expected && grads && again);
  draw(x, often, which);
  net_init_params(g, 3, params);
  float reference[BATCH], logits[BATCH], others[BATCH];
  run(g, "ref", NET_F32, 1, NULL, params, x, reference, expected);

  /* Whoever read another row would get no number. */
  for (size_t i = 0; i < IN; i++)
    for (size_t o = 0; o < OUT; o++)
      if (!is_read(x, i)) params[i * OUT + o] = NAN;
  told t = {0};
  for (size_t i = 0; i < floats; i++) grads[i] = again[i] = NAN;
  run(g, "onednn", precision, 2, &t, params, x, logits, grads);
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
  for (int n = 0; n < BATCH; n++)
    test_close("logit", (double)logits[n], (double)reference[n], 1e-5);

  run(g, "onednn", precision, 1, &t, params, x, others, again);
  assert_memory_equal(logits, others, sizeof logits);
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
  if (!net_precision_supported(NET_BF16)) skip();
  compare(true, 2, 4, NET_BF16);
}

/* Whose input is asked for its gradient reads all of its kernel. */
static void nothing_is_told_where_the_way_back_goes_on(void **state) {
  (void)state;
  net_graph *g = two_layers(true);
  told t = {0};
  const net_plan_options options = {.batch = 2,
                                    .training = true,
                                    .to_input = true,
                                    .threads = 1,
                                    .backend = "ref",
                                    .row_watch = {note, &t}};
  leuko_error error;
  net_plan *plan;
  const float *out;
  float *params = malloc(g->param_floats * sizeof *params), *x = calloc(2 * IN, sizeof *x);
  assert_true(params && x);
  net_init_params(g, 3, params);
  ok(net_plan_new(g, &options, &plan, &error), &error);
  ok(net_plan_bind(plan, params, &error), &error);
  ok(net_plan_forward_floats(plan, x, 2, 0, &out, &error), &error);
  assert_int_equal(t.calls, 0);
  net_plan_free(plan);
  free(params);
  free(x);
  net_graph_free(g);
}

#define ROWS 40
#define WIDTH 16
#define FLOATS (ROWS * WIDTH + 64)

/* Two trainings of the same steps. */
typedef struct {
  float params[FLOATS], grads[FLOATS], m[FLOATS], v[FLOATS], average[FLOATS];
  optimizer *o;
} training;

static void open_training(training *t, const net_graph *g, const double *rates, bool average,
                          uint64_t step) {
  const optimizer_options options = {.graph = g,
                                     .rates = rates,
                                     .grads = t->grads,
                                     .params = t->params,
                                     .m = t->m,
                                     .v = t->v,
                                     .average = average ? t->average : NULL,
                                     .decay = 0.99,
                                     .threads = 2};
  leuko_error error;
  ok(optimizer_new(&options, step, &t->o, &error), &error);
}

static void same(const training *a, const training *b) {
  assert_memory_equal(a->params, b->params, sizeof a->params);
  assert_memory_equal(a->m, b->m, sizeof a->m);
  assert_memory_equal(a->v, b->v, sizeof a->v);
  assert_memory_equal(a->average, b->average, sizeof a->average);
}

/* Row i is read every (i + 1)th step or so, rows 30 to 34 in the first steps alone, the last five
 * never: so some miss more steps than are kept, and some moments end. Now and then all is read and
 * nothing is told. */
static void compare_late(bool average) {
  net_graph *g = net_graph_new();
  net_dense(g, "dense", net_input(g, 1, 1, ROWS), WIDTH);
  const double rates[] = {1, 0.5};
  training *eager = calloc(1, sizeof *eager), *late = calloc(1, sizeof *late);
  assert_true(eager && late && g->param_floats <= FLOATS);
  net_init_params(g, 5, eager->params);
  memcpy(eager->average, eager->params, sizeof eager->params);
  *late = *eager;
  open_training(eager, g, rates, average, 0);
  open_training(late, g, rates, average, 0);
  rng r = rng_open(9, RNG_TEST, average, 0);
  const size_t bias = g->params[1].offset;
  for (int step = 0; step < 2600; step++) {
    uint32_t rows[ROWS];
    size_t count = 0;
    const bool all = step == 700 || step == 1900;
    memset(eager->grads, 0, sizeof eager->grads);
    for (uint32_t i = 0; i < ROWS - 5; i++) {
      if (!all && (i < 30 ? rng_below(&r, i + 1) != 0 : step > 3)) continue;
      for (size_t k = 0; k < WIDTH; k++) {
        eager->grads[i * WIDTH + k] = (float)rng_normal(&r);
        if (!all) late->grads[count * WIDTH + k] = eager->grads[i * WIDTH + k];
      }
      rows[count++] = i;
    }
    for (size_t k = 0; k < WIDTH; k++)
      late->grads[bias + k] = eager->grads[bias + k] = (float)rng_normal(&r);
    if (all) memcpy(late->grads, eager->grads, sizeof eager->grads);
    if (all) optimizer_settle(late->o);
    else optimizer_read(late->o, 0, rows, count);
    for (size_t i = 0; i < count; i++)
      assert_memory_equal(eager->params + rows[i] * WIDTH, late->params + rows[i] * WIDTH,
                          WIDTH * sizeof(float));
    const double lr = 0.01 / (1 + step / 100);
    optimizer_step(eager->o, lr);
    optimizer_step(late->o, lr);
    if (step % 900 != 899) continue;
    optimizer_settle(late->o);
    same(eager, late);
    if (step < 1000) continue;
    /* Another goes on from here. */
    optimizer_free(late->o);
    open_training(late, g, rates, average, (uint64_t)step + 1);
  }
  optimizer_settle(late->o);
  same(eager, late);
  optimizer_free(eager->o);
  optimizer_free(late->o);
  free(eager);
  free(late);
  net_graph_free(g);
}

static void late_rows_get_the_same_bits(void **state) {
  (void)state;
  compare_late(false);
  compare_late(true);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(rows_that_are_not_needed_are_not_touched),
      cmocka_unit_test(all_rows_and_none),
      cmocka_unit_test(also_where_training_is_in_16_bits),
      cmocka_unit_test(nothing_is_told_where_the_way_back_goes_on),
      cmocka_unit_test(late_rows_get_the_same_bits),
  };
  return each_level_run(tests, sizeof tests / sizeof *tests, NET_CPU_GENERIC);
}
