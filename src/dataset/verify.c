#include "dataset/verify.h"

#include <limits.h>
#include <omp.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/error.h"
#include "base/file.h"
#include "base/threads.h"
#include "dataset/manifest.h"
#include "dataset/names.h"
#include "dataset/original.h"

static const char *const names[VERIFY_KINDS] = {"original", "pixel_identical", "reencoded",
                                                "altered", "extra"};

const char *verify_kind_name(verify_kind kind) {
  return names[kind];
}

/* Compares one image with its entry. Returns only errors that are not the file's fault. */
static leuko_status compare(const dataset *d, size_t index, const manifest_entry *entry,
                            verify_file *out) {
  const dataset_sample *s = &d->samples[index];
  if (!entry) {
    out->kind = VERIFY_EXTRA;
    return LEUKO_OK;
  }
  if (strcmp(s->sha256, entry->sha256) == 0) {
    out->kind = VERIFY_ORIGINAL;
    return LEUKO_OK;
  }
  char path[PATH_MAX];
  image picture = {0};
  out->kind = VERIFY_ALTERED;
  out->status = dataset_sample_file(d, index, path, sizeof path, NULL);
  if (out->status == LEUKO_OK) out->status = image_read(path, &picture, NULL, NULL);
  if (out->status == LEUKO_NO_MEMORY || out->status == LEUKO_BACKEND) return out->status;
  if (out->status != LEUKO_OK) return LEUKO_OK;
  bool equal;
  leuko_status status = original_has_hash(&picture, entry->bytes, entry->sha256, &equal, NULL);
  image_free(&picture);
  bool same_format = strcasecmp(names_extension(s->path), names_extension(entry->path)) == 0;
  if (equal) out->kind = VERIFY_PIXEL_IDENTICAL;
  else if (!same_format) out->kind = VERIFY_REENCODED;
  return status;
}

static leuko_status compare_all(const dataset *d, const manifest *m, const size_t *entries,
                                int threads, const progress *p, verification *out,
                                leuko_error *error) {
  static const char phase[] = "comparing cells";
  atomic_size_t done = 0;
  atomic_bool stop = false;
  atomic_int failed = LEUKO_OK;
#pragma omp parallel for schedule(dynamic, 4) num_threads(threads_count(threads))
  for (size_t i = 0; i < d->count; i++) {
    if (atomic_load(&stop)) continue;
    const manifest_entry *entry = entries[i] == MANIFEST_NONE ? NULL : &m->entries[entries[i]];
    leuko_status status = compare(d, i, entry, &out->files[i]);
    if (status != LEUKO_OK) {
      atomic_store(&failed, (int)status);
      atomic_store(&stop, true);
    }
    size_t reached = atomic_fetch_add(&done, 1) + 1;
    if (omp_get_thread_num() == 0 && reached < d->count &&
        progress_report(p, phase, reached, d->count, NULL))
      atomic_store(&stop, true);
  }
  leuko_status status = (leuko_status)atomic_load(&failed);
  if (status != LEUKO_OK)
    return error_set(error, status, d->root, NULL, "%s", leuko_status_message(status));
  if (atomic_load(&stop) || progress_report(p, phase, d->count, d->count, NULL))
    return error_set(error, LEUKO_INTERRUPTED, d->root, NULL, "the comparison was stopped");
  return LEUKO_OK;
}

static char *copy_text(const char *text, leuko_status *status, leuko_error *error) {
  char *copy = strdup(text);
  if (!copy) *status = error_set_memory(error, strlen(text) + 1);
  return copy;
}

/* An entry that is no image (a label file) is looked for at its place. `root` may itself be a
 * folder of the official tree. Gives the part of the entry's path that lies below root, or NULL. */
static const char *find_other(const char *root, const char *entry) {
  char path[PATH_MAX];
  size_t root_length = strlen(root);
  for (const char *below = entry; below;) {
    size_t above = below == entry ? 0 : (size_t)(below - entry) - 1;
    bool fits = above == 0 || (root_length > above && root[root_length - above - 1] == '/' &&
                               strncmp(root + root_length - above, entry, above) == 0);
    if (fits && file_join(path, sizeof path, root, below, NULL) == LEUKO_OK && file_exists(path))
      return below;
    const char *slash = strchr(below, '/');
    below = slash ? slash + 1 : NULL;
  }
  return NULL;
}

static leuko_status add_other(const dataset *d, const manifest_entry *entry, const char *below,
                              verification *out, leuko_error *error) {
  char path[PATH_MAX], hex[HASH_HEX] = "";
  leuko_status status = file_join(path, sizeof path, d->root, below, error);
  if (status != LEUKO_OK) return status;
  verify_file *file = &out->files[out->file_count++];
  file->status = hash_file(path, hex, NULL);
  file->kind = strcmp(hex, entry->sha256) == 0 ? VERIFY_ORIGINAL : VERIFY_ALTERED;
  file->path = copy_text(below, &status, error);
  file->original = copy_text(entry->path, &status, error);
  return status;
}

static int compare_files(const void *left, const void *right) {
  const verify_file *a = left, *b = right;
  return strcmp(a->path, b->path);
}

static int compare_texts(const void *left, const void *right) {
  const char *a, *b;
  memcpy(&a, left, sizeof a);
  memcpy(&b, right, sizeof b);
  return strcmp(a, b);
}

/* The files beside the images, and what is missing. */
static leuko_status complete(const dataset *d, const manifest *m, const size_t *entries,
                             verification *out, leuko_error *error) {
  bool *found = calloc(m->count + 1, sizeof *found);
  if (!found) return error_set_memory(error, m->count + 1);
  leuko_status status = LEUKO_OK;
  for (size_t i = 0; i < d->count; i++)
    if (entries[i] != MANIFEST_NONE) found[entries[i]] = true;
  for (size_t e = 0; status == LEUKO_OK && e < m->count; e++) {
    const char *path = m->entries[e].path;
    const char *below = names_is_image(path) ? NULL : find_other(d->root, path);
    if (below) status = add_other(d, &m->entries[e], below, out, error);
    else if (!found[e]) out->missing[out->missing_count++] = copy_text(path, &status, error);
  }
  free(found);
  if (status != LEUKO_OK) return status;
  qsort(out->files, out->file_count, sizeof *out->files, compare_files);
  if (out->missing_count)
    qsort(out->missing, out->missing_count, sizeof *out->missing, compare_texts);
  for (size_t i = 0; i < out->file_count; i++) out->counts[out->files[i].kind]++;
  return LEUKO_OK;
}

static leuko_status verify(const dataset *d, const manifest *m, int threads, const progress *p,
                           verification *out, leuko_error *error) {
  size_t *entries = malloc((d->count + 1) * sizeof *entries);
  out->files = calloc(d->count + m->count + 1, sizeof *out->files);
  out->missing = calloc(m->count + 1, sizeof *out->missing);
  out->entries = m->count;
  if (!entries || !out->files || !out->missing) {
    free(entries);
    return error_set_memory(error, (d->count + m->count + 1) * sizeof *out->files);
  }
  leuko_status status = LEUKO_OK;
  out->file_count = d->count;
  for (size_t i = 0; status == LEUKO_OK && i < d->count; i++) {
    const dataset_sample *s = &d->samples[i];
    entries[i] = manifest_match(m, d->root, s->path, s->sha256);
    out->files[i].path = copy_text(s->path, &status, error);
    out->files[i].original =
        copy_text(entries[i] == MANIFEST_NONE ? "" : m->entries[entries[i]].path, &status, error);
  }
  if (status == LEUKO_OK) status = compare_all(d, m, entries, threads, p, out, error);
  if (status == LEUKO_OK) status = complete(d, m, entries, out, error);
  free(entries);
  return status;
}

leuko_status dataset_verify(const dataset *d, const char *manifest_path, int threads,
                            const progress *p, verification *out, leuko_error *error) {
  *out = (verification){0};
  manifest m;
  leuko_status status = manifest_open(manifest_path, &m, error);
  if (status != LEUKO_OK) return status;
  status = verify(d, &m, threads, p, out, error);
  manifest_close(&m);
  if (status != LEUKO_OK) verify_free(out);
  return status;
}

void verify_free(verification *v) {
  for (size_t i = 0; i < v->file_count; i++) {
    free(v->files[i].path);
    free(v->files[i].original);
  }
  for (size_t i = 0; i < v->missing_count; i++) free(v->missing[i]);
  free(v->files);
  free(v->missing);
  *v = (verification){0};
}
