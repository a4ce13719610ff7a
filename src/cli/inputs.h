/* The image files that a command is given: files, folders, lists. */
#ifndef CLI_INPUTS_H
#define CLI_INPUTS_H

#include <stddef.h>

#include "leuko.h"

/* A file to be answered, or a folder that could not be listed and why. */
typedef struct {
  char *path;
  leuko_status status;
} input;

typedef struct {
  input *items;
  size_t count, capacity;
} input_list;

/* Lists what the `count` arguments name, in their order: a folder stands for all images below it,
 * "-" for one path a line on standard input. The caller ends with inputs_free, on failure too.
 * Errors: NO_DATA (nothing is named), IO, NO_MEMORY. */
leuko_status inputs_collect(char **arguments, int count, input_list *list, leuko_error *error);
void inputs_free(input_list *list);

/* The answer for an input that could not be listed. */
leuko_answer inputs_refusal(leuko_status status);

/* Names every refused input on stderr. Returns the exit code: 0, 4 where some were refused, or
 * where all were that of the first. */
int inputs_report_refused(const input_list *list, const leuko_answer *answers);

#endif
