/* A file of named tensors, whatever its container: HDF5, safetensors, or a PyTorch state dict. The
 * readers fill a list of what is in the file; values are converted only when asked for, into a
 * place whose size the caller knows. Nothing that a file declares is allocated unseen. */
#ifndef WEIGHTS_TENSORS_H
#define WEIGHTS_TENSORS_H

#include <stdbool.h>

#include "base/file.h"
#include "leuko.h"

#define TENSORS_MAX_RANK 4

/* `strides` are in values, not bytes. `readable` is NULL, or says why the values cannot be taken
 * ("is F16", "is compressed"). */
typedef struct {
  char *name; /* owned */
  int rank;   /* over TENSORS_MAX_RANK: dims are not kept, and the tensor is not readable */
  size_t dims[TENSORS_MAX_RANK], strides[TENSORS_MAX_RANK];
  const uint8_t *data;    /* float32, little endian, any alignment; inside the map, or NULL */
  size_t bytes;           /* behind `data`, or of the archive's entry */
  size_t offset;          /* of the first value, in values */
  char entry[96];         /* .pth: name of the archive's entry that holds the values */
  const char *unreadable; /* a constant or NULL */
} tensor;

typedef struct tensor_file tensor_file;

/* Opens by content. Errors: those of reading, BAD_DATA (naming what is wrong, or what is asked for
 * beside tensors). */
leuko_status tensor_file_open(const char *path, tensor_file **out, leuko_error *error);
void tensor_file_close(tensor_file *file);

/* "hdf5", "safetensors" or "pth"; a constant. */
const char *tensor_file_container(const tensor_file *file);
/* The whole file's bytes. */
file_map tensor_file_bytes(const tensor_file *file);
/* What the file holds, sorted by name. */
const tensor *tensor_file_list(const tensor_file *file, size_t *count);
/* The tensor of that name or NULL. */
const tensor *tensor_file_find(const tensor_file *file, const char *name);

/* Writes the values of tensor `name` to out [the product of `dims`], contiguous, row by row.
 * Errors: BAD_DATA (missing, another shape or type, not finite), NO_MEMORY. */
leuko_status tensor_file_read(tensor_file *file, const char *name, int rank, const size_t *dims,
                              float *out, leuko_error *error);

/* For the readers: adds an empty tensor of that name, `length` bytes long; NULL without memory. */
typedef struct {
  tensor *items;
  size_t count, capacity;
} tensor_list;
tensor *tensor_list_add(tensor_list *list, const char *name, size_t length);
/* Sets contiguous strides from the dims. False if the values are more than memory can hold. */
bool tensor_set_contiguous(tensor *t);

/* One reader a container: adds what the file holds to `out`. `path` is only for messages. Errors:
 * BAD_DATA, NO_MEMORY. */
leuko_status hdf5_read_list(const file_map *map, const char *path, tensor_list *out,
                            leuko_error *error);
leuko_status torch_read_list(const file_map *map, const char *path, tensor_list *out,
                             leuko_error *error);
/* Reads the whole of an archive's entry into out [bytes]. Errors: BAD_DATA. */
leuko_status torch_read_entry(const file_map *map, const char *path, const char *entry, void *out,
                              size_t bytes, leuko_error *error);

#endif
