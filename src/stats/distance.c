#include "stats/distance.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/rng.h"

#define MOST STATS_DISTANCE_DIRECTIONS
/* Subspace iteration carries more directions than are wanted, so that it converges by the ratio to
 * the eigenvalue behind them. */
#define CARRIED (MOST + 16)
#define MOST_ITERATIONS 200
#define CONVERGED 1e-7 /* relative change of the sum of the wanted eigenvalues */

double stats_ledoit_wolf(const double *x, size_t n, size_t width, double *out) {
  const double rows = (double)n, p = (double)width;
  double fourth = 0, squares = 0, trace = 0;
  memset(out, 0, width * width * sizeof *out);
  for (size_t i = 0; i < n; i++) {
    const double *row = x + i * width;
    double length = 0;
    for (size_t a = 0; a < width; a++) {
      length += row[a] * row[a];
      for (size_t b = 0; b <= a; b++) out[a * width + b] += row[a] * row[b] / rows;
    }
    fourth += length * length;
  }
  for (size_t a = 0; a < width; a++) {
    trace += out[a * width + a];
    for (size_t b = 0; b <= a; b++) {
      const double value = out[a * width + b];
      squares += (a == b ? 1 : 2) * value * value;
      out[b * width + a] = value;
    }
  }
  const double mean = trace / p;
  const double apart = (squares - mean * trace) / p; /* of the covariance from mean * identity */
  const double noise = (fourth / rows - squares) / (p * rows);
  const double shrinkage = noise <= 0 || apart <= 0 ? 0 : noise >= apart ? 1 : noise / apart;
  for (size_t k = 0; k < width * width; k++) out[k] *= 1 - shrinkage;
  for (size_t a = 0; a < width; a++) out[a * width + a] += shrinkage * mean;
  return shrinkage;
}

/* Lower triangle of Cholesky's factorisation in place of a's; false unless a is positive definite.
 */
static bool factorise(double *a, size_t k) {
  for (size_t i = 0; i < k; i++)
    for (size_t j = 0; j <= i; j++) {
      double sum = a[i * k + j];
      for (size_t m = 0; m < j; m++) sum -= a[i * k + m] * a[j * k + m];
      if (i == j && !(sum > 0)) return false;
      a[i * k + j] = i == j ? sqrt(sum) : sum / a[j * k + j];
    }
  return true;
}

/* Solves lower * y = right for every column of right [k][width], in place. */
static void solve(const double *lower, size_t k, double *right, size_t width) {
  for (size_t i = 0; i < k; i++)
    for (size_t c = 0; c < width; c++) {
      double sum = right[i * width + c];
      for (size_t m = 0; m < i; m++) sum -= lower[i * k + m] * right[m * width + c];
      right[i * width + c] = sum / lower[i * k + i];
    }
}

/* Orthonormal rows q [k][width] by modified Gram-Schmidt, twice; a row without a part of its own
 * becomes zero. */
static void orthonormalise(double *q, size_t k, size_t width) {
  for (size_t i = 0; i < k; i++) {
    double *row = q + i * width, before = 0, after = 0;
    for (size_t c = 0; c < width; c++) before += row[c] * row[c];
    for (int pass = 0; pass < 2; pass++)
      for (size_t j = 0; j < i; j++) {
        const double *other = q + j * width;
        double dot = 0;
        for (size_t c = 0; c < width; c++) dot += row[c] * other[c];
        for (size_t c = 0; c < width; c++) row[c] -= dot * other[c];
      }
    for (size_t c = 0; c < width; c++) after += row[c] * row[c];
    const double scale = after > 1e-20 * before ? 1 / sqrt(after) : 0;
    for (size_t c = 0; c < width; c++) row[c] *= scale;
  }
}

/* Eigenvectors of the symmetric a [k][k] into the rows of v [k][k], eigenvalues on a's diagonal, by
 * Jacobi's rotations. */
static void diagonalise(double *a, size_t k, double *v) {
  memset(v, 0, k * k * sizeof *v);
  for (size_t i = 0; i < k; i++) v[i * k + i] = 1;
  for (int sweep = 0; sweep < 60; sweep++) {
    double off = 0, on = 0;
    for (size_t i = 0; i < k; i++)
      for (size_t j = 0; j < k; j++) *(i == j ? &on : &off) += a[i * k + j] * a[i * k + j];
    if (off <= 1e-26 * on) break;
    for (size_t p = 0; p < k; p++)
      for (size_t q = p + 1; q < k; q++) {
        if (a[p * k + q] == 0) continue;
        const double theta = (a[q * k + q] - a[p * k + p]) / (2 * a[p * k + q]);
        const double t = (theta < 0 ? -1 : 1) / (fabs(theta) + sqrt(theta * theta + 1));
        const double c = 1 / sqrt(t * t + 1), s = t * c;
        for (size_t i = 0; i < k; i++) {
          const double x = a[i * k + p], y = a[i * k + q];
          a[i * k + p] = c * x - s * y;
          a[i * k + q] = s * x + c * y;
        }
        for (size_t i = 0; i < k; i++) {
          const double x = a[p * k + i], y = a[q * k + i];
          a[p * k + i] = c * x - s * y;
          a[q * k + i] = s * x + c * y;
        }
        for (size_t i = 0; i < k; i++) {
          const double x = v[p * k + i], y = v[q * k + i];
          v[p * k + i] = c * x - s * y;
          v[q * k + i] = s * x + c * y;
        }
      }
  }
}

/* What the fit works on. */
typedef struct {
  size_t n, width, directions;
  double *means;     /* [classes][width] */
  double *x;         /* [n][width], rows less their classes' means */
  double *basis;     /* [CARRIED or directions][width], the wanted directions first */
  double *moved;     /* [CARRIED][width] */
  double *projected; /* [n][CARRIED] */
} fit;

/* projected [n][k] = x * basis', and, if wanted, moved [k][width] = projected' * x, some directions
 * in each thread. Every sum takes the rows in their order, whatever the number of threads. */
static void multiply(fit *f, size_t k, bool back) {
  const size_t part = 8;
#pragma omp parallel for schedule(static)
  for (size_t first = 0; first < k; first += part) {
    const size_t end = first + part < k ? first + part : k;
    if (back) memset(f->moved + first * f->width, 0, (end - first) * f->width * sizeof *f->moved);
    for (size_t i = 0; i < f->n; i++) {
      const double *row = f->x + i * f->width;
      for (size_t d = first; d < end; d++) {
        const double *direction = f->basis + d * f->width;
        double dot = 0;
#pragma omp simd reduction(+ : dot)
        for (size_t c = 0; c < f->width; c++) dot += direction[c] * row[c];
        f->projected[i * k + d] = dot;
        double *sum = f->moved + d * f->width;
        for (size_t c = 0; back && c < f->width; c++) sum[c] += dot * row[c];
      }
    }
  }
}

/* The directions of the largest scatter into basis [directions][width], by subspace iteration with
 * Rayleigh-Ritz steps. */
static void find_directions(fit *f, double *small, double *vectors) {
  const size_t k = f->width < CARRIED ? f->width : CARRIED;
  rng random = rng_open(0, RNG_SUBSPACE, 0, 0);
  for (size_t c = 0; c < k * f->width; c++) f->basis[c] = rng_normal(&random);
  orthonormalise(f->basis, k, f->width);
  double before = 0;
  for (int iteration = 0; iteration < MOST_ITERATIONS; iteration++) {
    multiply(f, k, true);
    for (size_t a = 0; a < k; a++)
      for (size_t b = 0; b < k; b++) {
        double sum = 0;
        for (size_t i = 0; i < f->n; i++) sum += f->projected[i * k + a] * f->projected[i * k + b];
        small[a * k + b] = sum;
      }
    diagonalise(small, k, vectors);
    size_t order[CARRIED];
    for (size_t d = 0; d < k; d++) {
      size_t at = d;
      for (; at > 0 && small[order[at - 1] * (k + 1)] < small[d * (k + 1)]; at--)
        order[at] = order[at - 1];
      order[at] = d;
    }
    /* The next basis: the images of the Ritz vectors, the largest first. */
    double total = 0;
    memset(f->basis, 0, k * f->width * sizeof *f->basis);
    for (size_t d = 0; d < k; d++) {
      const double *v = vectors + order[d] * k;
      for (size_t m = 0; m < k; m++)
        for (size_t c = 0; c < f->width; c++)
          f->basis[d * f->width + c] += v[m] * f->moved[m * f->width + c];
      if (d < f->directions) total += small[order[d] * (k + 1)];
    }
    orthonormalise(f->basis, k, f->width);
    if (fabs(total - before) <= CONVERGED * total) break;
    before = total;
  }
}

static leuko_status check(const float *rows, const int *labels, const fit *f, int classes,
                          leuko_error *error) {
  size_t of_class[LEUKO_MAX_CLASSES] = {0};
  if (f->width == 0 || classes < 1 || classes > LEUKO_MAX_CLASSES)
    return error_set(error, LEUKO_ARGUMENT, NULL, NULL, "%zu features of %d classes", f->width,
                     classes);
  for (size_t i = 0; i < f->n; i++) {
    if (labels[i] < 0 || labels[i] >= classes)
      return error_set(error, LEUKO_BAD_DATA, NULL, NULL, "row %zu has label %d", i, labels[i]);
    of_class[labels[i]]++;
    for (size_t c = 0; c < f->width; c++)
      if (!isfinite(rows[i * f->width + c]))
        return error_set(error, LEUKO_BAD_DATA, NULL, NULL,
                         "row %zu holds a value that is not a finite number", i);
  }
  for (int c = 0; c < classes; c++)
    if (of_class[c] < 2)
      return error_set(error, LEUKO_NO_DATA, NULL, NULL, "class %d has %zu rows, 2 are needed", c,
                       of_class[c]);
  return LEUKO_OK;
}

/* Fills means and x. */
static void centre(const float *rows, const int *labels, fit *f) {
  size_t of_class[LEUKO_MAX_CLASSES] = {0};
  for (size_t i = 0; i < f->n; i++) of_class[labels[i]]++;
  for (size_t i = 0; i < f->n; i++) {
    double *mean = f->means + (size_t)labels[i] * f->width;
    for (size_t c = 0; c < f->width; c++)
      mean[c] += (double)rows[i * f->width + c] / (double)of_class[labels[i]];
  }
  for (size_t i = 0; i < f->n; i++) {
    const double *mean = f->means + (size_t)labels[i] * f->width;
    for (size_t c = 0; c < f->width; c++)
      f->x[i * f->width + c] = (double)rows[i * f->width + c] - mean[c];
  }
}

/* From directions to coordinates in which the shrunk covariance is the identity. */
static leuko_status whiten(fit *f, double *covariance, stats_distance *out, leuko_error *error) {
  const size_t k = f->directions;
  multiply(f, k, false);
  out->shrinkage = stats_ledoit_wolf(f->projected, f->n, k, covariance);
  if (!factorise(covariance, k))
    return error_set(error, LEUKO_NO_DATA, NULL, NULL, "the features do not vary");
  solve(covariance, k, f->basis, f->width);
  for (size_t i = 0; i < k * f->width; i++) out->whiten[i] = (float)f->basis[i];
  for (int c = 0; c < out->classes; c++)
    for (size_t d = 0; d < k; d++) {
      double sum = 0;
      for (size_t m = 0; m < f->width; m++)
        sum += f->basis[d * f->width + m] * f->means[(size_t)c * f->width + m];
      out->means[(size_t)c * k + d] = (float)sum;
    }
  return LEUKO_OK;
}

leuko_status stats_distance_fit(const float *rows, const int *labels, size_t n, size_t width,
                                int classes, stats_distance *out, leuko_error *error) {
  *out = (stats_distance){0};
  fit f = {.n = n, .width = width, .directions = width < MOST ? width : MOST};
  leuko_status status = check(rows, labels, &f, classes, error);
  if (status != LEUKO_OK) return status;
  f.means = calloc((size_t)classes * width, sizeof *f.means);
  f.x = malloc(n * width * sizeof *f.x);
  f.basis = calloc(CARRIED * width, sizeof *f.basis);
  f.moved = malloc(CARRIED * width * sizeof *f.moved);
  f.projected = malloc(n * CARRIED * sizeof *f.projected);
  double *small = malloc((size_t)CARRIED * CARRIED * sizeof *small);
  double *vectors = malloc((size_t)CARRIED * CARRIED * sizeof *vectors);
  *out = (stats_distance){.width = width,
                          .directions = f.directions,
                          .classes = classes,
                          .whiten = malloc(f.directions * width * sizeof *out->whiten),
                          .means = malloc((size_t)classes * f.directions * sizeof *out->means)};
  if (!f.means || !f.x || !f.basis || !f.moved || !f.projected || !small || !vectors ||
      !out->whiten || !out->means) {
    status = error_set_memory(error, (n * width + CARRIED * (2 * width + n)) * sizeof(double));
  } else {
    centre(rows, labels, &f);
    if (width > MOST) find_directions(&f, small, vectors);
    else
      for (size_t c = 0; c < width; c++) f.basis[c * width + c] = 1;
    status = whiten(&f, small, out, error);
  }
  free(f.means);
  free(f.x);
  free(f.basis);
  free(f.moved);
  free(f.projected);
  free(small);
  free(vectors);
  if (status != LEUKO_OK) stats_distance_free(out);
  return status;
}

void stats_distance_free(stats_distance *d) {
  free(d->whiten);
  free(d->means);
  *d = (stats_distance){0};
}

double stats_distance_of(const stats_distance *d, const float *row) {
  double at[MOST], nearest = INFINITY;
  for (size_t k = 0; k < d->directions; k++) {
    const float *direction = d->whiten + k * d->width;
    double sum = 0;
#pragma omp simd reduction(+ : sum)
    for (size_t c = 0; c < d->width; c++) sum += (double)direction[c] * (double)row[c];
    at[k] = sum;
  }
  for (int c = 0; c < d->classes; c++) {
    const float *mean = d->means + (size_t)c * d->directions;
    double sum = 0;
    for (size_t k = 0; k < d->directions; k++)
      sum += (at[k] - (double)mean[k]) * (at[k] - (double)mean[k]);
    if (!(sum >= nearest)) nearest = sum;
  }
  return sqrt(nearest);
}
