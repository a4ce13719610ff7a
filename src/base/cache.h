/* Large computed data kept in the cache folder and mapped: filled once, then shared by every later
 * run. Losing or spoiling a file costs time, never a wrong answer. */
#ifndef BASE_CACHE_H
#define BASE_CACHE_H

#include <limits.h>
#include <stdbool.h>

#include "base/hash.h"

typedef struct {
  uint8_t *data; /* [bytes], aligned to a page; read-only once finished */
  size_t bytes;
  size_t filled; /* data[0 .. filled) are there: all if ready, else what a process that was stopped
                    has marked */
  bool ready;    /* from an earlier run: nothing has to be filled */
  bool on_disk;  /* finished and kept in `path`; else in memory: the folder was not writable, the
                    disk full, or another process is busy with the same file */
  char path[1024]; /* of the file, or "" */
  char key[HASH_HEX];
  void *map;
  int draft; /* file that is being filled, or -1 */
  char draft_path[PATH_MAX];
} cache_file;

/* Maps file_cache_folder()/kind/key.ending if it is whole and of that size; else gives room to be
 * filled from `filled` on, zeroed where that is 0. `key` is a hash of all that the data depend on,
 * the layout of the data included. The caller ends with cache_close. Errors: NO_MEMORY. */
leuko_status cache_open(const char *kind, const char *key, const char *ending, size_t bytes,
                        cache_file *out, leuko_error *error);
/* Marks data[0 .. filled) as there, on the disk: should this process end before cache_finish, the
 * next one goes on behind them. The data must depend on the key alone, whoever fills them. */
void cache_mark(cache_file *file, size_t filled);
/* After filling: keeps the file for later runs if `keep`, and makes the data read-only.
 * Errors: BACKEND (hashing). */
leuko_status cache_finish(cache_file *file, bool keep, leuko_error *error);
/* Unmaps; a draft that was not finished is removed unless some of it is marked. */
void cache_close(cache_file *file);

#endif
