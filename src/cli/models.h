/* The models that a command is given, and those that come with the program. */
#ifndef CLI_MODELS_H
#define CLI_MODELS_H

#include <argp.h>
#include <stdbool.h>
#include <stddef.h>

#include "predict/ensemble.h"

/* Whether an argument that may be a model or the first of the inputs is an input: "-", a file with
 * the extension of an image, or a folder that is no run. */
bool models_is_input(const char *argument);

/* The models that a command is given. Start with {0}. */
typedef struct {
  const char *paths[ENSEMBLE_MOST]; /* borrowed from argv */
  int count;
  bool one_of_box; /* where none is named, the first in the box alone is opened */
} model_list;

/* Adds one, or ends the parser where there are too many. */
void models_add(model_list *list, const char *path, struct argp_state *state);

/* Opens them, or those in the box where none is named, of which stderr is told. `out` is ended with
 * ensemble_close, on success only. Errors: NOT_FOUND (no box), TOO_LARGE (its path), those of
 * ensemble_open. */
leuko_status models_open(const model_list *list, const leuko_options *how, ensemble *out,
                         leuko_error *error);

/* The same by ensemble_open_folds: out [*count], with room for ENSEMBLE_MOST, are closed by the
 * caller, also after an error. */
leuko_status models_open_folds(const model_list *list, const leuko_options *how, ensemble *out,
                               int *count, leuko_error *error);

/* The file of that name in a run folder, or beside a model file; false where there is none. */
bool models_beside(const char *from, const char *name, char *out, size_t size);

/* What the option that names a model says of itself: the option is `--model`, its argument M. */
#define MODELS_HELP                                                                                \
  "a run folder, a model file, or the folder of a cross-validation; given several times, or with " \
  "a cross-validation, the models answer as one"

#endif
