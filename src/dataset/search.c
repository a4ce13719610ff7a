#include "dataset/search.h"

#include <float.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/rng.h"

/* Work is groups x restarts: many tries where there are few groups, fewer where there are many and
 * any of them comes near. */
#define WORK 20000
#define MAX_RESTARTS 400
#define MIN_RESTARTS 8
#define MAX_SWAPPED 200 /* groups; beyond, moving single ones is fine enough */

#define GROUP_WEIGHT 0.1
#define ONE_SIDED 1.0  /* a class that could be on both sides is not */
#define EMPTY_SIDE 100 /* above all that classes can add up to */

/* Cells and groups of each class, and groups in all. */
typedef struct {
  double cells[LEUKO_MAX_CLASSES], groups[LEUKO_MAX_CLASSES];
  double count;
} tally;

typedef struct {
  const size_t *cells; /* [groups][classes] */
  size_t groups;
  int classes;
  double train_share;
  tally all;
} problem;

static void add_group(const problem *p, tally *t, size_t group, double sign) {
  const size_t *cells = p->cells + group * (size_t)p->classes;
  t->count += sign;
  for (int c = 0; c < p->classes; c++) {
    if (cells[c] == 0) continue;
    t->cells[c] += sign * (double)cells[c];
    t->groups[c] += sign;
  }
}

/* How far a choice with these groups in training is from the wanted one. */
static double cost(const problem *p, const tally *train) {
  double sum = train->count == 0 || train->count == p->all.count ? EMPTY_SIDE : 0;
  for (int c = 0; c < p->classes; c++) {
    if (p->all.groups[c] == 0) continue;
    double cells = train->cells[c] / p->all.cells[c] - p->train_share;
    double groups = train->groups[c] / p->all.groups[c] - p->train_share;
    sum += cells * cells + GROUP_WEIGHT * groups * groups;
    bool one_sided = train->groups[c] == 0 || train->groups[c] == p->all.groups[c];
    if (p->all.groups[c] > 1 && one_sided) sum += ONE_SIDED;
  }
  return sum;
}

static double flip(const problem *p, tally *t, uint8_t *train, size_t group) {
  add_group(p, t, group, train[group] ? -1 : 1);
  train[group] = !train[group];
  return cost(p, t);
}

/* Moves single groups, and exchanges pairs, as long as that helps; returns the cost reached. */
static double improve(const problem *p, tally *t, uint8_t *train) {
  double reached = cost(p, t);
  for (bool better = true; better;) {
    better = false;
    for (size_t a = 0; a < p->groups; a++) {
      double moved = flip(p, t, train, a);
      if (moved < reached - 1e-12) {
        reached = moved;
        better = true;
        continue;
      }
      bool exchanged = false;
      for (size_t b = a + 1; b < p->groups && p->groups <= MAX_SWAPPED; b++) {
        if (train[b] != train[a]) continue; /* before a moved, b was on the other side */
        double swapped = flip(p, t, train, b);
        if (swapped < reached - 1e-12) {
          reached = swapped;
          better = exchanged = true;
          break;
        }
        flip(p, t, train, b);
      }
      if (!exchanged) flip(p, t, train, a);
    }
  }
  return reached;
}

leuko_status search_sides(const size_t *cells, size_t groups, int classes, double train_share,
                          uint64_t seed, uint8_t *train, leuko_error *error) {
  problem p = {.cells = cells, .groups = groups, .classes = classes, .train_share = train_share};
  for (size_t g = 0; g < groups; g++) add_group(&p, &p.all, g, 1);
  size_t *order = malloc((groups + 1) * sizeof *order);
  uint8_t *tried = malloc(groups + 1);
  if (!order || !tried) {
    free(order);
    free(tried);
    return error_set_memory(error, (groups + 1) * (sizeof *order + 1));
  }
  size_t restarts = groups ? WORK / groups : 0;
  restarts = restarts < MIN_RESTARTS ? MIN_RESTARTS : restarts;
  restarts = restarts > MAX_RESTARTS ? MAX_RESTARTS : restarts;
  double best = DBL_MAX;
  for (size_t r = 0; r < restarts; r++) {
    rng random = rng_open(seed, RNG_SPLIT, (uint32_t)r, 0);
    for (size_t g = 0; g < groups; g++) order[g] = g;
    rng_shuffle(&random, order, groups);
    tally t = {0};
    memset(tried, 0, groups);
    for (size_t i = 0; i < groups; i++) { /* into training as long as it gets nearer */
      double before = cost(&p, &t);
      if (flip(&p, &t, tried, order[i]) > before) flip(&p, &t, tried, order[i]);
    }
    double reached = improve(&p, &t, tried);
    if (reached >= best - 1e-12) continue;
    best = reached;
    memcpy(train, tried, groups);
  }
  free(order);
  free(tried);
  return LEUKO_OK;
}
