/* The models that a command is given, and the one that comes with the program. */
#ifndef CLI_MODELS_H
#define CLI_MODELS_H

#include <stdbool.h>
#include <stddef.h>

#include "leuko.h"

/* Whether an argument that may be a model or the first of the inputs is an input: "-", a file with
 * the extension of an image, or a folder that is no run. */
bool models_is_input(const char *argument);

/* The model in the box, into out [size]: share/leuko/leuko.safetensors where the program is
 * installed, models/leuko.safetensors in its source tree. Errors: NOT_FOUND, TOO_LARGE. */
leuko_status models_box(char *out, size_t size, leuko_error *error);

#endif
