#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/threads.h"
#include "cli/cli.h"
#include "cli/compute.h"
#include "cli/outputs.h"
#include "cli/simple.h"
#include "report/study_page.h"

typedef struct {
  const char *runs[STUDY_RUNS];
  size_t count;
  const char *out;
  study_options study;
} arguments;

enum { KEY_OUT = 256, KEY_DATA, KEY_MANIFEST };

static const struct argp_option options[] = {
    {"out", KEY_OUT, "FILE", 0, "the page to write (report.html)", 0},
    {"data", KEY_DATA, "DIR", 0, "the folder of cells; by default the one that the run names", 0},
    {"manifest", KEY_MANIFEST, "FILE", 0,
     "tells which subjects are one person; by default cnmc2019-manifest.tsv in DIR or beside it",
     0},
    {0}};

static error_t parse(int key, char *arg, struct argp_state *state) {
  arguments *a = state->input;
  switch (key) {
  case ARGP_KEY_INIT:
    state->child_inputs[0] = &a->study.how;
    return 0;
  case KEY_OUT:
    a->out = arg;
    return 0;
  case KEY_DATA:
    a->study.data = arg;
    return 0;
  case KEY_MANIFEST:
    a->study.manifest = arg;
    return 0;
  case ARGP_KEY_ARG:
    if (a->count == STUDY_RUNS) argp_error(state, "%d runs are the most", STUDY_RUNS);
    a->runs[a->count++] = arg;
    return 0;
  case ARGP_KEY_END:
    if (a->count == 0) argp_error(state, "name a run folder");
    return 0;
  default:
    return ARGP_ERR_UNKNOWN;
  }
}

/* The call as it was typed, for the page. */
static char *repeat_call(int argc, char **argv) {
  size_t size = 1;
  for (int i = 0; i < argc; i++) size += strlen(argv[i]) + 1;
  char *text = calloc(size, 1);
  for (int i = 0; text && i < argc; i++) {
    if (i) strcat(text, " ");
    strcat(text, argv[i]);
  }
  return text;
}

static leuko_status add_run(study *s, const char *folder, const arguments *a, const progress *p,
                            leuko_error *error) {
  leuko_status status = study_add(s, folder, &a->study, p, error);
  if (status != LEUKO_OK) return status;
  study_run *run = &s->runs[s->count - 1];
  if (run->remark[0]) cli_progress_line("%s: %s", folder, run->remark);
  if (!study_wants_baselines(run)) return LEUKO_OK;
  return simple_baselines(run->set, 0, DATASET_TEST, study_positive(run),
                          threads_count(a->study.how.threads), p, &run->scores, error);
}

int command_report(int argc, char **argv) {
  arguments a = {.out = "report.html"};
  static const struct argp_child children[] = {{&cli_compute, 0, "Computing:", 9}, {0}};
  static const struct argp parser = {
      options,
      parse,
      "RUN ...",
      "Writes a report on one run or several, side by side: a page that holds everything.\vA RUN "
      "is a run folder, the folder of a cross-validation, or what 'leuko evaluate --out' has "
      "written. Answers that are not in it are made from the cells.\n\n"
      "What 'leuko stress' has written into a RUN is shown, too. What it has written elsewhere, as "
      "of several models that answer as one, is named beside their runs: 'leuko stress A B DIR "
      "--out TOGETHER', then 'leuko report A B TOGETHER'.",
      children,
      0,
      0};
  char *call = repeat_call(argc, argv);
  argp_parse(&parser, argc, argv, 0, 0, &a);
  cli_catch_signals();
  progress p = cli_progress();
  leuko_error error = {0}, undrawn = {0};
  study *s = calloc(1, sizeof *s);
  leuko_status status = LEUKO_OK;
  if (!s || !call) status = error_set_memory(&error, sizeof *s);
  for (size_t i = 0; i < a.count && status == LEUKO_OK; i++)
    if (!study_is_stress(a.runs[i])) status = add_run(s, a.runs[i], &a, &p, &error);
  for (size_t i = 0; i < a.count && status == LEUKO_OK; i++)
    if (study_is_stress(a.runs[i])) status = study_add_stress(s, a.runs[i], &error);
  if (status == LEUKO_OK) {
    study_compare(s);
    status = study_page_write(s, a.out, call, &undrawn, &error);
  }
  if (status == LEUKO_OK) status = outputs_drawn(undrawn.status, &undrawn, &error);
  int code = status == LEUKO_OK ? 0 : cli_fail(&error);
  if (code == 0) printf("%s\n", a.out);
  if (s) study_close(s);
  free(s);
  free(call);
  return code;
}
