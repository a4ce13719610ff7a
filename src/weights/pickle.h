/* A small, closed interpreter for the pickles in PyTorch's state dicts. It knows the operations
 * that such a file needs and nothing else: names of classes and functions are compared with a list,
 * never looked up, and nothing of the file is ever run. */
#ifndef WEIGHTS_PICKLE_H
#define WEIGHTS_PICKLE_H

#include <stdbool.h>

#include "leuko.h"

#define PICKLE_MAX_RANK 8

typedef enum {
  PICKLE_NONE,
  PICKLE_BOOL,
  PICKLE_INTEGER,
  PICKLE_REAL,
  PICKLE_TEXT,
  PICKLE_TUPLE,
  PICKLE_LIST,
  PICKLE_DICT, /* items: key, value, key, value ... */
  PICKLE_NAME, /* a class or function of the list */
  PICKLE_STORAGE,
  PICKLE_TENSOR
} pickle_kind;

typedef struct pickle_value pickle_value;

struct pickle_value {
  pickle_kind kind;
  int64_t integer;  /* BOOL, INTEGER; NAME: which; STORAGE: number of values; TENSOR: offset */
  const char *text; /* TEXT, STORAGE (its key): inside the pickle, without a closing zero */
  size_t length;
  pickle_value **items; /* TUPLE, LIST, DICT; owned by the pickle */
  size_t count, capacity;
  const char *type;            /* STORAGE: "FloatStorage", ... */
  const pickle_value *storage; /* TENSOR */
  int rank;                    /* TENSOR */
  int64_t dims[PICKLE_MAX_RANK], strides[PICKLE_MAX_RANK];
};

typedef struct {
  pickle_value *value; /* the result; valid until pickle_free */
  size_t used;         /* bytes, the closing operation included */
  struct pickle_block *blocks;
} pickle;

/* Reads the pickle at the beginning of data [size], protocol 2. Errors: BAD_DATA (an operation, a
 * name or a structure that no state dict needs: named), NO_MEMORY. On failure nothing is owned. */
leuko_status pickle_read(const uint8_t *data, size_t size, const char *path, pickle *out,
                         leuko_error *error);
void pickle_free(pickle *p);

/* Whether a value is that text. */
bool pickle_is_text(const pickle_value *value, const char *text);

#endif
