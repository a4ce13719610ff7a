#include "model/model.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "image/resize.h"
#include "net/cpu.h"

/* What a layer reads and writes of one image, in bytes of float32. */
static size_t layer_bytes(const net_graph *graph, const net_node *node) {
  size_t values = net_shape_size(node->shape);
  for (int i = 0; i < net_op_inputs(node->op); i++)
    values += net_shape_size(graph->nodes[node->inputs[i]].shape);
  return values * sizeof(float);
}

leuko_status model_build_graph(model *m, leuko_error *error) {
  leuko_status status = zoo_build(&m->net, &m->graph, error);
  for (int i = 0; status == LEUKO_OK && i < m->graph->node_count; i++) {
    const net_node *node = &m->graph->nodes[i];
    size_t bytes = layer_bytes(m->graph, node);
    if (bytes > MODEL_MAX_LAYER)
      status = error_set(error, LEUKO_TOO_LARGE, NULL, "take smaller pictures or narrower layers",
                         "layer '%s' works on %zu MB an image, %zu are allowed", node->name,
                         bytes >> 20, MODEL_MAX_LAYER >> 20);
  }
  if (status == LEUKO_OK) return LEUKO_OK;
  net_graph_free(m->graph);
  m->graph = NULL;
  return status;
}

leuko_status model_allocate(model *m, leuko_error *error) {
  size_t bytes = (m->graph->param_floats * sizeof *m->params + 63) / 64 * 64;
  m->params = aligned_alloc(64, bytes);
  if (!m->params) return error_set_memory(error, bytes);
  memset(m->params, 0, bytes);
  return LEUKO_OK;
}

leuko_status model_build(model *m, leuko_error *error) {
  m->params = NULL;
  leuko_status status = model_build_graph(m, error);
  if (status != LEUKO_OK) return status;
  status = model_allocate(m, error);
  if (status == LEUKO_OK) return LEUKO_OK;
  net_graph_free(m->graph);
  m->graph = NULL;
  return status;
}

leuko_status model_prepare(const model *m, const image *picture, uint8_t *pixels, double *measures,
                           leuko_error *error) {
  leuko_status status = image_prepare(picture, m->crop, m->net.size, pixels, error);
  if (status == LEUKO_OK && measures) status = image_measure(pixels, m->net.size, measures, error);
  return status == LEUKO_OK ? stain_apply(&m->stain, m->net.size, pixels, error) : status;
}

bool model_prepares_alike(const model *a, const model *b) {
  return a->crop == b->crop && a->net.size == b->net.size && stain_same(&a->stain, &b->stain);
}

void model_free(model *m) {
  model_int8_free(m);
  net_graph_free(m->graph);
  free(m->params);
  json_decref(m->training);
  json_decref(m->operating_point);
  stats_distance_free(&m->rejection.distance);
  *m = (model){0};
}

bool model_stands_16_bits(const model_agreement *measured) {
  return measured->cells > 0 && measured->largest <= 0.02 && measured->median <= 0.002 &&
         measured->agreement >= 0.995;
}

bool model_allows_bf16(const model *m) {
  return model_stands_16_bits(&m->bf16) && (!m->bf16_half || net_cpu_fine());
}

bool model_allows_int8(const model *m) {
  return m->int8.scales && m->int8.answers.cells > 0 && m->int8.answers.agreement >= 0.99 &&
         fabs(m->int8.auc) <= 0.003;
}

static net_precision fastest(const model *m) {
  const bool faster = m->int8.speed > 1 && strcmp(m->int8.processor, net_cpu_bytes_name()) == 0;
  if (model_allows_int8(m) && faster && net_precision_supported(NET_INT8)) return NET_INT8;
  return model_allows_bf16(m) && net_cpu_fast_bf16() ? NET_BF16 : NET_F32;
}

leuko_status model_precision(const model *m, const char *name, net_precision *out,
                             leuko_error *error) {
  if (!name || strcmp(name, "auto") == 0) *out = fastest(m);
  else if (!net_precision_find(name, out))
    return error_set(error, LEUKO_ARGUMENT, name, "take auto, f32, bf16 or int8",
                     "there is no precision '%.40s'", name);
  if (*out == NET_INT8 && !m->int8.scales)
    return error_set(error, LEUKO_ARGUMENT, NULL,
                     "run 'leuko quantize MODEL DIR -o MODEL', which takes them from cells",
                     "the model holds no scales for 8 bits");
  if (!net_precision_supported(*out)) *out = NET_F32;
  return LEUKO_OK;
}

net_plan_options model_plan_options(const model *m, int batch, int threads, const char *backend) {
  return (net_plan_options){.batch = batch,
                            .threads = threads,
                            .backend = backend,
                            .winograd = true,
                            .skip = true,
                            .bfloat16 = model_stands_16_bits(&m->bf16) && !m->bf16_half,
                            .scales = (const float *const *)m->int8.scales,
                            .shifts = m->int8.shifts,
                            .scaling = m->scaling};
}

size_t model_parameter_count(const model *m) {
  size_t count = 0;
  for (int i = 0; i < m->graph->param_count; i++)
    if (m->graph->params[i].trainable) count += m->graph->params[i].count;
  return count;
}

/* A disc with rings on black: something of a cell, the same on every machine. */
static void draw_check(uint8_t *pixels, int size) {
  for (int y = 0; y < size; y++)
    for (int x = 0; x < size; x++) {
      int dx = 2 * x - size, dy = 2 * y - size;
      int r = (dx * dx + dy * dy) * 64 / (size * size);
      uint8_t *p = pixels + 3 * ((size_t)y * (size_t)size + (size_t)x);
      p[0] = (uint8_t)(r < 30 ? 120 + 3 * r + x % 7 : 0);
      p[1] = (uint8_t)(r < 30 ? 60 + 2 * r + y % 5 : 0);
      p[2] = (uint8_t)(r < 30 ? 160 - r + (x + y) % 9 : 0);
    }
}

leuko_status model_check_logits(const model *m, double *logits, leuko_error *error) {
  size_t bytes = (size_t)m->net.size * (size_t)m->net.size * 3;
  uint8_t *pixels = malloc(bytes);
  if (!pixels) return error_set_memory(error, bytes);
  draw_check(pixels, m->net.size);
  net_plan_options options = model_plan_options(m, 1, 1, "onednn");
  net_plan *plan = NULL;
  const float *answer = NULL;
  leuko_status status = net_plan_new(m->graph, &options, &plan, error);
  if (status == LEUKO_OK) status = net_plan_bind(plan, m->params, error);
  if (status == LEUKO_OK) status = net_plan_forward(plan, pixels, 1, 0, &answer, error);
  for (int i = 0; status == LEUKO_OK && i < m->net.outputs; i++) logits[i] = (double)answer[i];
  net_plan_free(plan);
  free(pixels);
  return status;
}

leuko_status model_self_check(const model *m, leuko_error *error) {
  double logits[LEUKO_MAX_CLASSES], largest = 1;
  leuko_status status = model_check_logits(m, logits, error);
  if (status != LEUKO_OK) return status;
  for (int i = 0; i < m->net.outputs; i++) largest = fmax(largest, fabs(m->check_logits[i]));
  for (int i = 0; i < m->net.outputs; i++)
    if (!(fabs(logits[i] - m->check_logits[i]) <= 1e-3 * largest))
      return error_set(error, LEUKO_SELF_CHECK, NULL, "fetch the model again",
                       "the self-check gives %.6g, the model records %.6g", logits[i],
                       m->check_logits[i]);
  return LEUKO_OK;
}
