#include "model/safetensors.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/half.h"

#define MAX_HEADER ((size_t)64 << 20)

static const char fetch_again[] = "fetch or write the file again";

static size_t dtype_size(const char *dtype) {
  static const struct {
    const char *name;
    size_t size;
  } known[] = {{"F64", 8}, {"F32", 4}, {"F16", 2}, {"BF16", 2}, {"I64", 8}, {"I32", 4},
               {"I16", 2}, {"I8", 1},  {"U8", 1},  {"BOOL", 1}, {"U64", 8}, {"U32", 4}};
  for (size_t i = 0; i < sizeof known / sizeof *known; i++)
    if (strcmp(known[i].name, dtype) == 0) return known[i].size;
  return 0;
}

/* Fills one tensor from its JSON description; gives a sentence about what is wrong, or NULL. */
static const char *read_tensor(json_t *value, const uint8_t *data, size_t data_size,
                               safetensors_tensor *out) {
  json_t *shape = json_object_get(value, "shape");
  json_t *offsets = json_object_get(value, "data_offsets");
  const char *dtype = json_string_value(json_object_get(value, "dtype"));
  if (!dtype || !json_is_array(shape) || json_array_size(offsets) != 2)
    return "lacks dtype, shape or data_offsets";
  size_t bytes = dtype_size(dtype);
  if (!bytes) return "has an unknown dtype";
  strcpy(out->dtype, dtype);
  size_t rank = json_array_size(shape);
  if (rank > SAFETENSORS_MAX_RANK) return "has too many dimensions";
  out->rank = (int)rank;
  for (size_t i = 0; i < rank; i++) {
    json_t *dim = json_array_get(shape, i);
    if (!json_is_integer(dim) || json_integer_value(dim) < 0) return "has a bad dimension";
    out->dims[i] = (size_t)json_integer_value(dim);
    if (__builtin_mul_overflow(bytes, out->dims[i], &bytes)) return "declares an impossible size";
  }
  json_t *first = json_array_get(offsets, 0), *last = json_array_get(offsets, 1);
  if (!json_is_integer(first) || !json_is_integer(last) || json_integer_value(first) < 0 ||
      json_integer_value(last) < json_integer_value(first) ||
      (uint64_t)json_integer_value(last) > data_size)
    return "lies outside the file";
  size_t begin = (size_t)json_integer_value(first), end = (size_t)json_integer_value(last);
  if (end - begin != bytes) return "has a size that does not fit its shape";
  out->data = data + begin;
  out->bytes = bytes;
  return NULL;
}

static int compare_places(const void *a, const void *b) {
  const safetensors_tensor *x = a, *y = b;
  if (x->data != y->data) return x->data < y->data ? -1 : 1;
  return (x->bytes > y->bytes) - (x->bytes < y->bytes);
}

/* Sorts the tensors by place; true if they fill the data without overlap or gap, as the format
 * asks, so that no byte of a file means two things or nothing. */
static bool fill_data(safetensors *file, const uint8_t *data, size_t data_size) {
  if (file->count > 0) qsort(file->tensors, file->count, sizeof *file->tensors, compare_places);
  const uint8_t *at = data;
  for (size_t i = 0; i < file->count; i++) {
    if (file->tensors[i].data != at) return false;
    at += file->tensors[i].bytes;
  }
  return at == data + data_size;
}

static leuko_status read_header(const char *path, safetensors *out, leuko_error *error) {
  const uint8_t *bytes = out->map.data;
  uint64_t length = 0;
  if (out->map.size < 8)
    return error_set(error, LEUKO_BAD_MODEL, path, fetch_again, "shorter than its header");
  for (int i = 7; i >= 0; i--) length = length << 8 | bytes[i];
  if (length > MAX_HEADER || length > out->map.size - 8)
    return error_set(error, LEUKO_BAD_MODEL, path, fetch_again,
                     "the declared header of %llu bytes does not fit the file",
                     (unsigned long long)length);
  json_error_t at;
  out->header = json_loadb((const char *)bytes + 8, (size_t)length, JSON_REJECT_DUPLICATES, &at);
  if (!json_is_object(out->header))
    return error_set(error, LEUKO_BAD_MODEL, path, fetch_again, "the header is no JSON object: %s",
                     out->header ? "another type" : at.text);
  size_t count = json_object_size(out->header);
  out->tensors = calloc(count ? count : 1, sizeof *out->tensors);
  if (!out->tensors) return error_set_memory(error, count * sizeof *out->tensors);
  const uint8_t *data = bytes + 8 + length;
  size_t data_size = out->map.size - 8 - (size_t)length;
  const char *name;
  json_t *value;
  json_object_foreach(out->header, name, value) {
    if (strcmp(name, "__metadata__") == 0) continue;
    safetensors_tensor *tensor = &out->tensors[out->count++];
    tensor->name = name;
    const char *wrong = read_tensor(value, data, data_size, tensor);
    if (wrong)
      return error_set(error, LEUKO_BAD_MODEL, path, fetch_again, "tensor '%.60s' %s", name, wrong);
  }
  if (!fill_data(out, data, data_size))
    return error_set(error, LEUKO_BAD_MODEL, path, fetch_again,
                     "the tensors overlap or leave bytes unused");
  return LEUKO_OK;
}

leuko_status safetensors_open(const char *path, safetensors *out, leuko_error *error) {
  *out = (safetensors){0};
  leuko_status status = file_map_open(path, 0, &out->map, error);
  if (status == LEUKO_OK) status = read_header(path, out, error);
  if (status != LEUKO_OK) safetensors_close(out);
  return status;
}

void safetensors_close(safetensors *file) {
  free(file->tensors);
  json_decref(file->header);
  file_unmap(&file->map);
  *file = (safetensors){0};
}

const safetensors_tensor *safetensors_find(const safetensors *file, const char *name) {
  for (size_t i = 0; i < file->count; i++)
    if (strcmp(file->tensors[i].name, name) == 0) return &file->tensors[i];
  return NULL;
}

const float *safetensors_f32(const safetensors *file, const char *name, size_t *count) {
  const safetensors_tensor *tensor = safetensors_find(file, name);
  if (!tensor || strcmp(tensor->dtype, "F32") != 0 || (uintptr_t)tensor->data % 4) return NULL;
  if (count) *count = tensor->bytes / 4;
  return (const float *)(const void *)tensor->data;
}

bool safetensors_floats(const safetensors_tensor *tensor, size_t values, float *out) {
  if (strcmp(tensor->dtype, "F32") == 0 && tensor->bytes == values * sizeof *out) {
    memcpy(out, tensor->data, tensor->bytes);
    return true;
  }
  if (strcmp(tensor->dtype, "F16") != 0 || tensor->bytes != values * sizeof(uint16_t)) return false;
  for (size_t i = 0; i < values; i++) {
    uint16_t half;
    memcpy(&half, tensor->data + i * sizeof half, sizeof half);
    out[i] = half_to_float(half);
  }
  return true;
}

const char *safetensors_metadata(const safetensors *file, const char *key) {
  return json_string_value(json_object_get(json_object_get(file->header, "__metadata__"), key));
}

leuko_status safetensors_write(const char *path, const safetensors_entry *entries, size_t count,
                               const json_t *metadata, leuko_error *error) {
  json_t *header = json_object();
  if (metadata) json_object_set_new(header, "__metadata__", json_deep_copy(metadata));
  size_t offset = 0;
  for (size_t i = 0; i < count; i++) {
    json_t *shape = json_array();
    for (int d = 0; d < entries[i].rank; d++)
      json_array_append_new(shape, json_integer((json_int_t)entries[i].dims[d]));
    json_object_set_new(header, entries[i].name,
                        json_pack("{s:s,s:o,s:[I,I]}", "dtype", entries[i].dtype, "shape", shape,
                                  "data_offsets", (json_int_t)offset,
                                  (json_int_t)(offset + entries[i].bytes)));
    offset += entries[i].bytes;
  }
  char *text = json_dumps(header, JSON_COMPACT | JSON_PRESERVE_ORDER);
  json_decref(header);
  if (!text) return error_set_memory(error, 0);
  size_t length = strlen(text), padded = (length + 8 + 63) / 64 * 64 - 8;
  file_writer writer;
  leuko_status status = file_writer_open(&writer, path, error);
  if (status == LEUKO_OK) {
    uint8_t prefix[8];
    for (int i = 0; i < 8; i++) prefix[i] = (uint8_t)(padded >> (8 * i));
    file_write(&writer, prefix, sizeof prefix);
    file_write(&writer, text, length);
    /* Spaces up to a multiple of 64, so that mapped tensors are aligned. */
    for (size_t i = length; i < padded; i++) file_write(&writer, " ", 1);
    for (size_t i = 0; i < count; i++) file_write(&writer, entries[i].data, entries[i].bytes);
    status = file_writer_commit(&writer, error);
  }
  free(text);
  return status;
}
