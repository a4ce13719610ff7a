/* What `leuko explain` says on stdout. */
#ifndef CLI_PRINT_EXPLANATION_H
#define CLI_PRINT_EXPLANATION_H

#include <jansson.h>

#include "report/explain_page.h"

/* A table of the pictures, the checks in sentences, and where the page lies: in folder `out`. */
void explanation_print(const explanation *x, const char *out);
/* The same as docs/formats.md describes it: a new reference; NULL without memory. */
json_t *explanation_json(const explanation *x, const char *out);

#endif
