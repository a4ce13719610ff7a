#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "model/model.h"

static const char directions_name[] = "rejection/directions", means_name[] = "rejection/means";

leuko_reason model_judge(const model_rejection *r, const double *measures, double distance) {
  if (r->cells == 0) return LEUKO_REASON_NONE;
  leuko_reason reason = image_envelope_check(&r->envelope, measures);
  if (reason == LEUKO_REASON_NONE && r->distance.directions > 0 && !(distance <= r->threshold))
    reason = LEUKO_REASON_DISTANCE;
  return reason;
}

size_t model_last_width(const model *m) {
  const net_node *last = &m->graph->nodes[m->graph->node_count - 1];
  return net_shape_size(m->graph->nodes[last->inputs[0]].shape);
}

json_t *model_rejection_json(const model_rejection *r) {
  json_t *envelope = json_object();
  for (int k = 0; k < IMAGE_MEASURES; k++)
    json_object_set_new(envelope, image_measure_name((image_measure_kind)k),
                        json_pack("[f,f]", r->envelope.low[k], r->envelope.high[k]));
  json_t *out = json_pack("{s:I,s:f,s:o}", "cells", (json_int_t)r->cells, "kept", r->kept,
                          "envelope", envelope);
  if (out && r->distance.directions > 0)
    json_object_set_new(
        out, "distance",
        json_pack("{s:f,s:f}", "threshold", r->threshold, "shrinkage", r->distance.shrinkage));
  return out;
}

size_t model_rejection_entries(const model_rejection *r, safetensors_entry *entries) {
  const stats_distance *d = &r->distance;
  if (r->cells == 0 || d->directions == 0) return 0;
  entries[0] = (safetensors_entry){.name = directions_name,
                                   .dtype = "F32",
                                   .rank = 2,
                                   .dims = {d->directions, d->width},
                                   .data = d->whiten,
                                   .bytes = d->directions * d->width * sizeof *d->whiten};
  entries[1] = (safetensors_entry){.name = means_name,
                                   .dtype = "F32",
                                   .rank = 2,
                                   .dims = {(size_t)d->classes, d->directions},
                                   .data = d->means,
                                   .bytes = (size_t)d->classes * d->directions * sizeof *d->means};
  return 2;
}

static bool read_number(json_t *object, const char *key, double low, double high, double *out) {
  json_t *value = json_object_get(object, key);
  *out = json_number_value(value);
  return json_is_number(value) && *out >= low && *out <= high;
}

static bool read_envelope(json_t *object, image_envelope *out) {
  for (int k = 0; k < IMAGE_MEASURES; k++) {
    json_t *range = json_object_get(object, image_measure_name((image_measure_kind)k));
    json_t *low = json_array_get(range, 0), *high = json_array_get(range, 1);
    if (json_array_size(range) != 2 || !json_is_number(low) || !json_is_number(high)) return false;
    out->low[k] = json_number_value(low);
    out->high[k] = json_number_value(high);
    if (!(out->low[k] <= out->high[k])) return false;
  }
  return true;
}

/* A copy of the tensor of that name and shape if all its values are finite. */
static float *copy_tensor(const safetensors *file, const char *name, size_t rows, size_t columns) {
  const safetensors_tensor *tensor = safetensors_find(file, name);
  size_t count;
  const float *values = safetensors_f32(file, name, &count);
  if (!values || tensor->rank != 2 || tensor->dims[0] != rows || tensor->dims[1] != columns)
    return NULL;
  for (size_t i = 0; i < count; i++)
    if (!isfinite(values[i])) return NULL;
  float *out = malloc(count * sizeof *out);
  if (out) memcpy(out, values, count * sizeof *out);
  return out;
}

static bool read_distance(json_t *object, const safetensors *file, model *m) {
  if (!object) return true;
  model_rejection *r = &m->rejection;
  stats_distance *d = &r->distance;
  const safetensors_tensor *tensor = safetensors_find(file, directions_name);
  if (!read_number(object, "threshold", 0, 1e300, &r->threshold) ||
      !read_number(object, "shrinkage", 0, 1, &d->shrinkage) || !tensor || tensor->rank != 2 ||
      tensor->dims[0] < 1 || tensor->dims[0] > STATS_DISTANCE_DIRECTIONS)
    return false;
  d->directions = tensor->dims[0];
  d->width = model_last_width(m);
  d->classes = m->class_count;
  d->whiten = copy_tensor(file, directions_name, d->directions, d->width);
  d->means = copy_tensor(file, means_name, (size_t)d->classes, d->directions);
  return d->whiten && d->means;
}

bool model_rejection_read(json_t *description, const safetensors *file, model *m) {
  if (!description) return true;
  json_t *cells = json_object_get(description, "cells");
  if (!json_is_integer(cells) || json_integer_value(cells) < 1) return false;
  m->rejection.cells = (size_t)json_integer_value(cells);
  return read_number(description, "kept", 0, 1, &m->rejection.kept) &&
         read_envelope(json_object_get(description, "envelope"), &m->rejection.envelope) &&
         read_distance(json_object_get(description, "distance"), file, m);
}
