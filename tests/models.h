/* Small models for the tests: made from random parameters, altered on disk. */
#ifndef TESTS_MODELS_H
#define TESTS_MODELS_H

#include "support.h"

#include "model/model.h"

static inline void models_ok(leuko_status status, const leuko_error *error) {
  if (status != LEUKO_OK)
    fail_msg("%s: %s: %s", leuko_status_name(status), error->file, error->message);
}

/* A CNN of `size` pixels and two convolutions with random parameters, of two classes (hem, all) or
 * three. Ends with model_free. */
static inline model models_make_wide(int size, int classes, uint64_t seed, int first, int second) {
  static const char *const two[] = {"hem", "all"}, *const more[] = {"b", "c", "a"};
  model m = {.crop = 300,
             .scaling = {.scale = 1.0f / 255, .deviation = {1, 1, 1}},
             .class_count = classes,
             .positive = classes == 2 ? 1 : -1,
             .threshold = 0.5};
  leuko_error error = {0};
  models_ok(zoo_defaults("cnn", &m.net, &error), &error);
  m.net.size = size;
  m.net.blocks = 2;
  m.net.widths[0] = first;
  m.net.widths[1] = second;
  m.net.dense = 12;
  m.net.outputs = classes == 2 ? 1 : classes;
  for (int c = 0; c < classes; c++)
    snprintf(m.classes[c], MODEL_CLASS_NAME, "%s", classes == 2 ? two[c] : more[c]);
  snprintf(m.data, sizeof m.data, "%064d", 7);
  models_ok(model_build(&m, &error), &error);
  net_init_params(m.graph, seed, m.params);
  return m;
}

static inline model models_make(int size, int classes, uint64_t seed) {
  return models_make_wide(size, classes, seed, 6, 16);
}

/* What alters a model file: its description (a JSON object) and the entries of its tensors. The
 * bytes of an entry may be replaced by ones that outlive the call. */
typedef void models_change(json_t *description, safetensors_entry *entries, size_t *count,
                           const void *argument);

/* Reads `path`, changes it and writes it back. */
static inline void models_alter(const char *path, models_change *change, const void *argument) {
  safetensors file;
  leuko_error error = {0};
  models_ok(safetensors_open(path, &file, &error), &error);
  size_t count = file.count;
  safetensors_entry *entries = calloc(count, sizeof *entries);
  assert_non_null(entries);
  for (size_t i = 0; i < count; i++) {
    const safetensors_tensor *t = &file.tensors[i];
    entries[i] = (safetensors_entry){
        .name = t->name, .dtype = t->dtype, .rank = t->rank, .data = t->data, .bytes = t->bytes};
    memcpy(entries[i].dims, t->dims, sizeof t->dims);
  }
  json_t *description = json_loads(safetensors_metadata(&file, "leuko"), 0, NULL);
  assert_non_null(description);
  change(description, entries, &count, argument);
  char *text = json_dumps(description, JSON_COMPACT);
  json_t *metadata = json_pack("{s:s}", "leuko", text);
  models_ok(safetensors_write(path, entries, count, metadata, &error), &error);
  json_decref(metadata);
  json_decref(description);
  free(text);
  free(entries);
  safetensors_close(&file);
}

#endif
