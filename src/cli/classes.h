/* The classes of a model and of data. */
#ifndef CLI_CLASSES_H
#define CLI_CLASSES_H

#include "dataset/dataset.h"
#include "model/model.h"

/* The model's index of each class of the data, matched by name, into out [set->class_count].
 * Errors: BAD_DATA (a class that the model does not know). */
leuko_status classes_match(const model *m, const dataset *set, int *out, leuko_error *error);

#endif
