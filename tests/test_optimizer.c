/* The optimizer that moves rows of a kernel late: the same bits of parameters as with all rows in
 * every step. */
#include "support.h"

#include "base/rng.h"
#include "train/optimizer.h"

static void ok(leuko_status status, const leuko_error *error) {
  if (status != LEUKO_OK) fail_msg("%s", error->message);
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
}

static void and_so_does_their_average(void **state) {
  (void)state;
  compare_late(true);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(late_rows_get_the_same_bits),
      cmocka_unit_test(and_so_does_their_average),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
