/* The cells that a split may divide, gathered into units that must not be parted. */
#ifndef DATASET_GATHER_H
#define DATASET_GATHER_H

#include "dataset/split.h"

typedef struct {
  size_t *samples; /* [sample_count] indices into the data set */
  size_t *unit;    /* [sample_count] the unit of each */
  size_t sample_count;
  size_t *cells; /* [units][classes] */
  size_t units;
  uint8_t *train; /* [units] the side */
} gathering;

/* Gathers the usable cells, by image by their twin number, otherwise by their group; units are
 * numbered in sample order. *aside is the number of labelled cells that take no part: those of the
 * preliminary phase where training cells are present, and by fold those without one. The caller
 * ends with gathering_free. Errors: NO_DATA (no cell is left), NO_MEMORY. */
leuko_status gather_cells(const dataset *d, split_kind by, gathering *g, size_t *aside,
                          leuko_error *error);
void gathering_free(gathering *g);

/* Errors: BAD_DATA if a gathered cell's subject is not known. */
leuko_status gather_check_subjects(const dataset *d, const gathering *g, leuko_error *error);

#endif
