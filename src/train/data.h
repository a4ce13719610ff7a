/* The cells of a run: scanned, tied, split and prepared. */
#ifndef TRAIN_DATA_H
#define TRAIN_DATA_H

#include "base/progress.h"
#include "dataset/dataset.h"
#include "dataset/folds.h"
#include "dataset/prepared.h"
#include "image/envelope.h"

/* Which cells, and on which side. Zero in a field gives its default. */
typedef struct {
  const char *folder;
  const char *split; /* CSV of a split or of folds; NULL: split by `by` */
  int folds;         /* deal so many; 0: a single split, unless the CSV holds folds */
  split_kind by;
  double train_share; /* 0: SPLIT_TRAIN_SHARE */
  uint64_t seed;
  const char *manifest, *subjects, *positive; /* as in dataset_tie and dataset_options */
  bool allow_leak;
  size_t limit; /* take at most so many cells, stratified by part, class and subject; 0: all */
  int crop, size;
  stain_method stain;
  int threads;
} train_data_options;

typedef struct {
  dataset set;
  split_report split; /* zero with a split CSV or folds */
  int folds, fold;    /* how many; the one that is tested, from 0. 0: a single split */
  split_leaks leaks;
  dataset_ties ties;
  char manifest[1024];  /* the one used, or "" */
  size_t *train, *test; /* indices into `samples` and `pixels`, in the order of paths */
  size_t train_count, test_count;
  const dataset_sample **samples; /* [count]: those with a part and a readable picture */
  int *labels;                    /* [count] */
  size_t count;
  prepared pixels;      /* [count] */
  stain stain;          /* that they were brought to: the look of the cells to train on */
  char fingerprint[65]; /* of paths, hashes, labels and parts */
} train_data;

/* Scans, splits and prepares; of folds one has then to be taken. On success *out is owned by the
 * caller (train_data_free). Errors: those of dataset_scan, dataset_split, dataset_read_split,
 * dataset_deal, dataset_read_folds, prepared_open, prepared_look; LEAK where the split leaks and
 * that was not allowed; NO_DATA where a side or a class is empty; ARGUMENT (another number of folds
 * than the CSV's). */
leuko_status train_data_open(const train_data_options *options, const progress *p, train_data *out,
                             leuko_error *error);
/* No fold is left out: the cells are trained on, and tested on as well, there being no others. */
#define TRAIN_DATA_ALL (-1)

/* Tests on fold `fold` (0 .. data->folds - 1) and trains on the others, or TRAIN_DATA_ALL; the
 * cells are brought to the look of those trained on if that is asked. Errors: LEAK, NO_DATA,
 * NO_MEMORY, those of prepared_open and prepared_look; then nothing but train_data_free may follow.
 */
leuko_status train_data_take_fold(train_data *data, const train_data_options *options, int fold,
                                  const progress *p, leuko_error *error);
void train_data_free(train_data *data);

/* What cells `samples` [count] look like to the network but for the stain that they are brought to,
 * into out [count][IMAGE_MEASURES]. Errors: those of prepared_open, NO_MEMORY. */
leuko_status train_data_measure(const train_data *data, const train_data_options *options,
                                const size_t *samples, size_t count, const progress *p, double *out,
                                leuko_error *error);

/* Keeps at most `limit` of the cells that have a part: of each part and class its share, spread
 * evenly over the subjects, drawn by seed. The others lose their part. Errors: NO_MEMORY. */
leuko_status train_limit(dataset *set, size_t limit, uint64_t seed, leuko_error *error);

#endif
