/* The safetensors container: u64 little-endian header length, a JSON object {name: {dtype, shape,
 * data_offsets}}, optional "__metadata__" of strings, then the tensors' bytes
 * (github.com/huggingface/safetensors, format section of its README). */
#ifndef MODEL_SAFETENSORS_H
#define MODEL_SAFETENSORS_H

#include <jansson.h>
#include <stdbool.h>

#include "base/file.h"
#include "leuko.h"

#define SAFETENSORS_MAX_RANK 8

typedef struct {
  const char *name;
  char dtype[8]; /* "F32", "U8", ... */
  int rank;
  size_t dims[SAFETENSORS_MAX_RANK];
  const uint8_t *data; /* inside the mapped file */
  size_t bytes;
} safetensors_tensor;

typedef struct {
  file_map map;
  json_t *header;
  safetensors_tensor *tensors; /* [count], in the order of their data */
  size_t count;
} safetensors;

/* Maps and checks a file: header bounded (64 MB) and well formed, every tensor inside the file,
 * sizes consistent with shapes, neither overlaps nor gaps. Errors: those of reading, BAD_MODEL. */
leuko_status safetensors_open(const char *path, safetensors *out, leuko_error *error);
void safetensors_close(safetensors *file);

/* The tensor of that name or NULL. */
const safetensors_tensor *safetensors_find(const safetensors *file, const char *name);
/* The values of a float32 tensor and their number, or NULL if there is none of that name and type
 * or its data are not aligned to 4 bytes. Owned by `file`. */
const float *safetensors_f32(const safetensors *file, const char *name, size_t *count);
/* The values of a tensor in float32 or half precision (F32, F16), as float32 into out [values].
 * False if it is of another type or number. */
bool safetensors_floats(const safetensors_tensor *tensor, size_t values, float *out);
/* A string of the metadata or NULL. */
const char *safetensors_metadata(const safetensors *file, const char *key);

/* A tensor to be written; `data` is borrowed. */
typedef struct {
  const char *name;
  const char *dtype;
  int rank;
  size_t dims[SAFETENSORS_MAX_RANK];
  const void *data;
  size_t bytes;
} safetensors_entry;

/* Writes atomically; `metadata` is an object of strings (borrowed, may be NULL). The same input
 * gives the same bytes. */
leuko_status safetensors_write(const char *path, const safetensors_entry *entries, size_t count,
                               const json_t *metadata, leuko_error *error);

#endif
