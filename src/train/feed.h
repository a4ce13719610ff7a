/* The batches of one epoch, of pictures or of a frozen base's features. */
#ifndef TRAIN_FEED_H
#define TRAIN_FEED_H

#include "dataset/loader.h"
#include "train/features.h"

typedef struct feed feed;

/* One of `pixels` and `rows` is set. */
typedef struct {
  const uint8_t *pixels; /* [count][size][size][3] */
  const float *rows;     /* [count][width] */
  const size_t *samples; /* [count] */
  size_t count;
} feed_batch;

/* Starts an epoch; `from` is NULL for pictures. Borrows both. Errors: those of loader_open. */
leuko_status feed_open(const loader_options *options, const features *from, feed **out,
                       leuko_error *error);
/* The next batch, valid until the next call; false at the end. */
bool feed_next(feed *f, feed_batch *batch);
void feed_close(feed *f);

#endif
