/* Which groups of subjects go to which side, so that every class comes near the wanted ratio. */
#ifndef DATASET_SEARCH_H
#define DATASET_SEARCH_H

#include "leuko.h"

/* Chooses train[g] (1: train, 0: test) for `groups` groups, of which group g holds
 * cells[g * classes + c] cells of class c. The distance of each class's share of cells in training
 * from `train_share` is made small, and with a tenth of the weight that of its share of groups; a
 * class found in several groups is never left to one side alone if that can be helped. Equal
 * arguments give equal results; another seed another of the good choices.
 * Errors: NO_MEMORY. */
leuko_status search_sides(const size_t *cells, size_t groups, int classes, double train_share,
                          uint64_t seed, uint8_t *train, leuko_error *error);

#endif
