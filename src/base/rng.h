/* Counter-based random numbers: Philox4x32-10 (Salmon, Moraes, Dror, Shaw: "Parallel random
 * numbers: as easy as 1, 2, 3", SC 2011). A stream is named by (seed, purpose, epoch, sample), so
 * what it gives depends neither on the order of execution nor on what was drawn before, and
 * resuming a run needs no generator state. */
#ifndef BASE_RNG_H
#define BASE_RNG_H

#include <stddef.h>
#include <stdint.h>

typedef enum {
  RNG_INIT,      /* initial weights; sample = parameter index */
  RNG_SHUFFLE,   /* order of samples; epoch */
  RNG_AUGMENT,   /* symmetry of a sample; epoch, sample */
  RNG_DROPOUT,   /* masks; epoch = step, sample = node */
  RNG_SPLIT,     /* splits */
  RNG_SYNTH,     /* drawn cells; sample = cell */
  RNG_BOOTSTRAP, /* resampling; sample = repetition */
  RNG_TEST,      /* anything in tests and benchmarks */
  RNG_JITTER,    /* colours of a sample; epoch, sample */
  RNG_SUBSPACE,  /* where a search for directions begins */
  RNG_CORRUPT,   /* noise on a picture; epoch = strength, sample */
  RNG_FOREIGN    /* drawn pictures that are no cells; epoch = kind, sample = picture */
} rng_purpose;

typedef struct {
  uint32_t key[2];
  uint32_t counter[4];
  uint32_t block[4];
  int used; /* numbers already taken out of block */
} rng;

/* One Philox4x32-10 block: `counter` [4] under `key` [2] into `out` [4]. */
void rng_philox(const uint32_t counter[4], const uint32_t key[2], uint32_t out[4]);

/* Starts the stream of that name. */
rng rng_open(uint64_t seed, rng_purpose purpose, uint32_t epoch, uint32_t sample);

uint32_t rng_u32(rng *r);
/* Uniform in [0, 1) with 53 random bits. */
double rng_uniform(rng *r);
/* Uniform in [low, high). */
double rng_between(rng *r, double low, double high);
/* Standard normal (Box-Muller). */
double rng_normal(rng *r);
/* Uniform in 0 .. bound-1, without bias; bound at least 1. */
uint32_t rng_below(rng *r, uint32_t bound);
/* Permutes `items` [count] (Fisher-Yates). */
void rng_shuffle(rng *r, size_t *items, size_t count);

#endif
