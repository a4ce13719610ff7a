#include <string.h>

#include "audit/audit.h"
#include "base/file.h"
#include "cli/data.h"
#include "cli/table.h"
#include "report/audit_page.h"

typedef struct {
  data_arguments cells;
  const char *output, *split;
} arguments;

static error_t parse(int key, char *text, struct argp_state *state) {
  arguments *a = state->input;
  switch (key) {
  case ARGP_KEY_INIT:
    state->child_inputs[0] = &a->cells;
    return 0;
  case 'o':
    a->output = text;
    return 0;
  case 'c':
    a->split = text;
    return 0;
  default:
    return ARGP_ERR_UNKNOWN;
  }
}

static void print_clues(const audit *a) {
  table t = {.columns = 6};
  table_add(&t, "the class guessed from");
  table_add(&t, "verdict");
  table_add(&t, "values");
  table_add(&t, "accuracy");
  table_add(&t, "balanced");
  table_add(&t, "p");
  for (int i = 0; i < a->clue_count; i++) {
    const audit_clue *c = &a->clues[i];
    const bool tested = c->verdict != AUDIT_CONSTANT && c->verdict != AUDIT_UNTESTED;
    table_add(&t, "%s", c->name);
    table_add(&t, "%s", audit_verdict_name(c->verdict));
    table_add(&t, "%d", c->values);
    if (tested) {
      table_add(&t, "%.3f", c->score.accuracy);
      table_add(&t, "%.3f", c->score.balanced);
      table_add(&t, "%.4f", c->score.p);
    } else {
      for (int k = 0; k < 3; k++) table_add(&t, "-");
    }
  }
  table_print(&t, stdout);
}

static void print_ties(const audit *a) {
  table t = {.columns = 6};
  table_add(&t, "subjects who share cells");
  table_add(&t, "originals");
  table_add(&t, "of them here");
  table_add(&t, "identical files");
  table_add(&t, "near ones");
  table_add(&t, "kept together");
  for (size_t i = 0; i < a->tied_count; i++) {
    const audit_tie *tie = &a->tied[i];
    table_add(&t, "%s and %s", tie->a, tie->b);
    table_add(&t, "%zu", tie->originals);
    table_add(&t, "%zu", tie->originals_here);
    table_add(&t, "%zu", tie->pairs[AUDIT_SAME_BYTES] + tie->pairs[AUDIT_SAME_PIXELS]);
    table_add(&t, "%zu", tie->pairs[AUDIT_NEAR]);
    table_add(&t, "%s", tie->known ? "yes" : "no");
  }
  table_print(&t, stdout);
}

static void print_pairs(const audit *a) {
  table t = {.columns = a->split ? 6 : 5};
  table_add(&t, "files of one cell");
  table_add(&t, "pairs");
  table_add(&t, "across subjects");
  table_add(&t, "folds");
  table_add(&t, "classes");
  if (a->split) table_add(&t, "sides of the split");
  for (int k = 0; k < AUDIT_PAIR_KINDS; k++) {
    table_add(&t, "%s", audit_pair_name((audit_pair_kind)k));
    table_add(&t, "%zu", a->pairs_of[k]);
    for (int across = 0; across < (a->split ? 4 : 3); across++)
      table_add(&t, "%zu", a->across[k][across]);
  }
  table_print(&t, stdout);
}

static void print_text(const audit *a, const char *folder) {
  printf("%s: %zu images", a->d->root, a->d->count);
  if (a->labelled)
    printf(", %zu of them labelled (the most frequent class: %.3f)", a->labelled,
           (double)a->majority_cells / (double)a->labelled);
  printf("\n\n");
  for (size_t i = 0; i < a->finding_count; i++) printf("- %s\n", a->findings[i]);
  printf("%s\n", a->finding_count ? "" : "nothing was found\n");
  print_clues(a);
  print_pairs(a);
  print_ties(a);
  if (folder) printf("written: %s/audit.html, audit.json, cells.csv, pairs.csv\n", folder);
}

static leuko_status write_all(const audit *a, const char *folder, leuko_error *error) {
  char path[1024];
  leuko_status status = audit_write(a, folder, error);
  if (status == LEUKO_OK) status = file_join(path, sizeof path, folder, "audit.html", error);
  return status == LEUKO_OK ? audit_page_write(a, path, error) : status;
}

int data_audit(int argc, char **argv) {
  static const struct argp_option options[] = {
      {"out", 'o', "FOLDER", 0, "write audit.html with pictures, audit.json, cells.csv, pairs.csv",
       0},
      {"split", 'c', "CSV", 0, "a split: tell what it leaks", 0},
      {0}};
  static const struct argp parser = {
      options,
      parse,
      "DIR",
      "Looks for what spoils an experiment on the cells below DIR: copies of cells, subjects who "
      "share them, odd pictures, and whatever gives the class away without a look at the cell.\v"
      "Copies are found turned, mirrored, rescaled or re-encoded. The exit code says whether files "
      "were read (4: some were refused), not what was found.",
      data_shared,
      NULL,
      NULL};
  arguments given = {0};
  argp_parse(&parser, argc, argv, 0, NULL, &given);
  cli_catch_signals();
  progress p = cli_progress();
  leuko_error error = {0};
  dataset d;
  if (dataset_scan(given.cells.folder, &given.cells.options, &p, &d, &error) != LEUKO_OK)
    return cli_fail(&error);
  char found[1024];
  const audit_options chosen = {.manifest =
                                    data_manifest(&d, given.cells.manifest, found, sizeof found),
                                .split = given.split,
                                .threads = given.cells.options.threads};
  audit a;
  int code;
  leuko_status status = audit_run(&d, &chosen, &p, &a, &error);
  cli_progress_end();
  if (status != LEUKO_OK) {
    code = cli_fail(&error);
  } else {
    code = data_report_refused(&d);
    if (given.output) status = write_all(&a, given.output, &error);
    if (status != LEUKO_OK) code = cli_fail(&error);
    else if (!given.cells.json) print_text(&a, given.output);
    else if (cli_print_json(audit_json(&a))) code = 1;
    audit_free(&a);
  }
  dataset_free(&d);
  return code;
}
