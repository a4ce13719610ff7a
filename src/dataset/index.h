/* What an earlier scan read, kept in the cache folder so that unchanged files need not be opened
 * again. Losing or spoiling an index costs time, never a wrong answer. */
#ifndef DATASET_INDEX_H
#define DATASET_INDEX_H

#include "base/csv.h"
#include "dataset/dataset.h"
#include "dataset/walk.h"

typedef struct {
  csv table;
  char path[1024]; /* "" if there is no place for one */
} scan_index;

/* Opens the index of the folder `root` (absolute); a missing or broken one is empty. */
void index_open(const char *root, scan_index *out);
void index_close(scan_index *x);

/* Number of files in it. */
size_t index_count(const scan_index *x);

/* Fills hashes, format, size and status of `sample` if the index knows `file` unchanged (size, both
 * times and inode); false otherwise. */
bool index_find(const scan_index *x, const walk_file *file, dataset_sample *sample);

/* Replaces the index by those of the `count` files whose `known` is set. Files changed within the
 * last two seconds before `now_ns` (since 1970) are left out: a clock too coarse could hide their
 * next change. That the index cannot be written is no error. */
void index_write(const scan_index *x, const walk_file *files, const dataset_sample *samples,
                 const bool *known, size_t count, int64_t now_ns);

#endif
