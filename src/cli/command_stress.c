#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/threads.h"
#include "cli/cli.h"
#include "cli/compute.h"
#include "cli/inputs.h"
#include "cli/models.h"
#include "cli/outputs.h"
#include "cli/stress_cells.h"
#include "cli/table.h"
#include "dataset/split.h"
#include "evaluate/stress.h"
#include "report/stress_figure.h"

#define DEFAULT_CELLS 200
#define DEFAULT_DRAWN 50

typedef struct {
  model_list models; /* none: those in the box */
  const char *folder, *split, *out;
  leuko_options how;
  char **foreign; /* borrowed from argv */
  int foreign_count;
  long limit, drawn, seed;
  bool json;
} arguments;

enum { KEY_SPLIT = 256, KEY_FOREIGN, KEY_LIMIT, KEY_DRAWN, KEY_SEED, KEY_JSON };

static const struct argp_option options[] = {
    {"split", KEY_SPLIT, "CSV", 0, "take only the tested cells of this split", 0},
    {"limit", KEY_LIMIT, "N", 0, "take N cells, by class and subject (200); 0: all", 0},
    {"foreign", KEY_FOREIGN, "DIR|FILE", 0,
     "pictures that show no such cell, to be rejected as well; may be given again", 0},
    {"drawn", KEY_DRAWN, "N", 0, "draw N pictures of each kind that are no cells (50)", 0},
    {"seed", KEY_SEED, "N", 0, "of cells, noise and drawings (1)", 0},
    {"out", 'o', "FOLDER", 0, "write stress.json, stress.csv and figures/stress here (RUN)", 0},
    {"json", KEY_JSON, 0, 0, "print as JSON", 0},
    {0}};

static error_t parse(int key, char *arg, struct argp_state *state) {
  arguments *a = state->input;
  switch (key) {
  case ARGP_KEY_INIT:
    state->child_inputs[0] = &a->how;
    return 0;
  case KEY_SPLIT:
    a->split = arg;
    return 0;
  case KEY_FOREIGN:
    a->foreign[a->foreign_count++] = arg;
    return 0;
  case KEY_LIMIT:
    a->limit = cli_number(state, "--limit", arg, 0, 10000000);
    return 0;
  case KEY_DRAWN:
    a->drawn = cli_number(state, "--drawn", arg, 0, 100000);
    return 0;
  case KEY_SEED:
    a->seed = cli_number(state, "--seed", arg, 0, 2147483647);
    return 0;
  case 'o':
    a->out = arg;
    return 0;
  case KEY_JSON:
    a->json = true;
    return 0;
  case ARGP_KEY_ARG:
    /* The last is the folder of cells. */
    if (a->folder) models_add(&a->models, a->folder, state);
    a->folder = arg;
    return 0;
  case ARGP_KEY_END:
    if (!a->folder || !models_is_input(a->folder))
      argp_error(state, "the folder of cells is missing");
    return 0;
  default:
    return ARGP_ERR_UNKNOWN;
  }
}

static void add_reasons(table *t, const stress_count *count) {
  char text[160];
  stress_reasons(count, text, sizeof text);
  table_add(t, "%s", text);
}

static void add_cells(table *t, const char *name, double amount, const char *unit,
                      const stress_count *count) {
  const double balanced = stress_balanced_accuracy(count);
  table_add(t, "%s", name);
  if (amount > 0) table_add(t, "%g %s", amount, unit);
  else table_add(t, "%s", "");
  table_add(t, "%.1f", stress_percent(count->positive, count->n));
  table_add(t, "%.1f", stress_percent(count->changed, count->n));
  table_add(t, "%.1f", stress_percent(count->silent, count->n));
  table_add(t, "%.1f", stress_percent(count->rejected, count->n));
  if (isfinite(balanced)) table_add(t, "%.3f", balanced);
  else table_add(t, "-");
  add_reasons(t, count);
}

static void print_cells(const stress *s) {
  table t = {.columns = 8};
  const char *const heads[8] = {"cells",    "",           "",         "changed %",
                                "silent %", "rejected %", "balanced", "reasons, %"};
  for (int c = 0; c < 8; c++)
    if (c == 2) table_add(&t, "'%s' %%", s->classes[s->positive]);
    else table_add(&t, "%s", heads[c]);
  add_cells(&t, "as they are", 0, "", &s->clean);
  for (int k = 0; k < IMAGE_CORRUPTIONS; k++) {
    const image_corruption_kind *kind = image_corruption_of((image_corruption)k);
    for (int step = 0; step < IMAGE_CORRUPT_STEPS; step++)
      if (kind->amounts[1] > 0 || step == 0)
        add_cells(&t, kind->name, kind->amounts[1] > 0 ? kind->amounts[step] : 0, kind->unit,
                  &s->corrupted[k][step]);
  }
  table_print(&t, stdout);
}

static void print_foreign(const stress *s) {
  table t = {.columns = 5};
  table_add(&t, "no cells");
  table_add(&t, "pictures");
  table_add(&t, "'%s' %%", s->classes[s->positive]);
  table_add(&t, "rejected %%");
  table_add(&t, "reasons, %%");
  for (int g = 0; g < STRESS_GROUPS; g++) {
    const stress_count *count = &s->foreign[g];
    if (count->n == 0) continue;
    table_add(&t, "%s", stress_group_name(g));
    table_add(&t, "%zu", count->n);
    table_add(&t, "%.1f", stress_percent(count->positive, count->n));
    table_add(&t, "%.1f", stress_percent(count->rejected, count->n));
    add_reasons(&t, count);
  }
  table_print(&t, stdout);
}

static void print_scores(const stress *s) {
  table t = {.columns = 3 + STRESS_GROUPS};
  table_add(&t, "a score alone, 95 %% of the cells kept");
  table_add(&t, "AUC");
  table_add(&t, "rejected %%");
  for (int g = 0; g < STRESS_GROUPS; g++)
    table_add(&t, "%s", strchr(stress_group_name(g), ' ') + 1);
  for (int k = 0; k < STRESS_SCORES; k++) {
    if (!s->scored[k] || !isfinite(s->auc[k])) continue;
    table_add(&t, "%s", stress_score_name((stress_score)k));
    table_add(&t, "%.3f", s->auc[k]);
    table_add(&t, "%.1f", 100 * s->share_all[k]);
    for (int g = 0; g < STRESS_GROUPS; g++)
      if (isfinite(s->share[k][g])) table_add(&t, "%.1f", 100 * s->share[k][g]);
      else table_add(&t, "-");
  }
  table_print(&t, stdout);
}

/* The models: one, or one for each fold of cross-validations. */
typedef struct {
  ensemble each[ENSEMBLE_MOST];
  int count;
} fold_models;

/* SHA-256 of the models' files. */
static leuko_status name_models(const fold_models *models, stress *out, leuko_error *error) {
  leuko_status status = LEUKO_OK;
  for (int i = 0; i < models->count * out->members && status == LEUKO_OK; i++) {
    char path[2048];
    const char *from = models->each[i / out->members].paths[i % out->members];
    snprintf(path, sizeof path, "%s%s", from, file_is_folder(from) ? "/best.safetensors" : "");
    status = hash_file(path, out->weights[i], error);
  }
  return status;
}

static leuko_status run(const arguments *a, fold_models *models, dataset *set,
                        const input_list *foreign, const progress *p, stress *result,
                        leuko_error *error) {
  stress_cells cells;
  const char **files = calloc(foreign->count + 1, sizeof *files);
  leuko_status status = stress_cells_deal(models->each, models->count, set, (size_t)a->limit,
                                          (uint64_t)a->seed, &cells, error);
  if (status == LEUKO_OK && !files) status = error_set_memory(error, foreign->count);
  size_t count = 0;
  for (size_t i = 0; i < foreign->count && status == LEUKO_OK; i++)
    if (foreign->items[i].status == LEUKO_OK) files[count++] = foreign->items[i].path;
  const stress_input shown = {.files = cells.files,
                              .labels = cells.labels,
                              .models = cells.models,
                              .count = cells.count,
                              .foreign = files,
                              .foreign_count = count,
                              .drawn = (int)a->drawn,
                              .threads = threads_count(a->how.threads),
                              .seed = (uint64_t)a->seed};
  if (status == LEUKO_OK)
    status = stress_run(models->each, models->count, &shown, p, result, error);
  if (status == LEUKO_OK) {
    snprintf(result->folder, sizeof result->folder, "%s", set->root);
    result->persons = cells.persons;
    result->seen = cells.seen;
    status = name_models(models, result, error);
  }
  stress_cells_free(&cells);
  free(files);
  return status;
}

/* Into --out or, where one run folder is named, into that. */
static leuko_status write(const arguments *a, const stress *result, leuko_error *error) {
  const char *first = a->models.count == 1 ? a->models.paths[0] : NULL;
  const char *out = a->out ? a->out : first && file_is_folder(first) ? first : NULL;
  if (!out) return LEUKO_OK;
  char figures[1024];
  leuko_error trouble = {0};
  leuko_status status = stress_write(out, result, error);
  if (status == LEUKO_OK) status = file_join(figures, sizeof figures, out, "figures", error);
  if (status == LEUKO_OK)
    status = outputs_drawn(stress_figure(figures, result, &trouble), &trouble, error);
  if (status == LEUKO_OK && !a->json)
    printf("In %s: stress.json, stress.csv, figures/stress\n", out);
  return status;
}

/* What the cells are to the models. */
static void print_seen(const stress *s) {
  static const char *const words[STRESS_SEEN] = {
      [STRESS_UNKNOWN] = "Whether the model was trained on these cells is not known: no split.csv "
                         "lies beside it.",
      [STRESS_HELD_OUT] =
          "No model was trained on the cells that it is shown, or on their persons.",
      [STRESS_TRAINED_ON] = "The model was trained on these cells or their persons: other persons' "
                            "are answered worse."};
  if (s->persons > 0) printf("%zu cells of %zu persons. ", s->clean.n, s->persons);
  else printf("%zu cells. ", s->clean.n);
  printf("%s\n\n", words[s->seen]);
}

static void print(const stress *s, const model *m) {
  if (m->rejection.cells == 0)
    printf("The model holds nothing to reject by: it answers for everything.\n\n");
  print_seen(s);
  print_cells(s);
  print_foreign(s);
  print_scores(s);
}

/* Leaves a part to the tested cells of a split only. */
static leuko_status take_tested(dataset *set, const char *split, leuko_error *error) {
  leuko_status status = dataset_read_split(set, split, error);
  for (size_t i = 0; i < set->count && status == LEUKO_OK; i++)
    if (set->samples[i].part != DATASET_TEST) set->samples[i].part = DATASET_NONE;
  return status;
}

int command_stress(int argc, char **argv) {
  arguments a = {.foreign = calloc((size_t)argc, sizeof *a.foreign),
                 .limit = DEFAULT_CELLS,
                 .drawn = DEFAULT_DRAWN,
                 .seed = 1};
  static const struct argp_child children[] = {{&cli_compute, 0, "Computing:", 9}, {0}};
  static const struct argp parser = {
      options,
      parse,
      "[RUN|MODEL.safetensors...] DIR",
      "What a model, or several that answer as one, make of cells of DIR that something has "
      "happened to, and of pictures that are no cells.\vFor each corruption at growing strength: "
      "how many cells are answered positive, "
      "get another class than before (rejected or not; 'silent' are those that are answered all "
      "the same), are rejected and why, and the balanced accuracy of what is answered. Then the "
      "drawn and the foreign pictures, and what the Mahalanobis distance, the maximum probability "
      "and the energy would reject alone.\n\n"
      "Cells that the model was trained on, or whose person it knows, are left out as long as "
      "there are others. With the folder of a cross-validation each cell is shown to the model "
      "that has not seen it; of several of equal folds those of its fold answer as one. What is "
      "found goes into the run folder, from where 'leuko report' takes it; of several models, of "
      "a file, and of those that come with the program, where none is named, into --out.",
      children,
      0,
      0};
  leuko_error error = {0};
  if (!a.foreign) {
    error_set_memory(&error, (size_t)argc * sizeof *a.foreign);
    return cli_fail(&error);
  }
  argp_parse(&parser, argc, argv, 0, 0, &a);
  cli_catch_signals();
  progress p = cli_progress();
  fold_models *models = calloc(1, sizeof *models);
  dataset set = {0};
  input_list foreign = {0};
  stress *result = calloc(1, sizeof *result);
  dataset_options scan = {.threads = a.how.threads, .skip_pixels = true};
  char manifest[1024];
  leuko_status status = result && models ? LEUKO_OK : error_set_memory(&error, sizeof *models);
  if (status == LEUKO_OK)
    status = models_open_folds(&a.models, &a.how, models->each, &models->count, &error);
  if (status == LEUKO_OK && a.foreign_count > 0)
    status = inputs_collect(a.foreign, a.foreign_count, &foreign, &error);
  if (status == LEUKO_OK) status = dataset_scan(a.folder, &scan, &p, &set, &error);
  for (size_t i = 0; i < set.count; i++) set.samples[i].part = DATASET_TEST;
  if (status == LEUKO_OK && a.split) status = take_tested(&set, a.split, &error);
  if (status == LEUKO_OK)
    status = dataset_tie(
        &set, dataset_find_manifest(set.root, manifest, sizeof manifest) ? manifest : NULL, NULL,
        &error);
  if (status == LEUKO_OK) status = run(&a, models, &set, &foreign, &p, result, &error);
  cli_progress_end();
  int code = 0;
  if (status == LEUKO_OK) {
    if (a.json) code = cli_print_json(stress_json(result));
    else print(result, ensemble_model(&models->each[0]));
    status = write(&a, result, &error);
  }
  if (status != LEUKO_OK) code = cli_fail(&error);
  free(result);
  dataset_free(&set);
  inputs_free(&foreign);
  for (int m = 0; models && m < models->count; m++) ensemble_close(&models->each[m]);
  free(models);
  free(a.foreign);
  return code;
}
