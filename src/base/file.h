/* Files: read whole, mapped, and written so that no reader ever sees half of one. */
#ifndef BASE_FILE_H
#define BASE_FILE_H

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>

#include "leuko.h"

/* A file's bytes mapped read-only. */
typedef struct {
  const uint8_t *data;
  size_t size;
} file_map;

/* Maps a regular file of 1 .. max_size bytes (max_size 0: no limit). The caller ends with
 * file_unmap. Errors: NOT_FOUND, UNREADABLE, EMPTY, TOO_LARGE, IO, NO_MEMORY. */
leuko_status file_map_open(const char *path, size_t max_size, file_map *out, leuko_error *error);
void file_unmap(file_map *map);

/* Reads a whole regular file into memory, with a zero byte behind it. *out is freed by the caller.
 * Errors as file_map_open (an empty file is no error here). */
leuko_status file_read(const char *path, size_t max_size, char **out, size_t *size,
                       leuko_error *error);

/* A file written under a temporary name beside its place and renamed when complete, so that a
 * crash, a full disk or an interrupt leaves either the old file or the new one. */
typedef struct {
  FILE *stream;
  char path[1024];
  char temporary[1056];
} file_writer;

leuko_status file_writer_open(file_writer *writer, const char *path, leuko_error *error);
/* Writes; errors are kept and reported by file_writer_commit. */
void file_write(file_writer *writer, const void *data, size_t size);
void file_printf(file_writer *writer, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* Flushes, syncs and renames. On failure nothing stays behind. Errors: DISK_FULL, IO, ... */
leuko_status file_writer_commit(file_writer *writer, leuko_error *error);
/* Removes the temporary file; harmless after a commit or on a zeroed writer. */
void file_writer_abort(file_writer *writer);

/* Removes what writers of processes that are no more have left in a folder under temporary names.
 * Failures do not matter. */
void file_remove_leftovers(const char *folder);

/* The common case: `size` bytes to `path`, atomically. */
leuko_status file_write_all(const char *path, const void *data, size_t size, leuko_error *error);

/* Makes a folder with its parents; an existing one is fine. */
leuko_status file_make_folders(const char *path, leuko_error *error);

bool file_exists(const char *path);
bool file_is_folder(const char *path);

/* "folder/name" into out [size]. Errors: TOO_LARGE if it does not fit. */
leuko_status file_join(char *out, size_t size, const char *folder, const char *name,
                       leuko_error *error);

/* leuko's cache folder, $XDG_CACHE_HOME/leuko or ~/.cache/leuko, made if missing, into out [size].
 */
leuko_status file_cache_folder(char *out, size_t size, leuko_error *error);

#endif
