/* What a report is about: runs as they stand on disk, their answers read or made, and scored. */
#ifndef REPORT_STUDY_H
#define REPORT_STUDY_H

#include "dataset/dataset.h"
#include "evaluate/compare.h"
#include "evaluate/evaluate.h"
#include "evaluate/pooled.h"
#include "evaluate/predictions.h"
#include "evaluate/stress.h"
#include "model/model.h"
#include "report/history.h"

#define STUDY_RUNS COMPARE_MOST

/* One side of a split. */
typedef struct {
  size_t cells, subjects;            /* subjects by name, as far as they are known */
  size_t classes[LEUKO_MAX_CLASSES]; /* cells of each class of the run */
} study_side;

/* Where the cells of a run came from and went to. */
typedef struct {
  bool split_known; /* split.csv was there: train, test, subjects, both_sides */
  bool scanned;     /* the folder of cells was at hand: all that follows up to `persons` */
  size_t files, refused, unlabelled;
  size_t aside;      /* usable and labelled, but on no side */
  size_t identical;  /* cells of which an identical one is there */
  size_t parted;     /* tested cells of which an identical one is trained on */
  size_t persons;    /* subjects, tied names counted once */
  size_t subjects;   /* names on either side */
  size_t both_sides; /* of them with cells on both; tied ones, too, where scanned */
  study_side train, test;
} study_flow;

/* One fold of a cross-validation: what its run folder holds. */
typedef struct {
  char weights[65]; /* SHA-256 of its best.safetensors, or "" */
  bool has_history;
  history curves;
} study_fold;

typedef struct {
  char folder[1024];
  char name[96];       /* the folder's own name, unique within the study */
  json_t *description; /* run.json, or NULL; of a cross-validation that of the first fold */
  json_t *metrics;     /* metrics.json, or NULL */
  bool has_model;      /* best.safetensors was there; of a cross-validation the first fold's */
  model m;
  char weights[65]; /* SHA-256 of that file, or "" */
  bool has_history;
  history curves;
  int folds;        /* of a cross-validation; 0: the run has one split */
  study_fold *each; /* [folds] */
  pooled fold_scores;
  stress *stressed;        /* what `leuko stress` has written of these models, or NULL */
  char stress_remark[320]; /* why what it has written is not taken, or "" */
  study_flow flow;         /* of a cross-validation `test` is all cells, `train` is not set */
  dataset *set;            /* the cells, the study's own; NULL where they are not at hand */
  char remark[320];        /* why not, or "" */
  bool computed;           /* the answers were made now, not read */
  char precision[8];       /* in what, if computed */
  evaluate_input input;    /* the tested cells with their answers */
  evaluation scores;
  size_t *counted;  /* [scores.n]: the sample of the input that each scored cell is */
  predictions said; /* what the samples were read from */
  char **texts;     /* [text_count]: or their strings, if computed */
  size_t text_count;
  evaluate_sample *samples; /* what input points to */
  int *groups;
  int *held_out; /* the fold of each sample, from 0; NULL without folds */
  double *logits;
  const char *classes[LEUKO_MAX_CLASSES];
  char class_names[LEUKO_MAX_CLASSES][32];
} study_run;

/* What `leuko stress` has found of no single run: of several models that answered as one, or of
 * models that are not in the study. */
typedef struct {
  char folder[1024];
  char name[96]; /* the folder's own name, unique within the study */
  stress *found;
} study_stress;

typedef struct {
  study_run runs[STUDY_RUNS];
  size_t count;
  study_stress others[STUDY_RUNS];
  size_t other_count;
  dataset *sets[STUDY_RUNS]; /* the folders of cells, each scanned once */
  size_t set_count;
  bool compared; /* `differences` stands: two runs or more, two classes, common cells */
  comparison differences;
  char uncompared[320]; /* why not, or "" */
} study;

typedef struct {
  const char *data;     /* folder of cells; NULL: as run.json names it, if it is there */
  const char *manifest; /* NULL: the one beside the data, if any */
  leuko_options how;    /* where answers have to be made */
} study_options;

/* Adds a run folder, the folder of a finished cross-validation of two classes, or what `leuko
 * evaluate --out` has written. What can be read is read: answers
 * that are not there (predictions.csv), or not whole as with more than two classes, are made by the
 * model from the cells. Errors: NO_DATA where neither answers nor cells are there, TOO_LARGE (too
 * many runs), those of reading, of the model and of dataset_read_split. */
leuko_status study_add(study *s, const char *folder, const study_options *options,
                       const progress *p, leuko_error *error);
/* Whether a folder holds what `leuko stress --out` has written, and no run. */
bool study_is_stress(const char *folder);
/* Adds such a folder, once all runs are added: to the run whose models it is of, if that has none
 * yet, else to s->others. Errors: NO_DATA (no run), TOO_LARGE, those of stress_read. */
leuko_status study_add_stress(study *s, const char *folder, leuko_error *error);
/* Whose models answered as one: "resnet50 and cnn", into out [size]. */
void study_members(const study *s, const stress *found, char *out, size_t size);
/* Compares the runs, once all are added; s->uncompared tells why they cannot be compared, which is
 * no error. */
void study_compare(study *s);
void study_close(study *s);

/* Whether a run's baselines have to be computed: its files do not have them, and its cells, with
 * their sides set, are at hand. */
bool study_wants_baselines(const study_run *run);
/* The class of the run's cells that its model calls positive; -1 without. */
int study_positive(const study_run *run);

/* A member of run.json's options ("lr"), or NULL. */
json_t *study_option(const study_run *run, const char *key);
/* Whether the last epoch's model was kept (`--keep last`), so that none was chosen. */
bool study_keeps_last(const study_run *run);

#endif
