/* The options that say how answers are computed, shared by the commands that ask a model. */
#ifndef CLI_COMPUTE_H
#define CLI_COMPUTE_H

#include <argp.h>

#include "leuko.h"

/* As a child of a command's parser, with its leuko_options as input:
 *   children[] = {{&cli_compute, 0, "Computing:", 9}, {0}}, and on ARGP_KEY_INIT
 *   state->child_inputs[0] = &how. */
extern const struct argp cli_compute;

#endif
