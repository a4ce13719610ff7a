#include "audit/content.h"

#include <math.h>
#include <stdlib.h>

#include "base/error.h"

enum { TERMS = 11 };

static void terms_of(const audit_cell *c, double x[TERMS]) {
  const image_cell *k = &c->cell;
  const double area = log((double)k->area), sharpness = log(k->sharpness + 0.01);
  x[0] = 1;
  x[1] = area;
  x[2] = sharpness;
  x[3] = log(k->deviation[1] + 0.1);
  x[4] = k->mean[1] / 64;
  x[5] = k->saturation;
  x[6] = area * area;
  x[7] = sharpness * sharpness;
  x[8] = log((double)(k->width + k->height)); /* the outline's length, nearly */
  x[9] = log(c->detail + 1);
  x[10] = x[9] * x[9];
}

/* Solves m x = y for symmetric m by elimination with pivots on the diagonal; terms that others
 * already explain get 0. */
static void solve(double m[TERMS][TERMS + 1], double x[TERMS]) {
  bool used[TERMS] = {false};
  double scale[TERMS];
  for (int i = 0; i < TERMS; i++) scale[i] = m[i][i];
  for (int step = 0; step < TERMS; step++) {
    int pivot = -1;
    for (int i = 0; i < TERMS; i++)
      if (!used[i] && m[i][i] > 1e-9 * scale[i] &&
          (pivot < 0 || m[i][i] * scale[pivot] > m[pivot][pivot] * scale[i]))
        pivot = i;
    if (pivot < 0) break;
    used[pivot] = true;
    for (int i = 0; i < TERMS; i++) {
      if (i == pivot) continue;
      const double factor = m[i][pivot] / m[pivot][pivot];
      for (int j = 0; j <= TERMS; j++) m[i][j] -= factor * m[pivot][j];
    }
  }
  for (int i = 0; i < TERMS; i++) x[i] = used[i] ? m[i][TERMS] / m[i][i] : 0;
}

leuko_status content_remove(double *numbers, const audit_cell *const *cells, size_t count,
                            leuko_error *error) {
  double(*terms)[TERMS] = malloc((count + 1) * sizeof *terms);
  if (!terms) return error_set_memory(error, (count + 1) * sizeof *terms);
  double mean[TERMS] = {0}, spread[TERMS] = {0}, n = 0;
  for (size_t i = 0; i < count; i++) {
    if (cells[i]->cell.area == 0) numbers[i] = NAN;
    if (!isfinite(numbers[i])) continue;
    terms_of(cells[i], terms[i]);
    for (int t = 0; t < TERMS; t++) mean[t] += terms[i][t];
    n++;
  }
  for (int t = 1; t < TERMS; t++) mean[t] /= n > 0 ? n : 1;
  mean[0] = 0;
  /* Standardised, so that pivots can be compared. */
  for (size_t i = 0; i < count; i++)
    for (int t = 0; t < TERMS && isfinite(numbers[i]); t++) {
      terms[i][t] -= mean[t];
      spread[t] += terms[i][t] * terms[i][t];
    }
  double m[TERMS][TERMS + 1] = {{0}}, x[TERMS];
  for (size_t i = 0; i < count; i++) {
    if (!isfinite(numbers[i])) continue;
    for (int t = 0; t < TERMS; t++) {
      terms[i][t] = spread[t] > 1e-12 * n ? terms[i][t] / sqrt(spread[t] / n) : 0;
      m[t][TERMS] += terms[i][t] * numbers[i];
    }
    for (int t = 0; t < TERMS; t++)
      for (int u = 0; u < TERMS; u++) m[t][u] += terms[i][t] * terms[i][u];
  }
  solve(m, x);
  for (size_t i = 0; i < count; i++)
    for (int t = 0; t < TERMS && isfinite(numbers[i]); t++) numbers[i] -= x[t] * terms[i][t];
  free(terms);
  return LEUKO_OK;
}
