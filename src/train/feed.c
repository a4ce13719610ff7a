#include "train/feed.h"

#include <stdlib.h>

#include "base/error.h"

struct feed {
  loader *pictures; /* NULL where features are read */
  loader_options options;
  const features *from;
  float *rows; /* [batch][width] */
  size_t done;
};

leuko_status feed_open(const loader_options *options, const features *from, feed **out,
                       leuko_error *error) {
  *out = NULL;
  feed *f = calloc(1, sizeof *f);
  if (!f) return error_set_memory(error, sizeof *f);
  f->options = *options;
  f->from = from;
  leuko_status status = LEUKO_OK;
  if (from) {
    size_t bytes = options->batch * (size_t)from->width * sizeof *f->rows;
    f->rows = malloc(bytes);
    if (!f->rows) status = error_set_memory(error, bytes);
  } else {
    status = loader_open(options, &f->pictures, error);
  }
  if (status != LEUKO_OK) {
    feed_close(f);
    return status;
  }
  *out = f;
  return LEUKO_OK;
}

bool feed_next(feed *f, feed_batch *batch) {
  *batch = (feed_batch){0};
  if (f->pictures) {
    loader_batch next;
    if (!loader_next(f->pictures, &next)) return false;
    *batch = (feed_batch){.pixels = next.pixels, .samples = next.samples, .count = next.count};
    return true;
  }
  const loader_options *o = &f->options;
  size_t left = o->count - f->done;
  if (left == 0) return false;
  batch->samples = o->samples + f->done;
  batch->count = left < o->batch ? left : o->batch;
  batch->rows = f->rows;
  for (size_t i = 0; i < batch->count; i++) {
    size_t cell = batch->samples[i];
    int view = o->augment ? loader_symmetry(o->seed, o->epoch, cell) : 0;
    features_read(f->from, cell, view, f->rows + i * (size_t)f->from->width);
  }
  f->done += batch->count;
  return true;
}

void feed_close(feed *f) {
  if (!f) return;
  loader_close(f->pictures);
  free(f->rows);
  free(f);
}
