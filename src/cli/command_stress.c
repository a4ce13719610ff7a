#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/threads.h"
#include "cli/classes.h"
#include "cli/cli.h"
#include "cli/compute.h"
#include "cli/inputs.h"
#include "cli/outputs.h"
#include "cli/table.h"
#include "dataset/split.h"
#include "evaluate/stress.h"
#include "report/stress_figure.h"
#include "train/data.h"

#define DEFAULT_CELLS 200
#define DEFAULT_DRAWN 50

typedef struct {
  const char *model, *folder, *split, *out;
  leuko_options how;
  char **foreign; /* borrowed from argv */
  int foreign_count;
  long limit, drawn, seed;
  bool json;
} arguments;

enum { KEY_SPLIT = 256, KEY_FOREIGN, KEY_LIMIT, KEY_DRAWN, KEY_SEED, KEY_JSON };

static const struct argp_option options[] = {
    {"split", KEY_SPLIT, "CSV", 0, "take only the tested cells of this split (RUN/split.csv)", 0},
    {"limit", KEY_LIMIT, "N", 0, "take N cells, by class and subject (200); 0: all", 0},
    {"foreign", KEY_FOREIGN, "DIR|FILE", 0,
     "pictures that show no such cell, to be rejected as well; may be given again", 0},
    {"drawn", KEY_DRAWN, "N", 0, "draw N pictures of each kind that are no cells (50)", 0},
    {"seed", KEY_SEED, "N", 0, "of cells, noise and drawings (1)", 0},
    {"out", 'o', "FOLDER", 0, "write stress.json, stress.csv and the figure stress", 0},
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
    if (!a->model) a->model = arg;
    else if (!a->folder) a->folder = arg;
    else argp_error(state, "a model and one folder are enough");
    return 0;
  case ARGP_KEY_END:
    if (!a->model || !a->folder) argp_error(state, "the model or the folder of cells is missing");
    return 0;
  default:
    return ARGP_ERR_UNKNOWN;
  }
}

static double percent(size_t part, size_t n) {
  return n > 0 ? 100 * (double)part / (double)n : 0;
}

/* The reasons with their shares, the most frequent ones first. */
static void add_reasons(table *t, const stress_count *count) {
  char text[160] = "";
  size_t length = 0;
  bool told[LEUKO_REASON_COUNT] = {false};
  for (int row = 0; row < 3; row++) {
    int most = 0;
    for (int k = 1; k < LEUKO_REASON_COUNT; k++)
      if (!told[k] && count->by_reason[k] > (most ? count->by_reason[most] : 0)) most = k;
    if (!most) break;
    told[most] = true;
    length += (size_t)snprintf(text + length, sizeof text - length, "%s%s %.0f", row ? ", " : "",
                               leuko_reason_name((leuko_reason)most),
                               percent(count->by_reason[most], count->n));
  }
  table_add(t, "%s", text);
}

static void add_cells(table *t, const char *name, double amount, const char *unit,
                      const stress_count *count) {
  const double balanced = stress_balanced_accuracy(count);
  table_add(t, "%s", name);
  if (amount > 0) table_add(t, "%g %s", amount, unit);
  else table_add(t, "%s", "");
  table_add(t, "%.1f", percent(count->positive, count->n));
  table_add(t, "%.1f", percent(count->changed, count->n));
  table_add(t, "%.1f", percent(count->rejected, count->n));
  if (isfinite(balanced)) table_add(t, "%.3f", balanced);
  else table_add(t, "-");
  add_reasons(t, count);
}

static void print_cells(const stress *s) {
  table t = {.columns = 7};
  const char *const heads[] = {"cells",      "",         "",          "changed %",
                               "rejected %", "balanced", "reasons, %"};
  for (int c = 0; c < 7; c++)
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
    table_add(&t, "%.1f", percent(count->positive, count->n));
    table_add(&t, "%.1f", percent(count->rejected, count->n));
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

/* The cells to show: their files and the model's classes of them. */
typedef struct {
  char (*paths)[2048];
  const char **files;
  int *labels;
  size_t count;
} cells;

static leuko_status list_cells(const arguments *a, const model *m, dataset *set, cells *out,
                               leuko_error *error) {
  int classes[LEUKO_MAX_CLASSES];
  leuko_status status = classes_match(m, set, classes, error);
  for (size_t i = 0; i < set->count; i++)
    if (!a->split || set->samples[i].part != DATASET_TEST)
      set->samples[i].part =
          a->split || set->samples[i].status != LEUKO_OK ? DATASET_NONE : DATASET_TEST;
  if (status == LEUKO_OK && a->limit > 0)
    status = train_limit(set, (size_t)a->limit, (uint64_t)a->seed, error);
  *out = (cells){.paths = calloc(set->count, sizeof *out->paths),
                 .files = calloc(set->count, sizeof *out->files),
                 .labels = calloc(set->count, sizeof *out->labels)};
  if (status == LEUKO_OK && (!out->paths || !out->files || !out->labels))
    status = error_set_memory(error, set->count * sizeof *out->paths);
  for (size_t i = 0; i < set->count && status == LEUKO_OK; i++) {
    const dataset_sample *s = &set->samples[i];
    if (s->part != DATASET_TEST || s->label < 0 || s->status != LEUKO_OK) continue;
    out->files[out->count] = out->paths[out->count];
    out->labels[out->count] = classes[s->label];
    status = dataset_sample_file(set, i, out->paths[out->count++], sizeof *out->paths, error);
  }
  if (status == LEUKO_OK && out->count == 0)
    status = error_set(error, LEUKO_NO_DATA, set->root, "give a folder with a subfolder a class",
                       "there is no labelled cell");
  return status;
}

static leuko_status run(const arguments *a, leuko_predictor *predictor, dataset *set,
                        const input_list *foreign, const progress *p, stress *result,
                        leuko_error *error) {
  cells c;
  const char **files = calloc(foreign->count + 1, sizeof *files);
  leuko_status status = list_cells(a, predictor_model(predictor), set, &c, error);
  if (status == LEUKO_OK && !files) status = error_set_memory(error, foreign->count);
  size_t count = 0;
  for (size_t i = 0; i < foreign->count && status == LEUKO_OK; i++)
    if (foreign->items[i].status == LEUKO_OK) files[count++] = foreign->items[i].path;
  const stress_input shown = {.files = c.files,
                              .labels = c.labels,
                              .count = c.count,
                              .foreign = files,
                              .foreign_count = count,
                              .drawn = (int)a->drawn,
                              .threads = threads_count(a->how.threads),
                              .seed = (uint64_t)a->seed};
  if (status == LEUKO_OK) status = stress_run(predictor, &shown, p, result, error);
  if (status == LEUKO_OK && a->out) status = stress_write(a->out, result, error);
  leuko_error trouble = {0};
  if (status == LEUKO_OK && a->out)
    status = outputs_drawn(stress_figure(a->out, result, &trouble), &trouble, error);
  free(c.paths);
  free(c.files);
  free(c.labels);
  free(files);
  return status;
}

static void print(const stress *s, const model *m) {
  if (m->rejection.cells == 0)
    printf("The model holds nothing to reject by: it answers for everything.\n\n");
  print_cells(s);
  print_foreign(s);
  print_scores(s);
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
      "RUN|MODEL.safetensors DIR",
      "What a model makes of cells of DIR that something has happened to, and of pictures that are "
      "no cells.\vFor each corruption at growing strength: how many cells are answered positive, "
      "get another class than before (rejected or not), are rejected and why, and the balanced "
      "accuracy of what is answered. Then the drawn and the foreign pictures, and what the "
      "Mahalanobis distance, the maximum probability and the energy would reject alone.",
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
  leuko_predictor *predictor = NULL;
  dataset set = {0};
  input_list foreign = {0};
  stress result = {0};
  dataset_options scan = {.threads = a.how.threads, .skip_pixels = true};
  leuko_status status = leuko_predictor_open(a.model, &a.how, &predictor, &error);
  if (status == LEUKO_OK && a.foreign_count > 0)
    status = inputs_collect(a.foreign, a.foreign_count, &foreign, &error);
  if (status == LEUKO_OK) status = dataset_scan(a.folder, &scan, &p, &set, &error);
  if (status == LEUKO_OK && a.split) status = dataset_read_split(&set, a.split, &error);
  if (status == LEUKO_OK) status = dataset_tie(&set, NULL, NULL, &error);
  if (status == LEUKO_OK) status = run(&a, predictor, &set, &foreign, &p, &result, &error);
  cli_progress_end();
  int code = 0;
  if (status != LEUKO_OK) code = cli_fail(&error);
  else if (a.json) code = cli_print_json(stress_json(&result));
  else print(&result, predictor_model(predictor));
  dataset_free(&set);
  inputs_free(&foreign);
  leuko_predictor_close(predictor);
  free(a.foreign);
  return code;
}
