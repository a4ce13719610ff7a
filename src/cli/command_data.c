#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "cli/data.h"
#include "dataset/synth.h"

#define DEFAULT_DRAWN 600

static const struct {
  const char *name;
  int (*run)(int argc, char **argv);
  const char *about;
} commands[] = {
    {"scan", data_scan, "what a folder of cells holds: classes, folds, subjects, formats"},
    {"verify", data_verify, "compare a folder with the list of the official files"},
    {"audit", data_audit, "copies, leaks, odd cells, and what gives the class away"},
    {"split", data_split, "divide a folder into training and test cells"},
    {"synth", data_synth, "draw synthetic cells, to try everything without real ones"},
};

static void print_help(FILE *out) {
  fprintf(out, "usage: leuko data COMMAND DIR ...\n\n");
  for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
    fprintf(out, "  %-8s %s\n", commands[i].name, commands[i].about);
  fprintf(out, "\n'leuko data COMMAND --help' explains a command. The real cells, C-NMC 2019, are\n"
               "to be had from The Cancer Imaging Archive: doi:10.7937/tcia.2019.dc64i46r\n");
}

int command_data(int argc, char **argv) {
  if (argc < 2) {
    print_help(stderr);
    return 2;
  }
  if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 ||
      strcmp(argv[1], "help") == 0) {
    print_help(stdout);
    return 0;
  }
  for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
    if (strcmp(argv[1], commands[i].name) != 0) continue;
    char name[64];
    snprintf(name, sizeof name, "leuko data %s", commands[i].name);
    argv[1] = name;
    return commands[i].run(argc - 1, argv + 1);
  }
  fprintf(stderr, "leuko data: there is no command '%s'\n\n", argv[1]);
  print_help(stderr);
  return 2;
}

int data_report_refused(const dataset *d) {
  for (size_t i = 0; i < d->count; i++) {
    const dataset_sample *s = &d->samples[i];
    if (s->status == LEUKO_OK) continue;
    const char *why = s->status == LEUKO_BAD_DATA ? "its name and its folder contradict each other"
                                                  : leuko_status_message(s->status);
    fprintf(stderr, "refused: %s: %s (%s)\n", s->path, why, leuko_status_name(s->status));
  }
  size_t closed = 0;
  for (size_t i = 0; i < d->folder_count; i++) {
    const dataset_folder *f = &d->folders[i];
    closed += f->status != LEUKO_OK;
    if (f->status == LEUKO_OK)
      fprintf(stderr, "left out: %s/: leads to a folder that was read already\n", f->path);
    else
      fprintf(stderr, "refused: %s/: %s (%s)\n", f->path, leuko_status_message(f->status),
              leuko_status_name(f->status));
  }
  if (d->refused == d->count) return 3;
  return d->refused || closed ? 4 : 0;
}

json_t *data_refused_json(const dataset *d) {
  json_t *list = json_array();
  for (size_t i = 0; i < d->count; i++)
    if (d->samples[i].status != LEUKO_OK)
      json_array_append_new(list, json_pack("{so ss}", "path", text_json(d->samples[i].path),
                                            "status", leuko_status_name(d->samples[i].status)));
  return list;
}

json_t *data_folders_json(const dataset *d) {
  json_t *list = json_array();
  for (size_t i = 0; i < d->folder_count; i++) {
    leuko_status status = d->folders[i].status;
    json_array_append_new(list,
                          json_pack("{so ss}", "path", text_json(d->folders[i].path), "status",
                                    status == LEUKO_OK ? "REPEATED" : leuko_status_name(status)));
  }
  return list;
}

void data_set_json(json_t *object, const char *name, json_t *value) {
  json_t *key = text_json(name);
  json_object_set_new(object, json_string_value(key), value);
  json_decref(key);
}

const char *data_manifest(const dataset *d, const char *given, char *out, size_t size) {
  if (given) return given;
  return dataset_find_manifest(d->root, out, size) ? out : NULL;
}

typedef struct {
  const char *folder;
  size_t cells;
  uint64_t seed;
} synth_arguments;

static error_t parse_synth(int key, char *text, struct argp_state *state) {
  synth_arguments *a = state->input;
  switch (key) {
  case 'n':
    a->cells = (size_t)cli_number(state, "--cells", text, SYNTH_MIN_CELLS, SYNTH_MAX_CELLS);
    return 0;
  case 's':
    a->seed = (uint64_t)cli_number(state, "--seed", text, 0, 0x7fffffffffffffff);
    return 0;
  case ARGP_KEY_ARG:
    if (a->folder) argp_error(state, "one folder only");
    a->folder = text;
    return 0;
  case ARGP_KEY_END:
    if (!a->folder) argp_error(state, "no folder is given");
    return 0;
  default:
    return ARGP_ERR_UNKNOWN;
  }
}

int data_synth(int argc, char **argv) {
  static const struct argp_option options[] = {
      {"cells", 'n', "N", 0, "how many to draw (default 600)", 0},
      {"seed", 's', "N", 0, "equal seeds give equal files (default 1)", 0},
      {0}};
  static const struct argp parser = {
      options,
      parse_synth,
      "DIR",
      "Draw cells into DIR, in folders like those of C-NMC 2019.\v"
      "They are synthetic: good for trying every command, worth nothing as evidence.",
      NULL,
      NULL,
      NULL};
  synth_arguments a = {.cells = DEFAULT_DRAWN, .seed = 1};
  argp_parse(&parser, argc, argv, 0, NULL, &a);
  cli_catch_signals();
  progress p = cli_progress();
  leuko_error error = {0};
  if (dataset_synth(a.folder, a.cells, a.seed, &p, &error) != LEUKO_OK) return cli_fail(&error);
  cli_progress_end();
  printf("%zu synthetic cells drawn into %s\n", a.cells, a.folder);
  return 0;
}
