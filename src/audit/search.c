#include <stdlib.h>
#include <string.h>

#include "audit/fingerprint.h"
#include "base/error.h"
#include "base/threads.h"

/* Bits of 256 in which the hashes of two copies may differ. Some 165 bits lie within a cell, half
 * of which differ between two cells by chance. */
#define MAX_DISTANCE 44
#define MAX_PAIRS 64 /* of one cell with later ones */

/* Prints in the order of the bits in their inner orbits. That sum is the same under all symmetries
 * and differs by no more than the hashes do, so only neighbours in this order need a look. */
typedef struct {
  size_t index;
  int inner;
} ordered;

static int compare_ordered(const void *left, const void *right) {
  const ordered *a = left, *b = right;
  if (a->inner != b->inner) return a->inner < b->inner ? -1 : 1;
  return (a->index > b->index) - (a->index < b->index);
}

static int compare_pairs(const void *left, const void *right) {
  const fingerprint_pair *a = left, *b = right;
  if (a->a != b->a) return a->a < b->a ? -1 : 1;
  return (a->b > b->b) - (a->b < b->b);
}

/* How far the orbits differ, in bits: a lower bound of the hashes' distance. */
static int orbit_distance(const fingerprint *a, const fingerprint *b) {
  int sum = 0;
  for (int i = 0; i < FINGERPRINT_ORBITS; i++) sum += abs(a->orbits[i] - b->orbits[i]);
  return sum;
}

static int hash_distance(const uint64_t *a, const uint64_t *b) {
  int sum = 0;
  for (int i = 0; i < FINGERPRINT_WORDS; i++) sum += __builtin_popcountll(a[i] ^ b[i]);
  return sum;
}

/* The best symmetry under which b is a; false if there is none. */
static bool compare_prints(const fingerprint_tables *tables, const fingerprint *a,
                           const fingerprint *b, double correlation, fingerprint_pair *out) {
  if (orbit_distance(a, b) > MAX_DISTANCE) return false;
  out->correlation = -1;
  for (int which = 0; which < IMAGE_SYMMETRIES; which++) {
    if (hash_distance(a->hash[0], b->hash[which]) > MAX_DISTANCE) continue;
    const double reached = fingerprint_correlation(tables, a, b, which);
    if (reached <= out->correlation) continue;
    out->correlation = reached;
    out->symmetry = which;
  }
  return out->correlation >= correlation;
}

typedef struct {
  fingerprint_pair pairs[MAX_PAIRS];
  size_t count;
} found;

/* Keeps the nearest MAX_PAIRS; of equals the earlier ones. */
static void keep(found *f, fingerprint_pair pair) {
  if (f->count < MAX_PAIRS) {
    f->pairs[f->count++] = pair;
    return;
  }
  size_t worst = 0;
  for (size_t i = 1; i < MAX_PAIRS; i++) {
    const fingerprint_pair *p = &f->pairs[i], *w = &f->pairs[worst];
    if (p->correlation < w->correlation || (p->correlation == w->correlation && p->b > w->b))
      worst = i;
  }
  if (pair.correlation > f->pairs[worst].correlation) f->pairs[worst] = pair;
}

static leuko_status append(fingerprint_pair **pairs, size_t *count, size_t *capacity,
                           const found *more, leuko_error *error) {
  if (*count + more->count > *capacity) {
    const size_t wanted = 2 * *capacity + MAX_PAIRS;
    fingerprint_pair *grown = realloc(*pairs, wanted * sizeof *grown);
    if (!grown) return error_set_memory(error, wanted * sizeof *grown);
    *pairs = grown;
    *capacity = wanted;
  }
  memcpy(*pairs + *count, more->pairs, more->count * sizeof *more->pairs);
  *count += more->count;
  return LEUKO_OK;
}

static size_t order_prints(const fingerprint *prints, size_t count, ordered *order) {
  size_t usable = 0;
  for (size_t i = 0; i < count; i++) {
    if (!prints[i].usable) continue;
    int inner = 0;
    for (int k = FINGERPRINT_ORBITS / 2; k < FINGERPRINT_ORBITS; k++) inner += prints[i].orbits[k];
    order[usable++] = (ordered){i, inner};
  }
  if (usable) qsort(order, usable, sizeof *order, compare_ordered);
  return usable;
}

leuko_status fingerprint_search(const fingerprint_tables *tables, const fingerprint *prints,
                                size_t count, double correlation, int threads,
                                fingerprint_pair **pairs, size_t *pair_count, leuko_error *error) {
  *pairs = NULL;
  *pair_count = 0;
  ordered *order = malloc((count + 1) * sizeof *order);
  if (!order) return error_set_memory(error, (count + 1) * sizeof *order);
  const size_t usable = order_prints(prints, count, order);
  size_t capacity = 0;
  leuko_status status = LEUKO_OK;
  leuko_error failure = {0};
#pragma omp parallel for schedule(dynamic, 16) num_threads(threads_count(threads))
  for (size_t i = 0; i < usable; i++) {
    found f = {.count = 0};
    for (size_t j = i + 1; j < usable && order[j].inner - order[i].inner <= MAX_DISTANCE; j++) {
      size_t a = order[i].index, b = order[j].index;
      fingerprint_pair pair = {.a = a < b ? a : b, .b = a < b ? b : a};
      if (compare_prints(tables, &prints[pair.a], &prints[pair.b], correlation, &pair))
        keep(&f, pair);
    }
    if (f.count == 0) continue;
#pragma omp critical(fingerprint_append)
    if (status == LEUKO_OK) status = append(pairs, pair_count, &capacity, &f, &failure);
  }
  free(order);
  if (status != LEUKO_OK) {
    free(*pairs);
    *pairs = NULL;
    *pair_count = 0;
    if (error) *error = failure;
    return status;
  }
  if (*pair_count) qsort(*pairs, *pair_count, sizeof **pairs, compare_pairs);
  return LEUKO_OK;
}
