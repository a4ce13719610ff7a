/* A cross-validation as text. */
#ifndef CLI_PRINT_POOLED_H
#define CLI_PRINT_POOLED_H

#include <stdio.h>

#include "evaluate/pooled.h"

/* Prints the folds' own scores, what is cross-fitted, and, unless the last epoch was kept, that the
 * epochs were chosen on the tested cells. */
void print_pooled(FILE *stream, bool keep_last, const evaluation *e, const pooled *p);

#endif
