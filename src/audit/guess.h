/* How well a class is guessed from one value alone, and whether that is more than chance. */
#ifndef AUDIT_GUESS_H
#define AUDIT_GUESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "leuko.h"

/* What is guessed from. All arrays are [count]. */
typedef struct {
  size_t count;
  const int *value; /* 0 .. values-1 */
  int values;
  const int *label; /* 0 .. classes-1 */
  int classes;
  const size_t *unit; /* cells of equal numbers hang together (a subject): they are guessed from the
                         others only, and relabelled together. 0 .. units-1; of one class each */
  size_t units;
} guess_problem;

typedef struct {
  double accuracy; /* share guessed right */
  double balanced; /* mean over the classes of the share guessed right; 1 / classes by chance */
  double p;        /* how often shuffled labels do at least as well */
} guess_score;

/* Guesses every cell's class as the one that makes its value most likely, judged by all other
 * units, the classes counting alike; then again with the units' labels shuffled `rounds` times.
 * Equal seeds give equal results. Errors: NO_MEMORY. */
leuko_status guess_class(const guess_problem *problem, int rounds, uint64_t seed, guess_score *out,
                         leuko_error *error);

/* Sorts numbers [count] into at most `most` bins of about equally many, equal numbers into the same
 * one; numbers that are not finite get a bin of their own. Returns how many bins there are, into
 * `bin` [count]; 0 without memory. */
int guess_bins(const double *numbers, size_t count, int most, int *bin);

#endif
