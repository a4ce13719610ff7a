/* The drawn cells laid out like the data set. */
#include <omp.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"
#include "base/rng.h"
#include "dataset/synth.h"
#include "image/write.h"

#define FOLDS 3
#define SUBJECTS 9 /* of each class, a third of them in each fold */
#define BLAST_SHARE 0.6
#define STREAM_TREE 2 /* synth.c has 0 and 1 */

static const char notice[] =
    "THE CELLS IN THIS FOLDER ARE DRAWN, NOT REAL.\n"
    "\n"
    "leuko drew them (leuko data synth) so that everything can be tried without the data set.\n"
    "They imitate the layout and the look of C-NMC 2019: nuclei on black, two classes, subjects\n"
    "that differ in stain and size. They were not made from patients' images and say nothing\n"
    "about patients: a score reached here is no result.\n"
    "\n"
    "Real cells: \"C_NMC_2019 Dataset: ALL Challenge dataset of ISBI 2019\", The Cancer Imaging\n"
    "Archive, https://doi.org/10.7937/tcia.2019.dc64i46r\n";

/* One cell's place in the tree. */
typedef struct {
  int blast;
  size_t subject; /* 0 .. 2 * SUBJECTS - 1, healthy ones first */
  size_t number;  /* of this cell within its subject */
} place;

/* Divides the cells of one class among its subjects, unevenly, at least one each. */
static void divide(place *places, size_t count, int blast, uint64_t seed) {
  double weights[SUBJECTS], total = 0, until = 0;
  rng r = rng_open(seed, RNG_SYNTH, STREAM_TREE, (uint32_t)blast);
  for (int s = 0; s < SUBJECTS; s++) total += weights[s] = 0.6 + 0.8 * rng_uniform(&r);
  size_t at = 0;
  for (size_t s = 0; s < SUBJECTS; s++) {
    until += weights[s];
    size_t end = s + 1 == SUBJECTS ? count : (size_t)(until / total * (double)count);
    for (size_t number = 0; at < end; at++, number++)
      places[at] = (place){blast, s + (blast ? SUBJECTS : 0), number};
  }
}

static leuko_status place_path(const char *dir, const place *p, char path[1024],
                               leuko_error *error) {
  const char *label = p->blast ? "all" : "hem";
  const size_t subject = p->subject % SUBJECTS + 1;
  char name[128];
  snprintf(name, sizeof name, "training_data/fold_%zu/%s/UID_%s%zu_%zu_%zu_%s.png",
           p->subject % FOLDS, label, p->blast ? "" : "H", subject, p->number / 4 + 1,
           p->number % 4 + 1, label);
  return file_join(path, 1024, dir, name, error);
}

/* Makes the folders (or removes those that are empty). */
static leuko_status folders(const char *dir, bool make, leuko_error *error) {
  for (int fold = FOLDS - 1; fold >= 0; fold--) {
    const char *inner[] = {"/all", "/hem", ""};
    for (int i = 0; i < 3; i++) {
      char name[64], path[1024];
      snprintf(name, sizeof name, "training_data/fold_%d%s", fold, inner[i]);
      leuko_status status = file_join(path, sizeof path, dir, name, error);
      if (status == LEUKO_OK && make) status = file_make_folders(path, error);
      if (status != LEUKO_OK) return status;
      if (!make) rmdir(path);
    }
  }
  char path[1024];
  if (!make && file_join(path, sizeof path, dir, "training_data", NULL) == LEUKO_OK) rmdir(path);
  return LEUKO_OK;
}

static leuko_status draw(const char *dir, uint64_t seed, const place *places, size_t index,
                         leuko_error *error) {
  const place *p = &places[index];
  char path[1024];
  image picture;
  leuko_status status = place_path(dir, p, path, error);
  if (status == LEUKO_OK) status = synth_cell(seed, index, p->blast, p->subject, &picture, error);
  if (status != LEUKO_OK) return status;
  status = image_write(path, &picture, IMAGE_PNG, error);
  image_free(&picture);
  return status;
}

static leuko_status draw_all(const char *dir, uint64_t seed, const place *places, size_t count,
                             const progress *report, leuko_error *error) {
  atomic_size_t done = 0;
  atomic_bool stop = false;
  leuko_status outcome = LEUKO_OK;
#pragma omp parallel for schedule(dynamic, 1)
  for (size_t i = 0; i < count; i++) {
    if (atomic_load(&stop)) continue;
    leuko_error own = {0};
    leuko_status status = draw(dir, seed, places, i, &own);
    size_t now = atomic_fetch_add(&done, 1) + 1;
    if (status == LEUKO_OK && omp_get_thread_num() == 0 &&
        progress_report(report, "drawing cells", now, count, NULL) != 0)
      status = error_set(&own, LEUKO_INTERRUPTED, dir, NULL, "interrupted while drawing cells");
    if (status == LEUKO_OK) continue;
    atomic_store(&stop, true);
#pragma omp critical(dataset_synth)
    if (outcome == LEUKO_OK) {
      outcome = status;
      if (error) *error = own;
    }
  }
  if (outcome == LEUKO_OK) progress_report(report, "drawing cells", count, count, NULL);
  return outcome;
}

leuko_status dataset_synth(const char *dir, size_t cells, uint64_t seed, const progress *report,
                           leuko_error *error) {
  if (cells < SYNTH_MIN_CELLS || cells > SYNTH_MAX_CELLS)
    return error_set(error, LEUKO_ARGUMENT, NULL, NULL, "%d to %d cells can be drawn, not %zu",
                     SYNTH_MIN_CELLS, SYNTH_MAX_CELLS, cells);
  char path[1024];
  leuko_status status = file_join(path, sizeof path, dir, "training_data", error);
  if (status != LEUKO_OK) return status;
  if (file_exists(path))
    return error_set(error, LEUKO_ARGUMENT, path, "name a new folder",
                     "drawn cells are not mixed into cells that are there");
  place *places = malloc(cells * sizeof *places);
  if (!places) return error_set_memory(error, cells * sizeof *places);
  const size_t blasts = (size_t)((double)cells * BLAST_SHARE);
  divide(places, cells - blasts, 0, seed);
  divide(places + (cells - blasts), blasts, 1, seed);

  status = file_make_folders(dir, error);
  if (status == LEUKO_OK) status = file_join(path, sizeof path, dir, "SYNTHETIC.txt", error);
  if (status == LEUKO_OK) status = file_write_all(path, notice, sizeof notice - 1, error);
  if (status == LEUKO_OK) status = folders(dir, true, error);
  if (status == LEUKO_OK) status = draw_all(dir, seed, places, cells, report, error);
  if (status != LEUKO_OK) { /* half a tree would look like a whole one */
    for (size_t i = 0; i < cells; i++)
      if (place_path(dir, &places[i], path, NULL) == LEUKO_OK) unlink(path);
    folders(dir, false, NULL);
    if (file_join(path, sizeof path, dir, "SYNTHETIC.txt", NULL) == LEUKO_OK) unlink(path);
  }
  free(places);
  return status;
}
