/* Data sets in memory, listed without a file, for the tests of splits and folds. */
#ifndef TESTS_LISTED_H
#define TESTS_LISTED_H

#include "cells.h"

#include "dataset/split.h"

static inline dataset empty(void) {
  dataset d = {.positive = 1, .class_count = 2, .official = true};
  d.root = strdup("/nowhere");
  d.classes[0] = strdup("hem");
  d.classes[1] = strdup("all");
  d.samples = calloc(20000, sizeof *d.samples);
  assert_non_null(d.samples);
  return d;
}

/* Adds a cell of a subject; `content` stands for its bytes: equal numbers are identical files. */
static inline dataset_sample *add(dataset *d, const char *subject, int label, int fold,
                                  size_t content) {
  dataset_sample *s = &d->samples[d->count];
  char path[128];
  snprintf(path, sizeof path, "fold_%d/%s/UID_%s_%05zu_1_%s.bmp", fold, d->classes[label], subject,
           d->count, d->classes[label]);
  *s = (dataset_sample){.path = strdup(path),
                        .subject = strdup(subject),
                        .label = label,
                        .fold = fold,
                        .group = -1,
                        .twin = -1};
  snprintf(s->sha256, sizeof s->sha256, "%064zx", content + 1);
  snprintf(s->pixels, sizeof s->pixels, "%064zx", content + 1);
  d->count++;
  return s;
}

static inline void add_many(dataset *d, const char *subject, int label, int fold, size_t cells) {
  for (size_t i = 0; i < cells; i++) add(d, subject, label, fold, 1000000 + d->count);
}

static inline int by_path(const void *left, const void *right) {
  const dataset_sample *a = left, *b = right;
  return strcmp(a->path, b->path);
}

static inline dataset_ties tie(dataset *d, const char *manifest) {
  dataset_ties ties;
  leuko_error error = {0};
  qsort(d->samples, d->count, sizeof *d->samples, by_path);
  if (dataset_tie(d, manifest, &ties, &error) != LEUKO_OK) fail_msg("%s", error.message);
  return ties;
}

/* Like the real data: 30 and 17 subjects of very different sizes. */
static inline dataset typical(void) {
  dataset d = empty();
  rng random = rng_open(1, RNG_TEST, 0, 0);
  char name[16];
  for (uint32_t i = 0; i < 47; i++) {
    snprintf(name, sizeof name, i < 30 ? "%u" : "H%u", 100 + i);
    add_many(&d, name, i < 30, (int)(i % 3), 1 + rng_below(&random, i % 7 == 0 ? 400 : 60));
  }
  tie(&d, NULL);
  return d;
}

#endif
