#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/csv.h"
#include "base/error.h"
#include "base/text.h"
#include "base/threads.h"
#include "cli/cli.h"
#include "cli/compute.h"
#include "cli/inputs.h"
#include "predict/predictor.h"
#include "weights/weights.h"

typedef struct {
  const char *model; /* trained; NULL where `network` is given */
  const char *network, *weights, *out;
  leuko_options how;
  int size, crop, stages;
  bool average, as_paper, json;
  char **inputs; /* borrowed from argv */
  int input_count;
} arguments;

enum {
  KEY_OUT = 256,
  KEY_MODEL,
  KEY_WEIGHTS,
  KEY_PREPROCESS,
  KEY_SIZE,
  KEY_CROP,
  KEY_STAGES,
  KEY_POOLING,
  KEY_JSON
};

static const struct argp_option options[] = {
    {"out", KEY_OUT, "F.npy|F.csv", 0,
     "the file to write (required): float32 for NumPy, with F.csv naming the rows, or all as CSV",
     1},
    {0, 0, 0, 0, "In place of a trained model:", 2},
    {"model", KEY_MODEL, "NAME", 0, "vgg16 or resnet50 as trained on ImageNet", 2},
    {"weights", KEY_WEIGHTS, "FILE|DIR", 0,
     "its weights; by default looked for in $LEUKO_WEIGHTS and the cache", 2},
    {"preprocess", KEY_PREPROCESS, "KIND", 0,
     "weights (default): as they were trained; paper: divided by 255", 2},
    {"size", KEY_SIZE, "PIXELS", 0, "side of its input (224)", 2},
    {"crop", KEY_CROP, "PIXELS", 0, "cut out the central square first (whole image)", 2},
    {"stages", KEY_STAGES, "N", 0, "end it behind stage N of 5 (5)", 2},
    {"pooling", KEY_POOLING, "KIND", 0,
     "vgg16: flatten (default), or average: the mean of each filter's map, not the whole map", 2},
    {"json", KEY_JSON, 0, 0, "print what was written as JSON", 1},
    {0}};

static bool ends_with(const char *text, const char *ending) {
  size_t length = strlen(text), tail = strlen(ending);
  return length > tail && strcmp(text + length - tail, ending) == 0;
}

/* Without --model the first argument is the trained model. */
static void check(arguments *a, struct argp_state *state) {
  if (!a->network && a->input_count > 0) {
    a->model = *a->inputs++;
    a->input_count--;
  }
  if (!a->network && (a->weights || a->as_paper || a->size || a->crop || a->stages || a->average))
    argp_error(state,
               "--weights, --preprocess, --size, --crop, --stages and --pooling go with --model");
  if (!a->network && !a->model) argp_error(state, "the run folder or model file is missing");
  if (a->input_count == 0) argp_error(state, "name image files or folders, or - for a list");
  if (!a->out) argp_error(state, "--out F.npy or F.csv is missing");
  if (!ends_with(a->out, ".npy") && !ends_with(a->out, ".csv"))
    argp_error(state, "--out ends in .npy or .csv");
}

static error_t parse(int key, char *arg, struct argp_state *state) {
  arguments *a = state->input;
  switch (key) {
  case ARGP_KEY_INIT:
    state->child_inputs[0] = &a->how;
    return 0;
  case KEY_OUT:
    a->out = arg;
    return 0;
  case KEY_MODEL:
    if (strcmp(arg, "vgg16") != 0 && strcmp(arg, "resnet50") != 0)
      argp_error(state, "--model takes vgg16 or resnet50; a trained model goes without it");
    a->network = arg;
    return 0;
  case KEY_WEIGHTS:
    a->weights = arg;
    return 0;
  case KEY_PREPROCESS:
    if (strcmp(arg, "weights") != 0 && strcmp(arg, "paper") != 0)
      argp_error(state, "--preprocess takes weights or paper");
    a->as_paper = strcmp(arg, "paper") == 0;
    return 0;
  case KEY_SIZE:
    a->size = (int)cli_number(state, "--size", arg, 8, 1024);
    return 0;
  case KEY_CROP:
    a->crop = (int)cli_number(state, "--crop", arg, 0, 10000);
    return 0;
  case KEY_STAGES:
    a->stages = (int)cli_number(state, "--stages", arg, 1, ZOO_STAGES);
    return 0;
  case KEY_POOLING:
    if (strcmp(arg, "flatten") != 0 && strcmp(arg, "average") != 0)
      argp_error(state, "--pooling takes flatten or average");
    a->average = strcmp(arg, "average") == 0;
    return 0;
  case KEY_JSON:
    a->json = true;
    return 0;
  case ARGP_KEY_ARG:
    a->inputs[a->input_count++] = arg;
    return 0;
  case ARGP_KEY_END:
    check(a, state);
    return 0;
  default:
    return ARGP_ERR_UNKNOWN;
  }
}

/* A network as its weight file has it, with a head that nobody asks. */
static leuko_status build_model(const arguments *a, model *m, leuko_error *error) {
  char path[2048];
  weights_source source;
  *m = (model){.crop = a->crop,
               .scaling = {.scale = 1.0f / 255, .deviation = {1, 1, 1}},
               .class_count = 2,
               .positive = 1,
               .threshold = 0.5};
  leuko_status status = zoo_defaults(a->network, &m->net, error);
  if (a->size) m->net.size = a->size;
  if (a->stages) m->net.stages = a->stages;
  m->net.average = a->average;
  if (status == LEUKO_OK) status = weights_find(a->network, a->weights, path, sizeof path, error);
  if (status == LEUKO_OK) status = weights_identify(path, a->network, &m->net, &source, error);
  if (status == LEUKO_OK && !a->as_paper) m->scaling = source.scaling;
  if (status == LEUKO_OK) status = model_build(m, error);
  if (status != LEUKO_OK) return status;
  status = weights_load(path, m->graph, m->params, NULL, error);
  if (status != LEUKO_OK) model_free(m);
  return status;
}

static leuko_status open_predictor(const arguments *a, leuko_predictor **out, leuko_error *error) {
  if (a->model) return leuko_predictor_open(a->model, &a->how, out, error);
  model m;
  leuko_status status = build_model(a, &m, error);
  return status == LEUKO_OK ? predictor_open(&m, &a->how, out, error) : status;
}

/* What is being written: the values, and beside an .npy the names of its rows. */
typedef struct {
  file_writer values, names;
  char names_path[1024]; /* "" where the values are a CSV themselves */
  size_t rows, width;
} sink;

#define NPY_HEADER 128

/* NumPy's header, of fixed length: magic, version 1.0, length, and a Python dictionary padded with
 * spaces (numpy.lib.format). */
static void write_npy_header(file_writer *writer, size_t rows, size_t width) {
  char header[NPY_HEADER + 1];
  int length = snprintf(header, sizeof header, "\x93NUMPY\x01%c%c%c", 0, (NPY_HEADER - 10) % 256,
                        (NPY_HEADER - 10) / 256);
  snprintf(header + length, sizeof header - (size_t)length, "%-*s\n", NPY_HEADER - 11, "");
  char dictionary[NPY_HEADER];
  int used =
      snprintf(dictionary, sizeof dictionary,
               "{'descr': '<f4', 'fortran_order': False, 'shape': (%zu, %zu), }", rows, width);
  memcpy(header + length, dictionary, (size_t)used);
  file_write(writer, header, NPY_HEADER);
}

static leuko_status open_sink(const arguments *a, size_t width, sink *s, leuko_error *error) {
  *s = (sink){.width = width};
  const bool npy = ends_with(a->out, ".npy");
  leuko_status status = file_writer_open(&s->values, a->out, error);
  if (status != LEUKO_OK) return status;
  if (!npy) {
    file_printf(&s->values, "path,sha256");
    for (size_t k = 0; k < width; k++) file_printf(&s->values, ",f%zu", k);
    file_printf(&s->values, "\n");
    return LEUKO_OK;
  }
  write_npy_header(&s->values, 0, width); /* the rows are counted at the end */
  if (snprintf(s->names_path, sizeof s->names_path, "%.*s.csv", (int)strlen(a->out) - 4, a->out) >=
      (int)sizeof s->names_path)
    return error_set(error, LEUKO_TOO_LARGE, a->out, NULL, "the path is too long");
  status = file_writer_open(&s->names, s->names_path, error);
  if (status == LEUKO_OK) file_printf(&s->names, "path,sha256\n");
  return status;
}

static void write_row(sink *s, const char *path, const leuko_answer *answer, const float *row) {
  file_writer *names = s->names_path[0] ? &s->names : &s->values;
  csv_write_field(names, path, true);
  file_printf(names, ",%s", answer->sha256);
  if (s->names_path[0]) {
    file_printf(names, "\n");
    file_write(&s->values, row, s->width * sizeof *row);
  } else {
    for (size_t k = 0; k < s->width; k++) file_printf(names, ",%.9g", (double)row[k]);
    file_printf(names, "\n");
  }
  s->rows++;
}

static leuko_status close_sink(sink *s, leuko_error *error) {
  if (!s->names_path[0]) return file_writer_commit(&s->values, error);
  leuko_status status = file_writer_commit(&s->names, error);
  if (status != LEUKO_OK) return status;
  if (fseek(s->values.stream, 0, SEEK_SET) != 0)
    return error_set_errno(error, s->values.path, "write");
  write_npy_header(&s->values, s->rows, s->width);
  return file_writer_commit(&s->values, error);
}

/* Works through the inputs in blocks; refused ones get their answer and no row. */
static leuko_status compute(const arguments *a, const input_list *list, leuko_predictor *predictor,
                            const progress *p, leuko_answer *answers, sink *s, leuko_error *error) {
  enum { BLOCK = 64 };
  size_t width = 0;
  leuko_status status = predictor_feature_count(predictor, &width, error);
  if (status != LEUKO_OK) return status;
  float *rows = malloc(BLOCK * width * sizeof *rows);
  if (!rows) return error_set_memory(error, BLOCK * width * sizeof *rows);
  status = open_sink(a, width, s, error);
  for (size_t first = 0; first < list->count && status == LEUKO_OK;) {
    const char *paths[BLOCK];
    size_t at[BLOCK], used = 0;
    leuko_answer found[BLOCK];
    for (; first < list->count && used < BLOCK; first++) {
      if (list->items[first].status != LEUKO_OK) {
        answers[first] = inputs_refusal(list->items[first].status);
        continue;
      }
      at[used] = first;
      paths[used++] = list->items[first].path;
    }
    status = predictor_features(predictor, paths, used, found, rows, error);
    for (size_t i = 0; i < used && status == LEUKO_OK; i++) {
      answers[at[i]] = found[i];
      if (found[i].status == LEUKO_OK) write_row(s, paths[i], &found[i], rows + i * width);
    }
    if (status == LEUKO_OK && progress_report(p, "features", first, list->count, NULL))
      status = error_set(error, LEUKO_INTERRUPTED, NULL, NULL, "stopped");
  }
  free(rows);
  return status;
}

static json_t *result_json(const arguments *a, const input_list *list, const leuko_answer *answers,
                           const sink *s) {
  json_t *refused = json_array();
  for (size_t i = 0; i < list->count; i++)
    if (answers[i].status != LEUKO_OK)
      json_array_append_new(refused,
                            json_pack("{s:o,s:s,s:o}", "path", text_json(list->items[i].path),
                                      "status", leuko_status_name(answers[i].status), "message",
                                      text_json(answers[i].message)));
  return json_pack("{s:o,s:o,s:I,s:I,s:o}", "out", text_json(a->out), "paths",
                   text_json(s->names_path[0] ? s->names_path : a->out), "rows",
                   (json_int_t)s->rows, "width", (json_int_t)s->width, "refused", refused);
}

static int extract(const arguments *a, const input_list *list, leuko_predictor *predictor,
                   const progress *p) {
  leuko_error error = {0};
  sink s = {0};
  leuko_answer *answers = calloc(list->count, sizeof *answers);
  leuko_status status = answers ? compute(a, list, predictor, p, answers, &s, &error)
                                : error_set_memory(&error, list->count * sizeof *answers);
  if (status == LEUKO_OK && s.rows > 0) status = close_sink(&s, &error);
  file_writer_abort(&s.values);
  file_writer_abort(&s.names);
  int code;
  if (status != LEUKO_OK) {
    code = cli_fail(&error);
  } else {
    code = inputs_report_refused(list, answers);
    if (a->json && cli_print_json(result_json(a, list, answers, &s))) code = 1;
    else if (!a->json && s.rows > 0)
      printf("%s: %zu rows of %zu values%s%s\n", a->out, s.rows, s.width,
             s.names_path[0] ? "; their files are named in " : "", s.names_path);
  }
  free(answers);
  return code;
}

int command_features(int argc, char **argv) {
  char **given = calloc((size_t)argc, sizeof *given);
  arguments a = {.inputs = given};
  leuko_error error = {0};
  if (!given) {
    error_set_memory(&error, (size_t)argc * sizeof *given);
    return cli_fail(&error);
  }
  static const struct argp_child children[] = {{&cli_compute, 0, "Computing:", 9}, {0}};
  static const struct argp parser = {
      options,
      parse,
      "RUN|MODEL.safetensors FILE|DIR|- ... --out F.npy\n"
      "--model NAME FILE|DIR|- ... --out F.npy",
      "Writes what the network's head sees of image files, one row a file: for vgg16 the 7x7x512 "
      "values behind the last pooling, for resnet50 the 2,048 averages, for the cnn what its last "
      "dense layer reads.\vA file that cannot be read is named and has no row (exit code 4).",
      children,
      0,
      0};
  argp_parse(&parser, argc, argv, 0, 0, &a);
  cli_catch_signals();
  progress p = cli_progress();
  input_list list = {0};
  leuko_predictor *predictor = NULL;
  int code;
  if (open_predictor(&a, &predictor, &error) != LEUKO_OK ||
      inputs_collect(a.inputs, a.input_count, &list, &error) != LEUKO_OK)
    code = cli_fail(&error);
  else code = extract(&a, &list, predictor, &p);
  leuko_predictor_close(predictor);
  inputs_free(&list);
  free(given);
  return code;
}
