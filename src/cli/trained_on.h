/* Whether cells that are to be scored are of persons whom a model was trained on. */
#ifndef CLI_TRAINED_ON_H
#define CLI_TRAINED_ON_H

#include "dataset/dataset.h"
#include "predict/ensemble.h"

/* Counts the labelled cells of the part (DATASET_NONE: of all) that one of the models has trained
 * on, or whose person it has, by the split.csv that lies beside each model; without one nothing is
 * known of it. *told (may be NULL): all models have one. The set is tied. Errors: those of reading
 * a split, NO_MEMORY. */
leuko_status trained_on(const ensemble *models, const dataset *set, dataset_part part,
                        size_t *cells, bool *told, leuko_error *error);

/* Marks in known [set->count] the cells that the model `from` (a run folder or model file) has
 * trained on, or whose person it has; *told: there is a split.csv, and so it is known. The set is
 * tied. Errors: as above. */
leuko_status trained_on_mark(const char *from, const dataset *set, bool *known, bool *told,
                             leuko_error *error);

#endif
