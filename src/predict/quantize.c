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
#include "predict/rounding.h"
#include "stats/metrics.h"

#define BATCH 16
#define ROUNDS 7 /* of measuring speed */
/* Shares of equal answers to expect of the training cells: layers are left wide, which takes time,
 * until the first is reached, and if of the test cells less than the 99 % that are asked for stay
 * the same, until the next. */
static const double wanted[] = {0.992, 0.995, 0.998};
#define TRIALS (sizeof wanted / sizeof *wanted)
#define NOISE_CELLS 32 /* that the noise of each layer is measured on */

static size_t picture_bytes(const model *m) {
  return (size_t)m->net.size * (size_t)m->net.size * 3;
}

static leuko_status make_plan(const model *m, net_plan_options options, net_plan **out,
                              leuko_error *error) {
  leuko_status status = net_plan_new(m->graph, &options, out, error);
  if (status == LEUKO_OK) status = net_plan_bind(*out, m->params, error);
  return status;
}

static size_t channels_of(const model *m, int node) {
  return (size_t)m->graph->nodes[node].shape.c;
}

static leuko_status add_scales(model *m, int node, leuko_error *error) {
  const size_t channels = channels_of(m, node);
  float *scales = malloc(channels * sizeof *scales);
  if (!scales) return error_set_memory(error, channels * sizeof *scales);
  for (size_t c = 0; c < channels; c++) scales[c] = 1;
  m->int8.scales[node] = scales;
  return LEUKO_OK;
}

/* Finds the nodes whose output would be in bytes if there were scales: they get some. Counts them.
 */
static leuko_status find_nodes(model *m, int threads, int *found, leuko_error *error) {
  const int nodes = m->graph->node_count;
  leuko_status status = model_int8_new(m, error);
  for (int i = 0; status == LEUKO_OK && i < nodes; i++) status = add_scales(m, i, error);
  if (status != LEUKO_OK) return status;
  net_plan_options options = model_plan_options(m, 1, threads, "onednn");
  options.precision = NET_INT8;
  net_plan *plan = NULL;
  status = net_plan_new(m->graph, &options, &plan, error);
  *found = 0;
  for (int i = 0; status == LEUKO_OK && i < nodes; i++) {
    /* What pooling gives keeps the scales of what it reads. */
    const bool bytes = net_plan_in_bytes(plan, i) && m->graph->nodes[i].op != NET_MAXPOOL;
    *found += bytes;
    if (bytes) continue;
    free(m->int8.scales[i]);
    m->int8.scales[i] = NULL;
  }
  net_plan_free(plan);
  if (status == LEUKO_OK && *found == 0)
    status = error_set(error, LEUKO_UNSUPPORTED_MODEL, NULL, "take --precision bf16 or f32",
                       "nothing of '%s' is faster in 8 bits", m->net.name);
  return status;
}

typedef struct {
  const model *m;
  ranges_histogram *histograms; /* [nodes] */
  bool counting;                /* else the largest values are looked for */
} watcher;

static void watch(void *context, int node, const float *values, size_t count) {
  const watcher *w = context;
  ranges_histogram *h = &w->histograms[node];
  if (!w->m->int8.scales[node]) return;
  if (w->counting) ranges_count(h, values, count);
  else ranges_raise(h, values, count, channels_of(w->m, node));
}

static void free_histograms(const model *m, ranges_histogram *histograms) {
  for (int i = 0; histograms && i < m->graph->node_count; i++) free(histograms[i].channels);
  free(histograms);
}

/* Runs the cells in float32 and looks at everything: twice, since a histogram needs the largest
 * value first. */
static leuko_status fill_histograms(const model *m, const quantize_cells *cells, int threads,
                                    const progress *p, ranges_histogram *histograms,
                                    leuko_error *error) {
  watcher w = {.m = m, .histograms = histograms};
  for (int i = 0; i < m->graph->node_count; i++) {
    if (!m->int8.scales[i]) continue;
    histograms[i].channels = calloc(channels_of(m, i), sizeof(float));
    if (!histograms[i].channels) return error_set_memory(error, channels_of(m, i) * sizeof(float));
  }
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

static void take_ranges(const model *m, const ranges_histogram *histograms, ranges_method method) {
  for (int i = 0; i < m->graph->node_count; i++) {
    float *scales = m->int8.scales[i];
    if (!scales) continue;
    const float range = ranges_choose(&histograms[i], method);
    /* Of what is never above 0 any will do. */
    ranges_scales(&histograms[i], range > 0 ? range : 1, channels_of(m, i), scales);
  }
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

/* What rounding shifts the logits by in the mean: noise that a relu lets through on one side only.
 * Correcting each layer's mean, as weights and values round it, does not take that away; adding the
 * mean difference at the end does. After Nagel et al., "Data-Free Quantization Through Weight
 * Equalization and Bias Correction", ICCV 2019, section 4.2, at the last layer alone. */
static void take_shifts(model *m, const double *wide, double *narrow, size_t count) {
  const size_t outputs = (size_t)m->net.outputs;
  for (size_t k = 0; k < outputs; k++) {
    double sum = 0;
    for (size_t i = 0; i < count; i++) sum += wide[i * outputs + k] - narrow[i * outputs + k];
    m->int8.shifts[k] = isfinite(sum) ? (float)(sum / (double)count) : 0;
    for (size_t i = 0; i < count; i++) narrow[i * outputs + k] += (double)m->int8.shifts[k];
  }
}

/* Where the answers in float32 and in bytes for some cells are, and how far these are apart. */
typedef struct {
  double *wide, *narrow;   /* logits [count][outputs] */
  double *margins, *moved; /* [count]; margins are those of `wide`, whatever `narrow` is */
} answers;

static void answers_free(answers *a) {
  free(a->wide);
  free(a->narrow);
  free(a->margins);
  free(a->moved);
}

static leuko_status answers_new(size_t count, int outputs, answers *out, leuko_error *error) {
  const size_t logits = count * (size_t)outputs;
  *out = (answers){.wide = calloc(logits, sizeof(double)),
                   .narrow = calloc(logits, sizeof(double)),
                   .margins = calloc(count, sizeof(double)),
                   .moved = calloc(count, sizeof(double))};
  if (out->wide && out->narrow && out->margins && out->moved) return LEUKO_OK;
  return error_set_memory(error, logits * sizeof(double));
}

/* How far 8 bits with the present scales move the answers from a->wide, once what they shift the
 * logits by in the mean is taken back; the variance of that. */
static leuko_status measure_noise(model *m, const quantize_cells *cells, int threads,
                                  const progress *p, answers *a, double *variance,
                                  leuko_error *error) {
  memset(m->int8.shifts, 0, sizeof m->int8.shifts);
  leuko_status status =
      predictor_answer(m, NET_INT8, threads, cells->pixels, cells->count, p, a->narrow, error);
  if (status != LEUKO_OK) return status;
  take_shifts(m, a->wide, a->narrow, cells->count);
  rounding_margins(m, a->wide, a->narrow, cells->count, a->margins, a->moved);
  *variance = rounding_variance(a->moved, cells->count);
  return LEUKO_OK;
}

static leuko_status try_scales(model *m, const quantize_cells *cells, int threads,
                               const progress *p, answers *a, quantize_trial *out,
                               leuko_error *error) {
  leuko_status status = measure_noise(m, cells, threads, p, a, &out->variance, error);
  if (status == LEUKO_OK)
    status = predictor_differences(m, a->wide, a->narrow, cells->count, &out->answers, error);
  if (status != LEUKO_OK) return status;
  out->error = mean_difference(m, a->wide, a->narrow, cells->count);
  out->expected = rounding_agreement(a->margins, cells->count, out->variance);
  return LEUKO_OK;
}

/* Multiplications and additions of the layers that read a node's output, itself or pooled. */
static double readers_flop(const net_graph *graph, int node) {
  double sum = 1; /* additions alone are worth little */
  for (int i = node + 1; i < graph->node_count; i++) {
    const net_node *reader = &graph->nodes[i];
    if (reader->inputs[0] != node) continue;
    if (reader->op == NET_MAXPOOL) sum += readers_flop(graph, i);
    sum += net_node_flop(graph, i);
  }
  return sum;
}

/* Each layer's noise, all others being wide. The scales are put back. */
static leuko_status measure_layers(model *m, const quantize_cells *cells, int threads,
                                   const progress *p, answers *a, rounding_layer *layers,
                                   size_t count, leuko_error *error) {
  quantize_cells few = *cells;
  if (few.count > NOISE_CELLS) few.count = NOISE_CELLS;
  const size_t nodes = (size_t)m->graph->node_count;
  float **all = m->int8.scales, **one = calloc(nodes, sizeof *one);
  if (!one) return error_set_memory(error, nodes * sizeof *one);
  m->int8.scales = one;
  leuko_status status = LEUKO_OK;
  for (size_t k = 0; status == LEUKO_OK && k < count; k++) {
    const int node = layers[k].node;
    one[node] = all[node];
    status = measure_noise(m, &few, threads, NULL, a, &layers[k].variance, error);
    one[node] = NULL;
    if (status == LEUKO_OK && progress_report(p, "measuring layers", k + 1, count, NULL))
      status = error_set(error, LEUKO_INTERRUPTED, NULL, NULL, "stopped");
  }
  m->int8.scales = all;
  free(one);
  return status;
}

static size_t list_layers(const model *m, rounding_layer *out) {
  size_t count = 0;
  for (int i = 0; i < m->graph->node_count; i++)
    if (m->int8.scales[i])
      out[count++] = (rounding_layer){.node = i, .flop = readers_flop(m->graph, i)};
  return count;
}

/* The layers that may be in bytes, and how much noise each makes; measured when that is asked for.
 */
typedef struct {
  rounding_layer *layers; /* NULL: not yet */
  size_t count;
} layer_list;

static leuko_status measure_all(model *m, const quantize_cells *cells, int threads,
                                const progress *p, answers *a, layer_list *out,
                                leuko_error *error) {
  if (out->layers) return LEUKO_OK;
  const size_t nodes = (size_t)m->graph->node_count;
  out->layers = calloc(nodes, sizeof *out->layers);
  if (!out->layers) return error_set_memory(error, nodes * sizeof *out->layers);
  out->count = list_layers(m, out->layers);
  return measure_layers(m, cells, threads, p, a, out->layers, out->count, error);
}

/* Leaves layers wide that would change too many answers in bytes: in ResNet-50 it is often what the
 * first layers give, which all others read. */
static leuko_status leave_wide(model *m, const quantize_cells *cells, int threads,
                               const progress *p, answers *a, double share, layer_list *list,
                               quantize_result *out, leuko_error *error) {
  const size_t nodes = (size_t)m->graph->node_count;
  if (!out->wide) out->wide = calloc(nodes, sizeof *out->wide);
  if (!out->wide) return error_set_memory(error, nodes * sizeof *out->wide);
  const leuko_status status = measure_all(m, cells, threads, p, a, list, error);
  if (status != LEUKO_OK) return status;
  rounding_leave_wide(list->layers, list->count, out->tried[out->chosen].variance, a->margins,
                      cells->count, share);
  for (size_t k = 0; k < list->count; k++) {
    const int node = list->layers[k].node;
    if (!list->layers[k].wide || out->wide[node]) continue;
    free(m->int8.scales[node]);
    m->int8.scales[node] = NULL;
    out->wide[node] = true;
    out->layers_wide++;
  }
  return try_scales(m, cells, threads, p, a, &out->with_wide, error);
}

void quantize_result_free(quantize_result *r) {
  free(r->wide);
  *r = (quantize_result){0};
}

/* Tries all methods and leaves the scales of the best one. */
static leuko_status choose_method(model *m, const quantize_cells *cells,
                                  const ranges_histogram *histograms, int threads,
                                  const progress *p, answers *a, quantize_result *out,
                                  leuko_error *error) {
  float shifts[RANGES_METHODS][LEUKO_MAX_CLASSES];
  leuko_status status =
      predictor_answer(m, NET_F32, threads, cells->pixels, cells->count, p, a->wide, error);
  for (int k = 0; status == LEUKO_OK && k < RANGES_METHODS; k++) {
    take_ranges(m, histograms, (ranges_method)k);
    status = try_scales(m, cells, threads, p, a, &out->tried[k], error);
    memcpy(shifts[k], m->int8.shifts, sizeof shifts[k]);
    if (status == LEUKO_OK && out->tried[k].variance < out->tried[out->chosen].variance)
      out->chosen = (ranges_method)k;
  }
  take_ranges(m, histograms, out->chosen);
  memcpy(m->int8.shifts, shifts[out->chosen], sizeof m->int8.shifts);
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

/* How the answers for the test cells differ from those in a->wide, into m->int8. */
static leuko_status test_answers(model *m, const quantize_cells *cells, int threads,
                                 const progress *p, answers *a, leuko_error *error) {
  leuko_status status =
      predictor_answer(m, NET_INT8, threads, cells->pixels, cells->count, p, a->narrow, error);
  if (status == LEUKO_OK)
    status = predictor_differences(m, a->wide, a->narrow, cells->count, &m->int8.answers, error);
  if (status == LEUKO_OK) status = auc_change(m, cells, a->wide, a->narrow, &m->int8.auc, error);
  return status;
}

/* Leaves more and more layers wide until the answers for the test cells are within the bounds. */
static leuko_status leave_enough(model *m, const quantize_cells *calibrate,
                                 const quantize_cells *test, int threads, const progress *p,
                                 answers *a, quantize_result *out, leuko_error *error) {
  layer_list list = {0};
  double expected = out->tried[out->chosen].expected;
  answers tested;
  leuko_status status = answers_new(test->count, m->net.outputs, &tested, error);
  if (status == LEUKO_OK)
    status =
        predictor_answer(m, NET_F32, threads, test->pixels, test->count, p, tested.wide, error);
  for (size_t k = 0; status == LEUKO_OK && k < TRIALS; k++) {
    const bool leaves = expected < wanted[k];
    if (k > 0 && (!leaves || model_allows_int8(m))) continue;
    if (leaves) {
      status = leave_wide(m, calibrate, threads, p, a, wanted[k], &list, out, error);
      expected = out->with_wide.expected;
    }
    if (status == LEUKO_OK) status = test_answers(m, test, threads, p, &tested, error);
  }
  free(list.layers);
  answers_free(&tested);
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
  const bool bf16 = model_allows_bf16(m) && net_cpu_fast_bf16();
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
  snprintf(m->int8.processor, sizeof m->int8.processor, "%s", net_cpu_bytes_name());
  out->images_per_second = batch / seconds[1 + ROUNDS / 2];
  return LEUKO_OK;
}

static leuko_status check_bounds(const model *m, leuko_error *error) {
  if (model_allows_int8(m)) return LEUKO_OK;
  return error_set(error, LEUKO_UNSUPPORTED_MODEL, NULL, "go on with --precision bf16 or f32",
                   "in 8 bits %.3f %% of %zu answers are the same and the AUC moves by %+.4f; at "
                   "least 99 %% and at most 0.003 are asked for",
                   100 * m->int8.answers.agreement, m->int8.answers.cells, m->int8.auc);
}

leuko_status predictor_quantize_possible(leuko_error *error) {
  if (net_precision_supported(NET_INT8)) return LEUKO_OK;
  return error_set(error, LEUKO_BACKEND, NULL, "run it where there is AVX2, or AVX-512 with VNNI",
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
  const size_t nodes = (size_t)m->graph->node_count;
  answers a;
  leuko_status status = answers_new(calibrate->count, m->net.outputs, &a, error);
  ranges_histogram *histograms = calloc(nodes, sizeof *histograms);
  if (status == LEUKO_OK && !histograms)
    status = error_set_memory(error, nodes * sizeof *histograms);
  if (status == LEUKO_OK) status = find_nodes(m, threads, &out->layers, error);
  if (status == LEUKO_OK) status = fill_histograms(m, calibrate, threads, p, histograms, error);
  if (status == LEUKO_OK)
    status = choose_method(m, calibrate, histograms, threads, p, &a, out, error);
  if (status == LEUKO_OK) status = leave_enough(m, calibrate, test, threads, p, &a, out, error);
  if (status == LEUKO_OK) status = measure_speed(m, test, threads, out, error);
  if (status == LEUKO_OK) status = check_bounds(m, error);
  free_histograms(m, histograms);
  answers_free(&a);
  return status;
}
