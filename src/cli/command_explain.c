#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "base/threads.h"
#include "cli/cli.h"
#include "cli/explainers.h"
#include "cli/inputs.h"
#include "cli/models.h"
#include "cli/print_explanation.h"
#include "dataset/names.h"
#include "explain/output.h"
#include "explain/overlay.h"
#include "image/mask.h"
#include "image/write.h"
#include "report/explain_page.h"

/* Draws of random weights with which the first pictures are explained again, unless told otherwise:
 * of quick methods and of slow ones. */
#define DRAWS_QUICK 8
#define DRAWS_SLOW 2
#define SUBJECTS 8 /* pictures that are kept for it */
/* Of the random weights; not one that a training may have begun with: weights that it has hardly
 * moved would be no others. */
#define SEED 0x9b1d5c3a72e4f681u

typedef struct {
  model_list models;
  const char *out;
  explain_method methods[EXPLAIN_METHODS];
  size_t method_count;
  char **inputs; /* borrowed from argv */
  int input_count, threads;
  int draws; /* of random weights; -1: as many as the method's time allows */
  bool json;
} arguments;

enum { KEY_OUT = 256, KEY_MODEL, KEY_METHOD, KEY_DRAWS, KEY_THREADS, KEY_JSON };

static const struct argp_option options[] = {
    {"out", KEY_OUT, "FOLDER", 0, "where pictures, maps and index.html go (required)", 0},
    {"model", KEY_MODEL, "M", 0, MODELS_HELP ". All arguments are then images", 0},
    {"method", KEY_METHOD, "NAMES", 0,
     "gradcam (default), gradcam++, occlusion, gradients (integrated gradients), or several with "
     "commas",
     0},
    {"draws", KEY_DRAWS, "N", 0,
     "check maps with N draws of random weights (8; occlusion and gradients, which take longer, "
     "2); "
     "0: not at all",
     0},
    {"threads", KEY_THREADS, "N", 0, "all processors by default", 0},
    {"json", KEY_JSON, 0, 0, "print answers and checks as JSON", 0},
    {0}};

static void parse_methods(arguments *a, const char *text, struct argp_state *state) {
  a->method_count = 0;
  for (const char *at = text; at;) {
    char name[32];
    const size_t length = strcspn(at, ",");
    explain_method method;
    snprintf(name, sizeof name, "%.*s", (int)(length < 31 ? length : 31), at);
    if (!explain_method_find(name, &method))
      argp_error(state, "--method takes gradcam, gradcam++, occlusion and gradients, not '%s'",
                 name);
    for (size_t k = 0; k < a->method_count; k++)
      if (a->methods[k] == method) argp_error(state, "--method names %s twice", name);
    a->methods[a->method_count++] = method;
    at = at[length] ? at + length + 1 : NULL;
  }
}

static error_t parse(int key, char *arg, struct argp_state *state) {
  arguments *a = state->input;
  switch (key) {
  case KEY_OUT:
    a->out = arg;
    return 0;
  case KEY_MODEL:
    models_add(&a->models, arg, state);
    return 0;
  case KEY_METHOD:
    parse_methods(a, arg, state);
    return 0;
  case KEY_DRAWS:
    a->draws = (int)cli_number(state, "--draws", arg, 0, 1000);
    return 0;
  case KEY_THREADS:
    a->threads = (int)cli_number(state, "--threads", arg, 1, 256);
    return 0;
  case KEY_JSON:
    a->json = true;
    return 0;
  case ARGP_KEY_ARG:
    a->inputs[a->input_count++] = arg;
    return 0;
  case ARGP_KEY_END:
    if (a->models.count == 0 && a->input_count > 0 && !models_is_input(a->inputs[0])) {
      models_add(&a->models, a->inputs[0], state);
      a->inputs++;
      a->input_count--;
    }
    if (a->input_count == 0) argp_error(state, "name image files or folders, or - for a list");
    if (!a->out) argp_error(state, "--out FOLDER is missing");
    return 0;
  default:
    return ARGP_ERR_UNKNOWN;
  }
}

/* Everything of one call. */
typedef struct {
  const arguments *a;
  const model *m; /* as which they answer */
  explainers *e;
  progress p;
  size_t done, total;        /* maps of single models */
  explained *pictures;       /* [list->count] */
  explain_subject *subjects; /* those that are explained again [subject_count] */
  size_t subject_count;
} work;

/* A picture as it is read. */
typedef struct {
  image picture;
  explain_region region;
  uint8_t *mask;   /* [height][width] */
  uint8_t *pixels; /* [size][size][3], prepared */
  uint8_t *small;  /* the mask as the network sees it [size][size] */
} cell;

static void free_cell(cell *c) {
  image_free(&c->picture);
  free(c->mask);
  free(c->pixels);
  free(c->small);
}

static leuko_status read_cell(const model *m, const char *path, cell *c, char *sha256,
                              leuko_error *error) {
  *c = (cell){0};
  leuko_status status = image_read(path, &c->picture, sha256, error);
  if (status != LEUKO_OK) return status;
  const size_t size = (size_t)m->net.size;
  const size_t all = (size_t)c->picture.width * (size_t)c->picture.height;
  c->region = explain_region_of(&c->picture, m->crop);
  c->mask = malloc(all);
  c->pixels = malloc(size * size * 3);
  c->small = malloc(size * size);
  if (!c->mask || !c->pixels || !c->small) return error_set_memory(error, all + 4 * size * size);
  status = image_mask(&c->picture, c->mask, NULL, error);
  if (status == LEUKO_OK) status = model_prepare(m, &c->picture, c->pixels, NULL, error);
  if (status == LEUKO_OK) explain_mask(&c->picture, c->mask, c->region, m->net.size, c->small);
  return status;
}

/* "FOLDER/STEM.ending". */
static leuko_status place(const work *w, const char *stem, const char *ending, char *out,
                          size_t size, leuko_error *error) {
  char name[200];
  snprintf(name, sizeof name, "%s%s", stem, ending);
  return file_join(out, size, w->a->out, name, error);
}

/* A name of letters that every system and page takes: number and what the file is called. */
static void make_stem(size_t index, const char *path, char out[120]) {
  const char *base = names_base(path);
  size_t length = names_stem_length(base);
  int at = snprintf(out, 120, "%04zu-", index + 1);
  for (size_t i = 0; i < length && at < 100; i++) {
    const char c = base[i];
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    out[at++] = plain || c == '-' || c == '_' ? c : '_';
  }
  out[at] = 0;
}

static double completeness(const explain_map *map) {
  double sum = 0;
  for (int i = 0; i < map->side * map->side; i++) sum += (double)map->values[i];
  return fabs(sum - map->whole) / fmax(fabs(map->whole), 1e-9);
}

static leuko_status write_files(const work *w, const cell *c, const explain_map *maps,
                                const char *stem, explained *one, leuko_error *error) {
  char path[2048], head[256], ending[32];
  const leuko_answer *a = &one->answer;
  const int asked = w->m->positive >= 0 ? w->m->positive : a->label_index;
  image overlay;
  leuko_status status = LEUKO_OK;
  for (size_t k = 0; k < w->a->method_count && status == LEUKO_OK; k++) {
    snprintf(ending, sizeof ending, ".%s.csv", explain_method_name(maps[k].method));
    status = place(w, stem, ending, path, sizeof path, error);
    if (status == LEUKO_OK) status = explain_write_csv(&maps[k], c->region, path, error);
  }
  if (status != LEUKO_OK) return status;
  snprintf(head, sizeof head, "%s: answered %s, p(%s) = %.3f", stem, a->label, w->m->classes[asked],
           a->p);
  status = explain_overlay(&c->picture, c->mask, c->region, maps, w->a->method_count, head,
                           &overlay, error);
  if (status == LEUKO_OK) status = place(w, stem, ".png", path, sizeof path, error);
  if (status == LEUKO_OK) status = image_write(path, &overlay, IMAGE_PNG, error);
  image_free(&overlay);
  if (status == LEUKO_OK) snprintf(one->overlay, sizeof one->overlay, "%.119s.png", stem);
  return status;
}

static leuko_status compute(work *w, const cell *c, explain_map *maps, explained *one,
                            leuko_error *error) {
  leuko_status status = explainers_answer(w->e, c->pixels, &one->answer, error);
  if (status != LEUKO_OK) return status;
  if (one->answer.status != LEUKO_OK)
    return error_set(error, one->answer.status, one->path, NULL, "%s", one->answer.message);
  for (size_t k = 0; k < w->a->method_count && status == LEUKO_OK; k++) {
    status = explainers_run(w->e, w->a->methods[k], c->pixels, one->answer.label_index, &w->p,
                            &w->done, w->total, &maps[k], error);
    if (status != LEUKO_OK) break;
    one->share[k] = explain_share_of(&maps[k], c->small, w->m->net.size);
    one->completeness[k] = isfinite(maps[k].whole) ? completeness(&maps[k]) : NAN;
  }
  return status;
}

/* Keeps the cell for the check with random weights, if it is one of the first. */
static void keep_subject(work *w, cell *c, int label) {
  if (w->subject_count == SUBJECTS) return;
  w->subjects[w->subject_count++] = (explain_subject){c->pixels, c->small, label};
  c->pixels = c->small = NULL;
}

/* One picture. What is wrong with it goes into its answer; what would stop the others, too, is the
 * error that is returned. */
static leuko_status explain_picture(work *w, size_t index, leuko_error *error) {
  explained *one = &w->pictures[index];
  leuko_error mine = {0};
  cell c;
  leuko_status status = read_cell(w->m, one->path, &c, one->answer.sha256, &mine);
  if (status != LEUKO_OK) {
    free_cell(&c);
    char sha256[sizeof one->answer.sha256];
    memcpy(sha256, one->answer.sha256, sizeof sha256);
    one->answer = inputs_refusal(status);
    memcpy(one->answer.sha256, sha256, sizeof sha256);
    snprintf(one->answer.message, sizeof one->answer.message, "%s",
             mine.message[0] ? mine.message : leuko_status_message(status));
    return LEUKO_OK;
  }
  explain_map maps[EXPLAIN_METHODS] = {0};
  char stem[120];
  make_stem(index, one->path, stem);
  status = compute(w, &c, maps, one, error);
  if (status == LEUKO_OK) status = write_files(w, &c, maps, stem, one, error);
  if (status == LEUKO_OK) keep_subject(w, &c, one->answer.label_index);
  for (size_t k = 0; k < w->a->method_count; k++) explain_map_free(&maps[k]);
  free_cell(&c);
  return status;
}

static leuko_status explain_all(work *w, const input_list *list, leuko_error *error) {
  const size_t of_each = w->a->method_count * (size_t)w->e->count;
  leuko_status status = LEUKO_OK;
  w->total = list->count * of_each;
  for (size_t i = 0; i < list->count && status == LEUKO_OK; i++) {
    w->pictures[i].path = list->items[i].path;
    if (list->items[i].status != LEUKO_OK)
      w->pictures[i].answer = inputs_refusal(list->items[i].status);
    else status = explain_picture(w, i, error);
    w->done = (i + 1) * of_each; /* also of a refused one */
    if (status == LEUKO_OK && progress_report(&w->p, "explaining", w->done, w->total, NULL))
      status = error_set(error, LEUKO_INTERRUPTED, w->a->out, NULL, "stopped");
  }
  return status;
}

/* The check with random weights, for every method. */
static leuko_status check_all(work *w, explanation *x, leuko_error *error) {
  leuko_status status = LEUKO_OK;
  for (size_t k = 0; k < x->method_count && status == LEUKO_OK; k++) {
    const bool slow = x->methods[k] == EXPLAIN_OCCLUSION || x->methods[k] == EXPLAIN_GRADIENTS;
    x->draws[k] = w->a->draws >= 0 ? (size_t)w->a->draws : slow ? DRAWS_SLOW : DRAWS_QUICK;
    if (w->subject_count == 0 || x->draws[k] == 0) continue;
    x->likeness[k] = calloc(x->stage_count, sizeof *x->likeness[k]);
    if (!x->likeness[k]) return error_set_memory(error, x->stage_count * sizeof **x->likeness);
    status = explainers_check(w->e, x->methods[k], w->subjects, w->subject_count, &x->draws[k],
                              SEED, &w->p, x->likeness[k], error);
  }
  return status;
}

/* Answers for inputs_report_refused. */
static int report_refused(const input_list *list, const explained *pictures) {
  leuko_answer *answers = calloc(list->count, sizeof *answers);
  if (!answers) return leuko_status_exit_code(LEUKO_NO_MEMORY);
  for (size_t i = 0; i < list->count; i++) answers[i] = pictures[i].answer;
  const int code = inputs_report_refused(list, answers);
  free(answers);
  return code;
}

static leuko_status explain_and_write(work *w, const input_list *list, explanation *x,
                                      leuko_error *error) {
  char path[2048];
  w->p = cli_progress();
  x->stage_count = (size_t)explain_stages(w->e->members[0]);
  x->stages = calloc(x->stage_count, sizeof *x->stages);
  if (!x->stages) return error_set_memory(error, x->stage_count * sizeof *x->stages);
  for (size_t s = 0; s < x->stage_count; s++)
    explain_stage(w->e->members[0], (int)s + 1, x->stages[s], sizeof x->stages[s]);
  leuko_status status = file_make_folders(w->a->out, error);
  if (status == LEUKO_OK) status = explain_all(w, list, error);
  if (status == LEUKO_OK) status = check_all(w, x, error);
  if (status == LEUKO_OK) status = file_join(path, sizeof path, w->a->out, "index.html", error);
  if (status == LEUKO_OK) status = explain_page_write(x, path, error);
  cli_progress_end();
  return status;
}

static int explain(const arguments *a, const input_list *list, const ensemble *models) {
  leuko_error error = {0};
  explainers e = {0};
  work w = {.a = a,
            .m = &e.as_one,
            .e = &e,
            .pictures = calloc(list->count, sizeof *w.pictures),
            .subjects = calloc(SUBJECTS, sizeof *w.subjects)};
  explanation x = {.m = w.m,
                   .models = models->count,
                   .methods = a->methods,
                   .method_count = a->method_count,
                   .pictures = w.pictures,
                   .count = list->count};
  leuko_status status = LEUKO_OK;
  if (!w.pictures || !w.subjects)
    status = error_set_memory(&error, list->count * sizeof(explained));
  if (status == LEUKO_OK) status = explainers_open(models, threads_count(a->threads), &e, &error);
  if (status == LEUKO_OK) {
    x.layer = explain_layer(e.members[0]);
    status = explain_and_write(&w, list, &x, &error);
  }
  int code;
  if (status != LEUKO_OK) {
    code = cli_fail(&error);
  } else {
    int failed = 0;
    if (a->json) failed = cli_print_json(explanation_json(&x, a->out));
    else explanation_print(&x, a->out);
    code = failed ? 1 : report_refused(list, w.pictures);
  }
  explainers_close(&e);
  for (size_t i = 0; i < w.subject_count; i++) {
    free(w.subjects[i].pixels);
    free(w.subjects[i].mask);
  }
  for (size_t k = 0; k < EXPLAIN_METHODS; k++) free(x.likeness[k]);
  free(x.stages);
  free(w.subjects);
  free(w.pictures);
  return code;
}

int command_explain(int argc, char **argv) {
  arguments a = {.inputs = calloc((size_t)argc, sizeof *a.inputs),
                 .draws = -1,
                 .methods = {EXPLAIN_GRADCAM},
                 .method_count = 1};
  leuko_error error = {0};
  char **const inputs = a.inputs;
  if (!a.inputs) {
    error_set_memory(&error, (size_t)argc * sizeof *a.inputs);
    return cli_fail(&error);
  }
  static const struct argp parser = {
      options,
      parse,
      "[RUN|MODEL.safetensors] FILE|DIR|- ... --out FOLDER\n--model M [--model M ...] FILE|DIR|- "
      "... --out FOLDER",
      "Shows where in a picture an answer comes from: for each picture an overlay (PNG) and the "
      "map's values (CSV), and index.html with all of them. Two checks follow: whether maps change "
      "when the network's weights are random, and how much of a map lies on the cell.\v"
      "Example: leuko explain runs/cnn cells/ --method gradcam,occlusion --out maps\n\n"
      "Without a model the first of those that came with the program is taken: the two of them "
      "read "
      "pictures of different sizes and have no common map. Of several models, or a "
      "cross-validation, the mean of their maps explains their common answer. "
      "A map explains the logit of the answered class, computed in float32. gradcam and gradcam++ "
      "look at the last convolutional stage's output; occlusion covers the picture with a black "
      "patch, place by place; gradients integrates the logit's gradients on the way from a black "
      "picture. A picture that cannot be read is named and the others are explained (exit code "
      "4). Research use only: a map is no reason, and no answer of leuko is a diagnosis.",
      0,
      0,
      0};
  a.models.one_of_box = true;
  argp_parse(&parser, argc, argv, 0, 0, &a);
  cli_catch_signals();
  input_list list = {0};
  ensemble models = {0};
  const leuko_options how = {.threads = a.threads};
  leuko_status status = models_open(&a.models, &how, &models, &error);
  if (status == LEUKO_OK) status = inputs_collect(a.inputs, a.input_count, &list, &error);
  const int code = status == LEUKO_OK ? explain(&a, &list, &models) : cli_fail(&error);
  ensemble_close(&models);
  inputs_free(&list);
  free(inputs);
  return code;
}
