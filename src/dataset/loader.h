/* Batches of one epoch, put together by a thread ahead of the one that computes. */
#ifndef DATASET_LOADER_H
#define DATASET_LOADER_H

#include <stdbool.h>

#include "image/jitter.h"
#include "leuko.h"

#define LOADER_MOST_JITTER 0.5

typedef struct loader loader;

typedef struct {
  const uint8_t *pixels; /* [..][size][size][3], kept by the caller until loader_close */
  int size;
  const size_t *samples; /* [count] indices into pixels in this epoch's order; copied */
  size_t count;
  size_t batch; /* images in a batch; the last one may be smaller */
  bool augment; /* apply loader_symmetry's symmetry to each image */
  double
      jitter; /* strength of loader_jitter's change of colours, 0 .. LOADER_MOST_JITTER; 0: none */
  uint64_t seed; /* of the augmentation */
  uint32_t epoch;
} loader_options;

typedef struct {
  const uint8_t *pixels; /* [count][size][size][3] */
  const size_t *samples; /* [count] */
  size_t count;
} loader_batch;

/* Which of the eight symmetries a sample is shown under in an epoch. */
int loader_symmetry(uint64_t seed, uint32_t epoch, size_t sample);

/* How a sample is stained and lit in an epoch: light and optical density are uniform in 1 +-
 * strength, saturation and each channel's own density half as much. */
image_jitter loader_jitter(uint64_t seed, uint32_t epoch, size_t sample, double strength);

/* Starts loading. On success *out is ended with loader_close.
 * Errors: ARGUMENT, TOO_LARGE, NO_MEMORY. */
leuko_status loader_open(const loader_options *options, loader **out, leuko_error *error);
/* The next batch, valid until the next call; false at the end of the epoch. */
bool loader_next(loader *l, loader_batch *batch);
/* Stops the thread, also in the middle of an epoch, and frees everything; NULL is fine. */
void loader_close(loader *l);

#endif
