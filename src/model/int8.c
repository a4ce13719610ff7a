/* What a model and its file hold of 8 bits. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "model/model.h"

static const char prefix[] = "int8/";

leuko_status model_int8_new(model *m, leuko_error *error) {
  model_int8_free(m);
  m->int8.scales = calloc((size_t)m->graph->node_count, sizeof *m->int8.scales);
  if (m->int8.scales) return LEUKO_OK;
  return error_set_memory(error, (size_t)m->graph->node_count * sizeof *m->int8.scales);
}

void model_int8_free(model *m) {
  for (int i = 0; m->int8.scales && i < m->graph->node_count; i++) free(m->int8.scales[i]);
  free(m->int8.scales);
  m->int8 = (model_int8){0};
}

json_t *model_agreement_json(const model_agreement *a) {
  return json_pack("{s:I,s:f,s:f,s:f}", "cells", (json_int_t)a->cells, "largest", a->largest,
                   "median", a->median, "agreement", a->agreement);
}

json_t *model_int8_json(const model *m) {
  json_t *out = model_agreement_json(&m->int8.answers), *layers = json_array();
  json_t *shifts = json_array();
  for (int i = 0; i < m->graph->node_count; i++)
    if (m->int8.scales[i]) json_array_append_new(layers, json_string(m->graph->nodes[i].name));
  for (int k = 0; k < m->net.outputs; k++)
    json_array_append_new(shifts, json_real((double)m->int8.shifts[k]));
  json_object_set_new(out, "shifts", shifts);
  json_object_set_new(out, "auc", json_real(m->int8.auc));
  json_object_set_new(out, "speed", json_real(m->int8.speed));
  json_object_set_new(out, "processor", json_string(m->int8.processor));
  json_object_set_new(out, "method", json_string(m->int8.method));
  json_object_set_new(out, "layers", layers);
  return out;
}

size_t model_int8_entries(const model *m, char (*names)[MODEL_INT8_NAME],
                          safetensors_entry *entries) {
  size_t count = 0;
  for (int i = 0; m->int8.scales && i < m->graph->node_count; i++) {
    if (!m->int8.scales[i]) continue;
    const size_t channels = (size_t)m->graph->nodes[i].shape.c;
    snprintf(names[count], MODEL_INT8_NAME, "%s%s", prefix, m->graph->nodes[i].name);
    entries[count] = (safetensors_entry){.name = names[count],
                                         .dtype = "F32",
                                         .rank = 1,
                                         .dims = {channels},
                                         .data = m->int8.scales[i],
                                         .bytes = channels * sizeof(float)};
    count++;
  }
  return count;
}

static bool read_share(json_t *object, const char *key, double *out) {
  json_t *value = json_object_get(object, key);
  *out = json_number_value(value);
  return json_is_number(value) && *out >= 0 && *out <= 1;
}

/* Not every model has it. */
bool model_agreement_read(json_t *object, model_agreement *out) {
  if (!object) return true;
  json_t *cells = json_object_get(object, "cells");
  if (!json_is_integer(cells) || json_integer_value(cells) < 1) return false;
  out->cells = (size_t)json_integer_value(cells);
  return read_share(object, "largest", &out->largest) &&
         read_share(object, "median", &out->median) &&
         read_share(object, "agreement", &out->agreement);
}

static bool read_shifts(json_t *array, model *m) {
  if (json_array_size(array) != (size_t)m->net.outputs) return false;
  for (int k = 0; k < m->net.outputs; k++) {
    json_t *shift = json_array_get(array, (size_t)k);
    if (!json_is_number(shift) || !(fabs(json_number_value(shift)) <= 1e30)) return false;
    m->int8.shifts[k] = (float)json_number_value(shift);
  }
  return true;
}

/* The scales of the layer of that name. */
static bool read_layer(const safetensors *file, const char *layer, model *m) {
  const int node = layer ? net_find_node(m->graph, layer) : -1;
  char name[MODEL_INT8_NAME];
  if (node < 0 || m->int8.scales[node]) return false;
  snprintf(name, sizeof name, "%s%s", prefix, layer);
  const safetensors_tensor *tensor = safetensors_find(file, name);
  size_t count;
  const float *values = safetensors_f32(file, name, &count);
  if (!values || tensor->rank != 1 || count != (size_t)m->graph->nodes[node].shape.c) return false;
  for (size_t i = 0; i < count; i++)
    if (!(values[i] >= 1e-30f && values[i] <= 1e30f)) return false;
  m->int8.scales[node] = malloc(count * sizeof(float));
  if (!m->int8.scales[node]) return false;
  memcpy(m->int8.scales[node], values, count * sizeof(float));
  return true;
}

bool model_int8_read(json_t *description, const safetensors *file, model *m) {
  if (!description || json_object_get(description, "ranges")) return true;
  json_t *layers = json_object_get(description, "layers"), *layer;
  json_t *speed = json_object_get(description, "speed");
  json_t *auc = json_object_get(description, "auc");
  const char *method = json_string_value(json_object_get(description, "method"));
  const char *processor = json_string_value(json_object_get(description, "processor"));
  if (!json_is_array(layers) || !method || !processor || !json_is_number(speed) ||
      !json_is_number(auc) || !(json_number_value(speed) >= 0) ||
      !(fabs(json_number_value(auc)) <= 1) || model_int8_new(m, NULL) != LEUKO_OK ||
      !read_shifts(json_object_get(description, "shifts"), m) ||
      !model_agreement_read(description, &m->int8.answers))
    return false;
  m->int8.speed = json_number_value(speed);
  m->int8.auc = json_number_value(auc);
  snprintf(m->int8.method, sizeof m->int8.method, "%s", method);
  snprintf(m->int8.processor, sizeof m->int8.processor, "%s", processor);
  size_t index;
  json_array_foreach(layers, index, layer) {
    if (!read_layer(file, json_string_value(layer), m)) return false;
  }
  return true;
}
