/* Doing the paper's experiment: its splits, its trainings, and where they stand. */
#ifndef CLI_REPRODUCTION_H
#define CLI_REPRODUCTION_H

#include "cli/training.h"
#include "report/experiment.h"

#define REPRODUCTION_NETWORKS 3
/* "resnet50", "vgg16", "cnn". */
extern const char *const reproduction_networks[REPRODUCTION_NETWORKS];

/* What is asked for. */
typedef struct {
  const char *folder, *out; /* cells; results */
  const char *weights;      /* file or folder, or NULL */
  const char *manifest, *subjects, *positive;
  bool networks[REPRODUCTION_NETWORKS]; /* those wanted */
  bool named;                           /* they were named: missing weights are an error */
  int epochs;                           /* 0: the paper's 35, fewer of the CNN in the quick form */
  bool quick;
  uint64_t seed;
  int threads;
  net_precision precision; /* of trainings and of the frozen bases */
} reproduction_options;

/* Writes the splits, trains what is not done yet and writes OUT/reproduce.json. Killed at any point
 * and called again it goes on, and ends with the same bits. Tells on stderr what it does. *refused
 * is the number of files that could not be used. Errors: those of weights_find, of scanning and
 * splitting, MISMATCH (the folder was begun with other options, cells or weights), those of
 * train_run. */
leuko_status reproduction_run(const reproduction_options *options, size_t *refused,
                              leuko_error *error);

/* The splits, as OUT/split-image.csv and OUT/split-subject.csv; those that are there must be the
 * same. With `limit` both hold the same cells, at most so many. */
typedef struct {
  char root[1024]; /* of the cells */
  bool synthetic;
  size_t refused, cells;    /* files that cannot be used; cells that take part */
  size_t leaking, subjects; /* of the split by image */
  char image[1024], subject[1024];
} reproduction_cells;

/* Errors: those of scanning and splitting, MISMATCH, those of writing. */
leuko_status reproduction_split(const reproduction_options *options, size_t limit,
                                const progress *p, reproduction_cells *out, leuko_error *error);

#endif
