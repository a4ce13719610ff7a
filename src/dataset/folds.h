/* The folds of a cross-validation: every cell is tested once, by a model that was trained on the
 * other folds. */
#ifndef DATASET_FOLDS_H
#define DATASET_FOLDS_H

#include "dataset/split.h"

#define FOLDS_MOST 100

/* Deals the cells to `folds` folds (2 .. FOLDS_MOST) and sets every sample's held_out; equal for
 * equal data, options and seed. dataset_tie must have been called. By subject, tied subjects lie in
 * one fold, and the folds hold about equally many cells, and subjects, of each class; by image only
 * identical cells stay together, and the folds differ by one cell of a class at most where there
 * are none. Which cells take part: as in dataset_split.
 * Errors: ARGUMENT (number of folds, by fold), NO_DATA (nothing labelled), BAD_DATA (by subject:
 * cells without a subject; fewer subjects or cells than folds), NO_MEMORY. */
leuko_status dataset_deal(dataset *d, split_kind by, int folds, uint64_t seed, leuko_error *error);

/* Sets every sample's part: the cells that are held out in fold `fold` (from 0) are tested, those
 * of the other folds are trained on. */
void dataset_take_fold(dataset *d, int fold);

/* Writes the folds as CSV (`path,sha256,subject,label,fold`, folds from 1; cells that take no part
 * are left out). Errors: those of writing. */
leuko_status dataset_write_folds(const dataset *d, const char *path, leuko_error *error);
/* Sets every sample's held_out, -1 for cells that the file does not name, and *folds. Rows as in
 * dataset_read_split; call dataset_tie afterwards. Errors: as there; BAD_CSV (a fold is empty). */
leuko_status dataset_read_folds(dataset *d, const char *path, int *folds, leuko_error *error);

/* Whether a CSV holds out every cell in the fold in which the set's samples are, which stay as they
 * are. Errors: those of dataset_read_folds; then no sample is held out any more. */
leuko_status dataset_same_folds(dataset *d, const char *path, bool *same, leuko_error *error);

/* Whether a CSV file holds folds, by its header. False if it cannot be read. */
bool dataset_holds_folds(const char *path);

#endif
