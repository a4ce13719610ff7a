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

/* One draw on one cell, whose own map's points are `own`; adds to out [stages]. `scratch`
 * [3][POINTS]
 */
static leuko_status add_draw(explainer *e, explain_method method, const explain_subject *subject,
                             const double *own, uint64_t seed, double *scratch, const progress *p,
                             size_t done, size_t total, explain_likeness *out, leuko_error *error) {
  leuko_status status = LEUKO_OK;
  for (int s = 1; s <= e->stages && status == LEUKO_OK; s++) {
    status = explain_randomise(e, s, seed, error);
    if (status == LEUKO_OK) status = map_points(e, method, subject, scratch, error);
    if (status == LEUKO_OK)
      status = add_likeness(e, subject, own, scratch, scratch + POINTS, &out[s - 1], error);
    if (status == LEUKO_OK && progress_report(p, "random weights", done + (size_t)s, total, NULL))
      status = error_set(error, LEUKO_INTERRUPTED, NULL, NULL, "stopped");
  }
  return status;
}

leuko_status explain_cascade(explainer *e, explain_method method, const explain_subject *subjects,
                             size_t count, size_t draws, uint64_t seed, const progress *p,
                             explain_likeness *out, leuko_error *error) {
  if (count > draws) count = draws;
  double *own = malloc((count + 3) * POINTS * sizeof *own);
  if (!own) return error_set_memory(error, (count + 3) * POINTS * sizeof *own);
  const size_t stages = (size_t)e->stages;
  leuko_status status = LEUKO_OK;
  for (int s = 0; s < e->stages; s++) out[s] = (explain_likeness){0};
  for (size_t i = 0; i < count && status == LEUKO_OK; i++)
    status = map_points(e, method, &subjects[i], own + i * POINTS, error);
  for (size_t d = 0; d < draws && status == LEUKO_OK; d++) {
    const size_t i = d % count;
    status = add_draw(e, method, &subjects[i], own + i * POINTS, seed + d, own + count * POINTS, p,
                      d * stages, draws * stages, out, error);
  }
  for (int s = 0; s < e->stages; s++) {
    out[s].whole /= (double)draws;
    out[s].cell /= (double)draws;
  }
  free(own);
  leuko_error ignored;
  leuko_status restored = explain_randomise(e, 0, seed, status == LEUKO_OK ? error : &ignored);
  return status == LEUKO_OK ? restored : status;
}
