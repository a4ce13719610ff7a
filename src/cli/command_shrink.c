#include <math.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/text.h"
#include "cli/cli.h"
#include "model/model.h"

typedef struct {
  const char *model, *out;
  bool json;
} arguments;

enum { KEY_JSON = 256 };

static const struct argp_option options[] = {
    {"out", 'o', "FILE", 0, "write the smaller model (it may be MODEL itself)", 0},
    {"json", KEY_JSON, 0, 0, "print as JSON", 0},
    {0}};

static error_t parse(int key, char *arg, struct argp_state *state) {
  arguments *a = state->input;
  switch (key) {
  case 'o':
    a->out = arg;
    return 0;
  case KEY_JSON:
    a->json = true;
    return 0;
  case ARGP_KEY_ARG:
    if (a->model) argp_error(state, "one model at a time");
    a->model = arg;
    return 0;
  case ARGP_KEY_END:
    if (!a->model) argp_error(state, "the model is missing");
    if (!a->out) argp_error(state, "-o says where the model goes");
    return 0;
  default:
    return ARGP_ERR_UNKNOWN;
  }
}

/* How far the logits of the self-check's picture move. */
static leuko_status halve(model *m, double *moved, leuko_error *error) {
  double before[LEUKO_MAX_CLASSES], after[LEUKO_MAX_CLASSES];
  leuko_status status = model_check_logits(m, before, error);
  if (status == LEUKO_OK) status = model_halve(m, error);
  if (status == LEUKO_OK) status = model_check_logits(m, after, error);
  *moved = 0;
  for (int c = 0; status == LEUKO_OK && c < m->net.outputs; c++)
    *moved = fmax(*moved, fabs(after[c] - before[c]));
  return status;
}

static double megabytes(const char *path) {
  struct stat info;
  return stat(path, &info) == 0 ? (double)info.st_size / 1e6 : 0;
}

int command_shrink(int argc, char **argv) {
  arguments a = {0};
  static const struct argp parser = {
      options,
      parse,
      "RUN|MODEL.safetensors -o FILE",
      "Rewrites a model with its kernels in half precision: half the bytes, which is what it takes "
      "to ship it.\vIt computes as before, from kernels rounded to 11 bits: answers move by "
      "thousandths. 'leuko evaluate' tells what that does to scores.",
      0,
      0,
      0};
  argp_parse(&parser, argc, argv, 0, 0, &a);
  leuko_error error = {0};
  model m;
  if (model_load(a.model, &m, &error) != LEUKO_OK) return cli_fail(&error);
  int code = 0;
  double moved = 0;
  leuko_status status = halve(&m, &moved, &error);
  if (status == LEUKO_OK) status = model_save(a.out, &m, NULL, 0, &error);
  if (status != LEUKO_OK) code = cli_fail(&error);
  else if (a.json)
    code = cli_print_json(json_pack("{s:o,s:f,s:f}", "model", text_json(a.out), "megabytes",
                                    megabytes(a.out), "check_logit_moved", moved));
  else
    printf("written: %s, %.1f MB; the self-check's logit moved by %.2g\n", a.out, megabytes(a.out),
           moved);
  model_free(&m);
  return code;
}
