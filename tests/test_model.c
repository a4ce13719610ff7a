/* The model file: what is saved is loaded, and nothing else is taken for a model. */
#include "models.h"

#include <sys/resource.h>

/* Saves a model of two or three classes to folder/m.safetensors. */
static void save_small(char path[PATH], const char *folder, int classes) {
  model m = models_make(16, classes, 5);
  leuko_error error = {0};
  snprintf(path, PATH, "%.900s/m.safetensors", folder);
  models_ok(model_save(path, &m, NULL, 0, &error), &error);
  model_free(&m);
}

static void what_is_saved_is_loaded(void **state) {
  for (int classes = 2; classes <= 3; classes++) {
    model m = models_make(16, classes, 5), loaded;
    m.threshold = 0.375;
    m.temperature = classes == 2 ? 1.625 : 0;
    m.operating_point =
        classes == 2 ? json_pack("{s:s,s:i}", "chosen", "youden", "cells", 7) : NULL;
    m.scaling = (net_input_scaling){
        .scale = 0.1f, .mean = {1.25f, -2, 3}, .deviation = {0.3f, 4, 5}, .reverse = classes == 3};
    m.training = json_pack("{s:i,s:f}", "epoch", 3, "val_loss", 0.25);
    char path[PATH];
    snprintf(path, sizeof path, "%.900s/m.safetensors", (char *)*state);
    leuko_error error = {0};
    models_ok(model_save(path, &m, NULL, 0, &error), &error);
    models_ok(model_load(path, &loaded, &error), &error);
    assert_string_equal(loaded.net.name, "cnn");
    assert_int_equal(loaded.net.size, 16);
    assert_int_equal(loaded.net.outputs, classes == 2 ? 1 : 3);
    assert_int_equal(loaded.net.blocks, 2);
    assert_int_equal(loaded.net.widths[1], 16);
    assert_int_equal(loaded.net.dense, 12);
    assert_int_equal(loaded.crop, 300);
    assert_int_equal(loaded.class_count, classes);
    assert_int_equal(loaded.positive, m.positive);
    for (int c = 0; c < classes; c++) assert_string_equal(loaded.classes[c], m.classes[c]);
    assert_true(loaded.threshold == 0.375);
    assert_true(loaded.temperature == (classes == 2 ? 1.625 : 1)); /* 1 where none is set */
    assert_true(classes == 2 ? json_equal(loaded.operating_point, m.operating_point)
                             : !loaded.operating_point);
    assert_memory_equal(&loaded.scaling.mean, &m.scaling.mean, sizeof m.scaling.mean);
    assert_memory_equal(&loaded.scaling.deviation, &m.scaling.deviation, sizeof m.scaling.mean);
    assert_true(loaded.scaling.scale == m.scaling.scale);
    assert_int_equal(loaded.scaling.reverse, m.scaling.reverse);
    assert_string_equal(loaded.data, m.data);
    assert_string_equal(loaded.version, LEUKO_VERSION);
    assert_true(json_equal(loaded.training, m.training));
    assert_int_equal(loaded.graph->param_floats, m.graph->param_floats);
    assert_memory_equal(loaded.params, m.params, m.graph->param_floats * sizeof *m.params);
    for (int i = 0; i < m.net.outputs; i++)
      assert_true(loaded.check_logits[i] == m.check_logits[i]);
    models_ok(model_self_check(&loaded, &error), &error);
    model_free(&loaded);
    model_free(&m);
  }
}

static void the_same_model_gives_the_same_bytes(void **state) {
  char first[PATH], second[PATH], *texts[2];
  size_t sizes[2];
  leuko_error error = {0};
  save_small(first, *state, 2);
  model m;
  models_ok(model_load(first, &m, &error), &error);
  snprintf(second, sizeof second, "%.900s/again.safetensors", (char *)*state);
  models_ok(model_save(second, &m, NULL, 0, &error), &error);
  model_free(&m);
  models_ok(file_read(first, 0, &texts[0], &sizes[0], &error), &error);
  models_ok(file_read(second, 0, &texts[1], &sizes[1], &error), &error);
  assert_int_equal(sizes[0], sizes[1]);
  assert_memory_equal(texts[0], texts[1], sizes[0]);
  free(texts[0]);
  free(texts[1]);
}

static void a_run_folder_stands_for_its_best_model(void **state) {
  leuko_error error = {0};
  model saved = models_make(16, 2, 5), m;
  assert_int_equal(model_load(*state, &m, &error), LEUKO_NOT_FOUND);
  assert_string_equal(error.file, (char *)*state);
  char path[PATH];
  snprintf(path, sizeof path, "%.900s/best.safetensors", (char *)*state);
  models_ok(model_save(path, &saved, NULL, 0, &error), &error);
  models_ok(model_load(*state, &m, &error), &error);
  model_free(&m);
  model_free(&saved);
}

static void further_tensors_are_kept_and_do_not_matter(void **state) {
  model saved = models_make(16, 2, 5), m;
  const float moments[4] = {1, 2, 3, 4};
  const safetensors_entry extra = {"adam/m/conv1/bias", "F32", 1, {4}, moments, sizeof moments};
  char path[PATH];
  leuko_error error = {0};
  snprintf(path, sizeof path, "%.900s/m.safetensors", (char *)*state);
  models_ok(model_save(path, &saved, &extra, 1, &error), &error);
  models_ok(model_load(path, &m, &error), &error);
  assert_memory_equal(m.params, saved.params, m.graph->param_floats * sizeof *m.params);
  model_free(&m);
  model_free(&saved);
  safetensors file;
  models_ok(safetensors_open(path, &file, &error), &error);
  size_t count;
  assert_memory_equal(safetensors_f32(&file, extra.name, &count), moments, sizeof moments);
  safetensors_close(&file);
}

static void what_cannot_be_written_leaves_nothing(void **state) {
  model m = models_make(16, 2, 5);
  char path[PATH];
  leuko_error error = {0};
  snprintf(path, sizeof path, "%.900s/none/m.safetensors", (char *)*state);
  assert_int_equal(model_save(path, &m, NULL, 0, &error), LEUKO_NOT_FOUND);
  assert_string_equal(error.file, path);
  assert_int_equal(test_count(*state), 0);
  model_free(&m);
}

/* Multiplies the values of one tensor by a factor. */
typedef struct {
  const char *tensor;
  float factor;
} scaling;

static float changed[1 << 16];

static void scale_tensor(json_t *description, safetensors_entry *entries, size_t *count,
                         const void *argument) {
  (void)description;
  const scaling *s = argument;
  for (size_t i = 0; i < *count; i++) {
    if (strcmp(entries[i].name, s->tensor) != 0) continue;
    assert_true(entries[i].bytes <= sizeof changed);
    memcpy(changed, entries[i].data, entries[i].bytes);
    for (size_t k = 0; k < entries[i].bytes / sizeof *changed; k++) changed[k] *= s->factor;
    entries[i].data = changed;
    return;
  }
  fail_msg("no tensor %s", s->tensor);
}

static void altered_weights_fail_the_self_check(void **state) {
  static const char *const tensors[] = {"conv1/kernel", "conv2/kernel", "dense1/kernel",
                                        "logits/kernel"};
  for (size_t i = 0; i < sizeof tensors / sizeof *tensors; i++) {
    char path[PATH];
    model m;
    leuko_error error = {0};
    save_small(path, *state, 3);
    models_alter(path, scale_tensor, &(scaling){tensors[i], 1});
    models_ok(model_load(path, &m, &error), &error);
    models_ok(model_self_check(&m, &error), &error);
    model_free(&m);
    models_alter(path, scale_tensor, &(scaling){tensors[i], 1.25f});
    models_ok(model_load(path, &m, &error), &error);
    assert_int_equal(model_self_check(&m, &error), LEUKO_SELF_CHECK);
    model_free(&m);
  }
}

/* Sets description[path] to JSON; the path's parts are joined by points. NULL deletes. */
typedef struct {
  const char *path, *value;
  leuko_status status;
  const char *named; /* what the message must contain */
} wrong_key;

static void set_key(json_t *description, safetensors_entry *entries, size_t *count,
                    const void *argument) {
  (void)entries;
  (void)count;
  const wrong_key *wrong = argument;
  char parts[64];
  snprintf(parts, sizeof parts, "%s", wrong->path);
  char *last = strrchr(parts, '.');
  if (last) {
    *last++ = 0;
    description = json_object_get(description, parts);
  } else {
    last = parts;
  }
  assert_non_null(json_object_get(description, last));
  if (!wrong->value) {
    json_object_del(description, last);
    return;
  }
  json_t *value = json_loads(wrong->value, JSON_DECODE_ANY, NULL);
  assert_non_null(value);
  json_object_set_new(description, last, value);
}

static void what_the_description_must_not_say(void **state) {
  static const wrong_key cases[] = {
      {"format", "2", LEUKO_UNSUPPORTED_MODEL, "format 2"},
      {"format", "\"1\"", LEUKO_UNSUPPORTED_MODEL, "format"},
      {"format", NULL, LEUKO_UNSUPPORTED_MODEL, "format"},
      {"network", "[]", LEUKO_UNSUPPORTED_MODEL, "network"},
      {"network.name", "\"vgg99\"", LEUKO_UNSUPPORTED_MODEL, "vgg99"},
      {"network.name", "3", LEUKO_UNSUPPORTED_MODEL, "network"},
      {"network.size", "1000000", LEUKO_UNSUPPORTED_MODEL, "network"},
      {"network.size", "16.0", LEUKO_UNSUPPORTED_MODEL, "network"},
      {"network.size", "17", LEUKO_UNSUPPORTED_MODEL, "preprocessing"},
      {"network.outputs", "0", LEUKO_UNSUPPORTED_MODEL, "network"},
      {"network.outputs", "3", LEUKO_UNSUPPORTED_MODEL, "classes"},
      {"network.widths", "[]", LEUKO_UNSUPPORTED_MODEL, "network"},
      {"network.widths", "[6,-16]", LEUKO_UNSUPPORTED_MODEL, "network"},
      {"network.widths", "[6,16,1,1,1,1,1,1,1]", LEUKO_UNSUPPORTED_MODEL, "network"},
      {"network.widths", "[6,16,16,16]", LEUKO_UNSUPPORTED_MODEL, "conv"}, /* too small for it */
      {"network.widths", "[6,15]", LEUKO_BAD_MODEL, "conv2/kernel"},
      {"network.dense", "13", LEUKO_BAD_MODEL, "dense1/kernel"},
      {"network.dropout", "\"much\"", LEUKO_UNSUPPORTED_MODEL, "network"},
      {"network.dropout", "1.5", LEUKO_UNSUPPORTED_MODEL, "network"},
      {"preprocessing", NULL, LEUKO_UNSUPPORTED_MODEL, "preprocessing"},
      {"preprocessing.crop", "-1", LEUKO_UNSUPPORTED_MODEL, "preprocessing"},
      {"preprocessing.size", "32", LEUKO_UNSUPPORTED_MODEL, "preprocessing"},
      {"preprocessing.scale", "1e99", LEUKO_UNSUPPORTED_MODEL, "preprocessing"},
      {"preprocessing.mean", "[0,0]", LEUKO_UNSUPPORTED_MODEL, "preprocessing"},
      {"preprocessing.deviation", "[1,0,1]", LEUKO_UNSUPPORTED_MODEL, "preprocessing"},
      {"preprocessing.bgr", "0", LEUKO_UNSUPPORTED_MODEL, "preprocessing"},
      {"classes", "[\"all\"]", LEUKO_UNSUPPORTED_MODEL, "classes"},
      {"classes", "[\"hem\",\"\"]", LEUKO_UNSUPPORTED_MODEL, "classes"},
      {"classes", "[\"hem\",7]", LEUKO_UNSUPPORTED_MODEL, "classes"},
      {"classes", "[\"hem\",\"01234567890123456789012345678901\"]", LEUKO_UNSUPPORTED_MODEL,
       "classes"},
      {"classes", "[\"a\",\"b\",\"c\"]", LEUKO_UNSUPPORTED_MODEL, "classes"},
      {"positive", "0", LEUKO_UNSUPPORTED_MODEL, "positive"},
      {"positive", "null", LEUKO_UNSUPPORTED_MODEL, "positive"},
      {"threshold", "1.01", LEUKO_UNSUPPORTED_MODEL, "threshold"},
      {"threshold", NULL, LEUKO_UNSUPPORTED_MODEL, "threshold"},
      {"temperature", "0", LEUKO_UNSUPPORTED_MODEL, "temperature"},
      {"temperature", "-1", LEUKO_UNSUPPORTED_MODEL, "temperature"},
      {"temperature", "\"warm\"", LEUKO_UNSUPPORTED_MODEL, "temperature"},
      {"self_check", "[]", LEUKO_UNSUPPORTED_MODEL, "self_check"},
      {"self_check", "[\"0\"]", LEUKO_UNSUPPORTED_MODEL, "self_check"},
      {"data", "5", LEUKO_UNSUPPORTED_MODEL, "data"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    char path[PATH];
    model m;
    leuko_error error = {0};
    save_small(path, *state, 2);
    models_alter(path, set_key, &cases[i]);
    leuko_status status = model_load(path, &m, &error);
    if (status != cases[i].status)
      fail_msg("%s = %s: %s (%s)", cases[i].path, cases[i].value, leuko_status_name(status),
               error.message);
    assert_string_equal(error.file, path);
    assert_true(error.remedy[0]);
    if (!strstr(error.message, cases[i].named))
      fail_msg("%s = %s: '%s' does not name it", cases[i].path, cases[i].value, error.message);
    assert_null(m.graph);
    assert_null(m.params);
    assert_null(m.training);
  }
}

typedef struct {
  int size, widths[2];
  leuko_status expected;
} huge;

static void set_huge(json_t *description, safetensors_entry *entries, size_t *count,
                     const void *argument) {
  (void)entries;
  (void)count;
  const huge *h = argument;
  json_t *network = json_object_get(description, "network");
  json_object_set_new(network, "widths", json_pack("[i,i]", h->widths[0], h->widths[1]));
  json_object_set_new(network, "size", json_integer(h->size));
  json_object_set_new(json_object_get(description, "preprocessing"), "size", json_integer(h->size));
}

/* Gigabytes of parameters that are not there, or of activations: nothing is allocated. */
static void a_huge_description_costs_nothing(void **state) {
  static const huge rows[] = {{16, {16384, 16384}, LEUKO_BAD_MODEL},
                              {2000, {64, 1}, LEUKO_TOO_LARGE},
                              {128, {16384, 1}, LEUKO_TOO_LARGE},
                              {4096, {2, 1}, LEUKO_TOO_LARGE}};
  char path[PATH];
  model m;
  struct rusage before, after;
  getrusage(RUSAGE_SELF, &before);
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    leuko_error error = {0};
    save_small(path, *state, 2);
    models_alter(path, set_huge, &rows[i]);
    assert_int_equal(model_load(path, &m, &error), rows[i].expected);
    assert_string_equal(error.file, path);
    assert_true(error.remedy[0]);
    assert_non_null(strstr(error.message, "conv1"));
    assert_null(m.graph);
  }
  getrusage(RUSAGE_SELF, &after);
  assert_true(after.ru_maxrss - before.ru_maxrss < 50 * 1024);
}

static void layers_are_bounded_when_built(void **state) {
  (void)state;
  model m = {0};
  leuko_error error = {0};
  assert_int_equal(zoo_defaults("vgg16", &m.net, &error), LEUKO_OK);
  m.net.size = 724;
  assert_int_equal(model_build_graph(&m, &error), LEUKO_OK);
  net_graph_free(m.graph);
  m.net.size = 725;
  assert_int_equal(model_build_graph(&m, &error), LEUKO_TOO_LARGE);
  assert_non_null(strstr(error.message, "block1_conv"));
  assert_null(m.graph);
  assert_int_equal(model_build(&m, &error), LEUKO_TOO_LARGE);
  assert_null(m.params);
}

typedef enum { DROP, TRANSPOSE, FLATTEN, OTHER_TYPE, HOLD_NAN, HOLD_INFINITY } damage;

typedef struct {
  const char *tensor;
  damage what;
} damaged_tensor;

static void damage_tensor(json_t *description, safetensors_entry *entries, size_t *count,
                          const void *argument) {
  (void)description;
  const damaged_tensor *d = argument;
  size_t i = 0;
  while (i < *count && strcmp(entries[i].name, d->tensor) != 0) i++;
  assert_true(i < *count);
  safetensors_entry *entry = &entries[i];
  size_t first = entry->dims[0];
  switch (d->what) {
  case DROP:
    memmove(entry, entry + 1, (*count - i - 1) * sizeof *entry);
    --*count;
    break;
  case TRANSPOSE:
    entry->dims[0] = entry->dims[entry->rank - 1];
    entry->dims[entry->rank - 1] = first;
    break;
  case FLATTEN:
    for (int k = 1; k < entry->rank; k++) entry->dims[0] *= entry->dims[k];
    entry->rank = 1;
    break;
  case OTHER_TYPE:
    entry->dtype = "I32";
    break;
  default:
    memcpy(changed, entry->data, entry->bytes);
    changed[entry->bytes / sizeof *changed - 1] = d->what == HOLD_NAN ? NAN : -INFINITY;
    entry->data = changed;
  }
}

static void damaged_tensors_are_named(void **state) {
  static const damaged_tensor cases[] = {
      {"conv1/kernel", DROP},       {"conv2/bias", DROP},          {"logits/kernel", TRANSPOSE},
      {"dense1/kernel", TRANSPOSE}, {"conv2/kernel", FLATTEN},     {"conv1/bias", OTHER_TYPE},
      {"dense1/bias", HOLD_NAN},    {"logits/bias", HOLD_INFINITY}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    char path[PATH];
    model m;
    leuko_error error = {0};
    save_small(path, *state, 2);
    models_alter(path, damage_tensor, &cases[i]);
    assert_int_equal(model_load(path, &m, &error), LEUKO_BAD_MODEL);
    assert_non_null(strstr(error.message, cases[i].tensor));
    assert_string_equal(error.file, path);
    assert_null(m.graph);
  }
}

/* Loads `size` bytes; a model that is taken must also survive its self-check. */
static leuko_status load_bytes(const char *folder, const char *bytes, size_t size) {
  char path[PATH];
  model m;
  leuko_error error = {0};
  test_write(path, folder, "broken.safetensors", bytes, size);
  leuko_status status = model_load(path, &m, &error);
  if (status == LEUKO_OK) {
    model_self_check(&m, &error);
    model_free(&m);
  } else if (leuko_status_exit_code(status) != 3 || !error.message[0]) {
    fail_msg("%s: '%s'", leuko_status_name(status), error.message);
  }
  return status;
}

static void truncated_files_are_refused(void **state) {
  char path[PATH], *bytes;
  size_t size;
  save_small(path, *state, 2);
  assert_int_equal(file_read(path, 0, &bytes, &size, NULL), LEUKO_OK);
  for (size_t kept = 0; kept < size; kept += kept < 2048 ? 13 : 257)
    if (load_bytes(*state, bytes, kept) == LEUKO_OK) fail_msg("%zu of %zu bytes pass", kept, size);
  assert_int_not_equal(load_bytes(*state, bytes, size - 1), LEUKO_OK);
  assert_int_equal(load_bytes(*state, bytes, 0), LEUKO_EMPTY);
  bytes = realloc(bytes, size + 4);
  memset(bytes + size, 0, 4);
  assert_int_equal(load_bytes(*state, bytes, size + 4), LEUKO_BAD_MODEL);
  free(bytes);
}

/* Every byte of the header in turn, one bit or all of them. */
static void flipped_headers_do_no_harm(void **state) {
  char path[PATH], *bytes;
  size_t size, taken = 0, tried = 0;
  save_small(path, *state, 3);
  assert_int_equal(file_read(path, 0, &bytes, &size, NULL), LEUKO_OK);
  size_t header = 8 + ((size_t)(uint8_t)bytes[0] | (size_t)(uint8_t)bytes[1] << 8);
  assert_true(header < size);
  static const char flips[] = {0x01, 0x10, (char)0x80, (char)0xff};
  for (size_t i = 0; i < header; i++)
    for (size_t k = i % 2; k < sizeof flips; k += 2, tried++) {
      bytes[i] ^= flips[k];
      taken += load_bytes(*state, bytes, size) == LEUKO_OK;
      bytes[i] ^= flips[k];
    }
  /* What may change unseen: digits of a fingerprint, a class's name, the like. */
  assert_true(taken < tried / 4);
  free(bytes);
}

static void other_files_are_no_models(void **state) {
  char path[PATH];
  model m;
  leuko_error error = {0};
  snprintf(path, sizeof path, "%.900s/none.safetensors", (char *)*state);
  assert_int_equal(model_load(path, &m, &error), LEUKO_NOT_FOUND);
  test_write(path, *state, "text.safetensors", "This is a text, not a model.\n", 29);
  assert_int_equal(model_load(path, &m, &error), LEUKO_BAD_MODEL);
  assert_string_equal(error.file, path);
  const float values[2] = {1, 2};
  const safetensors_entry entry = {"conv1/bias", "F32", 1, {2}, values, sizeof values};
  json_t *metadata = json_pack("{s:s}", "format", "pt");
  models_ok(safetensors_write(path, &entry, 1, metadata, &error), &error);
  json_decref(metadata);
  assert_int_equal(model_load(path, &m, &error), LEUKO_BAD_MODEL);
  assert_non_null(strstr(error.message, "none of leuko's"));
  assert_int_equal(model_load("/dev/null", &m, &error), LEUKO_UNREADABLE);
}

static void a_repeated_key_is_refused(void **state) {
  char path[PATH], *bytes;
  size_t size;
  save_small(path, *state, 2);
  assert_int_equal(file_read(path, 0, &bytes, &size, NULL), LEUKO_OK);
  /* "version" becomes a second "classes", which is as long. */
  char *key = strstr(bytes + 8, "\\\"version\\\"");
  assert_non_null(key);
  memcpy(key, "\\\"classes\\\"", 11);
  assert_int_equal(load_bytes(*state, bytes, size), LEUKO_BAD_MODEL);
  free(bytes);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST_IN_FOLDER(what_is_saved_is_loaded),
      TEST_IN_FOLDER(the_same_model_gives_the_same_bytes),
      TEST_IN_FOLDER(a_run_folder_stands_for_its_best_model),
      TEST_IN_FOLDER(further_tensors_are_kept_and_do_not_matter),
      TEST_IN_FOLDER(what_cannot_be_written_leaves_nothing),
      TEST_IN_FOLDER(altered_weights_fail_the_self_check),
      TEST_IN_FOLDER(what_the_description_must_not_say),
      TEST_IN_FOLDER(a_huge_description_costs_nothing),
      TEST_IN_FOLDER(layers_are_bounded_when_built),
      TEST_IN_FOLDER(damaged_tensors_are_named),
      TEST_IN_FOLDER(truncated_files_are_refused),
      TEST_IN_FOLDER(flipped_headers_do_no_harm),
      TEST_IN_FOLDER(other_files_are_no_models),
      TEST_IN_FOLDER(a_repeated_key_is_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
