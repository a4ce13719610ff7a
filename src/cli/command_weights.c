#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/text.h"
#include "cli/cli.h"
#include "cli/table.h"
#include "weights/weights.h"

typedef struct {
  const char *name; /* of the file or of the weights */
  const char *folder;
  weights_pull_options pull;
  bool json;
} arguments;

enum { KEY_MIRROR = 256, KEY_CERTIFICATES };

static error_t parse(int key, char *text, struct argp_state *state) {
  arguments *a = state->input;
  switch (key) {
  case 'j':
    a->json = true;
    return 0;
  case 'd':
    a->folder = text;
    return 0;
  case KEY_MIRROR:
    a->pull.mirror = text;
    return 0;
  case KEY_CERTIFICATES:
    a->pull.certificates = text;
    return 0;
  case ARGP_KEY_ARG:
    if (a->name) argp_error(state, "one at a time");
    a->name = text;
    return 0;
  default:
    return ARGP_ERR_UNKNOWN;
  }
}

#define OPTION_JSON                                                                                \
  { "json", 'j', 0, 0, "print as JSON", 0 }
#define OPTION_FOLDER                                                                              \
  { "dir", 'd', "DIR", 0, "put the file there, not into leuko's cache folder", 0 }

static bool has_size(const char *path, uint64_t bytes) {
  struct stat info;
  return stat(path, &info) == 0 && (!bytes || (uint64_t)info.st_size == bytes);
}

/* Whether a file of that name and size lies where weights are looked for, and where. */
static bool is_here(const weights_entry *entry, char *path, size_t size) {
  char cache[1024];
  const char *places[2] = {getenv("LEUKO_WEIGHTS"), NULL};
  if (file_cache_folder(cache, sizeof cache, NULL) == LEUKO_OK) {
    strncat(cache, "/weights", sizeof cache - strlen(cache) - 1);
    places[1] = cache;
  }
  for (int i = 0; i < 2; i++)
    if (places[i] && file_join(path, size, places[i], entry->file, NULL) == LEUKO_OK &&
        has_size(path, entry->bytes))
      return true;
  return false;
}

static int list(const arguments *a) {
  size_t count;
  const weights_entry *entries = weights_list(&count);
  char path[2048];
  if (!a->json) {
    table t = {.columns = 4};
    const char *const header[] = {"name", "network", "MB", "file"};
    for (int i = 0; i < 4; i++) table_add(&t, "%s", header[i]);
    for (size_t i = 0; i < count; i++) {
      table_add(&t, "%s", entries[i].name);
      table_add(&t, "%s", entries[i].network);
      if (entries[i].bytes) table_add(&t, "%.1f", (double)entries[i].bytes / 1e6);
      else table_add(&t, "?");
      table_add(&t, "%s", is_here(&entries[i], path, sizeof path) ? path : "not here yet");
    }
    table_print(&t, stdout);
    /* What leuko train would take, whatever its name. */
    for (int n = 0; n < 2; n++) {
      const char *network = n ? "resnet50" : "vgg16";
      if (weights_find(network, NULL, path, sizeof path, NULL) == LEUKO_OK)
        printf("%s uses %s\n", network, path);
      else printf("%s has no weights yet: leuko weights pull %s\n", network, network);
    }
    return 0;
  }
  json_t *out = json_array();
  for (size_t i = 0; i < count; i++) {
    const weights_entry *e = &entries[i];
    bool here = is_here(e, path, sizeof path);
    json_array_append_new(out, json_pack("{s:s,s:s,s:s,s:s,s:I,s:s?,s:s?,s:o}", "name", e->name,
                                         "network", e->network, "file", e->file, "url", e->url,
                                         "bytes", (json_int_t)e->bytes, "sha256", e->sha256, "md5",
                                         e->md5, "path", text_json(here ? path : NULL)));
  }
  return cli_print_json(out);
}

static json_t *three(const float values[3]) {
  return json_pack("[f,f,f]", (double)values[0], (double)values[1], (double)values[2]);
}

/* What `show` and `import` tell of a file. */
static int tell(const arguments *a, const weights_source *s, const char *path) {
  const net_input_scaling *scaling = &s->scaling;
  if (a->json) {
    json_t *out = json_pack("{s:o,s:s,s:s,s:s,s:s,s:s?}", "path", text_json(path), "name", s->name,
                            "network", s->network, "container", s->container, "sha256", s->sha256,
                            "official", s->official);
    json_t *preprocessing = json_pack("{s:f,s:o,s:o,s:b}", "scale", (double)scaling->scale, "mean",
                                      three(scaling->mean), "deviation", three(scaling->deviation),
                                      "bgr", scaling->reverse ? 1 : 0);
    if (out && strcmp(s->network, "resnet50") == 0) {
      json_object_set_new(out, "form", json_string(s->form == ZOO_TORCH ? "torch" : "keras"));
      json_object_set_new(out, "epsilon", json_real(s->epsilon));
    }
    if (out) json_object_set_new(out, "preprocessing", preprocessing);
    return cli_print_json(out);
  }
  printf("file           %s\nweights        %s (%s)\nnetwork        %s", path, s->name,
         s->container, s->network);
  if (strcmp(s->network, "resnet50") == 0)
    printf(", stride on the %s, batch normalization's epsilon %g",
           s->form == ZOO_TORCH ? "3x3" : "first 1x1", s->epsilon);
  printf("\npreprocessing  %s, (x * %g - mean) / deviation\n", scaling->reverse ? "BGR" : "RGB",
         (double)scaling->scale);
  printf("  mean         %g %g %g\n  deviation    %g %g %g\n", (double)scaling->mean[0],
         (double)scaling->mean[1], (double)scaling->mean[2], (double)scaling->deviation[0],
         (double)scaling->deviation[1], (double)scaling->deviation[2]);
  printf("sha256         %s\npublished      %s\n", s->sha256,
         s->official ? s->official : "no file of this digest is known");
  return 0;
}

static int show(const arguments *a) {
  weights_source source;
  leuko_error error = {0};
  if (weights_check(a->name, &source, &error) != LEUKO_OK) return cli_fail(&error);
  return tell(a, &source, a->name);
}

static int import(const arguments *a) {
  weights_source source;
  char path[2048];
  leuko_error error = {0};
  if (weights_import(a->name, a->folder, &source, path, sizeof path, &error) != LEUKO_OK)
    return cli_fail(&error);
  return tell(a, &source, path);
}

static int pull(const arguments *a) {
  char path[2048];
  leuko_error error = {0};
  weights_pull_options options = a->pull;
  options.folder = a->folder;
  cli_catch_signals();
  progress p = cli_progress();
  if (weights_pull(a->name, &options, &p, path, sizeof path, &error) != LEUKO_OK)
    return cli_fail(&error);
  cli_progress_end();
  printf("%s\n", path);
  return 0;
}

static const struct argp_option list_options[] = {OPTION_JSON, {0}};
static const struct argp_option import_options[] = {OPTION_FOLDER, OPTION_JSON, {0}};
static const struct argp_option pull_options[] = {
    OPTION_FOLDER,
    {"mirror", KEY_MIRROR, "URL", 0, "fetch URL/FILE instead of the publisher's; https only", 0},
    {"certificates", KEY_CERTIFICATES, "FILE", 0, "trust the authorities in this PEM file", 0},
    {0}};

/* Parses, checks that there is an argument just where one is taken, and works. */
static int run(int argc, char **argv, const struct argp *parser, int (*work)(const arguments *a)) {
  arguments a = {0};
  argp_parse(parser, argc, argv, 0, NULL, &a);
  if (!parser->args_doc == !a.name) return work(&a);
  fprintf(stderr, "%s: %s\n", argv[0],
          a.name ? "takes no argument" : "which one? the argument is missing");
  return 2;
}

static int run_list(int argc, char **argv) {
  static const struct argp parser = {
      list_options, parse, NULL, "Lists the published ImageNet weights that leuko knows.",
      NULL,         NULL,  NULL};
  return run(argc, argv, &parser, list);
}

static int run_pull(int argc, char **argv) {
  static const struct argp parser = {
      pull_options,
      parse,
      "NAME",
      "Downloads weights over HTTPS and checks size and digest. NAME is one of 'leuko weights "
      "list', or vgg16 or resnet50 for Keras's. A download that broke off is gone on with.",
      NULL,
      NULL,
      NULL};
  return run(argc, argv, &parser, pull);
}

static int run_import(int argc, char **argv) {
  static const struct argp parser = {
      import_options,
      parse,
      "FILE",
      "Checks a weight file whole and copies it into leuko's cache folder.",
      NULL,
      NULL,
      NULL};
  return run(argc, argv, &parser, import);
}

static int run_show(int argc, char **argv) {
  static const struct argp parser = {
      list_options,
      parse,
      "FILE",
      "Reads a weight file whole and tells what it is and which preprocessing belongs to it.",
      NULL,
      NULL,
      NULL};
  return run(argc, argv, &parser, show);
}

static const cli_command commands[] = {
    {"list", run_list, "the files that can be had, and which are here"},
    {"pull", run_pull, "download one of them"},
    {"import", run_import, "check a file and keep it where leuko looks"},
    {"show", run_show, "check a file and say what it is"},
};
#define COMMANDS (sizeof commands / sizeof *commands)

static void print_help(FILE *out) {
  fprintf(out, "usage: leuko weights COMMAND ...\n\n");
  cli_list_commands(out, commands, COMMANDS);
  fprintf(out, "\n'leuko weights COMMAND --help' explains a command. VGG16 and ResNet-50 begin\n"
               "with weights that others trained on ImageNet: Keras .h5, .safetensors or PyTorch\n"
               ".pth files.\n");
}

int command_weights(int argc, char **argv) {
  return cli_run_command("leuko weights", commands, COMMANDS, print_help, argc, argv);
}
