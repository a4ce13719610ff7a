#include <limits.h>
#include <omp.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/error.h"
#include "base/file.h"
#include "base/threads.h"
#include "dataset/dataset.h"
#include "dataset/index.h"
#include "dataset/labels.h"
#include "dataset/walk.h"
#include "image/decode.h"

/* A picture of 100 megapixels takes 300 MB uncompressed; a larger file holds none that is used. */
#define MAX_FILE_BYTES ((size_t)1 << 30)

leuko_status dataset_sample_file(const dataset *d, size_t index, char *out, size_t size,
                                 leuko_error *error) {
  return file_join(out, size, d->root, d->samples[index].path, error);
}

/* Opens, hashes and decodes one file into its sample. */
static leuko_status read_sample(const dataset *d, size_t index, bool skip_pixels) {
  dataset_sample *s = &d->samples[index];
  char path[PATH_MAX];
  leuko_status status = dataset_sample_file(d, index, path, sizeof path, NULL);
  file_map map = {0};
  if (status == LEUKO_OK) status = file_map_open(path, MAX_FILE_BYTES, &map, NULL);
  if (status != LEUKO_OK) return status;
  status = hash_bytes(map.data, map.size, s->sha256, NULL);
  strcpy(s->format, walk_format(map.data, map.size));
  if (status == LEUKO_OK && !skip_pixels) {
    image picture;
    status = image_decode(map.data, map.size, NULL, &picture, NULL);
    if (status == LEUKO_OK) {
      s->width = picture.width;
      s->height = picture.height;
      status = image_pixel_hash(&picture, s->pixels, NULL);
      image_free(&picture);
    }
  }
  file_unmap(&map);
  return status;
}

/* Reads the samples todo[0 .. count-1], several at a time; sets `known` of those reached. */
static leuko_status read_samples(dataset *d, const size_t *todo, size_t count, int threads,
                                 bool skip_pixels, bool *known, const progress *p,
                                 leuko_error *error) {
  static const char phase[] = "reading cells";
  atomic_size_t done = 0;
  atomic_bool stop = false;
#pragma omp parallel for schedule(dynamic, 4) num_threads(threads)
  for (size_t i = 0; i < count; i++) {
    if (atomic_load(&stop)) continue;
    dataset_sample *s = &d->samples[todo[i]];
    s->status = read_sample(d, todo[i], skip_pixels);
    known[todo[i]] = true;
    size_t reached = atomic_fetch_add(&done, 1) + 1;
    /* The callback belongs to the calling thread, which is the team's first. */
    if (omp_get_thread_num() == 0 && reached < count &&
        progress_report(p, phase, reached, count, NULL))
      atomic_store(&stop, true);
  }
  if (!atomic_load(&stop) && progress_report(p, phase, count, count, NULL))
    atomic_store(&stop, true);
  if (atomic_load(&stop))
    return error_set(error, LEUKO_INTERRUPTED, d->root,
                     "scan again: the files read so far are remembered", "the scan was stopped");
  for (size_t i = 0; i < count; i++) {
    leuko_status status = d->samples[todo[i]].status;
    if (status == LEUKO_NO_MEMORY || status == LEUKO_BACKEND)
      return error_set(error, status, d->samples[todo[i]].path, NULL, "%s",
                       leuko_status_message(status));
  }
  return LEUKO_OK;
}

/* Gives every file of the walk its sample, from the index where it is unchanged. */
static leuko_status fill_samples(dataset *d, const walk *w, const dataset_options *options,
                                 const progress *p, leuko_error *error) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  int64_t now_ns = (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
  size_t *todo = malloc(w->count * sizeof *todo);
  bool *known = calloc(w->count, sizeof *known);
  if (!todo || !known) {
    free(todo);
    free(known);
    return error_set_memory(error, w->count * sizeof *todo);
  }
  scan_index index;
  index_open(d->root, &index);
  size_t count = 0;
  for (size_t i = 0; i < w->count; i++) {
    if (w->files[i].status != LEUKO_OK) d->samples[i].status = w->files[i].status;
    else if (index_find(&index, &w->files[i], &d->samples[i])) known[i] = true;
    else todo[count++] = i;
    d->indexed += known[i];
  }
  leuko_status status = LEUKO_OK;
  if (count > 0)
    status = read_samples(d, todo, count, threads_count(options->threads), options->skip_pixels,
                          known, p, error);
  bool changed = count > 0 || d->indexed < index_count(&index);
  if (changed && !options->skip_pixels)
    index_write(&index, w->files, d->samples, known, w->count, now_ns);
  index_close(&index);
  free(todo);
  free(known);
  return status;
}

static bool says_synthetic(const char *root) {
  char path[PATH_MAX];
  return (file_join(path, sizeof path, root, "SYNTHETIC.txt", NULL) == LEUKO_OK &&
          file_exists(path)) ||
         (file_join(path, sizeof path, root, "../SYNTHETIC.txt", NULL) == LEUKO_OK &&
          file_exists(path));
}

leuko_status dataset_scan(const char *root, const dataset_options *options, const progress *p,
                          dataset *out, leuko_error *error) {
  static const dataset_options defaults = {0};
  if (!options) options = &defaults;
  *out = (dataset){.positive = -1};
  out->root = realpath(root, NULL);
  if (!out->root) return error_set_errno(error, root, "open the folder");
  walk w;
  leuko_status status = walk_open(out->root, &w, error);
  if (status == LEUKO_OK && w.count == 0)
    status = error_set(error, LEUKO_NO_DATA, root,
                       "give a folder with BMP, PNG, JPEG, TIFF or WebP files in it",
                       "no image file below this folder");
  if (status == LEUKO_OK && !(out->samples = calloc(w.count, sizeof *out->samples)))
    status = error_set_memory(error, w.count * sizeof *out->samples);
  if (status == LEUKO_OK) {
    out->count = w.count;
    out->ignored = w.ignored;
    out->synthetic = says_synthetic(out->root);
    for (size_t i = 0; i < w.count; i++) {
      out->samples[i] = (dataset_sample){.path = w.files[i].path,
                                         .label = -1,
                                         .fold = -1,
                                         .held_out = -1,
                                         .group = -1,
                                         .twin = -1};
    }
    out->folders = w.folders;
    out->folder_count = w.folder_count;
    w.folders = NULL;
    w.folder_count = 0;
    status = fill_samples(out, &w, options, p, error);
    for (size_t i = 0; i < w.count; i++) w.files[i].path = NULL; /* now the samples' own */
  }
  walk_free(&w);
  if (status == LEUKO_OK) status = labels_set(out, options, error);
  for (size_t i = 0; i < out->count; i++) out->refused += out->samples[i].status != LEUKO_OK;
  if (status != LEUKO_OK) dataset_free(out);
  return status;
}

void dataset_free(dataset *d) {
  for (size_t i = 0; i < d->count; i++) {
    free(d->samples[i].path);
    free(d->samples[i].subject);
  }
  for (size_t i = 0; i < d->folder_count; i++) free(d->folders[i].path);
  for (int i = 0; i < d->class_count; i++) free(d->classes[i]);
  free(d->samples);
  free(d->folders);
  free(d->root);
  *d = (dataset){.positive = -1};
}
