/* Classes and subjects of the samples of a scan, from names, folders and CSV files. */
#ifndef DATASET_LABELS_H
#define DATASET_LABELS_H

#include "dataset/dataset.h"

/* Sets label, subject, fold and preliminary of every sample and the classes of `d`; see
 * docs/formats.md for the rules. A file whose C-NMC name contradicts its folder is refused as
 * BAD_DATA. Errors: ARGUMENT (no such positive class), those of reading a CSV, BAD_CSV, NO_MEMORY.
 */
leuko_status labels_set(dataset *d, const dataset_options *options, leuko_error *error);

/* Index of the sample of that path, or d->count. */
size_t labels_find_path(const dataset *d, const char *path);

#endif
