#include "dataset/loader.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/rng.h"
#include "image/symmetry.h"

/* One batch in use by the caller, one ready, one being filled. */
#define RING 3

struct loader {
  loader_options options;
  size_t *samples;    /* own copy */
  size_t image_bytes; /* of one image */
  size_t batches;     /* of the epoch */
  uint8_t *pixels;    /* [RING][batch][size][size][3] */
  pthread_t thread;
  pthread_mutex_t lock; /* guards what follows */
  pthread_cond_t changed;
  size_t filled; /* batches ready or used up */
  size_t taken;  /* batches handed out */
  bool stop;
};

int loader_symmetry(uint64_t seed, uint32_t epoch, size_t sample) {
  rng r = rng_open(seed, RNG_AUGMENT, epoch, (uint32_t)sample);
  return (int)rng_below(&r, IMAGE_SYMMETRIES);
}

image_jitter loader_jitter(uint64_t seed, uint32_t epoch, size_t sample, double strength) {
  rng r = rng_open(seed, RNG_JITTER, epoch, (uint32_t)sample);
  image_jitter out;
  out.light = 1 + strength * (2 * rng_uniform(&r) - 1);
  out.saturation = 1 + strength * (rng_uniform(&r) - 0.5);
  const double density = 1 + strength * (2 * rng_uniform(&r) - 1);
  for (int c = 0; c < 3; c++) out.density[c] = density * (1 + strength * (rng_uniform(&r) - 0.5));
  return out;
}

static size_t batch_count(const loader *l, size_t number) {
  size_t left = l->options.count - number * l->options.batch;
  return left < l->options.batch ? left : l->options.batch;
}

static uint8_t *batch_pixels(const loader *l, size_t number) {
  return l->pixels + number % RING * l->options.batch * l->image_bytes;
}

static void fill(const loader *l, size_t number) {
  const loader_options *o = &l->options;
  const size_t *samples = l->samples + number * o->batch;
  uint8_t *to = batch_pixels(l, number);
  for (size_t i = 0, n = batch_count(l, number); i < n; i++, to += l->image_bytes) {
    const uint8_t *from = o->pixels + samples[i] * l->image_bytes;
    if (o->augment)
      image_symmetry(from, o->size, loader_symmetry(o->seed, o->epoch, samples[i]), to);
    else memcpy(to, from, l->image_bytes);
    if (o->jitter > 0) {
      image_jitter jitter = loader_jitter(o->seed, o->epoch, samples[i], o->jitter);
      image_jitter_apply(&jitter, l->image_bytes / 3, to);
    }
  }
}

static void *work(void *argument) {
  loader *l = argument;
  for (size_t number = 0; number < l->batches; number++) {
    pthread_mutex_lock(&l->lock);
    /* The batch handed out last is still being read, so its place is not free yet. */
    while (!l->stop && number + 1 > l->taken + RING - 1) pthread_cond_wait(&l->changed, &l->lock);
    bool stop = l->stop;
    pthread_mutex_unlock(&l->lock);
    if (stop) break;
    fill(l, number);
    pthread_mutex_lock(&l->lock);
    l->filled = number + 1;
    pthread_cond_signal(&l->changed);
    pthread_mutex_unlock(&l->lock);
  }
  return NULL;
}

leuko_status loader_open(const loader_options *options, loader **out, leuko_error *error) {
  *out = NULL;
  if (options->size < 1 || options->size > 65536 || options->batch < 1 ||
      !(options->jitter >= 0 && options->jitter <= LOADER_MOST_JITTER))
    return error_set(error, LEUKO_ARGUMENT, NULL, NULL, "size %d, batch %zu, jitter %g",
                     options->size, options->batch, options->jitter);
  const size_t image_bytes = (size_t)options->size * (size_t)options->size * 3;
  if (options->batch > SIZE_MAX / RING / image_bytes)
    return error_set(error, LEUKO_TOO_LARGE, NULL, "use a smaller batch", "batches of %zu images",
                     options->batch);
  loader *l = calloc(1, sizeof *l);
  if (!l) return error_set_memory(error, sizeof *l);
  l->options = *options;
  if (l->options.batch > options->count && options->count) l->options.batch = options->count;
  l->image_bytes = image_bytes;
  l->batches = (options->count + l->options.batch - 1) / l->options.batch;
  const size_t bytes = RING * l->options.batch * image_bytes;
  l->samples = malloc((options->count + 1) * sizeof *l->samples);
  l->pixels = malloc(bytes);
  if (!l->samples || !l->pixels) {
    free(l->samples);
    free(l->pixels);
    free(l);
    return error_set_memory(error, bytes);
  }
  if (options->count) memcpy(l->samples, options->samples, options->count * sizeof *l->samples);
  pthread_mutex_init(&l->lock, NULL);
  pthread_cond_init(&l->changed, NULL);
  int number = pthread_create(&l->thread, NULL, work, l);
  if (number != 0) {
    pthread_mutex_destroy(&l->lock);
    pthread_cond_destroy(&l->changed);
    free(l->samples);
    free(l->pixels);
    free(l);
    return error_set(error, LEUKO_NO_MEMORY, NULL, NULL, "no thread to load with: %s",
                     strerror(number));
  }
  *out = l;
  return LEUKO_OK;
}

bool loader_next(loader *l, loader_batch *batch) {
  *batch = (loader_batch){0};
  if (l->taken == l->batches) return false; /* only this thread writes it */
  const size_t number = l->taken;
  pthread_mutex_lock(&l->lock);
  l->taken = number + 1;
  pthread_cond_signal(&l->changed);
  while (l->filled <= number) pthread_cond_wait(&l->changed, &l->lock);
  pthread_mutex_unlock(&l->lock);
  *batch = (loader_batch){batch_pixels(l, number), l->samples + number * l->options.batch,
                          batch_count(l, number)};
  return true;
}

void loader_close(loader *l) {
  if (!l) return;
  pthread_mutex_lock(&l->lock);
  l->stop = true;
  pthread_cond_signal(&l->changed);
  pthread_mutex_unlock(&l->lock);
  pthread_join(l->thread, NULL);
  pthread_mutex_destroy(&l->lock);
  pthread_cond_destroy(&l->changed);
  free(l->samples);
  free(l->pixels);
  free(l);
}
