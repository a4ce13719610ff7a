/* Every image file below a folder, not yet opened. */
#ifndef DATASET_WALK_H
#define DATASET_WALK_H

#include "dataset/dataset.h"

typedef struct {
  char *path; /* relative to the root */
  uint64_t size, inode;
  int64_t mtime_ns, ctime_ns; /* since 1970 */
  leuko_status status;        /* OK, or why its size could not even be asked for */
} walk_file;

typedef struct {
  walk_file *files; /* sorted by path, bytewise */
  size_t count;
  dataset_folder *folders; /* not entered */
  size_t folder_count;
  size_t ignored; /* visible files that are no images by name and by content */
} walk;

/* Lists the files whose name or first bytes are those of an image; hidden files and folders (a
 * point first) are passed over. Links are followed; no folder is entered twice. The caller ends
 * with walk_free, on failure too. Errors: NOT_FOUND, UNREADABLE (the root), NO_MEMORY. */
leuko_status walk_open(const char *root, walk *out, leuko_error *error);
void walk_free(walk *w);

/* "bmp", "png", "jpeg", "tiff", "webp" by a file's first bytes, or "". */
const char *walk_format(const uint8_t *bytes, size_t size);

#endif
