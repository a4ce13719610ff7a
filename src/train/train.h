/* Training a network on the cells of a run, epoch by epoch, into a run folder. */
#ifndef TRAIN_TRAIN_H
#define TRAIN_TRAIN_H

#include "model/model.h"
#include "train/data.h"

/* From pixels to the network's input, where it has a base: as its weights were trained, or divided
 * by 255 as the paper's code most likely did. */
typedef enum { TRAIN_AS_WEIGHTS, TRAIN_AS_PAPER } train_preprocess;
/* Which layers learn, where the network has a base: the head alone, the base's last stage as well,
 * or all. */
typedef enum { TRAIN_HEAD, TRAIN_LAST, TRAIN_ALL } train_fine_tune;

/* How threshold and temperature are chosen on the tested cells, once the training is done: not at
 * all (0.5 and 1), or both, the threshold by Youden's index or for a wanted sensitivity. */
typedef enum { TRAIN_POINT_NONE, TRAIN_POINT_YOUDEN, TRAIN_POINT_SENSITIVITY } train_point;

/* A trained model that teaches. */
typedef struct {
  char *path; /* run folder or file, owned by the caller; it does not decide the run's bits */
  char sha256[HASH_HEX];
} train_teacher_model;

/* Trained models, answering as one, whose answers are learnt beside the labels: the target of a
 * training cell is distill_target. Two classes only. The tested cells keep their labels. */
typedef struct {
  const train_teacher_model *models;
  int count;
  /* Their probability of the positive class of each training cell, into p [data->train_count] in
   * the order of data->train: the same in every call, so that nothing has to be kept for going on.
   * Asked to stop by `report` it ends with INTERRUPTED. */
  leuko_status (*answer)(void *context, const train_data *data, double *p, const progress *report,
                         leuko_error *error);
  void *context;
} train_teacher;

/* A decay that averages over some 500 steps. */
#define TRAIN_AVERAGE 0.998

typedef struct {
  zoo_options net;
  const char *weights;        /* file with the base's weights; NULL for a network without a base */
  const char *weights_sha256; /* of that file; NULL without */
  train_preprocess preprocess;
  train_fine_tune fine_tune;
  bool features_bf16; /* keep a frozen base's features in half the space */
  int epochs, batch;
  double lr;
  double base_lr;     /* of the base's layers, where they learn */
  int warmup;         /* steps in which the rates rise from 0 */
  bool cosine;        /* then they fall to 0 as half a cosine until the last step */
  double average;     /* decay of the running average of the parameters, which is what is tested and
                         kept; 0: the last step's own */
  bool augment;       /* the eight symmetries of the square */
  double jitter;      /* strength of the change of colours, as in loader_options; 0: none */
  bool class_weights; /* each class counts as if it were as frequent as the others */
  bool keep_last; /* the last epoch's model is the run's, not that of the lowest validation loss */
  int patience;   /* stop after so many epochs without a lower validation loss; 0: never */
  uint64_t seed;
  int threads;
  const char *backend; /* "onednn" or "ref" */
  /* Of activations and gradients, and of a frozen base; parameters, sums, statistics and Adam are
   * float32 in any case. */
  net_precision precision;
  bool resume;
  const char *out;              /* run folder */
  const train_teacher *teacher; /* NULL: the labels alone are learnt */
  train_point point;
  double sensitivity; /* wanted, with TRAIN_POINT_SENSITIVITY */
} train_options;

typedef struct {
  double loss, accuracy; /* over the epoch's batches, as they were trained on: with a teacher the
                            loss is that of its targets, the accuracy that of the labels */
  double val_loss, val_accuracy, val_auc;
  double seconds; /* of the epoch with its validation; NaN where it is not known */
} train_epoch;

typedef struct {
  train_epoch *history; /* [epochs], owned: train_result_free */
  int epochs;           /* done so far */
  int first;            /* epochs that were done before this call */
  int best;             /* index of the epoch whose model is kept: best.safetensors */
  bool stopped_early;
  double loader_share;  /* of the time of this call's epochs but its first, waiting for batches */
  size_t images;        /* trained on in those epochs */
  double train_seconds; /* that this took, without validation */
} train_result;

/* Trains until options->epochs are done. Writes run.json and split.csv at the start; after each
 * epoch best.safetensors (if the validation loss is the lowest so far), last.safetensors with the
 * optimizer's state, and history.csv, each whole or not at all. With `resume` it goes on behind
 * the last complete epoch and ends with the same bits as a run that was never stopped; a folder
 * without a checkpoint is started from the beginning.
 * A teacher is asked once, before the first epoch of this call, if there is one to train.
 * With a frozen base, whose epochs are short, models and checkpoint are written every fifteen
 * seconds and at the end.
 * Errors: ARGUMENT (the folder holds a run and resume is not set; the precision is one that the
 * processor or the backend lacks; jitter with a frozen base, whose features are computed once),
 * MISMATCH (options or data differ from the run's), DIVERGED, INTERRUPTED (asked by `p`), those of
 * writing, NO_MEMORY, BACKEND, those of the teacher's answer. */
leuko_status train_run(const train_data *data, const train_data_options *data_options,
                       const train_options *options, const progress *p, train_result *out,
                       leuko_error *error);
void train_result_free(train_result *result);

/* Whether the run folder holds all epochs of such a run, so that train_run would find nothing to
 * do. Errors: MISMATCH, those of reading run.json. */
leuko_status train_finished(const train_data *data, const train_data_options *data_options,
                            const train_options *options, bool *out, leuko_error *error);

/* Whether such a run trains a head on the features of a frozen base. */
bool train_has_features(const train_options *options);

/* For such a run: the logits [count][outputs] that `best`, its model, gives for cells `samples`
 * (indices as train_data's), and what its last layer reads of them, rows [count][model_last_width],
 * from the features that train_run has left in the cache. Errors: those of train_run's beginning.
 */
leuko_status train_answers(const train_data *data, const train_data_options *data_options,
                           const train_options *options, const model *best, const size_t *samples,
                           size_t count, const progress *p, double *logits, float *rows,
                           leuko_error *error);

/* Chooses threshold and temperature of a model, as the options say, from its logits [n][outputs]
 * for cells of labels [n] (its classes), whose fingerprint (a hash of them; copied) it keeps. Where
 * a class is missing among the cells, nothing is chosen; where no answer is wrong, the temperature
 * stays 1. Errors: NO_MEMORY, BAD_DATA. */
leuko_status train_operating_point(const train_options *options, const double *logits,
                                   const int *labels, size_t n, const char *cells, model *m,
                                   leuko_error *error);

#endif
