#include "cli/compute.h"

#include <string.h>

#include "cli/cli.h"

enum { KEY_THREADS = 1024, KEY_BATCH, KEY_BACKEND, KEY_PRECISION, KEY_NO_SKIP };

static const struct argp_option options[] = {
    {"threads", KEY_THREADS, "N", 0, "all processors by default", 0},
    {"batch", KEY_BATCH, "N", 0, "images computed at once (16)", 0},
    {"precision", KEY_PRECISION, "TYPE", 0,
     "f32, bf16 or int8; auto (default) takes the fastest with which the model was found to answer "
     "the same: bf16, or int8 where 'leuko quantize' has readied it",
     0},
    {"no-skip", KEY_NO_SKIP, 0, 0,
     "compute the black background of cells, too, instead of taking it from a black image", 0},
    {"backend", KEY_BACKEND, "NAME", 0, "onednn (default) or ref (slow and exact)", 0},
    {0}};

static error_t parse(int key, char *arg, struct argp_state *state) {
  leuko_options *how = state->input;
  switch (key) {
  case KEY_THREADS:
    how->threads = (int)cli_number(state, "--threads", arg, 1, 256);
    return 0;
  case KEY_BATCH:
    how->batch = (int)cli_number(state, "--batch", arg, 1, 1024);
    return 0;
  case KEY_PRECISION:
    if (strcmp(arg, "auto") != 0 && strcmp(arg, "f32") != 0 && strcmp(arg, "bf16") != 0 &&
        strcmp(arg, "int8") != 0)
      argp_error(state, "--precision takes auto, f32, bf16 or int8");
    how->precision = arg;
    return 0;
  case KEY_NO_SKIP:
    how->no_skip = 1;
    return 0;
  case KEY_BACKEND:
    how->backend = arg;
    return 0;
  default:
    return ARGP_ERR_UNKNOWN;
  }
}

const struct argp cli_compute = {options, parse, 0, 0, 0, 0, 0};
