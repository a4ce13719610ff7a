#include "train/target.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "weights/weights.h"

#define FEATURE_BATCH 16

static leuko_status describe_model(const train_data *data, int crop, const train_options *o,
                                   model *m, leuko_error *error) {
  const dataset *set = &data->set;
  *m = (model){.net = o->net,
               .crop = crop,
               .stain = data->stain,
               .scaling = {.scale = 1.0f / 255, .deviation = {1, 1, 1}},
               .class_count = set->class_count,
               .positive = set->positive,
               .threshold = 0.5};
  for (int c = 0; c < set->class_count; c++) {
    if (strlen(set->classes[c]) >= MODEL_CLASS_NAME)
      return error_set(error, LEUKO_BAD_DATA, set->root, "rename the class's folder",
                       "the class name '%s' is longer than %d bytes", set->classes[c],
                       MODEL_CLASS_NAME - 1);
    snprintf(m->classes[c], MODEL_CLASS_NAME, "%s", set->classes[c]);
  }
  snprintf(m->data, sizeof m->data, "%s", data->fingerprint);
  return LEUKO_OK;
}

static float *new_params(const net_graph *graph, leuko_error *error) {
  size_t bytes = (graph->param_floats * sizeof(float) + 63) / 64 * 64;
  float *params = aligned_alloc(64, bytes);
  if (params) memset(params, 0, bytes);
  else error_set_memory(error, bytes);
  return params;
}

/* All that decides the base's graph, as text: another head finds the same features. */
static char *describe_base(const zoo_options *net) {
  zoo_options base;
  if (zoo_defaults(net->name, &base, NULL) != LEUKO_OK) return NULL;
  base.size = net->size;
  base.stages = net->stages;
  base.average = net->average;
  base.form = net->form;
  base.epsilon = net->epsilon;
  json_t *described = zoo_to_json(&base);
  char *text = described ? json_dumps(described, JSON_COMPACT | JSON_SORT_KEYS) : NULL;
  json_decref(described);
  return text;
}

/* The base as a network of its own, run over all cells. */
static leuko_status run_base(const train_data *data, const train_options *o, const progress *p,
                             target *t, leuko_error *error) {
  net_graph *base;
  leuko_status status = zoo_build_base(&t->m.net, &base, error);
  if (status != LEUKO_OK) return status;
  float *params = new_params(base, error);
  char *text = describe_base(&t->m.net);
  if (params && text) {
    net_copy_params(t->m.graph, t->m.params, base, params);
    features_request request = {.base = base,
                                .params = params,
                                .scaling = t->m.scaling,
                                .pixels = &data->pixels,
                                .description = text,
                                .symmetries = o->augment,
                                .bf16 = o->features_bf16,
                                .precision = o->precision,
                                .batch = FEATURE_BATCH,
                                .threads = o->threads,
                                .backend = o->backend};
    status = features_open(&request, p, &t->rows, error);
  } else {
    status = error_set_memory(error, base->param_floats * sizeof *params);
  }
  free(text);
  free(params);
  net_graph_free(base);
  return status;
}

static leuko_status open_head(const train_data *data, const train_options *o, const progress *p,
                              target *t, leuko_error *error) {
  leuko_status status = run_base(data, o, p, t, error);
  if (status != LEUKO_OK) return status;
  t->graph = NULL;
  status = zoo_build_head(&t->m.net, t->rows.width, &t->graph, error);
  if (status != LEUKO_OK) return status;
  t->params = new_params(t->graph, error);
  if (!t->params) return LEUKO_NO_MEMORY;
  t->frozen = true;
  target_fetch(t);
  return LEUKO_OK;
}

/* The weights decide the form of the network and, unless the paper's is wanted, the scaling. */
static leuko_status open_weights(const train_options *o, target *t, leuko_error *error) {
  weights_source source;
  leuko_status status = weights_identify(o->weights, t->m.net.name, &t->m.net, &source, error);
  if (status == LEUKO_OK && o->preprocess == TRAIN_AS_WEIGHTS) t->m.scaling = source.scaling;
  return status;
}

leuko_status target_open(const train_data *data, int crop, const train_options *o,
                         const progress *p, target *out, leuko_error *error) {
  *out = (target){0};
  const bool has_base = zoo_has_base(&o->net);
  leuko_status status = describe_model(data, crop, o, &out->m, error);
  if (status == LEUKO_OK && has_base) status = open_weights(o, out, error);
  if (status == LEUKO_OK) status = model_build(&out->m, error);
  if (status == LEUKO_OK) {
    out->graph = out->m.graph;
    out->params = out->m.params;
    net_init_params(out->graph, o->seed, out->params);
    if (has_base) status = weights_load(o->weights, out->graph, out->params, NULL, error);
    if (has_base && o->fine_tune == TRAIN_LAST)
      net_freeze(out->graph, zoo_last_stage(&out->m.net, out->graph));
  }
  if (status == LEUKO_OK && train_has_features(o)) status = open_head(data, o, p, out, error);
  if (status != LEUKO_OK) target_close(out);
  return status;
}

void target_close(target *t) {
  if (t->graph != t->m.graph) net_graph_free(t->graph);
  if (t->params != t->m.params) free(t->params);
  features_close(&t->rows);
  model_free(&t->m);
  *t = (target){0};
}

void target_store(target *t) {
  if (t->frozen) net_copy_params(t->graph, t->params, t->m.graph, t->m.params);
}

void target_fetch(target *t) {
  if (t->frozen) net_copy_params(t->m.graph, t->m.params, t->graph, t->params);
}
