#include "base/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/number.h"

/* Opens a regular file and gives its size. O_NONBLOCK keeps a named pipe from blocking the open. */
static leuko_status open_regular(const char *path, size_t max_size, int *fd_out, size_t *size,
                                 leuko_error *error) {
  int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) return error_set_errno(error, path, "open");
  struct stat info;
  leuko_status status = LEUKO_OK;
  if (fstat(fd, &info) != 0) status = error_set_errno(error, path, "stat");
  else if (!S_ISREG(info.st_mode))
    status = error_set(error, LEUKO_UNREADABLE, path, "give a file", "not a regular file");
  else if (max_size && (uint64_t)info.st_size > max_size)
    status = error_set(error, LEUKO_TOO_LARGE, path, NULL, "%lld bytes, the limit is %zu",
                       (long long)info.st_size, max_size);
  if (status != LEUKO_OK) {
    close(fd);
    return status;
  }
  *fd_out = fd;
  *size = (size_t)info.st_size;
  return LEUKO_OK;
}

leuko_status file_map_open(const char *path, size_t max_size, file_map *out, leuko_error *error) {
  *out = (file_map){0};
  int fd = -1;
  size_t size = 0;
  leuko_status status = open_regular(path, max_size, &fd, &size, error);
  if (status != LEUKO_OK) return status;
  if (size == 0) {
    close(fd);
    return error_set(error, LEUKO_EMPTY, path, "fetch the file again", "the file is empty");
  }
  void *data = mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0);
  if (data == MAP_FAILED) {
    status = error_set_errno(error, path, "map");
    close(fd);
    return status;
  }
  close(fd);
  *out = (file_map){data, size};
  return LEUKO_OK;
}

void file_unmap(file_map *map) {
  if (map->data) munmap((void *)(uintptr_t)map->data, map->size);
  *map = (file_map){0};
}

leuko_status file_read(const char *path, size_t max_size, char **out, size_t *size,
                       leuko_error *error) {
  *out = NULL;
  int fd = -1;
  size_t want = 0;
  leuko_status status = open_regular(path, max_size, &fd, &want, error);
  if (status != LEUKO_OK) return status;
  char *data = malloc(want + 1);
  if (!data) {
    close(fd);
    return error_set_memory(error, want + 1);
  }
  size_t got = 0;
  while (got < want) {
    ssize_t n = read(fd, data + got, want - got);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) {
      status = error_set_errno(error, path, "read");
      free(data);
      close(fd);
      return status;
    }
    if (n == 0) break;
    got += (size_t)n;
  }
  close(fd);
  data[got] = 0;
  *out = data;
  *size = got;
  return LEUKO_OK;
}

leuko_status file_writer_open(file_writer *writer, const char *path, leuko_error *error) {
  *writer = (file_writer){0};
  if (strlen(path) >= sizeof writer->path)
    return error_set(error, LEUKO_TOO_LARGE, path, "use a shorter path", "the path is too long");
  struct stat info;
  if (stat(path, &info) == 0 && !S_ISREG(info.st_mode))
    return error_set(error, LEUKO_UNREADABLE, path, "name a file",
                     "a folder or device cannot be replaced by a file");
  strcpy(writer->path, path);
  snprintf(writer->temporary, sizeof writer->temporary, "%s.%ld.tmp", path, (long)getpid());
  writer->stream = fopen(writer->temporary, "wbe");
  if (!writer->stream) return error_set_errno(error, path, "create");
  return LEUKO_OK;
}

void file_write(file_writer *writer, const void *data, size_t size) {
  if (writer->stream && size > 0) fwrite(data, 1, size, writer->stream);
}

void file_printf(file_writer *writer, const char *format, ...) {
  if (!writer->stream) return;
  va_list arguments;
  va_start(arguments, format);
  locale_t before = number_point();
  vfprintf(writer->stream, format, arguments);
  number_restore(before);
  va_end(arguments);
}

leuko_status file_writer_commit(file_writer *writer, leuko_error *error) {
  if (!writer->stream)
    return error_set(error, LEUKO_ARGUMENT, writer->path, NULL, "the file is not open");
  errno = 0;
  int failed = ferror(writer->stream) | fflush(writer->stream);
  if (!failed) failed = fsync(fileno(writer->stream));
  int number = errno;
  /* A stream error seen only through ferror has lost its errno; on writes it is the disk. */
  if (failed && number == 0) number = ENOSPC;
  if (fclose(writer->stream) != 0 && !failed) {
    failed = 1;
    number = errno;
  }
  writer->stream = NULL;
  if (!failed && rename(writer->temporary, writer->path) != 0) {
    failed = 1;
    number = errno;
  }
  if (!failed) return LEUKO_OK;
  unlink(writer->temporary);
  errno = number;
  return error_set_errno(error, writer->path, "write");
}

void file_writer_abort(file_writer *writer) {
  if (!writer->stream) return;
  fclose(writer->stream);
  unlink(writer->temporary);
  writer->stream = NULL;
}

/* The process in "NAME.PID.tmp", or 0. */
static long writer_of(const char *name) {
  size_t length = strlen(name);
  if (length < 6 || strcmp(name + length - 4, ".tmp") != 0) return 0;
  const char *end = name + length - 4, *first = end;
  while (first > name && first[-1] >= '0' && first[-1] <= '9') first--;
  return first > name && first[-1] == '.' && first < end ? strtol(first, NULL, 10) : 0;
}

void file_remove_leftovers(const char *folder) {
  DIR *stream = opendir(folder);
  if (!stream) return;
  for (struct dirent *entry; (entry = readdir(stream));) {
    long writer = writer_of(entry->d_name);
    if (writer > 0 && writer <= INT_MAX && kill((pid_t)writer, 0) != 0 && errno == ESRCH)
      unlinkat(dirfd(stream), entry->d_name, 0);
  }
  closedir(stream);
}

leuko_status file_write_all(const char *path, const void *data, size_t size, leuko_error *error) {
  file_writer writer;
  leuko_status status = file_writer_open(&writer, path, error);
  if (status != LEUKO_OK) return status;
  file_write(&writer, data, size);
  return file_writer_commit(&writer, error);
}

leuko_status file_make_folders(const char *path, leuko_error *error) {
  char part[1024];
  size_t length = strlen(path);
  if (length == 0 || length >= sizeof part)
    return error_set(error, LEUKO_ARGUMENT, path, NULL, "not a usable folder name");
  memcpy(part, path, length + 1);
  for (size_t i = 1; i <= length; i++) {
    if (part[i] != '/' && part[i] != 0) continue;
    char kept = part[i];
    part[i] = 0;
    if (mkdir(part, 0777) != 0 && !file_is_folder(part)) {
      if (errno == EEXIST) errno = ENOTDIR;
      return error_set_errno(error, part, "make the folder");
    }
    part[i] = kept;
  }
  return LEUKO_OK;
}

bool file_exists(const char *path) {
  struct stat info;
  return stat(path, &info) == 0;
}

bool file_is_folder(const char *path) {
  struct stat info;
  return stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

leuko_status file_join(char *out, size_t size, const char *folder, const char *name,
                       leuko_error *error) {
  size_t length = strlen(folder);
  const char *slash = length && folder[length - 1] == '/' ? "" : "/";
  if (snprintf(out, size, "%s%s%s", folder, slash, name) >= (int)size)
    return error_set(error, LEUKO_TOO_LARGE, folder, "use a shorter path", "the path is too long");
  return LEUKO_OK;
}

leuko_status file_cache_folder(char *out, size_t size, leuko_error *error) {
  const char *base = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
  int length;
  if (base && base[0] == '/') length = snprintf(out, size, "%s/leuko", base);
  else length = snprintf(out, size, "%s/.cache/leuko", home && home[0] ? home : "/tmp");
  if (length >= (int)size)
    return error_set(error, LEUKO_TOO_LARGE, base, "use a shorter XDG_CACHE_HOME",
                     "the cache folder's path is too long");
  return file_make_folders(out, error);
}
