#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/text.h"
#include "cli/cli.h"
#include "cli/compute.h"
#include "cli/inputs.h"
#include "cli/models.h"
#include "predict/predictor.h"

typedef struct {
  const char *model; /* NULL: the one in the box */
  leuko_options how;
  char **inputs; /* borrowed from argv */
  int input_count;
  bool json, csv;
} arguments;

enum { KEY_CSV = 256, KEY_JSON };

static const struct argp_option options[] = {
    {"csv", KEY_CSV, 0, 0, "path,sha256,p,label,status,p_raw for each input", 0},
    {"json", KEY_JSON, 0, 0, "a JSON array of the same", 0},
    {0}};

static error_t parse(int key, char *arg, struct argp_state *state) {
  arguments *a = state->input;
  switch (key) {
  case ARGP_KEY_INIT:
    state->child_inputs[0] = &a->how;
    return 0;
  case KEY_CSV:
    a->csv = true;
    return 0;
  case KEY_JSON:
    a->json = true;
    return 0;
  case ARGP_KEY_ARG:
    if (!a->model && a->input_count == 0 && !models_is_input(arg)) a->model = arg;
    else a->inputs[a->input_count++] = arg;
    return 0;
  case ARGP_KEY_END:
    if (a->input_count == 0) argp_error(state, "name image files or folders, or - for a list");
    if (a->csv && a->json) argp_error(state, "--csv or --json, not both");
    return 0;
  default:
    return ARGP_ERR_UNKNOWN;
  }
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

static void print_csv(const input_list *list, const leuko_answer *answers) {
  printf("path,sha256,p,label,status,p_raw\n");
  for (size_t i = 0; i < list->count; i++) {
    print_csv_field(list->items[i].path);
    printf(",%s,", answers[i].sha256);
    if (answers[i].status == LEUKO_OK) printf("%.6f", answers[i].p);
    putchar(',');
    print_csv_field(answers[i].label);
    printf(",%s,", leuko_status_name(answers[i].status));
    if (answers[i].status == LEUKO_OK) printf("%.6f", answers[i].p_raw);
    putchar('\n');
  }
}

static json_t *answers_json(const input_list *list, const leuko_answer *answers,
                            const leuko_predictor *predictor) {
  json_t *array = json_array();
  for (size_t i = 0; i < list->count; i++) {
    const leuko_answer *answer = &answers[i];
    bool good = answer->status == LEUKO_OK;
    json_t *row =
        json_pack("{s:o,s:s,s:o,s:o,s:s}", "path", text_json(list->items[i].path), "sha256",
                  answer->sha256, "p", good ? json_real(answer->p) : json_null(), "label",
                  good ? json_string(answer->label) : json_null(), "status",
                  leuko_status_name(answer->status));
    json_object_set_new(row, "p_raw", good ? json_real(answer->p_raw) : json_null());
    if (!good) json_object_set_new(row, "message", text_json(answer->message));
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

static void print_table(const input_list *list, const leuko_answer *answers,
                        const leuko_predictor *predictor) {
  const char *positive = leuko_predictor_positive(predictor);
  char head[48];
  snprintf(head, sizeof head, *positive ? "p(%.40s)" : "p", positive);
  printf("%-8s  %-8s  %s\n", head, "answer", "file");
  for (size_t i = 0; i < list->count; i++)
    if (answers[i].status == LEUKO_OK)
      printf("%-8.4f  %-8s  %s\n", answers[i].p, answers[i].label, list->items[i].path);
    else printf("%-8s  %-8s  %s\n", "-", "refused", list->items[i].path);
}

/* Answers all inputs in their order; only what stopped the whole is an error. */
static leuko_status answer(const input_list *list, leuko_predictor *predictor, const char **files,
                           leuko_answer *answers, leuko_error *error) {
  size_t count = 0;
  for (size_t i = 0; i < list->count; i++)
    if (list->items[i].status == LEUKO_OK) files[count++] = list->items[i].path;
  if (count > 0) {
    progress p = cli_progress();
    leuko_status status = predictor_files(predictor, files, count, answers, NULL, &p, error);
    cli_progress_end();
    if (status != LEUKO_OK && status != LEUKO_PARTIAL && answers[0].status != status) return status;
  }
  /* The answers are moved, from the last on, to the places of their inputs. */
  for (size_t i = list->count; i-- > 0;) {
    leuko_status refused = list->items[i].status;
    if (refused == LEUKO_OK) {
      answers[i] = answers[--count];
      continue;
    }
    answers[i] = inputs_refusal(refused);
  }
  return LEUKO_OK;
}

static int predict(const arguments *a, const input_list *list, leuko_predictor *predictor) {
  leuko_error error = {0};
  const char **files = calloc(list->count, sizeof *files);
  leuko_answer *answers = calloc(list->count, sizeof *answers);
  leuko_status status = LEUKO_OK;
  if (!files || !answers) status = error_set_memory(&error, list->count * sizeof *answers);
  cli_catch_signals();
  if (status == LEUKO_OK) status = answer(list, predictor, files, answers, &error);
  int code;
  if (status != LEUKO_OK) {
    code = cli_fail(&error);
  } else {
    int failed = 0;
    if (a->json) failed = cli_print_json(answers_json(list, answers, predictor));
    else if (a->csv) print_csv(list, answers);
    else print_table(list, answers, predictor);
    if (strcmp(leuko_predictor_precision(predictor), "f32") != 0)
      fprintf(stderr, "computed in %s\n", leuko_predictor_precision(predictor));
    code = failed ? 1 : inputs_report_refused(list, answers);
  }
  free(files);
  free(answers);
  return code;
}

int command_predict(int argc, char **argv) {
  arguments a = {.inputs = calloc((size_t)argc, sizeof *a.inputs)};
  leuko_error error = {0};
  if (!a.inputs) {
    error_set_memory(&error, (size_t)argc * sizeof *a.inputs);
    return cli_fail(&error);
  }
  static const struct argp_child children[] = {{&cli_compute, 0, "Computing:", 9}, {0}};
  static const struct argp parser = {
      options,
      parse,
      "[RUN|MODEL.safetensors] FILE|DIR|- ...",
      "Answers for image files: the probability of the positive class and the answered class.\v"
      "Without a model the one that came with the program answers: the first argument is a model "
      "unless it is -, has an image's extension, or is a folder that is no run. "
      "The probability p is calibrated on the validation cells where the model was; p_raw is what "
      "the network itself says. "
      "A folder stands for all images below it, - for a list of paths on standard input. A file "
      "that cannot be read is named and the others are answered (exit code 4).",
      children,
      0,
      0};
  argp_parse(&parser, argc, argv, 0, 0, &a);
  input_list list = {0};
  leuko_predictor *predictor = NULL;
  int code;
  char box[4096];
  leuko_status status = LEUKO_OK;
  if (!a.model) {
    status = models_box(box, sizeof box, &error);
    a.model = box;
    if (status == LEUKO_OK) fprintf(stderr, "answered by the model that came along: %s\n", box);
  }
  if (status != LEUKO_OK || leuko_predictor_open(a.model, &a.how, &predictor, &error) != LEUKO_OK ||
      inputs_collect(a.inputs, a.input_count, &list, &error) != LEUKO_OK)
    code = cli_fail(&error);
  else code = predict(&a, &list, predictor);
  leuko_predictor_close(predictor);
  inputs_free(&list);
  free(a.inputs);
  return code;
}
