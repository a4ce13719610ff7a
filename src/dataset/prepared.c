#include "dataset/prepared.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <omp.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/threads.h"
#include "image/resize.h"

#define MAGIC "leuko prepared images 1"
#define PAGE ((size_t)4096)

/* A cache file is one page of this, then the statuses [count] and, from the next full page on, the
 * pixels. Numbers are in the machine's byte order: the file is for the machine that made it. */
typedef struct {
  char magic[32];
  char key[HASH_HEX];
  char content[HASH_HEX]; /* hash of all that follows this page */
  uint32_t statuses;      /* LEUKO_STATUS_COUNT: a program with other ones does not read this */
} file_header;

_Static_assert(sizeof(file_header) <= 4096, "the header fits its page");
_Static_assert(sizeof(leuko_status) == 4, "statuses are stored as they are");

typedef struct {
  const prepared_request *request;
  char (*sha256)[HASH_HEX]; /* [count] of the files; "" if unreadable */
  file_header header;
  size_t bytes, pixels_at; /* of the whole file; where the pixels begin */
  uint8_t *map;            /* the file or memory that is being filled */
  atomic_bool changed;     /* a file was not, or no longer, what its hash says */
} job;

static leuko_status sample_path(const prepared_request *r, size_t i, char path[PATH_MAX]) {
  const char *root = r->root && r->root[0] ? r->root : ".";
  if (r->paths[i][0] == '/') root = "/";
  return file_join(path, PATH_MAX, root, r->paths[i], NULL);
}

/* Calls `one` for every sample, on several threads; it returns LEUKO_OK or what ends it all. */
static leuko_status for_samples(job *j, const char *phase, leuko_status (*one)(job *j, size_t i),
                                const progress *report, leuko_error *error) {
  const size_t count = j->request->count;
  atomic_size_t done = 0;
  atomic_int failure = LEUKO_OK;
#pragma omp parallel for schedule(dynamic, 4) num_threads(threads_count(j->request->threads))
  for (size_t i = 0; i < count; i++) {
    if (atomic_load(&failure) != LEUKO_OK) continue;
    leuko_status status = one(j, i);
    size_t now = atomic_fetch_add(&done, 1) + 1;
    if (status == LEUKO_OK && omp_get_thread_num() == 0 &&
        progress_report(report, phase, now, count, NULL) != 0)
      status = LEUKO_INTERRUPTED;
    if (status != LEUKO_OK) atomic_store(&failure, (int)status);
  }
  leuko_status status = (leuko_status)atomic_load(&failure);
  if (status == LEUKO_OK) {
    progress_report(report, phase, count, count, NULL);
    return LEUKO_OK;
  }
  return error_set(error, status, j->request->root, NULL, "%s while %s",
                   leuko_status_message(status), phase);
}

/* What is wrong with the machine and not with one file. */
static bool ends_all(leuko_status status) {
  return status == LEUKO_NO_MEMORY || status == LEUKO_BACKEND;
}

static bool hash_known(const prepared_request *r, size_t i) {
  return r->sha256 && r->sha256[i] && r->sha256[i][0];
}

static leuko_status hash_sample(job *j, size_t i) {
  const prepared_request *r = j->request;
  if (hash_known(r, i)) return LEUKO_OK;
  char path[PATH_MAX];
  leuko_status status = sample_path(r, i, path);
  if (status == LEUKO_OK) status = hash_file(path, j->sha256[i], NULL);
  if (status != LEUKO_OK) j->sha256[i][0] = 0;
  return ends_all(status) ? status : LEUKO_OK;
}

/* Takes the hashes that the caller knows and computes the others. */
static leuko_status hash_samples(job *j, const progress *report, leuko_error *error) {
  const prepared_request *r = j->request;
  size_t known = 0;
  for (size_t i = 0; i < r->count; i++)
    if (hash_known(r, i)) {
      snprintf(j->sha256[i], HASH_HEX, "%s", r->sha256[i]);
      known++;
    }
  if (known == r->count) return LEUKO_OK;
  return for_samples(j, "hashing images", hash_sample, report, error);
}

static leuko_status prepare_sample(job *j, size_t i) {
  const prepared_request *r = j->request;
  char path[PATH_MAX], sha256[HASH_HEX] = "";
  image picture = {0};
  leuko_status status = sample_path(r, i, path);
  if (status == LEUKO_OK) status = image_read(path, &picture, sha256, NULL);
  if (!sha256[0] || strcmp(sha256, j->sha256[i]) != 0) {
    atomic_store(&j->changed, true);
    if (sha256[0]) status = LEUKO_BAD_DATA;
  }
  if (status == LEUKO_OK)
    status = image_prepare(&picture, r->crop, r->size,
                           j->map + j->pixels_at + i * (size_t)r->size * (size_t)r->size * 3, NULL);
  image_free(&picture);
  ((leuko_status *)(j->map + PAGE))[i] = status;
  return ends_all(status) ? status : LEUKO_OK;
}

/* The name under which the result is kept: a hash of all that it depends on. */
static leuko_status make_key(job *j, leuko_error *error) {
  hash *h;
  leuko_status status = hash_open(&h, error);
  if (status != LEUKO_OK) return status;
  char options[80];
  int length = snprintf(options, sizeof options, MAGIC "\ncrop %d size %d count %zu\n",
                        j->request->crop, j->request->size, j->request->count);
  hash_add(h, options, (size_t)length);
  hash_add(h, j->sha256, j->request->count * HASH_HEX);
  return hash_close(h, j->header.key, error);
}

static leuko_status content_hash(const uint8_t *map, size_t bytes, char hex[HASH_HEX],
                                 leuko_error *error) {
  return hash_bytes(map + PAGE, bytes - PAGE, hex, error);
}

/* Maps a finished cache file; false if there is none or it is not whole. */
static bool map_finished(const job *j, const char *path, prepared *out) {
  file_map map;
  char content[HASH_HEX];
  if (file_map_open(path, 0, &map, NULL) != LEUKO_OK) return false;
  const file_header *found = (const file_header *)map.data;
  if (map.size != j->bytes || memcmp(found->magic, j->header.magic, sizeof found->magic) != 0 ||
      memcmp(found->key, j->header.key, HASH_HEX) != 0 || found->statuses != j->header.statuses ||
      content_hash(map.data, map.size, content, NULL) != LEUKO_OK ||
      memcmp(found->content, content, HASH_HEX) != 0) {
    file_unmap(&map);
    return false;
  }
  out->map = (void *)(uintptr_t)map.data;
  out->from_cache = out->on_disk = true;
  return true;
}

/* The file that is being written. Its name is fixed, so that what a killed process leaves is used
 * by the next one; a lock keeps living ones apart. */
typedef struct {
  int fd;
  char path[PATH_MAX];
} draft;

/* Opens, locks and maps a draft whose whole space is reserved, since writing to a mapping when the
 * disk is full kills the process. NULL if any of it is not to be had. */
static uint8_t *draft_open(draft *d, const char *path, size_t bytes) {
  if (snprintf(d->path, sizeof d->path, "%s.tmp", path) >= (int)sizeof d->path) return NULL;
  d->fd = open(d->path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0666);
  if (d->fd < 0) return NULL;
  struct stat own, named;
  /* Between opening and locking, the one who held the lock may have renamed the file. */
  bool locked = flock(d->fd, LOCK_EX | LOCK_NB) == 0 && fstat(d->fd, &own) == 0 &&
                stat(d->path, &named) == 0 && own.st_ino == named.st_ino &&
                own.st_dev == named.st_dev;
  void *map = MAP_FAILED;
  if (locked && ftruncate(d->fd, 0) == 0 && posix_fallocate(d->fd, 0, (off_t)bytes) == 0)
    map = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, d->fd, 0);
  if (map != MAP_FAILED) return map;
  if (locked) unlink(d->path);
  close(d->fd);
  d->fd = -1;
  return NULL;
}

/* Gives the draft its final name, or removes it; true if it is kept. Nothing is synced to the disk:
 * the content's hash tells the next reader whether all of it got there. */
static bool draft_close(draft *d, const char *path, bool keep) {
  if (d->fd < 0) return false;
  keep = keep && rename(d->path, path) == 0;
  if (!keep) unlink(d->path);
  close(d->fd);
  d->fd = -1;
  return keep;
}

/* Decodes everything into a draft or, without one, into memory. */
static leuko_status prepare_all(job *j, const char *path, const progress *report, prepared *out,
                                leuko_error *error) {
  draft d = {.fd = -1};
  j->map = path[0] ? draft_open(&d, path, j->bytes) : NULL;
  if (!j->map) {
    void *memory = mmap(NULL, j->bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) return error_set_memory(error, j->bytes);
    j->map = memory;
  }
  leuko_status status = for_samples(j, "preparing images", prepare_sample, report, error);
  bool keep = status == LEUKO_OK && d.fd >= 0 && !atomic_load(&j->changed);
  if (keep) {
    status = content_hash(j->map, j->bytes, j->header.content, error);
    memcpy(j->map, &j->header, sizeof j->header);
    keep = status == LEUKO_OK;
  }
  keep = draft_close(&d, path, keep);
  if (status != LEUKO_OK) {
    munmap(j->map, j->bytes);
    return status;
  }
  mprotect(j->map, j->bytes, PROT_READ);
  out->map = j->map;
  out->on_disk = keep;
  return LEUKO_OK;
}

/* Checks the request and lays out the file. */
static leuko_status plan(const prepared_request *r, job *j, leuko_error *error) {
  *j = (job){.request = r, .header = {.magic = MAGIC, .statuses = LEUKO_STATUS_COUNT}};
  if (r->count == 0) return error_set(error, LEUKO_NO_DATA, r->root, NULL, "no image to prepare");
  if (r->size < 1 || r->size > 65536 || r->crop < 0)
    return error_set(error, LEUKO_ARGUMENT, NULL, NULL, "crop %d, size %d", r->crop, r->size);
  if ((size_t)r->crop * (size_t)r->crop > IMAGE_MAX_PIXELS)
    return error_set(error, LEUKO_TOO_LARGE, NULL, NULL, "a crop of %d pixels", r->crop);
  const size_t image_bytes = (size_t)r->size * (size_t)r->size * 3;
  if (r->count > (SIZE_MAX / 4 - 2 * PAGE) / (image_bytes + HASH_HEX))
    return error_set(error, LEUKO_TOO_LARGE, NULL, NULL, "%zu images of %d x %d", r->count, r->size,
                     r->size);
  j->pixels_at = (PAGE + r->count * sizeof(leuko_status) + PAGE - 1) / PAGE * PAGE;
  j->bytes = j->pixels_at + r->count * image_bytes;
  j->sha256 = calloc(r->count, HASH_HEX);
  return j->sha256 ? LEUKO_OK : error_set_memory(error, r->count * HASH_HEX);
}

/* The cache file's path, or "" where no folder can be had. */
static void cache_path(const job *j, char path[1024]) {
  char cache[1024], folder[1024], name[HASH_HEX + 4];
  snprintf(name, sizeof name, "%s.u8", j->header.key);
  bool usable = file_cache_folder(cache, sizeof cache, NULL) == LEUKO_OK &&
                file_join(folder, sizeof folder, cache, "prepared", NULL) == LEUKO_OK &&
                file_make_folders(folder, NULL) == LEUKO_OK &&
                file_join(path, 1024, folder, name, NULL) == LEUKO_OK;
  if (!usable) path[0] = 0;
}

leuko_status prepared_open(const prepared_request *request, const progress *report, prepared *out,
                           leuko_error *error) {
  *out = (prepared){0};
  job j;
  leuko_status status = plan(request, &j, error);
  if (status == LEUKO_OK) status = hash_samples(&j, report, error);
  if (status == LEUKO_OK) status = make_key(&j, error);
  if (status == LEUKO_OK) {
    cache_path(&j, out->path);
    if (!out->path[0] || !map_finished(&j, out->path, out))
      status = prepare_all(&j, out->path, report, out, error);
  }
  free(j.sha256);
  if (status != LEUKO_OK) {
    *out = (prepared){0};
    return status;
  }
  if (!out->on_disk) out->path[0] = 0;
  out->map_bytes = j.bytes;
  out->count = request->count;
  out->size = request->size;
  out->status = (const leuko_status *)((const uint8_t *)out->map + PAGE);
  out->pixels = (const uint8_t *)out->map + j.pixels_at;
  for (size_t i = 0; i < out->count; i++) out->refused += out->status[i] != LEUKO_OK;
  return LEUKO_OK;
}

void prepared_close(prepared *p) {
  if (p->map) munmap(p->map, p->map_bytes);
  *p = (prepared){0};
}
