#include "dataset/prepared.h"

#include <limits.h>
#include <omp.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cache.h"
#include "base/error.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/threads.h"
#include "image/resize.h"

#define VERSION "prepared images 2"
#define PAGE ((size_t)4096)

/* The cached data are the statuses [count] and, from the next full page on, the pixels. */
_Static_assert(sizeof(leuko_status) == 4, "statuses are stored as they are");

typedef struct {
  const prepared_request *request;
  char (*sha256)[HASH_HEX]; /* [count] of the files; "" if unreadable */
  char key[HASH_HEX];
  size_t bytes, pixels_at; /* of the cached data; where the pixels begin */
  cache_file cache;
  atomic_bool changed; /* a file was not, or no longer, what its hash says */
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
  uint8_t *pixels = j->cache.data + j->pixels_at + i * (size_t)r->size * (size_t)r->size * 3;
  if (status == LEUKO_OK) status = image_prepare(&picture, r->crop, r->size, pixels, NULL);
  if (status == LEUKO_OK) status = stain_apply(&r->stain, r->size, pixels, NULL);
  image_free(&picture);
  ((leuko_status *)(void *)j->cache.data)[i] = status;
  return ends_all(status) ? status : LEUKO_OK;
}

/* The name under which the result is kept: a hash of all that it depends on. */
static leuko_status make_key(job *j, leuko_error *error) {
  hash *h;
  leuko_status status = hash_open(&h, error);
  if (status != LEUKO_OK) return status;
  char options[96];
  int length =
      snprintf(options, sizeof options, VERSION "\ncrop %d size %d count %zu statuses %d\n",
               j->request->crop, j->request->size, j->request->count, (int)LEUKO_STATUS_COUNT);
  hash_add(h, options, (size_t)length);
  /* Without a stain the name is what it was before there were stains. */
  if (j->request->stain.method != STAIN_AS_IS) {
    hash_add(h, stain_name(j->request->stain.method), strlen(stain_name(j->request->stain.method)));
    hash_add(h, j->request->stain.target.mean, sizeof j->request->stain.target.mean);
    hash_add(h, j->request->stain.target.deviation, sizeof j->request->stain.target.deviation);
  }
  hash_add(h, j->sha256, j->request->count * HASH_HEX);
  return hash_close(h, j->key, error);
}

/* Decodes everything into the cache file. */
static leuko_status prepare_all(job *j, const progress *report, leuko_error *error) {
  leuko_status status = for_samples(j, "preparing images", prepare_sample, report, error);
  if (status != LEUKO_OK) return status;
  return cache_finish(&j->cache, !atomic_load(&j->changed), error);
}

/* Checks the request and lays out the file. */
static leuko_status plan(const prepared_request *r, job *j, leuko_error *error) {
  *j = (job){.request = r};
  if (r->count == 0) return error_set(error, LEUKO_NO_DATA, r->root, NULL, "no image to prepare");
  if (r->size < 1 || r->size > 65536 || r->crop < 0)
    return error_set(error, LEUKO_ARGUMENT, NULL, NULL, "crop %d, size %d", r->crop, r->size);
  if ((size_t)r->crop * (size_t)r->crop > IMAGE_MAX_PIXELS)
    return error_set(error, LEUKO_TOO_LARGE, NULL, NULL, "a crop of %d pixels", r->crop);
  const size_t image_bytes = (size_t)r->size * (size_t)r->size * 3;
  if (r->count > (SIZE_MAX / 4 - 2 * PAGE) / (image_bytes + HASH_HEX))
    return error_set(error, LEUKO_TOO_LARGE, NULL, NULL, "%zu images of %d x %d", r->count, r->size,
                     r->size);
  j->pixels_at = (r->count * sizeof(leuko_status) + PAGE - 1) / PAGE * PAGE;
  j->bytes = j->pixels_at + r->count * image_bytes;
  j->sha256 = calloc(r->count, HASH_HEX);
  return j->sha256 ? LEUKO_OK : error_set_memory(error, r->count * HASH_HEX);
}

leuko_status prepared_open(const prepared_request *request, const progress *report, prepared *out,
                           leuko_error *error) {
  *out = (prepared){0};
  job j;
  leuko_status status = plan(request, &j, error);
  if (status == LEUKO_OK) status = hash_samples(&j, report, error);
  if (status == LEUKO_OK) status = make_key(&j, error);
  if (status == LEUKO_OK) status = cache_open("prepared", j.key, "u8", j.bytes, &j.cache, error);
  if (status == LEUKO_OK && !j.cache.ready) status = prepare_all(&j, report, error);
  free(j.sha256);
  if (status != LEUKO_OK) {
    cache_close(&j.cache);
    return status;
  }
  out->cache = j.cache;
  out->count = request->count;
  out->size = request->size;
  out->status = (const leuko_status *)(const void *)j.cache.data;
  out->pixels = j.cache.data + j.pixels_at;
  for (size_t i = 0; i < out->count; i++) out->refused += out->status[i] != LEUKO_OK;
  return LEUKO_OK;
}

void prepared_close(prepared *p) {
  cache_close(&p->cache);
  *p = (prepared){0};
}
