#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/text.h"
#include "cli/by_subject.h"
#include "cli/cli.h"
#include "cli/compute.h"
#include "cli/inputs.h"
#include "cli/models.h"

typedef struct {
  model_list models; /* none: the one in the box */
  leuko_options how;
  char **inputs; /* borrowed from argv */
  int input_count;
  bool by_subject, by_folder, json, csv;
} arguments;

enum { KEY_CSV = 256, KEY_JSON, KEY_MODEL, KEY_BY, KEY_NO_REJECT };

static const struct argp_option options[] = {
    {"model", KEY_MODEL, "M", 0, MODELS_HELP ". All arguments are then images", 0},
    {"by", KEY_BY, "subject|folder", 0,
     "gather the answers of each person: by the subject in a C-NMC name, or by the folder in which "
     "a cell lies",
     0},
    {"csv", KEY_CSV, 0, 0, "path,sha256,p,label,status,p_raw,reason,distance for each input", 0},
    {"json", KEY_JSON, 0, 0, "a JSON array of the same", 0},
    {"no-reject", KEY_NO_REJECT, 0, 0, "answer for everything, also for what is no cell", 0},
    {0}};

static error_t parse(int key, char *arg, struct argp_state *state) {
  arguments *a = state->input;
  switch (key) {
  case ARGP_KEY_INIT:
    state->child_inputs[0] = &a->how;
    return 0;
  case KEY_MODEL:
    models_add(&a->models, arg, state);
    return 0;
  case KEY_BY:
    a->by_subject = strcmp(arg, "subject") == 0;
    a->by_folder = strcmp(arg, "folder") == 0;
    if (!a->by_subject && !a->by_folder) argp_error(state, "--by takes subject or folder");
    return 0;
  case KEY_CSV:
    a->csv = true;
    return 0;
  case KEY_JSON:
    a->json = true;
    return 0;
  case KEY_NO_REJECT:
    a->how.no_reject = 1;
    return 0;
  case ARGP_KEY_ARG:
    a->inputs[a->input_count++] = arg;
    return 0;
  case ARGP_KEY_END:
    /* Without --model, the first argument is one unless it can only be an input. */
    if (a->models.count == 0 && a->input_count > 0 && !models_is_input(a->inputs[0])) {
      models_add(&a->models, a->inputs[0], state);
      a->inputs++;
      a->input_count--;
    }
    if (a->input_count == 0) argp_error(state, "name image files or folders, or - for a list");
    if (a->csv && a->json) argp_error(state, "--csv or --json, not both");
    return 0;
  default:
    return ARGP_ERR_UNKNOWN;
  }
}

static void print_csv(const input_list *list, const leuko_answer *answers,
                      const ensemble_spread *spreads, const ensemble *models) {
  printf("path,sha256,p,label,status,p_raw,reason,distance%s\n",
         models->count > 1 ? ",spread" : "");
  for (size_t i = 0; i < list->count; i++) {
    const leuko_answer *answer = &answers[i];
    cli_print_csv_field(list->items[i].path);
    printf(",%s,", answer->sha256);
    if (!isnan(answer->p)) printf("%.6f", answer->p);
    putchar(',');
    cli_print_csv_field(answer->label);
    printf(",%s,", leuko_status_name(answer->status));
    if (!isnan(answer->p_raw)) printf("%.6f", answer->p_raw);
    printf(",%s,", answer->reason ? leuko_reason_name(answer->reason) : "");
    if (!isnan(answer->distance)) printf("%.4f", answer->distance);
    if (models->count > 1) putchar(',');
    if (models->count > 1 && !isnan(answer->p)) printf("%.6f", spreads[i].spread);
    putchar('\n');
  }
}

static json_t *answers_json(const input_list *list, const leuko_answer *answers,
                            const ensemble_spread *spreads, const ensemble *models) {
  const model *m = ensemble_model(models);
  json_t *array = json_array();
  for (size_t i = 0; i < list->count; i++) {
    const leuko_answer *answer = &answers[i];
    bool read = answer->status == LEUKO_OK, good = read && !answer->reason;
    json_t *row =
        json_pack("{s:o,s:s,s:o,s:o,s:s}", "path", text_json(list->items[i].path), "sha256",
                  answer->sha256, "p", good ? json_real(answer->p) : json_null(), "label",
                  read ? json_string(answer->label) : json_null(), "status",
                  leuko_status_name(answer->status));
    json_object_set_new(row, "p_raw", good ? json_real(answer->p_raw) : json_null());
    json_object_set_new(row, "reason",
                        answer->reason ? json_string(leuko_reason_name(answer->reason))
                                       : json_null());
    json_object_set_new(row, "distance",
                        isnan(answer->distance) ? json_null() : json_real(answer->distance));
    if (!good) json_object_set_new(row, "message", text_json(answer->message));
    if (good && models->count > 1) {
      json_t *members = json_array();
      for (int k = 0; k < models->count; k++)
        json_array_append_new(members, json_real(spreads[i].p[k]));
      json_object_set_new(row, "spread", json_real(spreads[i].spread));
      json_object_set_new(row, "members", members);
    }
    if (good && m->class_count > 2) {
      json_t *all = json_object();
      for (int k = 0; k < m->class_count; k++)
        json_object_set_new(all, m->classes[k], json_real(answer->probabilities[k]));
      json_object_set_new(row, "probabilities", all);
    }
    json_array_append_new(array, row);
  }
  return array;
}

static void print_table(const input_list *list, const leuko_answer *answers,
                        const ensemble_spread *spreads, const ensemble *models) {
  const model *m = ensemble_model(models);
  const int width = models->count > 1 ? 15 : 8;
  char head[48] = "p";
  if (m->positive >= 0) snprintf(head, sizeof head, "p(%.40s)", m->classes[m->positive]);
  printf("%-*s  %-8s  %s\n", width, head, "answer", "file");
  for (size_t i = 0; i < list->count; i++) {
    const leuko_answer *a = &answers[i];
    char p[48] = "-";
    const bool good = a->status == LEUKO_OK && !a->reason;
    if (good) snprintf(p, sizeof p, "%.4f", a->p);
    if (good && models->count > 1)
      snprintf(p, sizeof p, "%.4f \u00b1 %.4f", a->p, spreads[i].spread);
    /* The sign is two bytes and one place. */
    printf("%-*s  %-8s  %s", width + (good && models->count > 1), p,
           a->status == LEUKO_OK ? a->label : "refused", list->items[i].path);
    if (a->reason) printf(": %s", a->message);
    if (a->reason == LEUKO_REASON_DISTANCE) printf(" (%.1f)", a->distance);
    putchar('\n');
  }
}

/* Answers all inputs in their order; only what stopped the whole is an error. */
static leuko_status answer(const input_list *list, ensemble *models, const char **files,
                           leuko_answer *answers, ensemble_spread *spreads, leuko_error *error) {
  size_t count = 0;
  for (size_t i = 0; i < list->count; i++)
    if (list->items[i].status == LEUKO_OK) files[count++] = list->items[i].path;
  if (count > 0) {
    progress p = cli_progress();
    leuko_status status = ensemble_files(models, files, count, answers, spreads, NULL, &p, error);
    cli_progress_end();
    if (status != LEUKO_OK && status != LEUKO_PARTIAL && answers[0].status != status) return status;
  }
  /* The answers are moved, from the last on, to the places of their inputs. */
  for (size_t i = list->count; i-- > 0;) {
    leuko_status refused = list->items[i].status;
    if (refused == LEUKO_OK) {
      answers[i] = answers[--count];
      spreads[i] = spreads[count];
      continue;
    }
    answers[i] = inputs_refusal(refused);
  }
  return LEUKO_OK;
}

/* Returns 0, or an exit code. */
static int print_subjects(const arguments *a, const input_list *list, const leuko_answer *answers,
                          const ensemble *models) {
  leuko_error error = {0};
  subject_list subjects;
  if (by_subject(list, answers, ensemble_model(models), a->by_folder, &subjects, &error) !=
      LEUKO_OK)
    return cli_fail(&error);
  int failed = 0;
  if (a->json) failed = cli_print_json(by_subject_json(&subjects));
  else if (a->csv) by_subject_print_csv(&subjects);
  else by_subject_print(&subjects);
  by_subject_free(&subjects);
  return failed;
}

static int predict(const arguments *a, const input_list *list, ensemble *models) {
  leuko_error error = {0};
  const char **files = calloc(list->count, sizeof *files);
  leuko_answer *answers = calloc(list->count, sizeof *answers);
  ensemble_spread *spreads = calloc(list->count, sizeof *spreads);
  leuko_status status = LEUKO_OK;
  if (!files || !answers || !spreads)
    status = error_set_memory(&error, list->count * (sizeof *answers + sizeof *spreads));
  cli_catch_signals();
  if (status == LEUKO_OK) status = answer(list, models, files, answers, spreads, &error);
  int code;
  if (status != LEUKO_OK) {
    code = cli_fail(&error);
  } else {
    int failed = 0;
    if (a->by_subject || a->by_folder) failed = print_subjects(a, list, answers, models);
    else if (a->json) failed = cli_print_json(answers_json(list, answers, spreads, models));
    else if (a->csv) print_csv(list, answers, spreads, models);
    else print_table(list, answers, spreads, models);
    if (strcmp(ensemble_precision(models), "f32") != 0)
      fprintf(stderr, "computed in %s\n", ensemble_precision(models));
    code = failed ? failed : inputs_report_refused(list, answers);
  }
  free(files);
  free(answers);
  free(spreads);
  return code;
}

int command_predict(int argc, char **argv) {
  leuko_error error = {0};
  char **room = calloc((size_t)argc, sizeof *room);
  if (!room) {
    error_set_memory(&error, (size_t)argc * sizeof *room);
    return cli_fail(&error);
  }
  arguments a = {.inputs = room};
  static const struct argp_child children[] = {{&cli_compute, 0, "Computing:", 9}, {0}};
  static const struct argp parser = {
      options,
      parse,
      "[RUN|MODEL.safetensors] FILE|DIR|- ...\n--model M [--model M ...] FILE|DIR|- ...",
      "Answers for image files: the probability of the positive class and the answered class.\v"
      "Without a model those that came with the program answer: the first argument is a model "
      "unless it is -, has an image's extension, or is a folder that is no run. "
      "Several models answer with the mean of their calibrated logits; \u00b1 is the standard "
      "deviation of their probabilities. "
      "The probability p is calibrated on the validation cells where the model was; p_raw is what "
      "the network itself says. What is not a single cell like those that the model was trained on "
      "is rejected: by the picture itself (reason) or by the Mahalanobis distance of what the "
      "network's last layer sees; the latter is given for every answer. "
      "A folder stands for all images below it, - for a list of paths on standard input. A file "
      "that cannot be read is named and the others are answered (exit code 4).",
      children,
      0,
      0};
  argp_parse(&parser, argc, argv, 0, 0, &a);
  input_list list = {0};
  ensemble models;
  leuko_status status = models_open(&a.models, &a.how, &models, &error);
  if (status == LEUKO_OK) {
    status = inputs_collect(a.inputs, a.input_count, &list, &error);
    if (status != LEUKO_OK) ensemble_close(&models);
  }
  int code;
  if (status != LEUKO_OK) {
    code = cli_fail(&error);
  } else {
    code = predict(&a, &list, &models);
    ensemble_close(&models);
  }
  inputs_free(&list);
  free(room);
  return code;
}
