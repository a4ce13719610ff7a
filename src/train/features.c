#include "train/features.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "image/symmetry.h"

#define VERSION "features 2"
#define MARK_BATCHES 4 /* after so many it is noted how far it has come, should it be killed */

/* Rounds to the nearest bfloat16, ties to even. */
static uint16_t to_bf16(float value) {
  uint32_t bits;
  memcpy(&bits, &value, sizeof bits);
  return (uint16_t)((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

static float from_bf16(uint16_t half) {
  uint32_t bits = (uint32_t)half << 16;
  float value;
  memcpy(&value, &bits, sizeof value);
  return value;
}

static size_t row_bytes(const features *f) {
  return (size_t)f->width * (f->bf16 ? sizeof(uint16_t) : sizeof(float));
}

static void store(const features *f, size_t row, const float *values) {
  uint8_t *to = f->cache.data + row * row_bytes(f);
  if (!f->bf16) memcpy(to, values, row_bytes(f));
  else
    for (int i = 0; i < f->width; i++) ((uint16_t *)(void *)to)[i] = to_bf16(values[i]);
}

void features_read(const features *f, size_t cell, int view, float *out) {
  size_t row = cell * (size_t)f->views + (size_t)(f->views > 1 ? view : 0);
  const uint8_t *from = f->cache.data + row * row_bytes(f);
  if (!f->bf16) memcpy(out, from, row_bytes(f));
  else
    for (int i = 0; i < f->width; i++)
      out[i] = from_bf16(((const uint16_t *)(const void *)from)[i]);
}

static leuko_status make_key(const features_request *r, const features *f, char key[HASH_HEX],
                             leuko_error *error) {
  hash *h;
  leuko_status status = hash_open(&h, error);
  if (status != LEUKO_OK) return status;
  char text[256];
  int length = snprintf(text, sizeof text, VERSION "\n%s\nviews %d width %d bf16 %d\n", r->backend,
                        f->views, f->width, f->bf16);
  hash_add(h, text, (size_t)length);
  if (r->precision != NET_F32) {
    const char *name = net_precision_name(r->precision);
    hash_add(h, name, strlen(name));
  }
  hash_add(h, r->description, strlen(r->description) + 1);
  hash_add(h, r->pixels->cache.key, HASH_HEX);
  hash_add(h, &r->scaling.scale, sizeof r->scaling.scale);
  hash_add(h, r->scaling.mean, sizeof r->scaling.mean);
  hash_add(h, r->scaling.deviation, sizeof r->scaling.deviation);
  hash_add(h, r->scaling.reverse ? "bgr" : "rgb", 3);
  hash_add(h, r->params, r->base->param_floats * sizeof *r->params);
  return hash_close(h, key, error);
}

static leuko_status report(const progress *p, size_t done, size_t rows, leuko_error *error) {
  if (!progress_report(p, "features", done, rows, NULL)) return LEUKO_OK;
  return error_set(error, LEUKO_INTERRUPTED, NULL, "go on with --resume", "stopped");
}

static leuko_status compute(const features_request *r, const progress *p, features *f,
                            leuko_error *error) {
  const prepared *cells = r->pixels;
  const size_t bytes = (size_t)cells->size * (size_t)cells->size * 3;
  const size_t rows = f->count * (size_t)f->views;
  net_plan_options options = {.batch = r->batch,
                              .threads = r->threads,
                              .backend = r->backend,
                              .winograd = true,
                              .precision = r->precision,
                              .skip = true,
                              .scaling = r->scaling};
  net_plan *plan = NULL;
  uint8_t *pixels = malloc((size_t)r->batch * bytes);
  leuko_status status = pixels ? LEUKO_OK : error_set_memory(error, (size_t)r->batch * bytes);
  if (status == LEUKO_OK) status = net_plan_new(r->base, &options, &plan, error);
  if (status == LEUKO_OK) status = net_plan_bind(plan, r->params, error);
  /* The first rows may be there from a process that was stopped. */
  size_t first = f->cache.filled / row_bytes(f);
  if (status == LEUKO_OK) status = report(p, first, rows, error);
  for (int batches = 1; first < rows && status == LEUKO_OK; batches++) {
    size_t now = rows - first < (size_t)r->batch ? rows - first : (size_t)r->batch;
    for (size_t i = 0; i < now; i++)
      image_symmetry(prepared_sample(cells, (first + i) / (size_t)f->views), cells->size,
                     (int)((first + i) % (size_t)f->views), pixels + i * bytes);
    const float *values;
    status = net_plan_forward(plan, pixels, (int)now, 0, &values, error);
    if (status != LEUKO_OK) break;
    for (size_t i = 0; i < now; i++) store(f, first + i, values + i * (size_t)f->width);
    first += now;
    status = report(p, first, rows, error);
    if (status != LEUKO_OK || batches % MARK_BATCHES == 0)
      cache_mark(&f->cache, first * row_bytes(f));
  }
  net_plan_free(plan);
  free(pixels);
  return status;
}

leuko_status features_open(const features_request *r, const progress *p, features *out,
                           leuko_error *error) {
  const net_shape shape = r->base->nodes[r->base->node_count - 1].shape;
  *out = (features){.count = r->pixels->count,
                    .views = r->symmetries ? IMAGE_SYMMETRIES : 1,
                    .width = (int)net_shape_size(shape),
                    .bf16 = r->bf16};
  char key[HASH_HEX];
  leuko_status status = make_key(r, out, key, error);
  size_t bytes = out->count * (size_t)out->views * row_bytes(out);
  if (status == LEUKO_OK) status = cache_open("features", key, "f", bytes, &out->cache, error);
  if (status == LEUKO_OK && !out->cache.ready) {
    status = compute(r, p, out, error);
    if (status == LEUKO_OK) status = cache_finish(&out->cache, true, error);
  }
  if (status != LEUKO_OK) features_close(out);
  return status;
}

void features_close(features *f) {
  cache_close(&f->cache);
  *f = (features){0};
}
