#include "base/cache.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"

#define PAGE ((size_t)4096)

/* A cache file is one page of this and then the data, in the machine's byte order: the file is for
 * the machine that made it. */
typedef struct {
  char magic[32];
  char key[HASH_HEX];
  char content[HASH_HEX]; /* hash of the data; empty in a draft */
  uint64_t marked;        /* of a draft: bytes of the data that are there; else 0 */
} file_header;

static const char magic[32] = "leuko cache 1";

_Static_assert(sizeof(file_header) <= 4096, "the header fits its page");

/* Maps a finished file; false if there is none or it is not whole. */
static bool map_finished(cache_file *out) {
  file_map map;
  char content[HASH_HEX];
  if (file_map_open(out->path, 0, &map, NULL) != LEUKO_OK) return false;
  const file_header *found = (const file_header *)map.data;
  if (map.size != PAGE + out->bytes || memcmp(found->magic, magic, sizeof magic) != 0 ||
      memcmp(found->key, out->key, HASH_HEX) != 0 ||
      hash_bytes(map.data + PAGE, out->bytes, content, NULL) != LEUKO_OK ||
      memcmp(found->content, content, HASH_HEX) != 0) {
    file_unmap(&map);
    return false;
  }
  out->map = (void *)(uintptr_t)map.data;
  out->ready = out->on_disk = true;
  out->filled = out->bytes;
  return true;
}

/* What a process that was stopped has marked in a draft; 0 unless it is a draft of these data. */
static size_t marked_in(const cache_file *out, int fd, const struct stat *info) {
  file_header found;
  bool same = info->st_size == (off_t)(PAGE + out->bytes) &&
              pread(fd, &found, sizeof found, 0) == (ssize_t)sizeof found &&
              memcmp(found.magic, magic, sizeof magic) == 0 &&
              memcmp(found.key, out->key, HASH_HEX) == 0 && found.marked <= out->bytes;
  return same ? (size_t)found.marked : 0;
}

/* Opens, locks and maps a draft whose whole space is reserved, since writing to a mapping when the
 * disk is full kills the process. Its name is fixed, so that what a killed process leaves is used
 * by the next one; a lock keeps living ones apart. */
static void open_draft(cache_file *out) {
  const size_t bytes = PAGE + out->bytes;
  if (snprintf(out->draft_path, sizeof out->draft_path, "%s.tmp", out->path) >=
      (int)sizeof out->draft_path)
    return;
  int fd = open(out->draft_path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0666);
  if (fd < 0) return;
  struct stat own, named;
  /* Between opening and locking, the one who held the lock may have renamed the file. */
  bool locked = flock(fd, LOCK_EX | LOCK_NB) == 0 && fstat(fd, &own) == 0 &&
                stat(out->draft_path, &named) == 0 && own.st_ino == named.st_ino &&
                own.st_dev == named.st_dev;
  void *map = MAP_FAILED;
  size_t marked = locked ? marked_in(out, fd, &own) : 0;
  if (locked && (marked > 0 || ftruncate(fd, 0) == 0) && posix_fallocate(fd, 0, (off_t)bytes) == 0)
    map = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (map != MAP_FAILED) {
    file_header *header = map;
    memcpy(header->magic, magic, sizeof magic);
    memcpy(header->key, out->key, HASH_HEX);
    out->map = map;
    out->draft = fd;
    out->filled = marked;
    return;
  }
  if (locked) unlink(out->draft_path);
  close(fd);
}

/* The file's path, or "" where no folder can be had. */
static void place(cache_file *out, const char *kind, const char *ending) {
  char cache[1024], folder[1024], name[HASH_HEX + 16];
  snprintf(name, sizeof name, "%s.%.10s", out->key, ending);
  bool usable = file_cache_folder(cache, sizeof cache, NULL) == LEUKO_OK &&
                file_join(folder, sizeof folder, cache, kind, NULL) == LEUKO_OK &&
                file_make_folders(folder, NULL) == LEUKO_OK &&
                file_join(out->path, sizeof out->path, folder, name, NULL) == LEUKO_OK;
  if (!usable) out->path[0] = 0;
}

leuko_status cache_open(const char *kind, const char *key, const char *ending, size_t bytes,
                        cache_file *out, leuko_error *error) {
  *out = (cache_file){.bytes = bytes, .draft = -1};
  if (bytes > SIZE_MAX / 2) return error_set_memory(error, bytes);
  snprintf(out->key, sizeof out->key, "%s", key);
  place(out, kind, ending);
  if (!out->path[0] || !map_finished(out)) {
    if (out->path[0]) open_draft(out);
    if (!out->map) {
      void *memory =
          mmap(NULL, PAGE + bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
      if (memory == MAP_FAILED) return error_set_memory(error, PAGE + bytes);
      out->map = memory;
    }
  }
  out->data = (uint8_t *)out->map + PAGE;
  return LEUKO_OK;
}

void cache_mark(cache_file *file, size_t filled) {
  if (file->draft < 0 || filled <= file->filled) return;
  file_header *header = file->map;
  /* What the mark stands for is on the disk before it. */
  if (msync(file->map, PAGE + filled, MS_SYNC) == 0) header->marked = file->filled = filled;
}

/* Lets go of the draft's lock. */
static void close_draft(cache_file *file) {
  close(file->draft);
  file->draft = -1;
}

/* Nothing is synced to the disk: the content's hash tells the next reader whether all of it got
 * there. */
leuko_status cache_finish(cache_file *file, bool keep, leuko_error *error) {
  if (file->ready) return LEUKO_OK;
  leuko_status status = LEUKO_OK;
  if (file->draft >= 0) {
    file_header *header = file->map;
    if (keep) status = hash_bytes(file->data, file->bytes, header->content, error);
    header->marked = 0;
    file->on_disk = keep && status == LEUKO_OK && rename(file->draft_path, file->path) == 0;
    if (!file->on_disk) unlink(file->draft_path);
    close_draft(file);
  }
  mprotect(file->map, PAGE + file->bytes, PROT_READ);
  return status;
}

void cache_close(cache_file *file) {
  if (!file->map) return;
  if (file->draft >= 0) {
    if (file->filled == 0) unlink(file->draft_path);
    close_draft(file);
  }
  munmap(file->map, PAGE + file->bytes);
  *file = (cache_file){.draft = -1};
}
