#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "evaluate/compare.h"

typedef struct {
  const char *runs[COMPARE_MOST];
  size_t count;
  bool json;
} arguments;

enum { KEY_JSON = 256 };

static const struct argp_option options[] = {{"json", KEY_JSON, 0, 0, "print as JSON", 0}, {0}};

static error_t parse(int key, char *arg, struct argp_state *state) {
  arguments *a = state->input;
  switch (key) {
  case KEY_JSON:
    a->json = true;
    return 0;
  case ARGP_KEY_ARG:
    if (a->count == COMPARE_MOST) argp_error(state, "%d runs are the most", COMPARE_MOST);
    a->runs[a->count++] = arg;
    return 0;
  case ARGP_KEY_END:
    if (a->count < 2) argp_error(state, "name two run folders or more");
    return 0;
  default:
    return ARGP_ERR_UNKNOWN;
  }
}

static const struct {
  int score;
  const char *name;
} rows[] = {{STATS_ACCURACY, "accuracy"},       {STATS_BALANCED_ACCURACY, "balanced accuracy"},
            {STATS_SENSITIVITY, "sensitivity"}, {STATS_SPECIFICITY, "specificity"},
            {STATS_WEIGHTED_F1, "weighted F1"}, {STATS_AUC, "ROC AUC"}};
#define ROWS (sizeof rows / sizeof *rows)

static void print_interval(stats_interval i, const char *format) {
  if (!isfinite(i.low)) {
    printf("  (no interval)");
    return;
  }
  printf("  (");
  printf(format, i.low);
  printf(" to ");
  printf(format, i.high);
  printf(")");
}

static void print_run(const comparison *c, size_t r) {
  const compare_run *run = &c->runs[r];
  printf("\n%zu  %s", r + 1, run->folder);
  if (run->own > c->n) printf(" (answered %zu more cells)", run->own - c->n);
  printf("\n");
  for (size_t k = 0; k < ROWS; k++) {
    printf("   %-18s  %.4f", rows[k].name, run->scores[rows[k].score]);
    print_interval(run->by_subject[rows[k].score], "%.4f");
    printf("\n");
  }
}

static void print_pair(const comparison *c, const compare_pair *pair) {
  printf("\n%zu - %zu\n", pair->first + 1, pair->second + 1);
  for (size_t k = 0; k < ROWS; k++) {
    const stats_interval i = pair->by_subject[rows[k].score];
    printf("   %-18s %+.4f", rows[k].name, pair->differences[rows[k].score]);
    print_interval(i, "%+.4f");
    if (i.low > 0) printf("  %zu is better", pair->first + 1);
    if (i.high < 0) printf("  %zu is better", pair->second + 1);
    printf("\n");
  }
  printf("   DeLong's test of the areas: p = %.3g, if cells were independent%s\n", pair->delong.p,
         c->persons ? ", which those of one person are not" : "");
}

static void print_comparison(const comparison *c) {
  printf("%zu cells that all answered", c->n);
  if (c->persons) printf(", of %zu persons; 95 %% intervals by person\n", c->persons);
  else printf("; their subjects are not known: 95 %% intervals by cell\n");
  for (size_t r = 0; r < c->run_count; r++) print_run(c, r);
  for (size_t k = 0; k < c->pair_count; k++) print_pair(c, &c->pairs[k]);
}

int command_compare(int argc, char **argv) {
  arguments a = {0};
  static const struct argp parser = {
      options,
      parse,
      "RUN RUN ...",
      "Compares models on the cells that all of them answered.\vA RUN is a run folder or what "
      "'leuko evaluate --out' has written. Differences stand with intervals by resampling persons: "
      "where one holds 0, the runs are not shown to differ.",
      0,
      0,
      0};
  argp_parse(&parser, argc, argv, 0, 0, &a);
  leuko_error error = {0};
  comparison c;
  if (compare_runs(a.runs, a.count, &c, &error) != LEUKO_OK) return cli_fail(&error);
  int code = 0;
  if (a.json) code = cli_print_json(compare_json(&c));
  else print_comparison(&c);
  compare_free(&c);
  return code;
}
