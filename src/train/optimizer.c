#include "train/optimizer.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "train/adam.h"

/* Steps that a row may miss. */
#define MISSED 1024
/* Where a row was moved to that has no moments, so that steps without a gradient leave it. */
#define RESTS UINT64_MAX

/* A dense kernel, of which some rows may be late. */
typedef struct {
  size_t rows, width;
  bool late;       /* some may be; else nothing below is known */
  bool told;       /* which rows the batch in hand reads */
  uint64_t *moved; /* [rows]: up to which step, or RESTS */
  uint32_t *read;  /* [rows]: those that the batch in hand reads */
  size_t count;
  float *alphas; /* [MISSED]: of the steps behind `settled` */
} kernel;

struct optimizer {
  optimizer_options o;
  uint64_t step, settled; /* done; and up to which all rows are moved */
  float *takes;           /* [MISSED], as alphas */
  kernel *kernels;        /* [param_count]; no rows: not a dense one */
};

void optimizer_free(optimizer *o) {
  if (!o) return;
  for (int i = 0; o->kernels && i < o->o.graph->param_count; i++) {
    free(o->kernels[i].moved);
    free(o->kernels[i].read);
    free(o->kernels[i].alphas);
  }
  free(o->kernels);
  free(o->takes);
  free(o);
}

static bool new_kernel(kernel *k, const net_param *param) {
  k->rows = (size_t)param->dims[0];
  k->width = param->count / k->rows;
  k->moved = malloc(k->rows * sizeof *k->moved);
  k->read = malloc(k->rows * sizeof *k->read);
  k->alphas = malloc(MISSED * sizeof *k->alphas);
  return k->moved && k->read && k->alphas;
}

leuko_status optimizer_new(const optimizer_options *options, uint64_t step, optimizer **out,
                           leuko_error *error) {
  *out = NULL;
  const net_graph *graph = options->graph;
  optimizer *o = calloc(1, sizeof *o);
  if (!o) return error_set_memory(error, sizeof *o);
  o->o = *options;
  o->step = o->settled = step;
  o->takes = malloc(MISSED * sizeof *o->takes);
  o->kernels = calloc((size_t)graph->param_count, sizeof *o->kernels);
  bool complete = o->takes && o->kernels;
  for (int n = 0; complete && n < graph->node_count; n++) {
    const int param = graph->nodes[n].params[0];
    if (graph->nodes[n].op == NET_DENSE)
      complete = new_kernel(&o->kernels[param], &graph->params[param]);
  }
  if (!complete) {
    optimizer_free(o);
    return error_set_memory(error, MISSED * sizeof *o->takes);
  }
  *out = o;
  return LEUKO_OK;
}

/* Where a row of a kernel begins, in all arrays. */
static size_t row_at(const optimizer *o, int param, size_t row) {
  return o->o.graph->params[param].offset + row * o->kernels[param].width;
}

static bool rests(const optimizer *o, int param, size_t row) {
  const size_t at = row_at(o, param, row), end = at + o->kernels[param].width;
  bool moves = false;
  for (size_t i = at; i < end; i++) moves |= o->o.m[i] != 0 || o->o.v[i] != 0;
  for (size_t i = at; o->o.average && i < end; i++) moves |= o->o.average[i] != o->o.params[i];
  return !moves;
}

/* The steps that a row has missed. */
static void bring(optimizer *o, int param, size_t row) {
  kernel *k = &o->kernels[param];
  if (k->moved[row] >= o->step) return;
  const size_t at = row_at(o, param, row), from = (size_t)(k->moved[row] - o->settled);
  adam_move_on(k->alphas + from, o->takes + from, (size_t)(o->step - k->moved[row]), k->width,
               o->o.params + at, o->o.m + at, o->o.v + at, o->o.average ? o->o.average + at : NULL);
  k->moved[row] = o->step;
}

static void settle(optimizer *o, int param) {
  kernel *k = &o->kernels[param];
#pragma omp parallel for num_threads(o->o.threads) schedule(dynamic, 64) if (k->late)
  for (size_t r = 0; r < (k->late ? k->rows : 0); r++) bring(o, param, r);
}

void optimizer_settle(optimizer *o) {
  for (int i = 0; i < o->o.graph->param_count; i++) settle(o, i);
  o->settled = o->step;
}

void optimizer_read(optimizer *o, int param, const uint32_t *rows, size_t count) {
  kernel *k = &o->kernels[param];
  if (!k->late) {
#pragma omp parallel for num_threads(o->o.threads) schedule(static)
    for (size_t r = 0; r < k->rows; r++) k->moved[r] = rests(o, param, r) ? RESTS : o->step;
    k->late = true;
  }
#pragma omp parallel for num_threads(o->o.threads) schedule(dynamic, 64)
  for (size_t i = 0; i < count; i++) {
    if (k->moved[rows[i]] == RESTS) k->moved[rows[i]] = o->step;
    bring(o, param, rows[i]);
  }
  memcpy(k->read, rows, count * sizeof *rows);
  k->count = count;
  k->told = true;
}

/* The rows that were read, whose gradients follow each other. */
static void move_rows(optimizer *o, int param, float alpha, float take) {
  kernel *k = &o->kernels[param];
  const float *grads = o->o.grads + row_at(o, param, 0);
  k->alphas[o->step - o->settled - 1] = alpha;
#pragma omp parallel for num_threads(o->o.threads) schedule(static)
  for (size_t i = 0; i < k->count; i++) {
    const size_t at = row_at(o, param, k->read[i]);
    adam_move(alpha, k->width, grads + i * k->width, o->o.params + at, o->o.m + at, o->o.v + at, 1);
    if (o->o.average) average_move(take, k->width, o->o.params + at, o->o.average + at, 1);
    k->moved[k->read[i]] = o->step;
  }
  k->told = false;
}

static void move_all(optimizer *o, int param, float alpha, float take) {
  const net_param *p = &o->o.graph->params[param];
  const size_t at = p->offset;
  o->kernels[param].late = false;
  if (p->trainable)
    adam_move(alpha, p->count, o->o.grads + at, o->o.params + at, o->o.m + at, o->o.v + at,
              o->o.threads);
  if (o->o.average) average_move(take, p->count, o->o.params + at, o->o.average + at, o->o.threads);
}

void optimizer_step(optimizer *o, double lr) {
  o->step++;
  const float take = o->o.average ? average_take(o->step, o->o.decay) : 0;
  o->takes[o->step - o->settled - 1] = take;
  for (int i = 0; i < o->o.graph->param_count; i++) {
    const float alpha = adam_alpha(o->step, lr * o->o.rates[i]);
    if (o->kernels[i].told) move_rows(o, i, alpha, take);
    else move_all(o, i, alpha, take);
  }
  if (o->step - o->settled == MISSED) optimizer_settle(o);
}
