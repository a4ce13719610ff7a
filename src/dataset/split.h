/* Splits: which cells are trained on and which are tested on. */
#ifndef DATASET_SPLIT_H
#define DATASET_SPLIT_H

#include "dataset/dataset.h"

typedef enum {
  SPLIT_BY_SUBJECT, /* no subject on both sides; both classes in the ratio as well as that allows */
  SPLIT_BY_FOLD,    /* one fold is tested on, the others are trained on */
  SPLIT_BY_IMAGE    /* cell by cell, each class in the ratio: leaks subjects */
} split_kind;

/* Unless told otherwise: the paper's 60:40. */
#define SPLIT_TRAIN_SHARE 0.6
#define SPLIT_SEED 1

typedef struct {
  size_t train, test; /* cells */
  size_t aside;       /* labelled cells on no side: of the preliminary phase, or without a fold */
  size_t moved;  /* by fold: cells of the tested fold that went to training, being tied to it */
  int test_fold; /* by fold: the tested one; else -1 */
  double worst_excess; /* the largest distance of a class's share in training from the ratio */
} split_report;

/* "subject", "fold", "image". */
const char *split_kind_name(split_kind by);
/* False if `text` is none of these. */
bool split_kind_parse(const char *text, split_kind *by);
/* "60:40" into 0.6; false unless both are positive numbers. */
bool split_parse_ratio(const char *text, double *train_share);

/* Sets every sample's part; equal for equal data, options and seed. dataset_tie must have been
 * called. Refused and unlabelled cells get no part, nor do cells of the preliminary phase where
 * cells of the training part are there too: they are the challenge's own test. By subject and by
 * fold, tied subjects stay together; a tie across folds pulls all its cells into training. Of the
 * folds the one is tested that then leaves a share of training cells nearest to `train_share` (of
 * equals the last). By image only identical cells stay together. `train_share` lies within (0, 1);
 * `report` may be NULL.
 * Errors: NO_DATA (nothing labelled, one side empty), BAD_DATA (by subject: cells without a
 * subject, too few subjects; by fold: fewer than two folds), ARGUMENT, NO_MEMORY. */
leuko_status dataset_split(dataset *d, split_kind by, double train_share, uint64_t seed,
                           split_report *report, leuko_error *error);

/* What a split gives away. */
typedef struct {
  size_t subjects; /* on either side, by name */
  size_t leaking;  /* of them, those that have, they or a tied one, cells on both sides */
  size_t unknown;  /* cells on either side whose subject is not known: they may leak */
  size_t twins;    /* tested cells of which an identical one is trained on */
} split_leaks;

/* Looks for subjects and cells on both sides; dataset_tie must have been called. Returns the number
 * of leaking subjects and twins, so that 0 means: no leak is known, though cells of `unknown`
 * subject may be one. `leaks` may be NULL. */
size_t dataset_leaks(const dataset *d, split_leaks *leaks);

/* Writes the split CSV (`path,sha256,subject,label,part`; cells without a part are left out).
 * Errors: those of writing. */
leuko_status dataset_write_split(const dataset *d, const char *path, leuko_error *error);
/* Sets every sample's part from a split CSV; cells that it does not name get none. Each row must
 * name a cell of `d`, unrefused, with the same sha256, label and (if known here) subject; subjects
 * not known to the scan are taken from the file, so call dataset_tie afterwards.
 * Errors: those of reading, BAD_CSV (with the line), MISMATCH (the row is of other data),
 * NO_MEMORY. */
leuko_status dataset_read_split(dataset *d, const char *path, leuko_error *error);

#endif
