#include "explain/cascade.h"

#include <math.h>
#include <stdlib.h>

#include "base/error.h"
#include "explain/region.h"
#include "explain/steps.h"
#include "stats/rank_correlation.h"

/* Maps are compared at this many points a side. */
#define GRID 64
#define POINTS ((size_t)GRID * GRID)

static void sample(const explain_map *map, double *out) {
  for (int i = 0; i < GRID; i++)
    for (int j = 0; j < GRID; j++)
      out[i * GRID + j] = explain_value(map, (j + 0.5) / GRID, (i + 0.5) / GRID);
}

static leuko_status map_points(explainer *e, explain_method method, const explain_subject *subject,
                               double *out, leuko_error *error) {
  explain_map map;
  leuko_status status = explain_run(e, method, subject->pixels, subject->label, &map, error);
  if (status != LEUKO_OK) return status;
  sample(&map, out);
  explain_map_free(&map);
  return LEUKO_OK;
}

/* Keeps the points on the cell; returns how many there are. */
static size_t on_cell(const uint8_t *mask, int size, const double *values, double *out) {
  size_t used = 0;
  for (int i = 0; i < GRID; i++)
    for (int j = 0; j < GRID; j++) {
      const int y = (2 * i + 1) * size / (2 * GRID), x = (2 * j + 1) * size / (2 * GRID);
      if (mask[(size_t)y * (size_t)size + (size_t)x]) out[used++] = values[i * GRID + j];
    }
  return used;
}

/* Adds how alike two maps are to `sum`. `scratch` [2][POINTS]. */
static leuko_status add_likeness(const explainer *e, const explain_subject *subject,
                                 const double *own, const double *other, double *scratch,
                                 explain_likeness *sum, leuko_error *error) {
  double whole, cell;
  leuko_status status = stats_rank_correlation(own, other, POINTS, &whole, error);
  if (status != LEUKO_OK) return status;
  const int size = e->m->net.size;
  const size_t used = on_cell(subject->mask, size, own, scratch);
  on_cell(subject->mask, size, other, scratch + POINTS);
  status = stats_rank_correlation(scratch, scratch + POINTS, used, &cell, error);
  if (status != LEUKO_OK) return status;
  sum->whole += isfinite(whole) ? whole : 0;
  sum->cell += isfinite(cell) ? cell : 0;
  return LEUKO_OK;
}

leuko_status explain_cascade(explainer *e, explain_method method, const explain_subject *subjects,
                             size_t count, uint64_t seed, const progress *p, explain_likeness *out,
                             leuko_error *error) {
  double *own = malloc((count + 3) * POINTS * sizeof *own);
  if (!own) return error_set_memory(error, (count + 3) * POINTS * sizeof *own);
  double *other = own + count * POINTS, *scratch = other + POINTS;
  leuko_status status = LEUKO_OK;
  const size_t stages = (size_t)e->stages, total = (stages + 1) * count;
  size_t done = 0;
  for (size_t s = 0; s <= stages && status == LEUKO_OK; s++) {
    if (s > 0) {
      out[s - 1] = (explain_likeness){0};
      status = explain_randomise(e, (int)s, seed, error);
    }
    for (size_t i = 0; i < count && status == LEUKO_OK; i++) {
      double *points = s == 0 ? own + i * POINTS : other;
      status = map_points(e, method, &subjects[i], points, error);
      if (status == LEUKO_OK && s > 0)
        status =
            add_likeness(e, &subjects[i], own + i * POINTS, other, scratch, &out[s - 1], error);
      if (status == LEUKO_OK && progress_report(p, "random weights", ++done, total, NULL))
        status = error_set(error, LEUKO_INTERRUPTED, NULL, NULL, "stopped");
    }
    if (s == 0) continue;
    out[s - 1].whole /= (double)count;
    out[s - 1].cell /= (double)count;
  }
  free(own);
  leuko_error ignored;
  leuko_status restored = explain_randomise(e, 0, seed, status == LEUKO_OK ? error : &ignored);
  return status == LEUKO_OK ? restored : status;
}
