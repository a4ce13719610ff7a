#include "cli/simple.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "dataset/prepared.h"
#include "evaluate/baselines.h"

#define SIZE 128

/* The cells that take part, in the order of the set: as a training of pictures of that size lists
 * them, so that both find one file in the cache. */
typedef struct {
  const char **paths, **hashes;
  const dataset_sample **samples;
  double *measures; /* [count][BASELINE_MEASURES] */
  size_t count;
} taking_part;

/* Those of one side, one behind the other. */
typedef struct {
  double *measures;
  int *labels;
  size_t count;
} one_side;

static bool takes_part(const dataset_sample *s, dataset_part part) {
  return (s->part == DATASET_TRAIN || s->part == part) && s->status == LEUKO_OK && s->label >= 0;
}

static leuko_status list_cells(const dataset *set, dataset_part part, taking_part *t,
                               leuko_error *error) {
  t->paths = calloc(set->count, sizeof *t->paths);
  t->hashes = calloc(set->count, sizeof *t->hashes);
  t->samples = calloc(set->count, sizeof *t->samples);
  t->measures = calloc(set->count * BASELINE_MEASURES, sizeof *t->measures);
  if (!t->paths || !t->hashes || !t->samples || !t->measures)
    return error_set_memory(error, set->count * BASELINE_MEASURES * sizeof *t->measures);
  for (size_t i = 0; i < set->count; i++) {
    const dataset_sample *s = &set->samples[i];
    if (!takes_part(s, part)) continue;
    t->paths[t->count] = s->path;
    t->hashes[t->count] = s->sha256;
    t->samples[t->count++] = s;
  }
  return LEUKO_OK;
}

static void free_cells(taking_part *t) {
  free(t->paths);
  free(t->hashes);
  free(t->samples);
  free(t->measures);
}

static leuko_status measure(const prepared *pixels, taking_part *t, int threads,
                            leuko_error *error) {
  leuko_status status = LEUKO_OK;
#pragma omp parallel for num_threads(threads) schedule(static)
  for (size_t i = 0; i < t->count; i++) {
    leuko_status here = baseline_measure(prepared_sample(pixels, i), SIZE,
                                         t->measures + i * BASELINE_MEASURES, NULL);
#pragma omp critical
    if (here != LEUKO_OK) status = here;
  }
  return status == LEUKO_OK ? LEUKO_OK : error_set_memory(error, SIZE * SIZE);
}

static leuko_status take_side(const taking_part *t, dataset_part part, int positive, one_side *out,
                              leuko_error *error) {
  out->measures = malloc(t->count * BASELINE_MEASURES * sizeof *out->measures);
  out->labels = malloc(t->count * sizeof *out->labels);
  if (!out->measures || !out->labels)
    return error_set_memory(error, t->count * BASELINE_MEASURES * sizeof *out->measures);
  for (size_t i = 0; i < t->count; i++) {
    if (t->samples[i]->part != part) continue;
    memcpy(out->measures + out->count * BASELINE_MEASURES, t->measures + i * BASELINE_MEASURES,
           BASELINE_MEASURES * sizeof *out->measures);
    out->labels[out->count++] = t->samples[i]->label == positive;
  }
  return LEUKO_OK;
}

/* Fits and scores, the measures standing. */
static leuko_status compare(const taking_part *t, dataset_part part, int positive, evaluation *e,
                            leuko_error *error) {
  one_side trained = {0}, tested = {0};
  leuko_status status = take_side(t, DATASET_TRAIN, positive, &trained, error);
  if (status == LEUKO_OK) status = take_side(t, part, positive, &tested, error);
  baseline_cells fitted = {trained.measures, trained.labels, trained.count};
  baseline_cells scored = {tested.measures, tested.labels, tested.count};
  if (status == LEUKO_OK && trained.count > 0 && tested.count == e->n)
    status = evaluate_baselines(&fitted, &scored, e, error);
  free(trained.measures);
  free(trained.labels);
  free(tested.measures);
  free(tested.labels);
  return status;
}

/* The same over folds. */
static leuko_status compare_folds(const taking_part *t, int folds, int positive, evaluation *e,
                                  leuko_error *error) {
  int *labels = malloc(t->count * sizeof *labels), *fold_of = malloc(t->count * sizeof *fold_of);
  leuko_status status = LEUKO_OK;
  if (!labels || !fold_of) status = error_set_memory(error, 2 * t->count * sizeof *labels);
  for (size_t i = 0; status == LEUKO_OK && i < t->count; i++) {
    labels[i] = t->samples[i]->label == positive;
    fold_of[i] = t->samples[i]->held_out;
  }
  baseline_cells cells = {t->measures, labels, t->count};
  if (status == LEUKO_OK && t->count == e->n)
    status = evaluate_baselines_folds(&cells, fold_of, folds, e, error);
  free(labels);
  free(fold_of);
  return status;
}

leuko_status simple_baselines(const dataset *set, int folds, dataset_part part, int positive,
                              int threads, const progress *p, evaluation *e, leuko_error *error) {
  if (e->class_count != 2) return LEUKO_OK;
  taking_part t = {0};
  leuko_status status = list_cells(set, part, &t, error);
  if (status == LEUKO_OK && t.count > 0) {
    prepared_request request = {.root = set->root,
                                .paths = t.paths,
                                .sha256 = t.hashes,
                                .count = t.count,
                                .size = SIZE,
                                .threads = threads};
    prepared pixels = {0};
    status = prepared_open(&request, p, &pixels, error);
    if (status == LEUKO_OK) status = measure(&pixels, &t, threads, error);
    if (status == LEUKO_OK)
      status = folds ? compare_folds(&t, folds, positive, e, error)
                     : compare(&t, part, positive, e, error);
    prepared_close(&pixels);
  }
  free_cells(&t);
  return status;
}
