#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "cli/reproduction.h"

/* Writes the set's split, or checks that the one from an earlier start is the same. */
static leuko_status keep_split(dataset *set, const char *path, leuko_error *error) {
  if (!file_exists(path)) return dataset_write_split(set, path, error);
  dataset_part *parts = calloc(set->count, sizeof *parts);
  if (!parts) return error_set_memory(error, set->count * sizeof *parts);
  for (size_t i = 0; i < set->count; i++) parts[i] = set->samples[i].part;
  leuko_status status = dataset_read_split(set, path, error);
  for (size_t i = 0; status == LEUKO_OK && i < set->count; i++)
    if (set->samples[i].part != parts[i])
      status = error_set(error, LEUKO_MISMATCH, path,
                         "give the folder of cells that it was begun with, or choose another --out",
                         "the cells are no longer those that were split");
  free(parts);
  return status;
}

/* Splits the cells that have a part by image. */
static leuko_status split_by_image(const reproduction_options *o, dataset *set,
                                   reproduction_cells *out, leuko_error *error) {
  for (size_t i = 0; i < set->count; i++) {
    dataset_sample *s = &set->samples[i];
    if (s->part == DATASET_NONE) s->label = -1; /* takes no part in the next split either */
    else out->cells++;
  }
  leuko_status status = dataset_split(set, SPLIT_BY_IMAGE, SPLIT_TRAIN_SHARE, o->seed, NULL, error);
  if (status != LEUKO_OK) return status;
  split_leaks leaks;
  dataset_leaks(set, &leaks);
  out->leaking = leaks.leaking;
  out->subjects = leaks.subjects;
  return keep_split(set, out->image, error);
}

/* By subject first: the cells of the quick form are spread over its parts, classes and subjects. */
static leuko_status split_both(const reproduction_options *o, size_t limit, dataset *set,
                               reproduction_cells *out, leuko_error *error) {
  leuko_status status =
      dataset_split(set, SPLIT_BY_SUBJECT, SPLIT_TRAIN_SHARE, o->seed, NULL, error);
  if (status == LEUKO_OK) status = train_limit(set, limit, o->seed, error);
  if (status == LEUKO_OK) status = keep_split(set, out->subject, error);
  return status == LEUKO_OK ? split_by_image(o, set, out, error) : status;
}

leuko_status reproduction_split(const reproduction_options *o, size_t limit, const progress *p,
                                reproduction_cells *out, leuko_error *error) {
  *out = (reproduction_cells){0};
  dataset set;
  char found[1024];
  dataset_options scan = {.positive = o->positive, .subjects = o->subjects, .threads = o->threads};
  leuko_status status = file_join(out->image, sizeof out->image, o->out, "split-image.csv", error);
  if (status == LEUKO_OK)
    status = file_join(out->subject, sizeof out->subject, o->out, "split-subject.csv", error);
  if (status == LEUKO_OK) status = dataset_scan(o->folder, &scan, p, &set, error);
  if (status != LEUKO_OK) return status;
  snprintf(out->root, sizeof out->root, "%s", set.root);
  out->synthetic = set.synthetic;
  out->refused = set.refused;
  const char *manifest = o->manifest;
  if (!manifest && dataset_find_manifest(set.root, found, sizeof found)) manifest = found;
  if (set.class_count < 2)
    status = error_set(error, LEUKO_NO_DATA, o->folder, "give a folder with a subfolder a class",
                       "the cells have no classes%s%s", set.remark[0] ? ": " : "", set.remark);
  if (status == LEUKO_OK) status = dataset_tie(&set, manifest, NULL, error);
  if (status == LEUKO_OK) status = file_make_folders(o->out, error);
  if (status == LEUKO_OK) status = split_both(o, limit, &set, out, error);
  dataset_free(&set);
  return status;
}
