#include "weights/tensors.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "model/safetensors.h"

static const char fetch_again[] = "fetch the file again: leuko weights pull NAME";

struct tensor_file {
  char path[1024];
  const char *container;
  file_map map;
  tensor_list list;
};

tensor *tensor_list_add(tensor_list *list, const char *name, size_t length) {
  if (list->count == list->capacity) {
    size_t capacity = list->capacity ? 2 * list->capacity : 64;
    tensor *grown = realloc(list->items, capacity * sizeof *grown);
    if (!grown) return NULL;
    list->items = grown;
    list->capacity = capacity;
  }
  tensor *t = &list->items[list->count];
  *t = (tensor){.name = malloc(length + 1)};
  if (!t->name) return NULL;
  /* Names come to terminals in messages: nothing that steers one gets through. */
  for (size_t i = 0; i < length; i++) {
    unsigned char c = (unsigned char)name[i];
    t->name[i] = c < ' ' || c == 127 ? '?' : name[i];
  }
  t->name[length] = 0;
  list->count++;
  return t;
}

bool tensor_set_contiguous(tensor *t) {
  size_t stride = 1, bytes;
  for (int d = t->rank; d-- > 0;) {
    t->strides[d] = stride;
    if (__builtin_mul_overflow(stride, t->dims[d], &stride)) return false;
  }
  return !__builtin_mul_overflow(stride, sizeof(float), &bytes);
}

static leuko_status list_safetensors(tensor_file *file, leuko_error *error) {
  safetensors s;
  leuko_status status = safetensors_open(file->path, &s, error);
  /* To whom it is said "model" there, weights are meant here. */
  if (status == LEUKO_BAD_MODEL && error) {
    error->status = LEUKO_BAD_DATA;
    snprintf(error->remedy, sizeof error->remedy, "%s", fetch_again);
  }
  if (status != LEUKO_OK) return status == LEUKO_BAD_MODEL ? LEUKO_BAD_DATA : status;
  for (size_t i = 0; status == LEUKO_OK && i < s.count; i++) {
    const safetensors_tensor *from = &s.tensors[i];
    tensor *t = tensor_list_add(&file->list, from->name, strlen(from->name));
    if (!t) {
      status = error_set_memory(error, sizeof *t);
      break;
    }
    t->rank = from->rank;
    for (int d = 0; d < from->rank && d < TENSORS_MAX_RANK; d++) t->dims[d] = from->dims[d];
    if (from->rank > TENSORS_MAX_RANK) t->unreadable = "has too many dimensions";
    else if (strcmp(from->dtype, "F32") != 0) t->unreadable = "is not float32";
    else if (!tensor_set_contiguous(t)) t->unreadable = "declares an impossible size";
    /* The offset from the beginning is the same in this file's own map. */
    t->data = file->map.data + (from->data - s.map.data);
    t->bytes = from->bytes;
  }
  safetensors_close(&s);
  return status;
}

static int by_name(const void *a, const void *b) {
  return strcmp(((const tensor *)a)->name, ((const tensor *)b)->name);
}

static leuko_status list_any(tensor_file *file, leuko_error *error) {
  static const uint8_t hdf5[8] = {0x89, 'H', 'D', 'F', '\r', '\n', 0x1a, '\n'};
  const uint8_t *data = file->map.data;
  size_t size = file->map.size;
  if (size >= 8 && memcmp(data, hdf5, 8) == 0) {
    file->container = "hdf5";
    return hdf5_read_list(&file->map, file->path, &file->list, error);
  }
  if (size >= 4 && (memcmp(data, "PK\3\4", 4) == 0 || memcmp(data, "\x80\2\x8a\n", 4) == 0 ||
                    (size > 262 && memcmp(data + 257, "ustar", 5) == 0))) {
    file->container = "pth";
    return torch_read_list(&file->map, file->path, &file->list, error);
  }
  if (size >= 9 && data[8] == '{') {
    file->container = "safetensors";
    return list_safetensors(file, error);
  }
  return error_set(error, LEUKO_BAD_DATA, file->path,
                   "give a Keras .h5, a .safetensors or a PyTorch .pth file",
                   "not a weight file of a known format");
}

leuko_status tensor_file_open(const char *path, tensor_file **out, leuko_error *error) {
  *out = NULL;
  tensor_file *file = calloc(1, sizeof *file);
  if (!file) return error_set_memory(error, sizeof *file);
  snprintf(file->path, sizeof file->path, "%s", path);
  leuko_status status = file_map_open(path, 0, &file->map, error);
  if (status == LEUKO_OK) status = list_any(file, error);
  if (status != LEUKO_OK) {
    tensor_file_close(file);
    return status;
  }
  if (file->list.count) qsort(file->list.items, file->list.count, sizeof(tensor), by_name);
  *out = file;
  return LEUKO_OK;
}

void tensor_file_close(tensor_file *file) {
  if (!file) return;
  for (size_t i = 0; i < file->list.count; i++) free(file->list.items[i].name);
  free(file->list.items);
  file_unmap(&file->map);
  free(file);
}

const char *tensor_file_container(const tensor_file *file) {
  return file->container;
}

file_map tensor_file_bytes(const tensor_file *file) {
  return file->map;
}

const tensor *tensor_file_list(const tensor_file *file, size_t *count) {
  *count = file->list.count;
  return file->list.items;
}

const tensor *tensor_file_find(const tensor_file *file, const char *name) {
  const tensor key = {.name = (char *)(uintptr_t)name};
  if (file->list.count == 0) return NULL;
  return bsearch(&key, file->list.items, file->list.count, sizeof key, by_name);
}

/* "3 x 3 x 64", or "a single value". */
static void write_shape(char *out, size_t size, int rank, const size_t *dims) {
  size_t length = (size_t)snprintf(out, size, "%s", rank == 0 ? "a single value" : "");
  if (rank > TENSORS_MAX_RANK) snprintf(out, size, "%d dimensions", rank);
  for (int d = 0; d < rank && rank <= TENSORS_MAX_RANK && length < size; d++)
    length += (size_t)snprintf(out + length, size - length, "%s%zu", d ? " x " : "", dims[d]);
}

/* The values' place in memory, checked to hold every value that the strides reach. `owned` is to be
 * freed. */
static leuko_status values_of(const tensor_file *file, const tensor *t, size_t count,
                              const uint8_t **out, void **owned, leuko_error *error) {
  size_t last = t->offset, bytes;
  bool fits = true;
  for (int d = 0; d < t->rank; d++) {
    size_t reach;
    fits = fits && !__builtin_mul_overflow(t->dims[d] - 1, t->strides[d], &reach) &&
           !__builtin_add_overflow(last, reach, &last);
  }
  fits = fits && !__builtin_add_overflow(last, 1, &last) &&
         !__builtin_mul_overflow(last, sizeof(float), &bytes) && bytes <= t->bytes;
  if (!fits || count == 0)
    return error_set(error, LEUKO_BAD_DATA, file->path, fetch_again,
                     "tensor '%.80s' reaches beyond its values", t->name);
  *out = t->data;
  if (t->data) return LEUKO_OK;
  /* An entry is stored uncompressed: it is no longer than the file. */
  if (t->bytes > file->map.size)
    return error_set(error, LEUKO_BAD_DATA, file->path, fetch_again,
                     "tensor '%.80s' declares more values than the file holds", t->name);
  *owned = malloc(t->bytes);
  if (!*owned) return error_set_memory(error, t->bytes);
  *out = *owned;
  return torch_read_entry(&file->map, file->path, t->entry, *owned, t->bytes, error);
}

static float value_at(const uint8_t *data, size_t index) {
  const uint8_t *p = data + 4 * index;
  uint32_t bits =
      (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
  float value;
  memcpy(&value, &bits, sizeof value);
  return value;
}

leuko_status tensor_file_read(tensor_file *file, const char *name, int rank, const size_t *dims,
                              float *out, leuko_error *error) {
  const tensor *t = tensor_file_find(file, name);
  if (!t)
    return error_set(error, LEUKO_BAD_DATA, file->path, fetch_again, "tensor '%.80s' is missing",
                     name);
  char is[96], wanted[96];
  write_shape(is, sizeof is, t->rank, t->dims);
  write_shape(wanted, sizeof wanted, rank, dims);
  bool same = t->rank == rank;
  size_t count = 1;
  for (int d = 0; d < rank; d++) {
    same = same && t->dims[d] == dims[d];
    count *= dims[d];
  }
  if (!same)
    return error_set(error, LEUKO_BAD_DATA, file->path, "give the weights of another file",
                     "tensor '%.80s' is %s, not %s", name, is, wanted);
  if (t->unreadable)
    return error_set(error, LEUKO_BAD_DATA, file->path,
                     "write the file anew with plain float32 tensors", "tensor '%.80s' %s", name,
                     t->unreadable);
  const uint8_t *values = NULL;
  void *owned = NULL;
  leuko_status status = values_of(file, t, count, &values, &owned, error);
  size_t index[TENSORS_MAX_RANK] = {0}, from = t->offset;
  for (size_t i = 0; status == LEUKO_OK && i < count; i++) {
    out[i] = value_at(values, from);
    if (!isfinite(out[i]))
      status = error_set(error, LEUKO_BAD_DATA, file->path, fetch_again,
                         "tensor '%.80s' holds a value that is not a finite number", name);
    for (int d = rank; d-- > 0;) {
      from += t->strides[d];
      if (++index[d] < dims[d]) break;
      from -= dims[d] * t->strides[d];
      index[d] = 0;
    }
  }
  free(owned);
  return status;
}
