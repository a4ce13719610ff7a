/* The cells that `leuko stress` shows, and which model is shown each. */
#ifndef CLI_STRESS_CELLS_H
#define CLI_STRESS_CELLS_H

#include "dataset/dataset.h"
#include "evaluate/stress.h"

typedef struct {
  char (*paths)[2048];
  const char **files; /* [count], in the order of models */
  int *labels;        /* [count]: classes of the models */
  int *models;        /* [count] */
  size_t count;
  size_t persons; /* of whom they are; 0: not known */
  stress_seen seen;
} stress_cells;

/* Takes at most `limit` cells (0: all) of those that have a part, by class and person, and deals
 * them to each [models]: it gets those that none of its members was trained on, by the split.csv
 * beside them, of several such models the one that has fewest. Cells that all models were trained
 * on are left out, unless there are no others. The set is tied; the parts of what is left out are
 * lost. The caller ends with stress_cells_free, also after an error. Errors: NO_DATA (no labelled
 * cell), those of classes_match, of reading splits, NO_MEMORY. */
leuko_status stress_cells_deal(const ensemble *each, int models, dataset *set, size_t limit,
                               uint64_t seed, stress_cells *out, leuko_error *error);
void stress_cells_free(stress_cells *cells);

#endif
