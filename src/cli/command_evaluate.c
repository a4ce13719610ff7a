#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/error.h"
#include "base/file.h"
#include "base/threads.h"
#include "cli/classes.h"
#include "cli/cli.h"
#include "cli/compute.h"
#include "cli/models.h"
#include "cli/print_evaluation.h"
#include "cli/simple.h"
#include "cli/trained_on.h"
#include "dataset/dataset.h"
#include "dataset/split.h"
#include "evaluate/evaluate.h"

typedef struct {
  model_list models;
  const char *folder, *split, *subjects, *manifest, *predictions, *out;
  leuko_options how;
  dataset_part part;
  double prevalences[EVALUATE_PREVALENCES];
  int prevalence_count;
  const char *arguments[2];
  int argument_count;
  bool allow_leak, json;
} arguments;

enum {
  KEY_MODEL = 256,
  KEY_SPLIT,
  KEY_PART,
  KEY_SUBJECTS,
  KEY_MANIFEST,
  KEY_PREVALENCE,
  KEY_PREDICTIONS,
  KEY_OUT,
  KEY_JSON,
  KEY_ALLOW_LEAK
};

static const struct argp_option options[] = {
    {"model", KEY_MODEL, "M", 0, MODELS_HELP ". The one argument is then the folder of cells", 0},
    {"split", KEY_SPLIT, "CSV", 0, "take only the cells of one part of this split", 0},
    {"part", KEY_PART, "PART", 0, "train or test (default) of the split", 0},
    {"subjects", KEY_SUBJECTS, "CSV", 0, "path,subject for trees without C-NMC names", 0},
    {"manifest", KEY_MANIFEST, "FILE", 0,
     "tells which subjects are one person; by default cnmc2019-manifest.tsv in DIR or beside it",
     0},
    {"allow-leak", KEY_ALLOW_LEAK, 0, 0,
     "score several models on persons that one of them was trained on, too", 0},
    {"prevalence", KEY_PREVALENCE, "P,...", 0,
     "shares of the positive class for which to give predictive values (0.05,0.25,0.5)", 0},
    {"predictions", KEY_PREDICTIONS, "CSV", 0, "write the answer for each cell", 0},
    {"out", KEY_OUT, "FOLDER", 0,
     "write predictions.csv, metrics.json, roc.csv, pr.csv and calibration.csv", 0},
    {"json", KEY_JSON, 0, 0, "print as JSON", 0},
    {0}};

static bool read_prevalences(const char *text, arguments *a) {
  for (a->prevalence_count = 0;;) {
    char *end;
    double value = strtod(text, &end);
    if (end == text || !(value > 0 && value < 1) || a->prevalence_count == EVALUATE_PREVALENCES)
      return false;
    a->prevalences[a->prevalence_count++] = value;
    if (*end == 0) return true;
    if (*end != ',') return false;
    text = end + 1;
  }
}

static error_t parse(int key, char *arg, struct argp_state *state) {
  arguments *a = state->input;
  switch (key) {
  case ARGP_KEY_INIT:
    state->child_inputs[0] = &a->how;
    return 0;
  case KEY_MODEL:
    models_add(&a->models, arg, state);
    return 0;
  case KEY_SPLIT:
    a->split = arg;
    return 0;
  case KEY_PART:
    if (strcmp(arg, "train") != 0 && strcmp(arg, "test") != 0)
      argp_error(state, "--part takes train or test");
    a->part = strcmp(arg, "train") == 0 ? DATASET_TRAIN : DATASET_TEST;
    return 0;
  case KEY_SUBJECTS:
    a->subjects = arg;
    return 0;
  case KEY_MANIFEST:
    a->manifest = arg;
    return 0;
  case KEY_PREVALENCE:
    if (!read_prevalences(arg, a))
      argp_error(state, "--prevalence takes up to %d shares, such as 0.01,0.1",
                 EVALUATE_PREVALENCES);
    return 0;
  case KEY_PREDICTIONS:
    a->predictions = arg;
    return 0;
  case KEY_OUT:
    a->out = arg;
    return 0;
  case KEY_ALLOW_LEAK:
    a->allow_leak = true;
    return 0;
  case KEY_JSON:
    a->json = true;
    return 0;
  case ARGP_KEY_ARG:
    if (a->argument_count == 2) argp_error(state, "a model and one folder are enough");
    a->arguments[a->argument_count++] = arg;
    return 0;
  case ARGP_KEY_END:
    if (a->models.count > 0 && a->argument_count > 1)
      argp_error(state, "with --model only the folder of cells is an argument");
    if (a->argument_count == 2) models_add(&a->models, a->arguments[0], state);
    if (a->argument_count > 0) a->folder = a->arguments[a->argument_count - 1];
    if (a->models.count == 0 || !a->folder)
      argp_error(state, "the model or the folder of cells is missing");
    if (a->part != DATASET_NONE && !a->split) argp_error(state, "--part needs --split");
    return 0;
  default:
    return ARGP_ERR_UNKNOWN;
  }
}

typedef struct {
  char (*paths)[2048];
  const char **files;
  leuko_answer *answers;
  evaluate_sample *samples;
  int *groups;
  double *logits;
  size_t count;
} cells;

static void free_cells(cells *c) {
  free(c->paths);
  free(c->files);
  free(c->answers);
  free(c->samples);
  free(c->groups);
  free(c->logits);
}

/* Lists the cells of the part and answers them. */
static leuko_status answer_cells(ensemble *models, const dataset *set, dataset_part part,
                                 const int *classes, const progress *p, cells *c,
                                 leuko_error *error) {
  const size_t outputs = (size_t)ensemble_model(models)->net.outputs;
  *c = (cells){.paths = calloc(set->count, sizeof *c->paths),
               .files = calloc(set->count, sizeof *c->files),
               .answers = calloc(set->count, sizeof *c->answers),
               .samples = calloc(set->count, sizeof *c->samples),
               .groups = calloc(set->count, sizeof *c->groups),
               .logits = calloc(set->count * outputs, sizeof *c->logits)};
  if (!c->paths || !c->files || !c->answers || !c->samples || !c->groups || !c->logits)
    return error_set_memory(error, set->count * (sizeof *c->paths + sizeof *c->answers));
  for (size_t i = 0; i < set->count; i++) {
    const dataset_sample *s = &set->samples[i];
    if (part != DATASET_NONE && s->part != part) continue;
    leuko_status status = dataset_sample_file(set, i, c->paths[c->count], sizeof *c->paths, error);
    if (status != LEUKO_OK) return status;
    c->files[c->count] = c->paths[c->count];
    c->groups[c->count] = s->group;
    c->samples[c->count++] = (evaluate_sample){.path = s->path,
                                               .sha256 = s->sha256,
                                               .subject = s->subject,
                                               .label = s->label < 0 ? -1 : classes[s->label],
                                               .status = s->status};
  }
  if (c->count == 0)
    return error_set(error, LEUKO_NO_DATA, set->root, "take the other --part",
                     "no cell lies in that part of the split");
  leuko_status status =
      ensemble_files(models, c->files, c->count, c->answers, NULL, c->logits, p, error);
  /* Refused files are counted by the evaluation; only what stopped the whole is an error. */
  if (status != LEUKO_OK && status != LEUKO_PARTIAL && c->answers[0].status != status)
    return status;
  for (size_t i = 0; i < c->count; i++) {
    c->samples[i].logits = c->logits + i * outputs;
    if (c->samples[i].status == LEUKO_OK) c->samples[i].status = c->answers[i].status;
    c->samples[i].reason = c->answers[i].reason;
    if (c->samples[i].status != LEUKO_OK)
      fprintf(stderr, "refused: %s: %s (%s)\n", c->samples[i].path, c->answers[i].message,
              leuko_status_name(c->samples[i].status));
  }
  return LEUKO_OK;
}

static leuko_status write_files(const char *folder, const evaluate_input *input,
                                const evaluation *e, leuko_error *error) {
  char path[1024];
  leuko_status status = file_make_folders(folder, error);
  if (status == LEUKO_OK) status = file_join(path, sizeof path, folder, "predictions.csv", error);
  if (status == LEUKO_OK) status = evaluate_write_predictions(path, input, error);
  if (status == LEUKO_OK) status = evaluate_write_curves(folder, e, error);
  if (status == LEUKO_OK) status = file_join(path, sizeof path, folder, "metrics.json", error);
  if (status == LEUKO_OK) status = evaluate_write_metrics(path, e, error);
  return status;
}

/* The class of the data that is the model's positive one; -1 without. */
static int positive_of(const model *m, const dataset *set, const int *classes) {
  for (int c = 0; c < set->class_count; c++)
    if (classes[c] == m->positive) return c;
  return -1;
}

/* Says, or refuses with several models, that cells are of persons who were trained on. */
static leuko_status check_leak(const arguments *a, const dataset *set, const ensemble *models,
                               dataset_part part, leuko_error *error) {
  size_t known = 0;
  leuko_status status = trained_on(models, set, part, &known, NULL, error);
  if (status != LEUKO_OK || known == 0) return status;
  if (models->count > 1 && !a->allow_leak)
    return error_set(error, LEUKO_LEAK, set->root,
                     "take other persons, or --allow-leak; what a cross-validation answered for "
                     "held-out cells is in its own metrics.json",
                     "%zu cells are of persons that one of the models was trained on", known);
  fprintf(stderr,
          "leuko: %zu cells are of persons that the model was trained on: these scores say "
          "nothing about other persons\n",
          known);
  return LEUKO_OK;
}

static leuko_status run(const arguments *a, const dataset *set, ensemble *models, const progress *p,
                        evaluation *e, leuko_error *error) {
  const model *m = ensemble_model(models);
  int classes[LEUKO_MAX_CLASSES];
  cells c = {0};
  leuko_status status = classes_match(m, set, classes, error);
  dataset_part part = a->split ? (a->part == DATASET_NONE ? DATASET_TEST : a->part) : DATASET_NONE;
  if (status == LEUKO_OK && a->part != DATASET_TRAIN)
    status = check_leak(a, set, models, part, error);
  if (status == LEUKO_OK) status = answer_cells(models, set, part, classes, p, &c, error);
  if (status == LEUKO_OK) {
    const char *names[LEUKO_MAX_CLASSES];
    for (int k = 0; k < m->class_count; k++) names[k] = m->classes[k];
    evaluate_input input = {.classes = names,
                            .class_count = m->class_count,
                            .positive = m->positive,
                            .threshold = models->threshold,
                            .temperature = models->temperature,
                            .fitted_on = ensemble_fitted_on(models),
                            .samples = c.samples,
                            .groups = c.groups,
                            .count = c.count,
                            .rejects = m->rejection.cells > 0,
                            .prevalence_count = a->prevalence_count};
    memcpy(input.prevalences, a->prevalences, sizeof input.prevalences);
    status = evaluate_samples(&input, e, error);
    if (status == LEUKO_OK && a->split)
      status = simple_baselines(set, 0, part, positive_of(m, set, classes),
                                threads_count(a->how.threads), p, e, error);
    if (status == LEUKO_OK && a->predictions)
      status = evaluate_write_predictions(a->predictions, &input, error);
    if (status == LEUKO_OK && a->out) status = write_files(a->out, &input, e, error);
    if (status != LEUKO_OK) evaluate_free(e);
  }
  free_cells(&c);
  return status;
}

int command_evaluate(int argc, char **argv) {
  arguments a = {0};
  static const struct argp_child children[] = {{&cli_compute, 0, "Computing:", 9}, {0}};
  static const struct argp parser = {
      options,
      parse,
      "RUN|MODEL.safetensors DIR\n--model M [--model M ...] DIR",
      "Scores a model on labelled cells, with intervals over the subjects.\vWithout --split all "
      "labelled cells of DIR count, those that the model was trained on too. With it, what can be "
      "had from simple measures of the cells stands beside the model.",
      children,
      0,
      0};
  argp_parse(&parser, argc, argv, 0, 0, &a);
  cli_catch_signals();
  progress p = cli_progress();
  leuko_error error = {0};
  ensemble models;
  if (models_open(&a.models, &a.how, &models, &error) != LEUKO_OK) return cli_fail(&error);
  dataset set = {0};
  evaluation e = {0};
  dataset_options scan = {.subjects = a.subjects, .threads = a.how.threads, .skip_pixels = true};
  leuko_status status = dataset_scan(a.folder, &scan, &p, &set, &error);
  if (status == LEUKO_OK && a.split) status = dataset_read_split(&set, a.split, &error);
  char manifest[1024] = "";
  if (a.manifest) snprintf(manifest, sizeof manifest, "%s", a.manifest);
  else if (status == LEUKO_OK && !dataset_find_manifest(set.root, manifest, sizeof manifest))
    manifest[0] = 0;
  if (status == LEUKO_OK) status = dataset_tie(&set, manifest[0] ? manifest : NULL, NULL, &error);
  if (status == LEUKO_OK) status = run(&a, &set, &models, &p, &e, &error);
  int code = 0;
  if (status != LEUKO_OK) code = cli_fail(&error);
  else if (a.json) code = cli_print_json(evaluate_json(&e));
  else evaluate_print(stdout, &e);
  if (status == LEUKO_OK && code == 0 && e.refused) code = 4;
  evaluate_free(&e);
  dataset_free(&set);
  ensemble_close(&models);
  return code;
}
