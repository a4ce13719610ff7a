#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/rng.h"
#include "base/threads.h"
#include "cli/cli.h"
#include "cli/compute.h"
#include "dataset/prepared.h"
#include "dataset/walk.h"
#include "model/model.h"
#include "net/loss.h"
#include "train/adam.h"

typedef struct {
  const char *model, *images;
  leuko_options how;
  double seconds;
  bool train, layers, json;
} arguments;

enum { KEY_MODEL = 256, KEY_IMAGES, KEY_SECONDS, KEY_TRAIN, KEY_LAYERS, KEY_JSON };

static const struct argp_option options[] = {
    {"model", KEY_MODEL, "NAME|FILE", 0, "a network by name, or a model file (cnn)", 0},
    {"images", KEY_IMAGES, "DIR", 0, "cells, prepared beforehand (random pixels)", 0},
    {"seconds", KEY_SECONDS, "S", 0, "measure for so long (3)", 0},
    {"train", KEY_TRAIN, 0, 0, "time training steps instead of answers", 0},
    {"layers", KEY_LAYERS, 0, 0, "a table of the plan's steps", 0},
    {"json", KEY_JSON, 0, 0, "print as JSON", 0},
    {0}};

static error_t parse(int key, char *arg, struct argp_state *state) {
  arguments *a = state->input;
  switch (key) {
  case ARGP_KEY_INIT:
    state->child_inputs[0] = &a->how;
    return 0;
  case KEY_MODEL:
    a->model = arg;
    return 0;
  case KEY_IMAGES:
    a->images = arg;
    return 0;
  case KEY_SECONDS:
    a->seconds = cli_real(state, "--seconds", arg, 0.1, 3600);
    return 0;
  case KEY_TRAIN:
    a->train = true;
    return 0;
  case KEY_LAYERS:
    a->layers = true;
    return 0;
  case KEY_JSON:
    a->json = true;
    return 0;
  case ARGP_KEY_ARG:
    argp_error(state, "there is nothing to do with '%s'", arg);
    return 0;
  default:
    return ARGP_ERR_UNKNOWN;
  }
}

typedef struct {
  model m;
  uint8_t *pixels; /* [images][size][size][3] */
  size_t images;   /* a multiple of the batch */
  double decode;   /* images a second, 0 if none were decoded */
  net_precision precision;
} bench;

static leuko_status load_model(const arguments *a, model *m, leuko_error *error) {
  if (strchr(a->model, '/') || strchr(a->model, '.') || file_exists(a->model))
    return model_load(a->model, m, error);
  *m = (model){.scaling = {.scale = 1.0f / 255, .deviation = {1, 1, 1}},
               .class_count = 2,
               .positive = 1,
               .threshold = 0.5,
               .classes = {"hem", "all"}};
  leuko_status status = zoo_defaults(a->model, &m->net, error);
  if (status == LEUKO_OK) status = model_build(m, error);
  if (status == LEUKO_OK) net_init_params(m->graph, 1, m->params);
  return status;
}

/* Reads images of the folder; `used` gives their number. */
static leuko_status read_images(const arguments *a, bench *b, size_t bytes, size_t *used,
                                leuko_error *error) {
  walk w;
  leuko_status status = walk_open(a->images, &w, error);
  size_t count = w.count < b->images ? w.count : b->images;
  const char **paths = calloc(count ? count : 1, sizeof *paths);
  if (status == LEUKO_OK && !paths) status = error_set_memory(error, count * sizeof *paths);
  /* Evenly over the folder, so that all classes and subjects are among them. */
  for (size_t i = 0; status == LEUKO_OK && i < count; i++)
    paths[i] = w.files[i * w.count / count].path;
  prepared_request request = {.root = a->images,
                              .paths = paths,
                              .count = count,
                              .crop = b->m.crop,
                              .size = b->m.net.size,
                              .stain = b->m.stain,
                              .threads = a->how.threads};
  prepared cells = {0};
  double started = clock_seconds();
  if (status == LEUKO_OK) status = prepared_open(&request, NULL, &cells, error);
  double spent = clock_seconds() - started;
  if (status == LEUKO_OK && !cells.cache.ready) b->decode = (double)count / spent;
  for (size_t i = 0; status == LEUKO_OK && i < count; i++)
    if (cells.status[i] == LEUKO_OK)
      memcpy(b->pixels + (*used)++ * bytes, prepared_sample(&cells, i), bytes);
  prepared_close(&cells);
  free(paths);
  walk_free(&w);
  if (status == LEUKO_OK && *used == 0)
    status = error_set(error, LEUKO_NO_DATA, a->images, NULL, "the folder holds no usable image");
  return status;
}

static leuko_status prepare(const arguments *a, bench *b, leuko_error *error) {
  leuko_status status = load_model(a, &b->m, error);
  if (status != LEUKO_OK) return status;
  status = model_precision(&b->m, a->how.precision, &b->precision, error);
  if (status != LEUKO_OK) return status;
  if (a->train && !net_precision_trains(b->precision)) b->precision = NET_F32;
  size_t bytes = (size_t)b->m.net.size * (size_t)b->m.net.size * 3, used = 0;
  size_t batch = (size_t)a->how.batch;
  b->images = (256 + batch - 1) / batch * batch;
  b->pixels = malloc(b->images * bytes);
  if (!b->pixels) return error_set_memory(error, b->images * bytes);
  if (a->images) {
    status = read_images(a, b, bytes, &used, error);
    for (size_t i = used; status == LEUKO_OK && i < b->images; i++)
      memcpy(b->pixels + i * bytes, b->pixels + i % used * bytes, bytes);
    return status;
  }
  rng r = rng_open(1, RNG_TEST, 0, 0);
  for (size_t i = 0; i < b->images * bytes; i++) b->pixels[i] = (uint8_t)rng_u32(&r);
  return LEUKO_OK;
}

typedef struct {
  net_plan *plan;
  float *grads, *m, *v, *dlogits;
  int *labels;
  uint64_t step;
} trainer;

static leuko_status train_step(const arguments *a, bench *b, trainer *t, const uint8_t *pixels,
                               leuko_error *error) {
  const float *logits;
  leuko_status status = net_plan_bind(t->plan, b->m.params, error);
  if (status == LEUKO_OK)
    status = net_plan_forward(t->plan, pixels, a->how.batch, (uint32_t)t->step, &logits, error);
  if (status != LEUKO_OK) return status;
  net_loss(logits, t->labels, a->how.batch, b->m.net.outputs, NULL, t->dlogits);
  status = net_plan_backward(t->plan, t->dlogits, t->grads, error);
  if (status == LEUKO_OK)
    adam_step(b->m.graph, ++t->step, 1e-3, t->grads, b->m.params, t->m, t->v, a->how.threads);
  return status;
}

/* Runs until the time is over, three calls for warming up before; gives images a second. */
static leuko_status measure(const arguments *a, bench *b, trainer *t, double *speed,
                            leuko_error *error) {
  const size_t bytes = (size_t)b->m.net.size * (size_t)b->m.net.size * 3;
  leuko_status status = net_plan_bind(t->plan, b->m.params, error);
  double started = clock_seconds();
  size_t done = 0;
  for (int call = -3; status == LEUKO_OK; call++) {
    if (call == 0) started = clock_seconds(), done = 0;
    if (call > 0 && clock_seconds() - started >= a->seconds) break;
    const uint8_t *pixels =
        b->pixels + (size_t)(call + 3) * (size_t)a->how.batch % b->images * bytes;
    const float *logits;
    status = a->train ? train_step(a, b, t, pixels, error)
                      : net_plan_forward(t->plan, pixels, a->how.batch, 0, &logits, error);
    done += (size_t)a->how.batch;
  }
  *speed = (double)done / (clock_seconds() - started);
  return status;
}

static void print_layers(const net_plan *plan, bool training) {
  printf("%-19s %-15s %-28s %14s %14s %9s", "layer", "operation", "implementation", "input",
         "output", "ms");
  if (training) printf(" %9s", "back, ms");
  printf(" %9s %9s\n", "GFLOP/s", "computed");
  int reorders = 0;
  for (int i = 0; i < net_plan_rows(plan); i++) {
    net_plan_row row = net_plan_row_at(plan, i);
    char in[32], out[32];
    snprintf(in, sizeof in, "%dx%dx%d", row.in.h, row.in.w, row.in.c);
    snprintf(out, sizeof out, "%dx%dx%d", row.out.h, row.out.w, row.out.c);
    double seconds = row.seconds / (double)row.runs;
    printf("%-19s %-15s %-28s %14s %14s %9.3f", row.name, row.op, row.implementation, in, out,
           1e3 * seconds);
    if (training) printf(" %9.3f", 1e3 * row.back / (double)row.runs);
    if (row.flop > 0)
      printf(" %9.1f %8.1f%%", row.flop * row.share / seconds / 1e9, 100 * row.share);
    printf("\n");
    reorders += strcmp(row.op, "reorder") == 0;
  }
  printf("%d changes of layout\n\n", reorders);
}

/* The share of multiplications that was not skipped, by direct convolution's count. */
static double share_computed(const net_plan *plan) {
  double all = 0, computed = 0;
  for (int i = 0; i < net_plan_rows(plan); i++) {
    net_plan_row row = net_plan_row_at(plan, i);
    all += row.flop;
    computed += row.flop * row.share;
  }
  return all > 0 ? computed / all : 1;
}

static int print_result(const arguments *a, const bench *b, const trainer *t, double speed) {
  if (a->json)
    return cli_print_json(
        json_pack("{s:s,s:s,s:i,s:i,s:b,s:f,s:f,s:f,s:f,s:f}", "model", a->model, "precision",
                  net_precision_name(b->precision), "batch", a->how.batch, "threads",
                  a->how.threads, "train", a->train, "images_per_second", speed, "latency_ms",
                  1e3 * a->how.batch / speed, "share_computed", share_computed(t->plan),
                  "peak_memory_mb", cli_peak_megabytes(), "decode_images_per_second", b->decode));
  if (a->layers) print_layers(t->plan, a->train);
  printf("%s, %s in %s, batch %d, %d threads: %.1f images a second, %.2f ms a batch, %.0f MB at "
         "most\n",
         a->model, a->train ? "training" : "answering", net_precision_name(b->precision),
         a->how.batch, a->how.threads, speed, 1e3 * a->how.batch / speed, cli_peak_megabytes());
  if (b->decode > 0) printf("decoding and resizing: %.0f files a second\n", b->decode);
  return 0;
}

static leuko_status run(const arguments *a, bench *b, trainer *t, double *speed,
                        leuko_error *error) {
  leuko_status status = prepare(a, b, error);
  if (status != LEUKO_OK) return status;
  net_plan_options how = model_plan_options(&b->m, a->how.batch, a->how.threads, a->how.backend);
  how.training = a->train;
  how.precision = b->precision;
  how.skip = !a->how.no_skip;
  status = net_plan_new(b->m.graph, &how, &t->plan, error);
  if (status != LEUKO_OK) return status;
  size_t floats = b->m.graph->param_floats, batch = (size_t)a->how.batch;
  t->grads = calloc(floats, sizeof *t->grads);
  t->m = calloc(floats, sizeof *t->m);
  t->v = calloc(floats, sizeof *t->v);
  t->dlogits = calloc(batch * (size_t)b->m.net.outputs, sizeof *t->dlogits);
  t->labels = calloc(batch, sizeof *t->labels);
  if (!t->grads || !t->m || !t->v || !t->dlogits || !t->labels)
    return error_set_memory(error, 3 * floats * sizeof *t->grads);
  for (size_t i = 0; i < batch; i++) t->labels[i] = (int)(i % 2);
  return measure(a, b, t, speed, error);
}

int command_bench(int argc, char **argv) {
  arguments a = {.model = "cnn", .how = {.batch = 16, .backend = "onednn"}, .seconds = 3};
  static const struct argp_child children[] = {{&cli_compute, 0, "Computing:", 9}, {0}};
  static const struct argp parser = {
      options, parse, 0, "Measures images a second on this machine.", children, 0, 0};
  argp_parse(&parser, argc, argv, 0, 0, &a);
  a.how.threads = threads_count(a.how.threads);
  bench b = {0};
  trainer t = {0};
  leuko_error error = {0};
  double speed = 0;
  int code;
  if (run(&a, &b, &t, &speed, &error) != LEUKO_OK) code = cli_fail(&error);
  else code = print_result(&a, &b, &t, speed);
  net_plan_free(t.plan);
  free(t.grads);
  free(t.m);
  free(t.v);
  free(t.dlogits);
  free(t.labels);
  free(b.pixels);
  model_free(&b.m);
  return code;
}
