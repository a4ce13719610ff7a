/* A map as a file. */
#ifndef EXPLAIN_OUTPUT_H
#define EXPLAIN_OUTPUT_H

#include "explain/region.h"

/* Writes the map's values as they are (docs/formats.md): one row a place, with the point of the
 * picture that it stands for. Errors: those of writing. */
leuko_status explain_write_csv(const explain_map *map, explain_region region, const char *path,
                               leuko_error *error);

#endif
