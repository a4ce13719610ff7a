#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/half.h"
#include "base/text.h"
#include "model/model.h"

#define BEST "best.safetensors" /* of a run folder */

static const char newer[] = "use the version of leuko that wrote it";
static const char again[] = "fetch or train the model again";

static json_t *describe(const model *m) {
  json_t *classes = json_array(), *logits = json_array();
  for (int i = 0; i < m->class_count; i++) json_array_append_new(classes, text_json(m->classes[i]));
  for (int i = 0; i < m->net.outputs; i++)
    json_array_append_new(logits, json_real(m->check_logits[i]));
  const float *mean = m->scaling.mean, *deviation = m->scaling.deviation;
  json_t *preprocessing =
      json_pack("{s:i,s:i,s:f,s:[f,f,f],s:[f,f,f],s:b}", "crop", m->crop, "size", m->net.size,
                "scale", (double)m->scaling.scale, "mean", (double)mean[0], (double)mean[1],
                (double)mean[2], "deviation", (double)deviation[0], (double)deviation[1],
                (double)deviation[2], "bgr", m->scaling.reverse ? 1 : 0);
  const stain_look *look = &m->stain.target;
  if (m->stain.method != STAIN_AS_IS)
    json_object_set_new(preprocessing, "stain",
                        json_pack("{s:s,s:[f,f,f],s:[f,f,f]}", "method",
                                  stain_name(m->stain.method), "mean", look->mean[0], look->mean[1],
                                  look->mean[2], "deviation", look->deviation[0],
                                  look->deviation[1], look->deviation[2]));
  json_t *out = json_pack(
      "{s:i,s:s,s:o,s:o,s:o,s:i,s:f,s:s,s:o}", "format", MODEL_FORMAT, "version", LEUKO_VERSION,
      "network", zoo_to_json(&m->net), "preprocessing", preprocessing, "classes", classes,
      "positive", m->positive, "threshold", m->threshold, "data", m->data, "self_check", logits);
  if (out)
    json_object_set_new(out, "temperature", json_real(m->temperature > 0 ? m->temperature : 1));
  if (out && m->operating_point) json_object_set(out, "operating_point", m->operating_point);
  if (out && m->bf16.cells > 0) {
    json_t *bf16 = model_agreement_json(&m->bf16);
    if (m->bf16_half) json_object_set_new(bf16, "half", json_true());
    json_object_set_new(out, "bf16", bf16);
  }
  if (out && m->int8.scales) json_object_set_new(out, "int8", model_int8_json(m));
  if (out && m->rejection.cells > 0)
    json_object_set_new(out, "rejection", model_rejection_json(&m->rejection));
  if (out && m->training) json_object_set(out, "training", m->training);
  return out;
}

/* Kernels, which hold nearly all values. */
static bool is_halved(const model *m, const net_param *param) {
  return m->half && param->rank >= 2;
}

leuko_status model_halve(model *m, leuko_error *error) {
  m->half = true;
  for (int i = 0; i < m->graph->param_count; i++) {
    const net_param *param = &m->graph->params[i];
    float *values = m->params + param->offset;
    for (size_t k = 0; is_halved(m, param) && k < param->count; k++) {
      values[k] = half_to_float(half_from_float(values[k]));
      if (!isfinite(values[k]))
        return error_set(error, LEUKO_UNSUPPORTED_MODEL, NULL, "keep it as it is",
                         "'%s' holds values beyond half precision", param->name);
    }
  }
  return LEUKO_OK;
}

/* What a file holds of the parameters; `halves` [param_floats] is room. */
static void describe_params(const model *m, uint16_t *halves, safetensors_entry *entries) {
  for (int i = 0; i < m->graph->param_count; i++) {
    const net_param *param = &m->graph->params[i];
    const float *values = m->params + param->offset;
    entries[i] = (safetensors_entry){.name = param->name,
                                     .dtype = "F32",
                                     .rank = param->rank,
                                     .data = values,
                                     .bytes = param->count * sizeof *values};
    for (int d = 0; d < param->rank; d++) entries[i].dims[d] = (size_t)param->dims[d];
    if (!is_halved(m, param)) continue;
    for (size_t k = 0; k < param->count; k++)
      halves[param->offset + k] = half_from_float(values[k]);
    entries[i].dtype = "F16";
    entries[i].data = halves + param->offset;
    entries[i].bytes = param->count * sizeof *halves;
  }
}

leuko_status model_save(const char *path, model *m, const safetensors_entry *extra,
                        size_t extra_count, leuko_error *error) {
  leuko_status status = model_check_logits(m, m->check_logits, error);
  if (status != LEUKO_OK) return status;
  size_t own = (size_t)m->graph->param_count;
  const size_t nodes = m->int8.scales ? (size_t)m->graph->node_count : 0;
  const size_t most = own + MODEL_REJECTION_TENSORS + nodes + extra_count;
  safetensors_entry *entries = calloc(most, sizeof *entries);
  char(*names)[MODEL_INT8_NAME] = calloc(nodes + 1, sizeof *names);
  uint16_t *halves = calloc(m->half ? m->graph->param_floats : 1, sizeof *halves);
  if (!entries || !names || !halves) {
    free(entries);
    free(names);
    free(halves);
    return error_set_memory(error, most * (sizeof *entries + sizeof *names));
  }
  describe_params(m, halves, entries);
  own += model_rejection_entries(&m->rejection, entries + own);
  own += model_int8_entries(m, names, entries + own);
  for (size_t i = 0; i < extra_count; i++) entries[own + i] = extra[i];
  json_t *description = describe(m);
  char *text = description ? json_dumps(description, JSON_COMPACT | JSON_REAL_PRECISION(17)) : NULL;
  json_t *metadata = text ? json_pack("{s:s}", "leuko", text) : NULL;
  if (metadata) status = safetensors_write(path, entries, own + extra_count, metadata, error);
  else status = error_set_memory(error, 0);
  json_decref(metadata);
  json_decref(description);
  free(text);
  free(entries);
  free(names);
  free(halves);
  return status;
}

static bool read_reals(json_t *array, int count, double low, double high, double *out) {
  if ((int)json_array_size(array) != count) return false;
  for (int i = 0; i < count; i++) {
    json_t *value = json_array_get(array, (size_t)i);
    out[i] = json_number_value(value);
    if (!json_is_number(value) || !(out[i] >= low && out[i] <= high)) return false;
  }
  return true;
}

/* Not every model has one. */
static bool read_stain(json_t *object, stain *out) {
  if (!object) return true;
  const char *method = json_string_value(json_object_get(object, "method"));
  return method && stain_parse(method, &out->method) &&
         read_reals(json_object_get(object, "mean"), 3, -200, 200, out->target.mean) &&
         read_reals(json_object_get(object, "deviation"), 3, 0, 200, out->target.deviation);
}

/* Fills what the description says; gives what is not understood, or NULL. */
static const char *read_description(json_t *d, model *m) {
  json_t *pre = json_object_get(d, "preprocessing"), *classes = json_object_get(d, "classes");
  json_t *crop = json_object_get(pre, "crop"), *size = json_object_get(pre, "size");
  json_t *scale = json_object_get(pre, "scale"), *positive = json_object_get(d, "positive");
  double mean[3], deviation[3];
  if (json_integer_value(size) != m->net.size || !json_is_integer(crop) ||
      json_integer_value(crop) < 0 || json_integer_value(crop) > 1 << 16 ||
      !json_is_number(scale) || !(fabs(json_number_value(scale)) <= 1e6) ||
      !read_reals(json_object_get(pre, "mean"), 3, -1e6, 1e6, mean) ||
      !read_reals(json_object_get(pre, "deviation"), 3, 1e-6, 1e6, deviation) ||
      !json_is_boolean(json_object_get(pre, "bgr")) ||
      !read_stain(json_object_get(pre, "stain"), &m->stain))
    return "preprocessing";
  m->crop = (int)json_integer_value(crop);
  m->scaling.scale = (float)json_number_value(scale);
  for (int i = 0; i < 3; i++) {
    m->scaling.mean[i] = (float)mean[i];
    m->scaling.deviation[i] = (float)deviation[i];
  }
  m->scaling.reverse = json_is_true(json_object_get(pre, "bgr"));
  size_t count = json_array_size(classes);
  if (count < 2 || count > LEUKO_MAX_CLASSES || (int)(count == 2 ? 1 : count) != m->net.outputs)
    return "classes";
  m->class_count = (int)count;
  for (size_t i = 0; i < count; i++) {
    const char *name = json_string_value(json_array_get(classes, i));
    if (!name || !*name || strlen(name) >= MODEL_CLASS_NAME) return "classes";
    snprintf(m->classes[i], MODEL_CLASS_NAME, "%s", name);
  }
  if (!json_is_integer(positive) || json_integer_value(positive) != (count == 2 ? 1 : -1))
    return "positive";
  m->positive = (int)json_integer_value(positive);
  json_t *threshold = json_object_get(d, "threshold");
  m->threshold = json_number_value(threshold);
  if (!json_is_number(threshold) || !(m->threshold >= 0 && m->threshold <= 1)) return "threshold";
  /* Not in the first files. */
  json_t *temperature = json_object_get(d, "temperature");
  json_t *operating_point = json_object_get(d, "operating_point");
  m->temperature = temperature ? json_number_value(temperature) : 1;
  if (!(m->temperature >= 1e-6 && m->temperature <= 1e6)) return "temperature";
  if (operating_point && !json_is_object(operating_point)) return "operating_point";
  json_t *bf16 = json_object_get(d, "bf16");
  if (!model_agreement_read(bf16, &m->bf16)) return "bf16";
  m->bf16_half = json_is_true(json_object_get(bf16, "half"));
  if (!read_reals(json_object_get(d, "self_check"), m->net.outputs, -1e30, 1e30, m->check_logits))
    return "self_check";
  const char *data = json_string_value(json_object_get(d, "data"));
  const char *version = json_string_value(json_object_get(d, "version"));
  if (!data || strlen(data) > 64) return "data";
  snprintf(m->data, sizeof m->data, "%s", data);
  snprintf(m->version, sizeof m->version, "%.15s", version ? version : "");
  m->training = json_incref(json_object_get(d, "training"));
  m->operating_point = json_incref(operating_point);
  return NULL;
}

/* Finds every parameter's tensor, in the order of the graph: there, and of its shape. Nothing is
 * allocated for what the file does not hold, so a description of something huge costs nothing. */
static leuko_status find_params(const char *path, const safetensors *file, const net_graph *graph,
                                const safetensors_tensor **out, leuko_error *error) {
  for (int i = 0; i < graph->param_count; i++) {
    const net_param *param = &graph->params[i];
    const safetensors_tensor *tensor = safetensors_find(file, param->name);
    bool same = tensor && tensor->rank == param->rank;
    for (int d = 0; same && d < param->rank; d++) same = tensor->dims[d] == (size_t)param->dims[d];
    if (!same)
      return error_set(error, LEUKO_BAD_MODEL, path, again,
                       "tensor '%s' is missing or has another shape", param->name);
    out[i] = tensor;
  }
  return LEUKO_OK;
}

static leuko_status fill_params(const char *path, const safetensors_tensor *const *tensors,
                                model *m, leuko_error *error) {
  for (int i = 0; i < m->graph->param_count; i++) {
    const net_param *param = &m->graph->params[i];
    float *values = m->params + param->offset;
    if (!safetensors_floats(tensors[i], param->count, values))
      return error_set(error, LEUKO_BAD_MODEL, path, again,
                       "tensor '%s' is neither in float32 nor in half precision", param->name);
    m->half = m->half || strcmp(tensors[i]->dtype, "F16") == 0;
    for (size_t k = 0; k < param->count; k++)
      if (!isfinite(values[k]))
        return error_set(error, LEUKO_BAD_MODEL, path, again,
                         "tensor '%s' holds a value that is not a finite number", param->name);
  }
  return LEUKO_OK;
}

/* Builds the network and fills its parameters. */
static leuko_status read_params(const char *path, const safetensors *file, model *m,
                                leuko_error *error) {
  leuko_error inner = {0};
  leuko_status status = model_build_graph(m, &inner);
  if (status == LEUKO_ARGUMENT) status = LEUKO_UNSUPPORTED_MODEL;
  if (status != LEUKO_OK)
    return error_set(error, status, path, status == LEUKO_TOO_LARGE ? inner.remedy : newer, "%s",
                     inner.message);
  const size_t count = (size_t)m->graph->param_count;
  const safetensors_tensor **tensors = calloc(count, sizeof(*tensors));
  if (!tensors) return error_set_memory(error, count * sizeof(*tensors));
  status = find_params(path, file, m->graph, tensors, error);
  if (status == LEUKO_OK) status = model_allocate(m, error);
  if (status == LEUKO_OK) status = fill_params(path, tensors, m, error);
  free(tensors);
  return status;
}

static leuko_status read_model(const char *path, const safetensors *file, model *m,
                               leuko_error *error) {
  const char *text = safetensors_metadata(file, "leuko");
  if (!text)
    return error_set(error, LEUKO_BAD_MODEL, path, "give a file that leuko train has written",
                     "a safetensors file, but none of leuko's models");
  json_t *d = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
  json_t *format = json_object_get(d, "format");
  leuko_status status = LEUKO_OK;
  if (!json_is_object(d))
    status = error_set(error, LEUKO_BAD_MODEL, path, again, "the description is not JSON");
  else if (json_integer_value(format) != MODEL_FORMAT)
    status = error_set(error, LEUKO_UNSUPPORTED_MODEL, path, newer,
                       "model format %lld, this version knows %d",
                       (long long)json_integer_value(format), MODEL_FORMAT);
  else status = zoo_from_json(json_object_get(d, "network"), &m->net, error);
  if (status == LEUKO_OK) {
    const char *wrong = read_description(d, m);
    if (wrong)
      status = error_set(error, LEUKO_UNSUPPORTED_MODEL, path, newer,
                         "'%s' in the description is not understood", wrong);
  }
  if (status == LEUKO_OK) status = read_params(path, file, m, error);
  if (status == LEUKO_OK && !model_int8_read(json_object_get(d, "int8"), file, m))
    status = error_set(error, LEUKO_BAD_MODEL, path, again,
                       "'int8' in the description or its tensors are damaged");
  if (status == LEUKO_OK && !model_rejection_read(json_object_get(d, "rejection"), file, m))
    status = error_set(error, LEUKO_BAD_MODEL, path, again,
                       "'rejection' in the description or its tensors are damaged");
  json_decref(d);
  if (status != LEUKO_OK && error && !error->file[0])
    snprintf(error->file, sizeof error->file, "%s", path);
  return status;
}

leuko_status model_save_best(const char *run, model *m, leuko_error *error) {
  char path[1024];
  leuko_status status = file_join(path, sizeof path, run, BEST, error);
  return status == LEUKO_OK ? model_save(path, m, NULL, 0, error) : status;
}

leuko_status model_load(const char *path, model *out, leuko_error *error) {
  *out = (model){0};
  char inside[1024];
  if (file_is_folder(path)) {
    leuko_status joined = file_join(inside, sizeof inside, path, BEST, error);
    if (joined != LEUKO_OK) return joined;
    if (!file_exists(inside))
      return error_set(error, LEUKO_NOT_FOUND, path, "give a run folder or a *.safetensors file",
                       "the folder holds no " BEST);
    path = inside;
  }
  safetensors file;
  leuko_status status = safetensors_open(path, &file, error);
  if (status != LEUKO_OK) return status;
  status = read_model(path, &file, out, error);
  safetensors_close(&file);
  if (status != LEUKO_OK) model_free(out);
  return status;
}
