#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "cli/cli.h"
#include "dataset/walk.h"
#include "predict/predictor.h"

typedef struct {
  char **items;
  size_t count, capacity;
} path_list;

typedef struct {
  const char *model, *backend;
  int threads, batch;
  char **inputs; /* borrowed from argv */
  int input_count;
  bool json, csv;
} arguments;

enum { KEY_CSV = 256, KEY_JSON, KEY_THREADS, KEY_BATCH, KEY_BACKEND };

static const struct argp_option options[] = {
    {"csv", KEY_CSV, 0, 0, "path,sha256,p,label,status for each input", 0},
    {"json", KEY_JSON, 0, 0, "a JSON array of the same", 0},
    {"threads", KEY_THREADS, "N", 0, "all processors by default", 0},
    {"batch", KEY_BATCH, "N", 0, "images computed at once (16)", 0},
    {"backend", KEY_BACKEND, "NAME", 0, "onednn (default) or ref (slow and exact)", 0},
    {0}};

static error_t parse(int key, char *arg, struct argp_state *state) {
  arguments *a = state->input;
  switch (key) {
  case KEY_CSV:
    a->csv = true;
    return 0;
  case KEY_JSON:
    a->json = true;
    return 0;
  case KEY_THREADS:
    a->threads = (int)cli_number(state, "--threads", arg, 1, 256);
    return 0;
  case KEY_BATCH:
    a->batch = (int)cli_number(state, "--batch", arg, 1, 1024);
    return 0;
  case KEY_BACKEND:
    a->backend = arg;
    return 0;
  case ARGP_KEY_ARG:
    if (!a->model) a->model = arg;
    else a->inputs[a->input_count++] = arg;
    return 0;
  case ARGP_KEY_END:
    if (!a->model) argp_error(state, "the run folder or model file is missing");
    if (a->input_count == 0) argp_error(state, "name image files or folders, or - for a list");
    if (a->csv && a->json) argp_error(state, "--csv or --json, not both");
    return 0;
  default:
    return ARGP_ERR_UNKNOWN;
  }
}

static leuko_status add_path(path_list *list, const char *path, leuko_error *error) {
  if (list->count == list->capacity) {
    size_t capacity = list->capacity ? 2 * list->capacity : 64;
    char **grown = realloc(list->items, capacity * sizeof *grown);
    if (!grown) return error_set_memory(error, capacity * sizeof *grown);
    list->items = grown;
    list->capacity = capacity;
  }
  list->items[list->count] = strdup(path);
  if (!list->items[list->count]) return error_set_memory(error, strlen(path));
  list->count++;
  return LEUKO_OK;
}

static leuko_status add_folder(path_list *list, const char *folder, leuko_error *error) {
  walk w;
  leuko_status status = walk_open(folder, &w, error);
  if (status == LEUKO_OK && w.count == 0)
    status = error_set(error, LEUKO_NO_DATA, folder, NULL, "the folder holds no image");
  for (size_t i = 0; status == LEUKO_OK && i < w.count; i++) {
    char path[2048];
    status = file_join(path, sizeof path, folder, w.files[i].path, error);
    if (status == LEUKO_OK) status = add_path(list, path, error);
  }
  for (size_t i = 0; i < w.folder_count; i++)
    if (w.folders[i].status != LEUKO_OK)
      fprintf(stderr, "leuko: %s/%s: %s\n", folder, w.folders[i].path,
              leuko_status_message(w.folders[i].status));
  walk_free(&w);
  return status;
}

/* One path a line from stdin. */
static leuko_status add_stdin(path_list *list, leuko_error *error) {
  char *line = NULL;
  size_t size = 0;
  ssize_t length;
  leuko_status status = LEUKO_OK;
  while (status == LEUKO_OK && (length = getline(&line, &size, stdin)) > 0) {
    while (length > 0 && (line[length - 1] == '\n' || line[length - 1] == '\r')) line[--length] = 0;
    if (length > 0) status = add_path(list, line, error);
  }
  free(line);
  return status;
}

static leuko_status collect(const arguments *a, path_list *list, leuko_error *error) {
  leuko_status status = LEUKO_OK;
  for (int i = 0; i < a->input_count && status == LEUKO_OK; i++) {
    if (strcmp(a->inputs[i], "-") == 0) status = add_stdin(list, error);
    else if (file_is_folder(a->inputs[i])) status = add_folder(list, a->inputs[i], error);
    else status = add_path(list, a->inputs[i], error);
  }
  if (status == LEUKO_OK && list->count == 0)
    status = error_set(error, LEUKO_NO_DATA, NULL, "name image files", "there is no input");
  return status;
}

static void print_csv_field(const char *text) {
  if (!strpbrk(text, ",\"\r\n")) {
    fputs(text, stdout);
    return;
  }
  putchar('"');
  for (; *text; text++) {
    if (*text == '"') putchar('"');
    putchar(*text);
  }
  putchar('"');
}

static void print_csv(const path_list *list, const leuko_answer *answers) {
  printf("path,sha256,p,label,status\n");
  for (size_t i = 0; i < list->count; i++) {
    print_csv_field(list->items[i]);
    printf(",%s,", answers[i].sha256);
    if (answers[i].status == LEUKO_OK) printf("%.6f", answers[i].p);
    putchar(',');
    print_csv_field(answers[i].label);
    printf(",%s\n", leuko_status_name(answers[i].status));
  }
}

static json_t *answers_json(const path_list *list, const leuko_answer *answers,
                            const leuko_predictor *predictor) {
  json_t *array = json_array();
  for (size_t i = 0; i < list->count; i++) {
    const leuko_answer *answer = &answers[i];
    bool good = answer->status == LEUKO_OK;
    /* A path that is not UTF-8 cannot stand in JSON as it is. */
    json_t *path = json_string(list->items[i]);
    json_t *row =
        json_pack("{s:o,s:s,s:o,s:o,s:s}", "path", path ? path : json_string("?"), "sha256",
                  answer->sha256, "p", good ? json_real(answer->p) : json_null(), "label",
                  good ? json_string(answer->label) : json_null(), "status",
                  leuko_status_name(answer->status));
    if (!good) json_object_set_new(row, "message", json_string(answer->message));
    if (good && leuko_predictor_classes(predictor) > 2) {
      json_t *all = json_object();
      for (int k = 0; k < leuko_predictor_classes(predictor); k++)
        json_object_set_new(all, leuko_predictor_class(predictor, k),
                            json_real(answer->probabilities[k]));
      json_object_set_new(row, "probabilities", all);
    }
    json_array_append_new(array, row);
  }
  return array;
}

static void print_table(const path_list *list, const leuko_answer *answers,
                        const leuko_predictor *predictor) {
  const char *positive = leuko_predictor_positive(predictor);
  char head[48];
  snprintf(head, sizeof head, *positive ? "p(%.40s)" : "p", positive);
  printf("%-8s  %-8s  %s\n", head, "answer", "file");
  for (size_t i = 0; i < list->count; i++)
    if (answers[i].status == LEUKO_OK)
      printf("%-8.4f  %-8s  %s\n", answers[i].p, answers[i].label, list->items[i]);
    else printf("%-8s  %-8s  %s\n", "-", "refused", list->items[i]);
}

/* 0, 4 where some were refused, or 3 where all were. */
static int print_refused(const path_list *list, const leuko_answer *answers) {
  size_t refused = 0;
  for (size_t i = 0; i < list->count; i++) {
    if (answers[i].status == LEUKO_OK) continue;
    refused++;
    fprintf(stderr, "leuko: %s: %s (%s)\n", list->items[i], answers[i].message,
            leuko_status_name(answers[i].status));
  }
  if (refused == 0) return 0;
  if (list->count > 1)
    fprintf(stderr, "leuko: %zu of %zu inputs were refused\n", refused, list->count);
  return refused == list->count && list->count == 1 ? leuko_status_exit_code(answers[0].status)
                                                    : leuko_status_exit_code(LEUKO_PARTIAL);
}

static int predict(const arguments *a, const path_list *list, leuko_predictor *predictor) {
  leuko_error error = {0};
  leuko_answer *answers = calloc(list->count, sizeof *answers);
  if (!answers) {
    error_set_memory(&error, list->count * sizeof *answers);
    return cli_fail(&error);
  }
  cli_catch_signals();
  progress p = cli_progress();
  leuko_status status = predictor_files(predictor, (const char *const *)list->items, list->count,
                                        answers, &p, &error);
  cli_progress_end();
  int code;
  bool refused_all = status != LEUKO_OK && answers[0].status == status;
  if (status != LEUKO_OK && status != LEUKO_PARTIAL && !refused_all) {
    code = cli_fail(&error);
  } else {
    int failed = 0;
    if (a->json) failed = cli_print_json(answers_json(list, answers, predictor));
    else if (a->csv) print_csv(list, answers);
    else print_table(list, answers, predictor);
    code = failed ? 1 : print_refused(list, answers);
  }
  free(answers);
  if (fflush(stdout) != 0 || ferror(stdout)) {
    fprintf(stderr, "leuko: the answers could not be written\n");
    return 1;
  }
  return code;
}

int command_predict(int argc, char **argv) {
  arguments a = {.inputs = calloc((size_t)argc, sizeof *a.inputs)};
  leuko_error error = {0};
  if (!a.inputs) {
    error_set_memory(&error, (size_t)argc * sizeof *a.inputs);
    return cli_fail(&error);
  }
  static const struct argp parser = {
      options,
      parse,
      "RUN|MODEL.safetensors FILE|DIR|- ...",
      "Answers for image files: the probability of the positive class and the answered class.\v"
      "A folder stands for all images below it, - for a list of paths on standard input. A file "
      "that cannot be read is named and the others are answered (exit code 4).",
      0,
      0,
      0};
  argp_parse(&parser, argc, argv, 0, 0, &a);
  path_list list = {0};
  leuko_predictor *predictor = NULL;
  leuko_options how = {.threads = a.threads, .batch = a.batch, .backend = a.backend};
  int code;
  if (leuko_predictor_open(a.model, &how, &predictor, &error) != LEUKO_OK ||
      collect(&a, &list, &error) != LEUKO_OK)
    code = cli_fail(&error);
  else code = predict(&a, &list, predictor);
  leuko_predictor_close(predictor);
  for (size_t i = 0; i < list.count; i++) free(list.items[i]);
  free(list.items);
  free(a.inputs);
  return code;
}
