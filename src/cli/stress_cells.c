#include "cli/stress_cells.h"

#include <stdlib.h>

#include "base/error.h"
#include "cli/classes.h"
#include "cli/trained_on.h"
#include "train/data.h"

/* Who knows which cell. */
typedef struct {
  bool *known; /* [models][cells] */
  bool told;   /* of every model it is known what it was trained on */
  bool fresh;  /* there is a cell that some model was not trained on */
} knowledge;

static leuko_status learn(const ensemble *each, int models, const dataset *set, knowledge *k,
                          leuko_error *error) {
  const size_t count = set->count;
  k->known = calloc((size_t)models * count + 1, sizeof *k->known);
  if (!k->known) return error_set_memory(error, (size_t)models * count);
  k->told = true;
  leuko_status status = LEUKO_OK;
  for (int m = 0; m < models && status == LEUKO_OK; m++) {
    bool *known = k->known + (size_t)m * count;
    for (int f = 0; f < each[m].count && status == LEUKO_OK; f++) {
      bool told;
      status = trained_on_mark(each[m].paths[f], set, known, &told, error);
      k->told &= told;
    }
    for (size_t i = 0; i < count; i++)
      k->fresh |= set->samples[i].part != DATASET_NONE && !known[i];
  }
  return status;
}

/* The model that is to be shown a cell; -1 where all were trained on it. */
static int choose(int models, const knowledge *k, size_t cells, size_t i, const size_t *shown) {
  int best = -1;
  for (int m = 0; m < models; m++)
    if ((!k->fresh || !k->known[(size_t)m * cells + i]) && (best < 0 || shown[m] < shown[best]))
      best = m;
  return best;
}

static int compare_ints(const void *a, const void *b) {
  const int x = *(const int *)a, y = *(const int *)b;
  return (x > y) - (x < y);
}

/* Persons of the cells that have a part; 0 where one is of nobody who is known. */
static leuko_status count_persons(const dataset *set, size_t *persons, leuko_error *error) {
  int *groups = malloc((set->count + 1) * sizeof *groups);
  if (!groups) return error_set_memory(error, set->count * sizeof *groups);
  size_t count = 0;
  bool known = true;
  for (size_t i = 0; i < set->count; i++) {
    if (set->samples[i].part == DATASET_NONE) continue;
    groups[count++] = set->samples[i].group;
    known &= set->samples[i].subject[0] != 0;
  }
  qsort(groups, count, sizeof *groups, compare_ints);
  *persons = 0;
  for (size_t i = 0; i < count && known; i++) *persons += i == 0 || groups[i] != groups[i - 1];
  free(groups);
  return LEUKO_OK;
}

static leuko_status deal(int models, const dataset *set, const knowledge *k, const int *classes,
                         stress_cells *out, leuko_error *error) {
  size_t shown[ENSEMBLE_MOST] = {0};
  int *turns = malloc((set->count + 1) * sizeof *turns);
  leuko_status status = turns ? LEUKO_OK : error_set_memory(error, set->count * sizeof *turns);
  for (size_t i = 0; i < set->count && status == LEUKO_OK; i++)
    if (set->samples[i].part != DATASET_NONE) {
      turns[i] = choose(models, k, set->count, i, shown);
      shown[turns[i]]++;
    }
  for (int m = 0; m < models; m++)
    for (size_t i = 0; i < set->count && status == LEUKO_OK; i++) {
      if (set->samples[i].part == DATASET_NONE || turns[i] != m) continue;
      out->files[out->count] = out->paths[out->count];
      out->labels[out->count] = classes[set->samples[i].label];
      out->models[out->count] = m;
      status = dataset_sample_file(set, i, out->paths[out->count++], sizeof *out->paths, error);
    }
  free(turns);
  return status;
}

leuko_status stress_cells_deal(const ensemble *each, int models, dataset *set, size_t limit,
                               uint64_t seed, stress_cells *out, leuko_error *error) {
  int classes[LEUKO_MAX_CLASSES];
  knowledge k = {0};
  *out = (stress_cells){.paths = calloc(set->count + 1, sizeof *out->paths),
                        .files = calloc(set->count + 1, sizeof *out->files),
                        .labels = calloc(set->count + 1, sizeof *out->labels),
                        .models = calloc(set->count + 1, sizeof *out->models)};
  if (!out->paths || !out->files || !out->labels || !out->models)
    return error_set_memory(error, set->count * sizeof *out->paths);
  leuko_status status = classes_match(ensemble_model(&each[0]), set, classes, error);
  for (size_t i = 0; i < set->count; i++)
    if (set->samples[i].status != LEUKO_OK || set->samples[i].label < 0)
      set->samples[i].part = DATASET_NONE;
  if (status == LEUKO_OK) status = learn(each, models, set, &k, error);
  for (size_t i = 0; i < set->count && status == LEUKO_OK; i++)
    if (choose(models, &k, set->count, i, (size_t[ENSEMBLE_MOST]){0}) < 0)
      set->samples[i].part = DATASET_NONE;
  if (status == LEUKO_OK) status = train_limit(set, limit, seed, error);
  if (status == LEUKO_OK) status = count_persons(set, &out->persons, error);
  if (status == LEUKO_OK) status = deal(models, set, &k, classes, out, error);
  free(k.known);
  out->seen = !k.fresh ? STRESS_TRAINED_ON : k.told ? STRESS_HELD_OUT : STRESS_UNKNOWN;
  if (status == LEUKO_OK && out->count == 0)
    status = error_set(error, LEUKO_NO_DATA, set->root, "give a folder with a subfolder a class",
                       "there is no labelled cell");
  return status;
}

void stress_cells_free(stress_cells *cells) {
  free(cells->paths);
  free(cells->files);
  free(cells->labels);
  free(cells->models);
  *cells = (stress_cells){0};
}
