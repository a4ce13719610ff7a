#include "audit/guess.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/rng.h"

/* Classes whose likelihoods differ by less than this factor are drawn by lot. Without that, taking
 * a unit out of two nearly equal shares would tip the scales against its own class. */
#define UNDECIDED 1.25

/* How often a value occurs in a unit. */
typedef struct {
  int value;
  double count;
} tally;

/* The problem as counts of values within units; and room for one evaluation. */
typedef struct {
  const guess_problem *problem;
  tally *tallies; /* those of unit u: first[u] .. first[u + 1] - 1 */
  size_t *first;  /* [units + 1] */
  double *size;   /* [units] cells */
  size_t *labels; /* [units], to be shuffled */
  double *totals; /* [classes][values] */
} counts;

static void counts_free(counts *c) {
  free(c->tallies);
  free(c->first);
  free(c->size);
  free(c->labels);
  free(c->totals);
}

typedef struct {
  size_t unit;
  int value;
} entry;

static int compare_entries(const void *left, const void *right) {
  const entry *a = left, *b = right;
  if (a->unit != b->unit) return a->unit < b->unit ? -1 : 1;
  return (a->value > b->value) - (a->value < b->value);
}

static leuko_status counts_make(const guess_problem *p, counts *c, leuko_error *error) {
  *c = (counts){.problem = p,
                .tallies = calloc(p->count + 1, sizeof(tally)),
                .first = calloc(p->units + 2, sizeof(size_t)),
                .size = calloc(p->units + 1, sizeof(double)),
                .labels = calloc(p->units + 1, sizeof(size_t)),
                .totals = calloc((size_t)p->classes * (size_t)p->values + 1, sizeof(double))};
  entry *entries = malloc((p->count + 1) * sizeof *entries);
  if (!c->tallies || !c->first || !c->size || !c->labels || !c->totals || !entries) {
    free(entries);
    counts_free(c);
    return error_set_memory(error, (p->count + p->units) * sizeof(tally));
  }
  for (size_t i = 0; i < p->count; i++) {
    entries[i] = (entry){p->unit[i], p->value[i]};
    c->labels[p->unit[i]] = (size_t)p->label[i];
    c->size[p->unit[i]]++;
  }
  if (p->count) qsort(entries, p->count, sizeof *entries, compare_entries);
  size_t n = 0;
  for (size_t i = 0; i < p->count; i++) {
    const bool same = i > 0 && compare_entries(&entries[i - 1], &entries[i]) == 0;
    if (!same) {
      c->tallies[n++].value = entries[i].value;
      c->first[entries[i].unit + 1] = n;
    }
    c->tallies[n - 1].count++;
  }
  for (size_t u = 0; u < p->units; u++)
    if (c->first[u + 1] < c->first[u]) c->first[u + 1] = c->first[u];
  free(entries);
  return LEUKO_OK;
}

/* Cells of a unit guessed right from the other units. */
static double guess_unit(const counts *c, size_t unit, const double *cells) {
  const int values = c->problem->values, classes = c->problem->classes;
  const size_t own = c->labels[unit];
  double right = 0;
  for (size_t t = c->first[unit]; t < c->first[unit + 1]; t++) {
    double likelihood[LEUKO_MAX_CLASSES], best = 0, likely = 0, others = 0;
    for (size_t k = 0; k < (size_t)classes; k++) {
      double seen = c->totals[k * (size_t)values + (size_t)c->tallies[t].value], all = cells[k];
      if (k == own) {
        seen -= c->tallies[t].count;
        all -= c->size[unit];
      }
      others += seen;
      likelihood[k] = (seen + 0.5) / (all + 0.5 * values);
      best = fmax(best, likelihood[k]);
    }
    for (size_t k = 0; k < (size_t)classes; k++) likely += likelihood[k] * UNDECIDED >= best;
    /* A value that no other unit has says nothing. */
    if (others == 0) right += c->tallies[t].count / classes;
    else if (likelihood[own] * UNDECIDED >= best) right += c->tallies[t].count / likely;
  }
  return right;
}

static guess_score evaluate(counts *c) {
  const guess_problem *p = c->problem;
  double cells[LEUKO_MAX_CLASSES] = {0}, right[LEUKO_MAX_CLASSES] = {0};
  memset(c->totals, 0, (size_t)p->classes * (size_t)p->values * sizeof *c->totals);
  for (size_t u = 0; u < p->units; u++) {
    cells[c->labels[u]] += c->size[u];
    for (size_t t = c->first[u]; t < c->first[u + 1]; t++)
      c->totals[c->labels[u] * (size_t)p->values + (size_t)c->tallies[t].value] +=
          c->tallies[t].count;
  }
  for (size_t u = 0; u < p->units; u++) right[c->labels[u]] += guess_unit(c, u, cells);
  guess_score score = {0};
  int present = 0;
  for (int k = 0; k < p->classes; k++) {
    if (cells[k] == 0) continue;
    present++;
    score.accuracy += right[k];
    score.balanced += right[k] / cells[k];
  }
  score.accuracy /= (double)(p->count ? p->count : 1);
  score.balanced /= present ? present : 1;
  return score;
}

leuko_status guess_class(const guess_problem *problem, int rounds, uint64_t seed, guess_score *out,
                         leuko_error *error) {
  counts c;
  leuko_status status = counts_make(problem, &c, error);
  if (status != LEUKO_OK) return status;
  guess_score score = evaluate(&c);
  int as_good = 0;
  for (int r = 0; r < rounds; r++) {
    rng random = rng_open(seed, RNG_BOOTSTRAP, 0, (uint32_t)r);
    rng_shuffle(&random, c.labels, problem->units);
    as_good += evaluate(&c).balanced >= score.balanced - 1e-12;
  }
  score.p = (1.0 + as_good) / (1.0 + rounds);
  *out = score;
  counts_free(&c);
  return LEUKO_OK;
}

typedef struct {
  double number;
  size_t index;
} numbered;

static int compare_numbers(const void *left, const void *right) {
  const numbered *a = left, *b = right;
  if (a->number != b->number) return a->number < b->number ? -1 : 1;
  return (a->index > b->index) - (a->index < b->index);
}

int guess_bins(const double *numbers, size_t count, int most, int *bin) {
  numbered *sorted = malloc((count + 1) * sizeof *sorted);
  if (!sorted) return 0;
  size_t finite = 0;
  for (size_t i = 0; i < count; i++)
    if (isfinite(numbers[i])) sorted[finite++] = (numbered){numbers[i], i};
  if (finite) qsort(sorted, finite, sizeof *sorted, compare_numbers);
  int bins = 0;
  for (size_t i = 0; i < finite;) {
    /* Up to the next of the evenly spaced limits, and on through equal numbers. */
    size_t limit = (size_t)most * i / finite + 1, end = finite * limit / (size_t)most;
    if (end <= i) end = finite * (limit + 1) / (size_t)most;
    if (end <= i) end = i + 1;
    while (end < finite && sorted[end].number == sorted[end - 1].number) end++;
    for (; i < end; i++) bin[sorted[i].index] = bins;
    bins++;
  }
  if (finite < count) {
    for (size_t i = 0; i < count; i++)
      if (!isfinite(numbers[i])) bin[i] = bins;
    bins++;
  }
  free(sorted);
  return bins ? bins : 1;
}
