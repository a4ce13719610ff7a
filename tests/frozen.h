/* A small base with its parameters, and drawn cells to run it on. */
#ifndef TESTS_FROZEN_H
#define TESTS_FROZEN_H

#include "cells.h"

#include "dataset/prepared.h"
#include "train/features.h"
#include "zoo/zoo.h"

enum { FROZEN_CELLS = 7, FROZEN_SIZE = 32 };

static inline void frozen_ok(leuko_status status, const leuko_error *error) {
  if (status != LEUKO_OK) fail_msg("%s: %s", leuko_status_name(status), error->message);
}

static inline float *frozen_floats(size_t count) {
  float *out = aligned_alloc(64, (count * sizeof *out + 63) / 64 * 64);
  assert_non_null(out);
  memset(out, 0, count * sizeof *out);
  return out;
}

typedef struct {
  net_graph *base;
  float *params;
  prepared pixels;
  features_request request;
} frozen_subject;

static inline void frozen_prepare(void **state, int size, prepared *out) {
  char root[PATH], names[FROZEN_CELLS][16];
  const char *paths[FROZEN_CELLS];
  leuko_error error = {0};
  cells_root(root, state);
  for (int i = 0; i < FROZEN_CELLS; i++) {
    snprintf(names[i], sizeof names[i], "%d.png", i);
    paths[i] = names[i];
    cells_write(root, names[i], (uint32_t)i);
  }
  prepared_request request = {
      .root = root, .paths = paths, .count = FROZEN_CELLS, .size = size, .threads = 1};
  frozen_ok(prepared_open(&request, NULL, out, &error), &error);
  assert_int_equal(out->refused, 0);
}

static inline void frozen_open(void **state, const char *backend, frozen_subject *out) {
  zoo_options options;
  leuko_error error = {0};
  frozen_ok(zoo_defaults("cnn", &options, &error), &error);
  options.size = FROZEN_SIZE;
  options.blocks = 2;
  options.widths[0] = 16;
  options.widths[1] = 16;
  options.dense = 11;
  frozen_ok(zoo_build_base(&options, &out->base, &error), &error);
  out->params = frozen_floats(out->base->param_floats);
  net_init_params(out->base, 3, out->params);
  frozen_prepare(state, FROZEN_SIZE, &out->pixels);
  out->request = (features_request){
      .base = out->base,
      .params = out->params,
      .scaling = {.scale = 1.0f / 64, .mean = {2, 1.5f, 1}, .deviation = {1, 1.5f, 2}},
      .pixels = &out->pixels,
      .description = "a small base",
      .batch = 4,
      .threads = 2,
      .backend = backend};
}

static inline void frozen_close(frozen_subject *s) {
  prepared_close(&s->pixels);
  net_graph_free(s->base);
  free(s->params);
}

static inline features frozen_features(const features_request *request) {
  features f;
  leuko_error error = {0};
  frozen_ok(features_open(request, NULL, &f, &error), &error);
  return f;
}

#endif
