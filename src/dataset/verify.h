/* A folder compared with the manifest of the official files. */
#ifndef DATASET_VERIFY_H
#define DATASET_VERIFY_H

#include "dataset/dataset.h"

typedef enum {
  VERIFY_ORIGINAL,        /* byte for byte */
  VERIFY_PIXEL_IDENTICAL, /* other bytes, but the original's can be rebuilt from its pixels */
  VERIFY_REENCODED,       /* of another format, with other pixels */
  VERIFY_ALTERED,         /* of the original's format with other pixels, or not readable */
  VERIFY_EXTRA,           /* an image that no line of the manifest names */
  VERIFY_KINDS
} verify_kind;

typedef struct {
  char *path; /* relative to the data set's root */
  verify_kind kind;
  char *original;      /* path of the manifest's entry; "" if there is none */
  leuko_status status; /* why the file could not be read; else LEUKO_OK */
} verify_file;

typedef struct {
  verify_file *files; /* sorted by path: the images, and other files that the manifest names */
  size_t file_count;
  size_t counts[VERIFY_KINDS]; /* files of each kind */
  char **missing;              /* [missing_count] entries of which no file is there, sorted */
  size_t missing_count;
  size_t entries; /* lines of the manifest */
} verification;

/* "original", "pixel_identical", "reencoded", "altered", "extra". */
const char *verify_kind_name(verify_kind kind);

/* Compares the files of `d` (a scan without pixels will do) with the manifest; see manifest_match
 * for which file belongs to which entry. On success the caller ends with verify_free; otherwise
 * *out is zeroed. Errors: those of reading the manifest, INTERRUPTED, NO_MEMORY, BACKEND. */
leuko_status dataset_verify(const dataset *d, const char *manifest, int threads, const progress *p,
                            verification *out, leuko_error *error);
void verify_free(verification *v);

#endif
