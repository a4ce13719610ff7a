#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "explain/steps.h"

static const struct {
  const char *name, *title;
  bool is_signed;
} methods[EXPLAIN_METHODS] = {
    [EXPLAIN_GRADCAM] = {"gradcam", "Grad-CAM", false},
    [EXPLAIN_GRADCAM_PLUS] = {"gradcam++", "Grad-CAM++", false},
    [EXPLAIN_OCCLUSION] = {"occlusion", "Occlusion", true},
    [EXPLAIN_GRADIENTS] = {"gradients", "Integrated gradients", true},
};

const char *explain_method_name(explain_method method) {
  return methods[method].name;
}

const char *explain_method_title(explain_method method) {
  return methods[method].title;
}

bool explain_method_signed(explain_method method) {
  return methods[method].is_signed;
}

bool explain_method_find(const char *name, explain_method *out) {
  for (int i = 0; i < EXPLAIN_METHODS; i++) {
    if (strcmp(methods[i].name, name) != 0) continue;
    *out = (explain_method)i;
    return true;
  }
  return false;
}

leuko_status explain_map_new(explain_method method, int side, double first, double step,
                             explain_map *out, leuko_error *error) {
  const size_t places = (size_t)side * (size_t)side;
  *out = (explain_map){.method = method,
                       .side = side,
                       .first = first,
                       .step = step,
                       .values = calloc(places, sizeof *out->values),
                       .whole = NAN};
  return out->values ? LEUKO_OK : error_set_memory(error, places * sizeof *out->values);
}

void explain_map_free(explain_map *map) {
  free(map->values);
  *map = (explain_map){0};
}

/* "block5_conv3" belongs to stage "block5", "dense1" to itself. */
static size_t stage_length(const char *layer) {
  return strcspn(layer, "_");
}

/* Numbers the stages from the output on. */
static void find_stages(explainer *e) {
  const net_graph *graph = e->m->graph;
  const char *last = "";
  for (int n = graph->node_count - 1; n > 0; n--) {
    const char *name = graph->nodes[n].name;
    if (graph->nodes[n].params[0] < 0) continue;
    const size_t length = stage_length(name);
    if (length != stage_length(last) || strncmp(name, last, length) != 0) e->stages++;
    e->stage_of[n] = e->stages;
    last = name;
  }
}

leuko_status explain_open(const model *m, int threads, const char *backend, explainer **out,
                          leuko_error *error) {
  *out = NULL;
  explainer *e = calloc(1, sizeof *e);
  if (!e) return error_set_memory(error, sizeof *e);
  *e = (explainer){.m = m, .threads = threads, .backend = backend};
  e->layer = zoo_last_maps(m->graph);
  const size_t bytes = (m->graph->param_floats * sizeof *e->params + 63) / 64 * 64;
  e->params = aligned_alloc(64, bytes);
  e->stage_of = calloc((size_t)m->graph->node_count, sizeof *e->stage_of);
  e->pixels = malloc(EXPLAIN_BATCH * explain_picture_bytes(e));
  if (!e->params || !e->stage_of || !e->pixels) {
    explain_close(e);
    return error_set_memory(error, bytes);
  }
  memcpy(e->params, m->params, m->graph->param_floats * sizeof *e->params);
  find_stages(e);
  *out = e;
  return LEUKO_OK;
}

static void close_side(explain_side *side) {
  net_plan_free(side->plan);
  net_part_close(&side->part);
  *side = (explain_side){0};
}

void explain_close(explainer *e) {
  if (!e) return;
  close_side(&e->below);
  close_side(&e->above);
  close_side(&e->whole);
  net_plan_free(e->answers);
  free(e->params);
  free(e->stage_of);
  free(e->pixels);
  free(e);
}

const char *explain_layer(const explainer *e) {
  return e->m->graph->nodes[e->layer].name;
}

/* Of a side: without Winograd's algorithm, whose rounding a gradient would multiply. */
static net_plan_options side_options(const explainer *e, int batch, bool training) {
  net_plan_options options = model_plan_options(e->m, batch, e->threads, e->backend);
  options.training = options.to_input = training;
  options.skip = !training;
  options.winograd = false;
  return options;
}

leuko_status explain_ready(explainer *e, explain_side *side, int from, int to, int batch,
                           bool training, leuko_error *error) {
  if (side->plan) return LEUKO_OK;
  const net_plan_options options = side_options(e, batch, training);
  leuko_status status = net_part_open(e->m->graph, from, to, &side->part, error);
  if (status == LEUKO_OK) {
    net_part_fill(&side->part, e->params);
    status = net_plan_new(side->part.graph, &options, &side->plan, error);
  }
  if (status == LEUKO_OK) status = net_plan_bind(side->plan, side->part.params, error);
  if (status != LEUKO_OK) close_side(side);
  return status;
}

double explain_score(const model *m, const float *logits, int label) {
  if (m->net.outputs > 1) return (double)logits[label];
  return label == m->positive ? (double)logits[0] : -(double)logits[0];
}

void explain_score_gradient(const model *m, int label, float *out) {
  if (m->net.outputs == 1) out[0] = label == m->positive ? 1 : -1;
  else
    for (int k = 0; k < m->net.outputs; k++) out[k] = k == label ? 1 : 0;
}

/* The plan that answers, of EXPLAIN_BATCH pictures. */
static leuko_status ready_answers(explainer *e, leuko_error *error) {
  if (e->answers) return LEUKO_OK;
  const net_plan_options options = model_plan_options(e->m, EXPLAIN_BATCH, e->threads, e->backend);
  leuko_status status = net_plan_new(e->m->graph, &options, &e->answers, error);
  if (status == LEUKO_OK) status = net_plan_bind(e->answers, e->params, error);
  if (status == LEUKO_OK) return LEUKO_OK;
  net_plan_free(e->answers);
  e->answers = NULL;
  return status;
}

leuko_status explain_scores(explainer *e, int count, int label, double *scores,
                            leuko_error *error) {
  const float *logits;
  leuko_status status = ready_answers(e, error);
  if (status == LEUKO_OK)
    status = net_plan_forward(e->answers, e->pixels, count, 0, &logits, error);
  for (int i = 0; status == LEUKO_OK && i < count; i++)
    scores[i] = explain_score(e->m, logits + i * e->m->net.outputs, label);
  return status;
}

leuko_status explain_logits(explainer *e, const uint8_t *pixels, double *logits,
                            leuko_error *error) {
  const float *computed;
  leuko_status status = ready_answers(e, error);
  if (status == LEUKO_OK) status = net_plan_forward(e->answers, pixels, 1, 0, &computed, error);
  for (int k = 0; status == LEUKO_OK && k < e->m->net.outputs; k++) logits[k] = (double)computed[k];
  return status;
}

leuko_status explain_run(explainer *e, explain_method method, const uint8_t *pixels, int label,
                         explain_map *out, leuko_error *error) {
  leuko_status status;
  *out = (explain_map){0};
  if (method == EXPLAIN_OCCLUSION) status = explain_occlusion(e, pixels, label, out, error);
  else if (method == EXPLAIN_GRADIENTS) status = explain_gradients(e, pixels, label, out, error);
  else status = explain_cam(e, method, pixels, label, out, error);
  if (status != LEUKO_OK) explain_map_free(out);
  return status;
}

int explain_stages(const explainer *e) {
  return e->stages;
}

void explain_stage(const explainer *e, int stages, char *out, size_t size) {
  out[0] = 0;
  for (int n = 0; n < e->m->graph->node_count; n++) {
    if (e->stage_of[n] != stages) continue;
    const char *name = e->m->graph->nodes[n].name;
    snprintf(out, size, "%.*s", (int)stage_length(name), name);
    return;
  }
}

static leuko_status tell(explain_side *side, const float *params, leuko_error *error) {
  if (!side->plan) return LEUKO_OK;
  net_part_fill(&side->part, params);
  return net_plan_bind(side->plan, side->part.params, error);
}

leuko_status explain_randomise(explainer *e, int stages, uint64_t seed, leuko_error *error) {
  const net_graph *graph = e->m->graph;
  net_init_params(graph, seed, e->params);
  for (int n = 0; n < graph->node_count; n++)
    for (int i = 0; i < NET_MAX_PARAMS && graph->nodes[n].params[i] >= 0; i++) {
      const net_param *param = &graph->params[graph->nodes[n].params[i]];
      if (e->stage_of[n] > stages)
        memcpy(e->params + param->offset, e->m->params + param->offset,
               param->count * sizeof *e->params);
    }
  leuko_status status = tell(&e->below, e->params, error);
  if (status == LEUKO_OK) status = tell(&e->above, e->params, error);
  if (status == LEUKO_OK) status = tell(&e->whole, e->params, error);
  if (status == LEUKO_OK && e->answers) status = net_plan_bind(e->answers, e->params, error);
  return status;
}
