#include "dataset/folds.h"

#include <float.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/rng.h"
#include "dataset/gather.h"

/* As in search.c: work is units x restarts. */
#define WORK 20000
#define MAX_RESTARTS 400
#define MIN_RESTARTS 8
#define MAX_SWAPPED 200

#define UNIT_WEIGHT 0.1
#define CLASS_MISSING 1.0 /* from a fold, though there are enough units of it */
#define EMPTY_FOLD 100    /* above all that classes can add up to */

/* Cells and units of each class, and units in all. */
typedef struct {
  double cells[LEUKO_MAX_CLASSES], units[LEUKO_MAX_CLASSES];
  double count;
} tally;

typedef struct {
  const gathering *g;
  int classes, folds;
  tally all;
  tally *in;    /* [folds] */
  int *of_unit; /* [units] the fold of each */
} dealing;

static void add_unit(const dealing *d, tally *t, size_t unit, double sign) {
  const size_t *cells = d->g->cells + unit * (size_t)d->classes;
  t->count += sign;
  for (int c = 0; c < d->classes; c++) {
    if (cells[c] == 0) continue;
    t->cells[c] += sign * (double)cells[c];
    t->units[c] += sign;
  }
}

/* How far a fold is from its share of everything. */
static double cost(const dealing *d, const tally *t) {
  const double share = 1.0 / d->folds;
  double sum = t->count == 0 ? EMPTY_FOLD : 0;
  for (int c = 0; c < d->classes; c++) {
    if (d->all.units[c] == 0) continue;
    double cells = t->cells[c] / d->all.cells[c] - share;
    double units = t->units[c] / d->all.units[c] - share;
    sum += cells * cells + UNIT_WEIGHT * units * units;
    if (t->units[c] == 0 && d->all.units[c] >= d->folds) sum += CLASS_MISSING;
  }
  return sum;
}

static void move(dealing *d, size_t unit, int to) {
  if (d->of_unit[unit] >= 0) add_unit(d, &d->in[d->of_unit[unit]], unit, -1);
  add_unit(d, &d->in[to], unit, 1);
  d->of_unit[unit] = to;
}

/* Whether it helps to move `a` to fold `to` and, unless it is SIZE_MAX, `b` from there to the fold
 * of `a`. It is done if so. */
static bool try_exchange(dealing *d, size_t a, int to, size_t b) {
  const int from = d->of_unit[a];
  const double before = cost(d, &d->in[from]) + cost(d, &d->in[to]);
  tally left = d->in[from], right = d->in[to];
  add_unit(d, &left, a, -1);
  add_unit(d, &right, a, 1);
  if (b != SIZE_MAX) {
    add_unit(d, &left, b, 1);
    add_unit(d, &right, b, -1);
  }
  if (cost(d, &left) + cost(d, &right) >= before - 1e-12) return false;
  move(d, a, to);
  if (b != SIZE_MAX) move(d, b, from);
  return true;
}

/* Moves single units, and exchanges pairs, as long as that helps. */
static void improve(dealing *d) {
  for (bool better = true; better;) {
    better = false;
    for (size_t a = 0; a < d->g->units; a++) {
      for (int to = 0; to < d->folds; to++)
        if (to != d->of_unit[a]) better |= try_exchange(d, a, to, SIZE_MAX);
      for (size_t b = a + 1; b < d->g->units && d->g->units <= MAX_SWAPPED; b++)
        if (d->of_unit[b] != d->of_unit[a]) better |= try_exchange(d, a, d->of_unit[b], b);
    }
  }
}

/* One try: every unit, in the order given, to the fold that it brings nearest to its share. */
static double deal_once(dealing *d, const size_t *order) {
  memset(d->in, 0, (size_t)d->folds * sizeof *d->in);
  for (size_t u = 0; u < d->g->units; u++) d->of_unit[u] = -1;
  for (size_t i = 0; i < d->g->units; i++) {
    int best = 0;
    double most = -DBL_MAX;
    for (int f = 0; f < d->folds; f++) {
      tally with = d->in[f];
      add_unit(d, &with, order[i], 1);
      double gain = cost(d, &d->in[f]) - cost(d, &with);
      if (gain <= most) continue;
      most = gain;
      best = f;
    }
    move(d, order[i], best);
  }
  improve(d);
  double sum = 0;
  for (int f = 0; f < d->folds; f++) sum += cost(d, &d->in[f]);
  return sum;
}

/* The best of many tries; `best` [units] is room for it. */
static void deal_subjects(dealing *d, uint64_t seed, size_t *order, int *best) {
  const size_t units = d->g->units;
  size_t restarts = WORK / units;
  restarts = restarts < MIN_RESTARTS ? MIN_RESTARTS : restarts;
  restarts = restarts > MAX_RESTARTS ? MAX_RESTARTS : restarts;
  double lowest = DBL_MAX;
  for (size_t r = 0; r < restarts; r++) {
    rng random = rng_open(seed, RNG_SPLIT, (uint32_t)r, 2);
    for (size_t u = 0; u < units; u++) order[u] = u;
    rng_shuffle(&random, order, units);
    double reached = deal_once(d, order);
    if (reached >= lowest - 1e-12) continue;
    lowest = reached;
    memcpy(best, d->of_unit, units * sizeof *best);
  }
  memcpy(d->of_unit, best, units * sizeof *best);
}

/* Cells in seeded order, units of several before the single ones, each to the fold that has fewest
 * of its class. */
static void deal_images(dealing *d, uint64_t seed, size_t *order) {
  const gathering *g = d->g;
  rng random = rng_open(seed, RNG_SPLIT, 0, 3);
  for (size_t u = 0; u < g->units; u++) order[u] = u;
  rng_shuffle(&random, order, g->units);
  for (int single = 0; single <= 1; single++)
    for (size_t i = 0; i < g->units; i++) {
      const size_t *cells = g->cells + order[i] * (size_t)d->classes;
      size_t count = 0;
      for (int c = 0; c < d->classes; c++) count += cells[c];
      if ((count == 1) != single) continue;
      int best = 0;
      double fewest = DBL_MAX;
      for (int f = 0; f < d->folds; f++) {
        double same = 0;
        for (int c = 0; c < d->classes; c++) same += (double)cells[c] * d->in[f].cells[c];
        double load = same + d->in[f].count / (double)(g->units + 1); /* of equals the emptier */
        if (load >= fewest) continue;
        fewest = load;
        best = f;
      }
      move(d, order[i], best);
    }
}

static leuko_status deal(dataset *set, const gathering *g, split_kind by, int folds, uint64_t seed,
                         leuko_error *error) {
  if (g->units < (size_t)folds)
    return error_set(error, LEUKO_BAD_DATA, set->root, "take fewer folds",
                     "%d folds need as many %s, and here are %zu%s", folds,
                     by == SPLIT_BY_SUBJECT ? "subjects" : "different cells", g->units,
                     by == SPLIT_BY_SUBJECT ? ", tied ones counted once" : "");
  dealing d = {.g = g,
               .classes = set->class_count,
               .folds = folds,
               .in = calloc((size_t)folds, sizeof *d.in),
               .of_unit = malloc(g->units * sizeof *d.of_unit)};
  size_t *order = malloc(g->units * sizeof *order);
  int *best = malloc(g->units * sizeof *best);
  leuko_status status = LEUKO_OK;
  if (!d.in || !d.of_unit || !order || !best)
    status = error_set_memory(error, g->units * (sizeof *order + 2 * sizeof *best));
  if (status == LEUKO_OK) {
    for (size_t u = 0; u < g->units; u++) {
      add_unit(&d, &d.all, u, 1);
      d.of_unit[u] = -1;
    }
    if (by == SPLIT_BY_SUBJECT) deal_subjects(&d, seed, order, best);
    else deal_images(&d, seed, order);
    for (size_t i = 0; i < g->sample_count; i++)
      set->samples[g->samples[i]].held_out = d.of_unit[g->unit[i]];
  }
  free(d.in);
  free(d.of_unit);
  free(order);
  free(best);
  return status;
}

leuko_status dataset_deal(dataset *d, split_kind by, int folds, uint64_t seed, leuko_error *error) {
  for (size_t i = 0; i < d->count; i++) d->samples[i].held_out = -1;
  if (folds < 2 || folds > FOLDS_MOST)
    return error_set(error, LEUKO_ARGUMENT, d->root, NULL, "%d folds, but 2 to %d are possible",
                     folds, FOLDS_MOST);
  if (by == SPLIT_BY_FOLD)
    return error_set(error, LEUKO_ARGUMENT, d->root, "deal them by subject",
                     "a cross-validation makes folds of its own");
  if (d->count && d->samples[0].group < 0)
    return error_set(error, LEUKO_ARGUMENT, d->root, "call dataset_tie first",
                     "it is not known yet which cells must stay together");
  gathering g;
  size_t aside;
  leuko_status status = gather_cells(d, by, &g, &aside, error);
  if (status != LEUKO_OK) return status;
  if (by == SPLIT_BY_SUBJECT) status = gather_check_subjects(d, &g, error);
  if (status == LEUKO_OK) status = deal(d, &g, by, folds, seed, error);
  gathering_free(&g);
  return status;
}

void dataset_take_fold(dataset *d, int fold) {
  for (size_t i = 0; i < d->count; i++) {
    dataset_sample *s = &d->samples[i];
    s->part = s->held_out < 0 ? DATASET_NONE : s->held_out == fold ? DATASET_TEST : DATASET_TRAIN;
  }
}
