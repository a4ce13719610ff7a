#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "base/threads.h"
#include "cli/classes.h"
#include "cli/cli.h"
#include "predict/quantize.h"
#include "train/data.h"

typedef struct {
  const char *model, *out;
  train_data_options data;
  size_t calibrate, test;
  bool json;
} arguments;

enum {
  KEY_SPLIT = 256,
  KEY_SUBJECTS,
  KEY_MANIFEST,
  KEY_CALIBRATE,
  KEY_TEST,
  KEY_THREADS,
  KEY_JSON
};

static const struct argp_option options[] = {
    {"out", 'o', "FILE", 0, "write the model with its scales (it may be MODEL itself)", 0},
    {"calibrate", KEY_CALIBRATE, "N", 0, "take the ranges from so many training cells (128)", 0},
    {"test", KEY_TEST, "N", 0, "compare the answers for so many test cells (1000)", 0},
    {"split", KEY_SPLIT, "CSV", 0,
     "which are which; by default the run's split.csv, else a split by subject", 0},
    {"subjects", KEY_SUBJECTS, "CSV", 0, "path,subject for trees without C-NMC names", 0},
    {"manifest", KEY_MANIFEST, "FILE", 0,
     "tells which subjects are one person; by default cnmc2019-manifest.tsv in DIR or beside it",
     0},
    {"threads", KEY_THREADS, "N", 0, "all processors by default", 0},
    {"json", KEY_JSON, 0, 0, "print as JSON", 0},
    {0}};

static error_t parse(int key, char *arg, struct argp_state *state) {
  arguments *a = state->input;
  switch (key) {
  case 'o':
    a->out = arg;
    return 0;
  case KEY_SPLIT:
    a->data.split = arg;
    return 0;
  case KEY_SUBJECTS:
    a->data.subjects = arg;
    return 0;
  case KEY_MANIFEST:
    a->data.manifest = arg;
    return 0;
  case KEY_CALIBRATE:
    a->calibrate = (size_t)cli_number(state, "--calibrate", arg, 1, 100000);
    return 0;
  case KEY_TEST:
    a->test = (size_t)cli_number(state, "--test", arg, 1, 100000);
    return 0;
  case KEY_THREADS:
    a->data.threads = (int)cli_number(state, "--threads", arg, 1, 256);
    return 0;
  case KEY_JSON:
    a->json = true;
    return 0;
  case ARGP_KEY_ARG:
    if (!a->model) a->model = arg;
    else if (!a->data.folder) a->data.folder = arg;
    else argp_error(state, "a model and one folder are enough");
    return 0;
  case ARGP_KEY_END:
    if (!a->model || !a->data.folder)
      argp_error(state, "the model or the folder of cells is missing");
    if (!a->out) argp_error(state, "-o says where the model goes");
    return 0;
  default:
    return ARGP_ERR_UNKNOWN;
  }
}

/* At most `most` of a side's cells, evenly over them, as the model wants its pixels; the caller
 * frees both arrays. */
static leuko_status gather(const model *m, const train_data *data, const size_t *side, size_t count,
                           size_t most, const int *classes, quantize_cells *out,
                           leuko_error *error) {
  const size_t bytes = (size_t)m->net.size * (size_t)m->net.size * 3;
  const size_t taken = count < most ? count : most;
  uint8_t *pixels = malloc(taken * bytes);
  int *labels = malloc(taken * sizeof *labels);
  *out = (quantize_cells){.pixels = pixels, .labels = labels, .count = taken};
  if (!pixels || !labels) return error_set_memory(error, taken * bytes);
  leuko_status status = LEUKO_OK;
  for (size_t i = 0; status == LEUKO_OK && i < taken; i++) {
    const size_t cell = side[i * count / taken];
    memcpy(pixels + i * bytes, prepared_sample(&data->pixels, cell), bytes);
    labels[i] = classes[data->labels[cell]];
    status = stain_apply(&m->stain, m->net.size, pixels + i * bytes, error);
  }
  return status;
}

static void free_cells(quantize_cells *cells) {
  free((void *)(uintptr_t)cells->pixels);
  free((void *)(uintptr_t)cells->labels);
}

/* A run's own split, unless another was named. */
static leuko_status find_split(arguments *a, char *path, size_t size, leuko_error *error) {
  if (a->data.split || !file_is_folder(a->model)) return LEUKO_OK;
  leuko_status status = file_join(path, size, a->model, "split.csv", error);
  if (status == LEUKO_OK && file_exists(path)) a->data.split = path;
  return status;
}

static leuko_status run(arguments *a, model *m, const progress *p, quantize_result *result,
                        leuko_error *error) {
  char split[1024];
  train_data data = {0};
  quantize_cells calibrate = {0}, test = {0};
  int classes[LEUKO_MAX_CLASSES];
  a->data.crop = m->crop;
  a->data.size = m->net.size;
  /* So many that either side has what is asked of it, split 60 to 40. */
  a->data.limit = 5 * a->calibrate / 3 > 5 * a->test / 2 ? 5 * a->calibrate / 3 : 5 * a->test / 2;
  /* Reading the cells takes a while. */
  leuko_status status =
      file_is_folder(a->data.folder) ? predictor_quantize_possible(error) : LEUKO_OK;
  if (status == LEUKO_OK) status = find_split(a, split, sizeof split, error);
  if (status == LEUKO_OK) status = train_data_open(&a->data, p, &data, error);
  if (status != LEUKO_OK) return status;
  status = classes_match(m, &data.set, classes, error);
  if (status == LEUKO_OK)
    status =
        gather(m, &data, data.train, data.train_count, a->calibrate, classes, &calibrate, error);
  if (status == LEUKO_OK)
    status = gather(m, &data, data.test, data.test_count, a->test, classes, &test, error);
  if (status == LEUKO_OK)
    status = predictor_quantize(m, &calibrate, &test, a->data.threads, p, result, error);
  if (status == LEUKO_OK) status = model_save(a->out, m, NULL, 0, error);
  free_cells(&calibrate);
  free_cells(&test);
  train_data_free(&data);
  return status;
}

static json_t *trial_json(const char *name, const quantize_trial *t) {
  return json_pack("{s:s,s:f,s:f,s:f,s:f,s:f}", "method", name, "mean", t->error, "largest",
                   t->answers.largest, "median", t->answers.median, "agreement",
                   t->answers.agreement, "expected_agreement", t->expected);
}

static json_t *result_json(const arguments *a, const model *m, const quantize_result *r) {
  const model_int8 *q = &m->int8;
  json_t *methods = json_array(), *wide = json_array();
  for (int k = 0; k < RANGES_METHODS; k++)
    json_array_append_new(methods, trial_json(ranges_method_name((ranges_method)k), &r->tried[k]));
  if (r->layers_wide > 0)
    json_array_append_new(methods, trial_json("layers left wide", &r->with_wide));
  for (int i = 0; r->wide && i < m->graph->node_count; i++)
    if (r->wide[i]) json_array_append_new(wide, json_string(m->graph->nodes[i].name));
  return json_pack("{s:s,s:o,s:s,s:i,s:o,s:I,s:f,s:f,s:f,s:f,s:f,s:s,s:s,s:f}", "model", a->out,
                   "methods", methods, "method", q->method, "layers", r->layers, "layers_wide",
                   wide, "cells", (json_int_t)q->answers.cells, "largest", q->answers.largest,
                   "median", q->answers.median, "agreement", q->answers.agreement, "auc", q->auc,
                   "speed", q->speed, "processor", q->processor, "beside",
                   net_precision_name(r->beside), "images_per_second_beside", r->images_per_second);
}

static void print_trial(const char *name, const quantize_trial *t, bool taken) {
  printf("%-20s %12.5f %12.5f %12.5f %13.2f %%%s\n", name, t->error, t->answers.median,
         t->answers.largest, 100 * t->expected, taken ? "   taken" : "");
}

static void print_wide(const model *m, const quantize_result *r) {
  char name[32];
  snprintf(name, sizeof name, "%d of %d left wide", r->layers_wide, r->layers);
  print_trial(name, &r->with_wide, true);
  printf("\nleft wide:");
  for (int i = 0; i < m->graph->node_count; i++)
    if (r->wide[i]) printf(" %s", m->graph->nodes[i].name);
  printf("\n");
}

/* Of a model that is refused, too, if it came to be tried. */
static void print_result(const model *m, const quantize_result *r) {
  const model_int8 *q = &m->int8;
  if (!(r->images_per_second > 0)) return;
  printf("%-20s %12s %12s %12s %15s   on the training cells, p against float32\n", "ranges by",
         "mean", "median", "largest", "same, expected");
  for (int k = 0; k < RANGES_METHODS; k++)
    print_trial(ranges_method_name((ranges_method)k), &r->tried[k],
                k == (int)r->chosen && r->layers_wide == 0);
  if (r->layers_wide > 0) print_wide(m, r);
  printf(
      "\non %zu test cells p moves by %.4f at most, by %.4f in the middle; %.2f %% of the answers "
      "are the same",
      q->answers.cells, q->answers.largest, q->answers.median, 100 * q->answers.agreement);
  if (m->net.outputs == 1) printf("; AUC %+.4f", q->auc);
  printf("\nspeed: %.2f times that of %s (%.1f images a second)\n", q->speed,
         net_precision_name(r->beside), r->images_per_second);
}

int command_quantize(int argc, char **argv) {
  arguments a = {.calibrate = 128, .test = 1000};
  static const struct argp parser = {
      options,
      parse,
      "RUN|MODEL.safetensors DIR -o FILE",
      "Readies a model for 8 bits (--precision int8): takes the ranges of its activations from "
      "training cells of DIR and compares the answers for test cells with those in float32.\vA "
      "model is refused if fewer than 99 % of the answers are the same or the AUC moves by more "
      "than "
      "0.003. Networks of 3x3 convolutions alone (cnn, vgg16) gain only where nothing else is as "
      "fast as bytes, and are refused elsewhere. Needs AVX2, or AVX-512 with VNNI and BF16.",
      0,
      0,
      0};
  argp_parse(&parser, argc, argv, 0, 0, &a);
  a.data.threads = threads_count(a.data.threads);
  cli_catch_signals();
  const progress p = cli_progress();
  leuko_error error = {0};
  model m;
  quantize_result result = {0};
  if (model_load(a.model, &m, &error) != LEUKO_OK) return cli_fail(&error);
  int code = 0;
  const leuko_status status = run(&a, &m, &p, &result, &error);
  if (!a.json) print_result(&m, &result);
  if (status != LEUKO_OK) code = cli_fail(&error);
  else if (a.json) code = cli_print_json(result_json(&a, &m, &result));
  else printf("written: %s\n", a.out);
  quantize_result_free(&result);
  model_free(&m);
  return code;
}
