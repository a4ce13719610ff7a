/* The cells of a data set, subject by subject. */
#ifndef DATASET_SUBJECTS_H
#define DATASET_SUBJECTS_H

#include "dataset/dataset.h"

/* One subject's cells. */
typedef struct {
  const char *name; /* owned by the data set */
  int group;
  size_t cells[LEUKO_MAX_CLASSES]; /* of each class */
  size_t all;                      /* unlabelled ones, too */
  size_t tied;                     /* how many other subjects are tied to it */
  int fold;                        /* -1 without one, -2 in several */
} dataset_subject;

/* The subjects of the cells that are of `part` (DATASET_NONE: of all cells), refused ones left out,
 * in natural order. Freed by the caller; NULL without memory. */
dataset_subject *dataset_subjects(const dataset *d, dataset_part part, size_t *count);

#endif
