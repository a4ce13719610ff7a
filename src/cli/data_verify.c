#include <string.h>

#include "base/text.h"
#include "cli/data.h"
#include "cli/table.h"
#include "dataset/verify.h"

#define LISTED 20 /* files of a kind that are named; --json names all */

typedef struct {
  const char *folder, *manifest;
  int threads;
  bool json;
} arguments;

static error_t parse(int key, char *text, struct argp_state *state) {
  arguments *a = state->input;
  switch (key) {
  case 'm':
    a->manifest = text;
    return 0;
  case 't':
    a->threads = (int)cli_number(state, "--threads", text, 1, 1024);
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
    if (!a->manifest) argp_error(state, "no --manifest is given");
    return 0;
  default:
    return ARGP_ERR_UNKNOWN;
  }
}

static void list_files(const verification *v, verify_kind kind) {
  size_t listed = 0;
  for (size_t i = 0; i < v->file_count; i++) {
    const verify_file *f = &v->files[i];
    if (f->kind != kind) continue;
    if (listed++ == LISTED) {
      printf("%s: %zu more (all with --json)\n", verify_kind_name(kind), v->counts[kind] - LISTED);
      return;
    }
    printf("%s: %s", verify_kind_name(kind), f->path);
    if (f->status != LEUKO_OK) printf(": %s", leuko_status_message(f->status));
    putchar('\n');
  }
}

static void print_text(const dataset *d, const verification *v, const char *manifest) {
  static const char *const meaning[VERIFY_KINDS] = {
      "byte for byte as in the manifest",
      "re-encoded without loss: the original can be rebuilt",
      "re-encoded with loss",
      "other pixels in the original's format, or unreadable",
      "images that the manifest does not name",
  };
  printf("%s against the %zu files of %s\n\n", d->root, v->entries, manifest);
  table t = {.columns = 3};
  table_add(&t, "result");
  table_add(&t, "files");
  table_add(&t, "meaning");
  for (int k = 0; k < VERIFY_KINDS; k++) {
    table_add(&t, "%s", verify_kind_name((verify_kind)k));
    table_add(&t, "%zu", v->counts[k]);
    table_add(&t, "%s", meaning[k]);
  }
  table_add(&t, "missing");
  table_add(&t, "%zu", v->missing_count);
  table_add(&t, "in the manifest, not here");
  table_print(&t, stdout);
  list_files(v, VERIFY_ALTERED);
  list_files(v, VERIFY_EXTRA);
}

static int print_json(const dataset *d, const verification *v, const char *manifest) {
  json_t *counts = json_object(), *files = json_array(), *missing = json_array();
  for (int k = 0; k < VERIFY_KINDS; k++)
    json_object_set_new(counts, verify_kind_name((verify_kind)k),
                        json_integer((json_int_t)v->counts[k]));
  json_object_set_new(counts, "missing", json_integer((json_int_t)v->missing_count));
  for (size_t i = 0; i < v->file_count; i++) {
    const verify_file *f = &v->files[i];
    json_array_append_new(files, json_pack("{so ss so ss}", "path", text_json(f->path), "result",
                                           verify_kind_name(f->kind), "original",
                                           f->original[0] ? text_json(f->original) : json_null(),
                                           "status", leuko_status_name(f->status)));
  }
  for (size_t i = 0; i < v->missing_count; i++)
    json_array_append_new(missing, text_json(v->missing[i]));
  return cli_print_json(json_pack("{so so sI so so so so}", "root", text_json(d->root), "manifest",
                                  text_json(manifest), "entries", (json_int_t)v->entries, "counts",
                                  counts, "files", files, "missing", missing, "folders_left_out",
                                  data_folders_json(d)));
}

int data_verify(int argc, char **argv) {
  static const struct argp_option options[] = {
      {"manifest", 'm', "FILE", 0, "the official list: path, bytes, sha256 (required)", 0},
      {"threads", 't', "N", 0, "threads (default: all processors)", 0},
      {"json", 'j', NULL, 0, "the result as JSON", 0},
      {0}};
  static const struct argp parser = {
      options,
      parse,
      "DIR --manifest FILE",
      "Compares the files below DIR with the list of the official files.\v"
      "A file belongs to the original of the same name, whatever its extension. The exit code is 4 "
      "if files are altered or folders could not be read.",
      NULL,
      NULL,
      NULL};
  arguments a = {0};
  argp_parse(&parser, argc, argv, 0, NULL, &a);
  cli_catch_signals();
  progress p = cli_progress();
  leuko_error error = {0};
  dataset d;
  dataset_options scan = {.threads = a.threads, .skip_pixels = true};
  if (dataset_scan(a.folder, &scan, &p, &d, &error) != LEUKO_OK) return cli_fail(&error);
  verification v;
  int code;
  if (dataset_verify(&d, a.manifest, a.threads, &p, &v, &error) != LEUKO_OK) {
    code = cli_fail(&error);
  } else {
    cli_progress_end();
    code = v.counts[VERIFY_ALTERED] ? 4 : 0;
    for (size_t i = 0; i < d.folder_count; i++) {
      if (d.folders[i].status == LEUKO_OK) continue;
      fprintf(stderr, "refused: %s/: %s (%s)\n", d.folders[i].path,
              leuko_status_message(d.folders[i].status), leuko_status_name(d.folders[i].status));
      code = 4;
    }
    if (!a.json) print_text(&d, &v, a.manifest);
    else if (print_json(&d, &v, a.manifest)) code = 1;
    verify_free(&v);
  }
  dataset_free(&d);
  return code;
}
