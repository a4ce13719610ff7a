/* The official list of files of C-NMC 2019: path, size and SHA-256 of every original. */
#ifndef DATASET_MANIFEST_H
#define DATASET_MANIFEST_H

#include <stdbool.h>

#include "base/csv.h"
#include "base/hash.h"
#include "leuko.h"

#define MANIFEST_NONE ((size_t)-1)

typedef struct {
  const char *path; /* of the original, from the top of the official tree; owned by the table */
  const char *stem; /* its file name; stem_length characters without extension */
  size_t stem_length;
  uint64_t bytes;
  const char *sha256;
} manifest_entry;

typedef struct {
  manifest_entry *entries; /* sorted by stem (case-blind), then by path */
  size_t count;
  size_t *by_sha256; /* [count], entries sorted by sha256, then by index */
  csv table;
} manifest;

/* Reads a manifest: tab- or comma-separated with the columns path, bytes, sha256. The caller ends
 * with manifest_close. Errors: those of reading, BAD_CSV (with the line), NO_MEMORY. */
leuko_status manifest_open(const char *path, manifest *out, leuko_error *error);
void manifest_close(manifest *m);

/* The entry whose original the file root/path is or was made from, or MANIFEST_NONE. A file belongs
 * to the entry with its name, extension and case left aside; among several, to the one whose
 * folders agree furthest. Names that are not C-NMC's (the test phases' numbers) must agree in the
 * folder, too. A file of another name belongs to an entry with its `sha256` ("": unknown). */
size_t manifest_match(const manifest *m, const char *root, const char *path, const char *sha256);

#endif
