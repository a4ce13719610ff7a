/* An evaluation as text. */
#ifndef CLI_PRINT_EVALUATION_H
#define CLI_PRINT_EVALUATION_H

#include <stdio.h>

#include "evaluate/evaluate.h"

/* Prints scores, confusion matrix, baseline and the table of subjects (worst first, at most 60) as
 * aligned text. */
void evaluate_print(FILE *stream, const evaluation *e);

#endif
