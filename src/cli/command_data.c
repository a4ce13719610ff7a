#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "cli/data.h"
#include "dataset/synth.h"

#define DEFAULT_DRAWN 600

static const cli_command commands[] = {
    {"scan", data_scan, "what a folder of cells holds: classes, folds, subjects, formats"},
    {"verify", data_verify, "compare a folder with the list of the official files"},
    {"audit", data_audit, "copies, leaks, odd cells, and what gives the class away"},
    {"split", data_split, "divide a folder into training and test cells"},
    {"synth", data_synth, "draw synthetic cells, to try everything without real ones"},
};

#define COMMANDS (sizeof commands / sizeof *commands)

static void print_help(FILE *out) {
  fprintf(out, "usage: leuko data COMMAND DIR ...\n\n");
  cli_list_commands(out, commands, COMMANDS);
  fprintf(out, "\n'leuko data COMMAND --help' explains a command. The real cells, C-NMC 2019, are\n"
               "to be had from The Cancer Imaging Archive: doi:10.7937/tcia.2019.dc64i46r\n");
}

int command_data(int argc, char **argv) {
  return cli_run_command("leuko data", commands, COMMANDS, print_help, argc, argv);
}

static error_t parse_shared(int key, char *text, struct argp_state *state) {
  data_arguments *a = state->input;
  switch (key) {
  case 'p':
    a->options.positive = text;
    return 0;
  case 'u':
    a->options.subjects = text;
    return 0;
  case 'm':
    a->manifest = text;
    return 0;
  case 't':
    a->options.threads = (int)cli_number(state, "--threads", text, 1, 1024);
    return 0;
  case 'j':
    a->json = true;
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

static const struct argp_option shared_options[] = {
    {"positive", 'p', "CLASS", 0,
     "of two classes the positive one (default: all, else the last by name)", 0},
    {"subjects", 'u', "CSV", 0, "path,subject for trees without C-NMC names", 0},
    {"manifest", 'm', "FILE", 0,
     "the official list of files, which tells identical originals (default: "
     "cnmc2019-manifest.tsv in DIR or beside it)",
     0},
    {"threads", 't', "N", 0, "threads (default: all processors)", 0},
    {"json", 'j', NULL, 0, "the result as JSON", 0},
    {0}};

static const struct argp shared = {shared_options, parse_shared, NULL, NULL, NULL, NULL, NULL};

const struct argp_child data_shared[] = {{&shared, 0, NULL, 0}, {0}};

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
      "Draws cells into DIR, in folders like those of C-NMC 2019.\v"
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
