#include "predict/quantize.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/sort.h"
#include "net/cpu.h"
#include "predict/predictor.h"
#include "stats/metrics.h"

#define BATCH 16
#define ROUNDS 7 /* of measuring speed */

static size_t picture_bytes(const model *m) {
  return (size_t)m->net.size * (size_t)m->net.size * 3;
}

static leuko_status make_plan(const model *m, net_plan_options options, net_plan **out,
                              leuko_error *error) {
  leuko_status status = net_plan_new(m->graph, &options, out, error);
  if (status == LEUKO_OK) status = net_plan_bind(*out, m->params, error);
  return status;
}

/* Finds the nodes whose output would be in bytes if ranges were known: they get one of 1. */
static leuko_status find_nodes(model *m, int threads, leuko_error *error) {
  const int nodes = m->graph->node_count;
  net_plan_options options = model_plan_options(m, 1, threads, "onednn");
  options.precision = NET_INT8;
  for (int i = 0; i < nodes; i++) m->int8.ranges[i] = 1;
  net_plan *plan = NULL;
  leuko_status status = net_plan_new(m->graph, &options, &plan, error);
  int found = 0;
  for (int i = 0; status == LEUKO_OK && i < nodes; i++) {
    /* What pooling gives keeps the range of what it reads. */
    const bool bytes = net_plan_in_bytes(plan, i) && m->graph->nodes[i].op != NET_MAXPOOL;
    m->int8.ranges[i] = bytes ? 1 : 0;
    found += bytes;
  }
  net_plan_free(plan);
  if (status == LEUKO_OK && found == 0)
    status = error_set(error, LEUKO_UNSUPPORTED_MODEL, NULL, "take --precision bf16 or f32",
                       "nothing of '%s' is faster in 8 bits", m->net.name);
  return status;
}

typedef struct {
  const float *ranges;          /* nodes that count */
  ranges_histogram *histograms; /* [nodes] */
  bool counting;                /* else the largest values are looked for */
} watcher;

static void watch(void *context, int node, const float *values, size_t count) {
  const watcher *w = context;
  ranges_histogram *h = &w->histograms[node];
  if (!(w->ranges[node] > 0)) return;
  if (w->counting) ranges_count(h, values, count);
  else h->largest = ranges_largest(values, count, h->largest);
}

/* Runs the cells in float32 and looks at everything: twice, since a histogram needs the largest
 * value first. */
static leuko_status fill_histograms(const model *m, const quantize_cells *cells, int threads,
                                    const progress *p, ranges_histogram *histograms,
                                    leuko_error *error) {
  watcher w = {.ranges = m->int8.ranges, .histograms = histograms};
  net_plan_options options = model_plan_options(m, BATCH, threads, "onednn");
  options.skip = false;
  options.watch = (net_watch){watch, &w};
  net_plan *plan = NULL;
  leuko_status status = make_plan(m, options, &plan, error);
  for (int pass = 0; status == LEUKO_OK && pass < 2; pass++) {
    w.counting = pass == 1;
    for (size_t first = 0; status == LEUKO_OK && first < cells->count; first += BATCH) {
      const size_t now = cells->count - first < BATCH ? cells->count - first : BATCH;
      const float *logits;
      status = net_plan_forward(plan, cells->pixels + first * picture_bytes(m), (int)now, 0,
                                &logits, error);
      if (status == LEUKO_OK &&
          progress_report(p, "taking ranges", (size_t)pass * cells->count + first + now,
                          2 * cells->count, NULL))
        status = error_set(error, LEUKO_INTERRUPTED, NULL, NULL, "stopped");
    }
  }
  net_plan_free(plan);
  return status;
}

static void take_ranges(model *m, const ranges_histogram *histograms, const bool *counts,
                        ranges_method method) {
  for (int i = 0; i < m->graph->node_count; i++)
    m->int8.ranges[i] = counts[i] ? ranges_choose(&histograms[i], method) : 0;
}

/* Mean difference of the probabilities that answers are given by. */
static double mean_difference(const model *m, const double *a, const double *b, size_t count) {
  const size_t outputs = (size_t)m->net.outputs;
  double sum = 0;
  for (size_t i = 0; i < count; i++) {
    leuko_answer x, y;
    predictor_decide(m, a + i * outputs, &x);
    predictor_decide(m, b + i * outputs, &y);
    sum += isfinite(x.p_raw) && isfinite(y.p_raw) ? fabs(x.p_raw - y.p_raw) : 1;
  }
  return sum / (double)count;
}

/* Tries all methods and leaves the ranges of the best one. `logits` [2][count][outputs] is room. */
static leuko_status choose_method(model *m, const quantize_cells *cells,
                                  const ranges_histogram *histograms, const bool *counts,
                                  int threads, const progress *p, double *logits,
                                  quantize_result *out, leuko_error *error) {
  const size_t count = cells->count;
  double *narrow = logits + count * (size_t)m->net.outputs;
  leuko_status status =
      predictor_answer(m, NET_F32, threads, cells->pixels, count, p, logits, error);
  for (int k = 0; status == LEUKO_OK && k < RANGES_METHODS; k++) {
    take_ranges(m, histograms, counts, (ranges_method)k);
    status = predictor_answer(m, NET_INT8, threads, cells->pixels, count, p, narrow, error);
    if (status == LEUKO_OK)
      status = predictor_differences(m, logits, narrow, count, &out->tried[k], error);
    if (status != LEUKO_OK) break;
    out->error[k] = mean_difference(m, logits, narrow, count);
    if (k == 0 || out->error[k] < out->error[out->chosen]) out->chosen = (ranges_method)k;
  }
  take_ranges(m, histograms, counts, out->chosen);
  snprintf(m->int8.method, sizeof m->int8.method, "%s", ranges_method_name(out->chosen));
  return status;
}

/* How far the AUC moves; 0 where it is not defined. */
static leuko_status auc_change(const model *m, const quantize_cells *cells, const double *wide,
                               const double *narrow, double *out, leuko_error *error) {
  double before = NAN, after = NAN;
  int *labels = malloc(cells->count * sizeof *labels);
  *out = 0;
  if (!labels) return error_set_memory(error, cells->count * sizeof *labels);
  for (size_t i = 0; i < cells->count; i++) labels[i] = cells->labels[i] == m->positive;
  leuko_status status = LEUKO_OK;
  if (m->net.outputs == 1) status = stats_auc(wide, labels, cells->count, &before, error);
  if (m->net.outputs == 1 && status == LEUKO_OK)
    status = stats_auc(narrow, labels, cells->count, &after, error);
  if (isfinite(before) && isfinite(after)) *out = after - before;
  free(labels);
  return status;
}

static leuko_status test_answers(model *m, const quantize_cells *cells, int threads,
                                 const progress *p, double *logits, leuko_error *error) {
  double *narrow = logits + cells->count * (size_t)m->net.outputs;
  leuko_status status =
      predictor_answer(m, NET_F32, threads, cells->pixels, cells->count, p, logits, error);
  if (status == LEUKO_OK)
    status = predictor_answer(m, NET_INT8, threads, cells->pixels, cells->count, p, narrow, error);
  if (status == LEUKO_OK)
    status = predictor_differences(m, logits, narrow, cells->count, &m->int8.answers, error);
  if (status == LEUKO_OK) status = auc_change(m, cells, logits, narrow, &m->int8.auc, error);
  return status;
}

static leuko_status time_batch(net_plan *plan, const uint8_t *pixels, int count, double *seconds,
                               leuko_error *error) {
  const float *logits;
  const double started = clock_seconds();
  leuko_status status = net_plan_forward(plan, pixels, count, 0, &logits, error);
  *seconds = clock_seconds() - started;
  return status;
}

/* Both in turns, since a machine is not equally fast at all times: medians, behind a round for
 * warming up. */
static leuko_status measure_speed(model *m, const quantize_cells *cells, int threads,
                                  quantize_result *out, leuko_error *error) {
  const int batch = cells->count < BATCH ? (int)cells->count : BATCH;
  const size_t places = cells->count - (size_t)batch + 1;
  net_plan_options options = model_plan_options(m, batch, threads, "onednn");
  net_plan *plans[2] = {NULL, NULL};
  double ratios[ROUNDS + 1], seconds[ROUNDS + 1];
  const bool bf16 = model_allows_bf16(m) && net_precision_supported(NET_BF16);
  out->beside = bf16 ? NET_BF16 : NET_F32;
  leuko_status status = LEUKO_OK;
  for (int k = 0; status == LEUKO_OK && k < 2; k++) {
    options.precision = k ? NET_INT8 : out->beside;
    status = make_plan(m, options, &plans[k], error);
  }
  for (size_t round = 0; status == LEUKO_OK && round <= ROUNDS; round++) {
    const uint8_t *pixels = cells->pixels + round * BATCH % places * picture_bytes(m);
    double narrow = 0;
    status = time_batch(plans[0], pixels, batch, &seconds[round], error);
    if (status == LEUKO_OK) status = time_batch(plans[1], pixels, batch, &narrow, error);
    ratios[round] = seconds[round] / narrow;
  }
  net_plan_free(plans[0]);
  net_plan_free(plans[1]);
  if (status != LEUKO_OK) return status;
  sort_doubles(ratios + 1, ROUNDS);
  sort_doubles(seconds + 1, ROUNDS);
  m->int8.speed = ratios[1 + ROUNDS / 2];
  snprintf(m->int8.processor, sizeof m->int8.processor, "%s", net_cpu_name(net_cpu()));
  out->images_per_second = batch / seconds[1 + ROUNDS / 2];
  return LEUKO_OK;
}

static leuko_status check_bounds(const model *m, leuko_error *error) {
  if (model_allows_int8(m)) return LEUKO_OK;
  return error_set(error, LEUKO_UNSUPPORTED_MODEL, NULL, "go on with --precision bf16 or f32",
                   "in 8 bits %.2f %% of %zu answers are the same and the AUC moves by %+.4f; at "
                   "least 99 %% and at most 0.003 are asked for",
                   100 * m->int8.answers.agreement, m->int8.answers.cells, m->int8.auc);
}

leuko_status predictor_quantize_possible(leuko_error *error) {
  if (net_precision_supported(NET_INT8)) return LEUKO_OK;
  return error_set(error, LEUKO_BACKEND, NULL,
                   "run it where there is AVX2, or AVX-512 with VNNI and BF16",
                   "this processor has no kernels for 8 bits");
}

leuko_status predictor_quantize(model *m, const quantize_cells *calibrate,
                                const quantize_cells *test, int threads, const progress *p,
                                quantize_result *out, leuko_error *error) {
  *out = (quantize_result){0};
  if (calibrate->count == 0 || test->count == 0)
    return error_set(error, LEUKO_NO_DATA, NULL, NULL, "no cell to %s",
                     calibrate->count ? "test on" : "take ranges from");
  const leuko_status possible = predictor_quantize_possible(error);
  if (possible != LEUKO_OK) return possible;
  const size_t nodes = (size_t)m->graph->node_count, outputs = (size_t)m->net.outputs;
  const size_t most = calibrate->count > test->count ? calibrate->count : test->count;
  free(m->int8.ranges);
  m->int8 = (model_int8){.ranges = calloc(nodes, sizeof *m->int8.ranges)};
  ranges_histogram *histograms = calloc(nodes, sizeof *histograms);
  double *logits = calloc(2 * most * outputs, sizeof *logits);
  bool *counts = calloc(nodes, sizeof *counts);
  leuko_status status = LEUKO_OK;
  if (!m->int8.ranges || !histograms || !logits || !counts)
    status = error_set_memory(error, nodes * sizeof *histograms);
  if (status == LEUKO_OK) status = find_nodes(m, threads, error);
  if (status == LEUKO_OK) {
    for (size_t i = 0; i < nodes; i++) counts[i] = m->int8.ranges[i] > 0;
    status = fill_histograms(m, calibrate, threads, p, histograms, error);
  }
  if (status == LEUKO_OK)
    status = choose_method(m, calibrate, histograms, counts, threads, p, logits, out, error);
  if (status == LEUKO_OK) status = test_answers(m, test, threads, p, logits, error);
  if (status == LEUKO_OK) status = measure_speed(m, test, threads, out, error);
  if (status == LEUKO_OK) status = check_bounds(m, error);
  free(histograms);
  free(logits);
  free(counts);
  return status;
}
