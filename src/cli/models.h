/* The models that a command is given, and the one that comes with the program. */
#ifndef CLI_MODELS_H
#define CLI_MODELS_H

#include <argp.h>
#include <stdbool.h>
#include <stddef.h>

#include "predict/ensemble.h"

/* Whether an argument that may be a model or the first of the inputs is an input: "-", a file with
 * the extension of an image, or a folder that is no run. */
bool models_is_input(const char *argument);

/* The model in the box, into out [size]: share/leuko/leuko.safetensors where the program is
 * installed, models/leuko.safetensors in its source tree. stderr is told which it is. Errors:
 * NOT_FOUND, TOO_LARGE. */
leuko_status models_box(char *out, size_t size, leuko_error *error);

/* The models that a command is given. Start with {0}. */
typedef struct {
  const char *paths[ENSEMBLE_MOST]; /* borrowed from argv */
  int count;
} model_list;

/* Adds one, or ends the parser where there are too many. */
void models_add(model_list *list, const char *path, struct argp_state *state);

/* Opens them, or the one in the box where none is named. `out` is ended with ensemble_close, on
 * success only. Errors: those of models_box and ensemble_open. */
leuko_status models_open(const model_list *list, const leuko_options *how, ensemble *out,
                         leuko_error *error);

/* What the option that names a model says of itself: the option is `--model`, its argument M. */
#define MODELS_HELP                                                                                \
  "a run folder, a model file, or the folder of a cross-validation; given several times, or with " \
  "a cross-validation, the models answer as one"

#endif
