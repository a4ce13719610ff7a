#include "dataset/gather.h"

#include <stdlib.h>

#include "base/error.h"

void gathering_free(gathering *g) {
  free(g->samples);
  free(g->unit);
  free(g->cells);
  free(g->train);
}

/* Cells of the preliminary phase stay the challenge's test wherever training cells are present. */
static bool has_training_cells(const dataset *d) {
  for (size_t i = 0; i < d->count; i++)
    if (d->samples[i].status == LEUKO_OK && d->samples[i].label >= 0 && !d->samples[i].preliminary)
      return true;
  return false;
}

leuko_status gather_cells(const dataset *d, split_kind by, gathering *g, size_t *aside,
                          leuko_error *error) {
  *g = (gathering){0};
  *aside = 0;
  size_t classes = (size_t)d->class_count;
  g->samples = malloc((d->count + 1) * sizeof *g->samples);
  g->unit = malloc((d->count + 1) * sizeof *g->unit);
  g->cells = calloc((d->count + 1) * (classes + 1), sizeof *g->cells);
  g->train = calloc(d->count + 1, 1);
  size_t *number = malloc((d->count + 1) * sizeof *number); /* of the group or twin */
  if (!g->samples || !g->unit || !g->cells || !g->train || !number) {
    free(number);
    gathering_free(g);
    return error_set_memory(error, (d->count + 1) * (classes + 4) * sizeof(size_t));
  }
  for (size_t i = 0; i < d->count; i++) number[i] = SIZE_MAX;
  bool training = has_training_cells(d);
  for (size_t i = 0; i < d->count; i++) {
    const dataset_sample *s = &d->samples[i];
    if (s->status != LEUKO_OK || s->label < 0) continue;
    if ((training && s->preliminary) || (by == SPLIT_BY_FOLD && s->fold < 0)) {
      ++*aside;
      continue;
    }
    size_t key = (size_t)(by == SPLIT_BY_IMAGE ? s->twin : s->group);
    if (number[key] == SIZE_MAX) number[key] = g->units++;
    g->samples[g->sample_count] = i;
    g->unit[g->sample_count++] = number[key];
    g->cells[number[key] * classes + (size_t)s->label]++;
  }
  free(number);
  if (g->sample_count > 0) return LEUKO_OK;
  gathering_free(g);
  return error_set(error, LEUKO_NO_DATA, d->root,
                   by == SPLIT_BY_FOLD && *aside ? "split by subject instead"
                                                 : "see docs/formats.md for the folders",
                   "%s",
                   by == SPLIT_BY_FOLD && *aside ? "no labelled cell lies in a folder fold_N"
                                                 : "no labelled cell that can be used");
}

leuko_status gather_check_subjects(const dataset *d, const gathering *g, leuko_error *error) {
  size_t unknown = 0;
  for (size_t i = 0; i < g->sample_count; i++) unknown += !d->samples[g->samples[i]].subject[0];
  if (!unknown) return LEUKO_OK;
  return error_set(error, LEUKO_BAD_DATA, d->root,
                   "name the subjects with --subjects CSV (header: path,subject)",
                   "a split by subject needs every cell's subject, and %zu of %zu have none that "
                   "is known",
                   unknown, g->sample_count);
}
