#include "cli/classes.h"

#include <strings.h>

#include "base/error.h"

leuko_status classes_match(const model *m, const dataset *set, int *out, leuko_error *error) {
  for (int c = 0; c < set->class_count; c++) {
    out[c] = -1;
    for (int k = 0; k < m->class_count; k++)
      if (strcasecmp(m->classes[k], set->classes[c]) == 0) out[c] = k;
    if (out[c] < 0)
      return error_set(error, LEUKO_BAD_DATA, set->root, "give cells of the model's classes",
                       "the model does not know the class '%s'", set->classes[c]);
  }
  return LEUKO_OK;
}
