/* What a model's answers are worth: scores with their intervals overall and for each subject,
 * calibration, predictive values, trivial baselines beside them, and the files that hold all this.
 * Takes numbers only, no model and no images. */
#ifndef EVALUATE_EVALUATE_H
#define EVALUATE_EVALUATE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "leuko.h"
#include "stats/calibration.h"
#include "stats/metrics.h"
#include "stats/uncertainty.h"

#define EVALUATE_PREVALENCES 8
#define EVALUATE_BASELINES 3

/* One sample and the model's answer. All pointers are borrowed from the caller. */
typedef struct {
  const char *path;
  const char *sha256;   /* of the file; "" where it could not be read */
  const char *subject;  /* "" or NULL where it is not known */
  int label;            /* index of the true class; -1 where it is not known */
  const double *logits; /* [1] with two classes (of the positive one), else [classes]; not read
                           unless status is LEUKO_OK */
  leuko_status status;  /* LEUKO_OK, or why the file was refused */
  leuko_reason reason;  /* why the model did not answer although it could */
} evaluate_sample;

/* The question: samples of one part of a split, and how their logits are read. */
typedef struct {
  const char *const *classes; /* names [class_count] */
  int class_count;            /* 2 .. LEUKO_MAX_CLASSES */
  int positive;               /* index of the positive class; read with two classes only */
  double threshold;           /* p >= threshold is answered positive; with two classes only */
  double temperature;         /* logits are divided by it; 0: 1 */
  const char *fitted_on;      /* fingerprint of the cells on which both were chosen; may be NULL */
  const evaluate_sample *samples;
  const int *groups; /* [count], 0 or above: equal for samples whose subjects are one person, as of
                        dataset_tie; NULL: subjects are persons as they are named */
  const int
      *folds; /* [count]: the fold in which it was held out, from 0; NULL: no cross-validation */
  size_t count;
  bool rejects;                             /* the samples' reasons are known */
  double prevalences[EVALUATE_PREVALENCES]; /* for which predictive values are given */
  int prevalence_count;                     /* 0: 0.05, 0.25 and 0.5 */
} evaluate_input;

/* A subject's share of the answered, labelled samples. */
typedef struct {
  char *subject;
  size_t n;
  size_t counts[LEUKO_MAX_CLASSES]; /* by true class */
  size_t correct;
  double accuracy;
  double positive_share; /* share answered positive; NaN with more than two classes */
  double mean_p;         /* mean p(positive); with more classes, mean p(true class) */
} evaluate_subject;

/* A person, all of whose cells that count are taken together. With two classes. */
typedef struct {
  char *name; /* that the tied names share */
  size_t n;
  bool positive;     /* one cell at least is of the positive class */
  double share;      /* of the cells answered positive */
  double mean_logit; /* of the calibrated logits */
} evaluate_person;

/* Persons told apart by one of these values. */
typedef struct {
  double auc;                  /* NaN where all are of one class */
  stats_interval auc_interval; /* persons drawn with replacement; NaN without */
  size_t missed, alarmed;      /* positive persons answered negative, and the reverse */
  double error;                /* share of both */
  stats_interval error_interval;
} evaluate_person_scores;

/* A trivial baseline, see evaluate/baselines.h. */
typedef struct {
  const char *name; /* "cell area"; a constant */
  stats_binary scores;
  stats_interval auc;        /* by subject */
  double difference;         /* AUC of the model minus that of the baseline */
  stats_interval by_subject; /* of the difference */
  bool beaten;               /* the difference is above 0, by its interval */
} evaluate_baseline;

/* What the model did not answer of the samples that count. */
typedef struct {
  bool possible; /* the model can reject; else all is zero */
  size_t rejected;
  size_t by_reason[LEUKO_REASON_COUNT];
  size_t by_class[LEUKO_MAX_CLASSES]; /* by true class */
  stats_binary binary;                /* of the answered ones, with two classes; zero without any */
  stats_multiclass multiclass;        /* likewise with more */
} evaluate_rejection;

/* The result. Scores are those of all samples that count, also of those that the model rejects.
 * that have a label and were not refused count. */
typedef struct {
  int class_count;
  int positive;
  char classes[LEUKO_MAX_CLASSES][32];
  double threshold, temperature;
  size_t refused;              /* samples whose file could not be answered */
  size_t unlabelled;           /* answered samples without a true class */
  stats_binary binary;         /* with two classes; else zero */
  stats_multiclass multiclass; /* with more than two classes; else zero */
  int majority;                /* index of the class with most of these samples */
  double majority_accuracy;    /* accuracy of always answering it, on the same samples */
  evaluate_subject *subjects;  /* [subject_count], lowest accuracy first, then by name */
  size_t subject_count;        /* 0 where no sample names its subject */
  size_t n;                    /* samples that count */
  double *logits;     /* divided by the temperature: [n] with two classes, else [n][class_count] */
  int *labels;        /* [n]; with two classes 1 = positive, else the class's index */
  int *answers;       /* [n], likewise */
  size_t *groups;     /* [n], 0 .. group_count-1: the person of each sample */
  size_t group_count; /* persons; samples of unknown subjects count as one each */
  char fingerprint[65];     /* SHA-256 over the files' SHA-256, sorted: which cells these are */
  evaluate_person *persons; /* [person_count], by name; with two classes */
  size_t person_count, person_positives; /* 0 where no sample names its subject */
  evaluate_person_scores by_share; /* a person is answered positive if half of the cells are */
  evaluate_person_scores by_logit; /* or if the mean logit reaches the threshold's */
  stats_interval by_subject[STATS_SCORES]; /* NaN where no sample names its subject */
  stats_interval by_image[STATS_SCORES];   /* as if cells of one subject were not alike */
  stats_reliability reliability; /* of p(positive); with more classes of the answered one */
  bool fitted_here;              /* on these very cells threshold and temperature were chosen */
  /* Before the temperature, equal to the others where it is 1; brier with two classes only. */
  struct {
    double loss, brier, calibration_error;
  } raw;
  stats_binary at_half; /* with two classes: the scores at p = 0.5 */
  int prevalence_count;
  struct {
    double prevalence, positive, negative; /* predictive values */
  } predictive[EVALUATE_PREVALENCES];
  evaluate_baseline baselines[EVALUATE_BASELINES]; /* set by evaluate_baselines */
  int baseline_count;
  evaluate_rejection rejection;
} evaluation;

/* Scores `input` into *out, which the caller ends with evaluate_free. Errors: NO_DATA (nothing
 * answered has a label), BAD_DATA (a logit that is not finite, a label out of range), ARGUMENT
 * (class count, positive, temperature, prevalence), NO_MEMORY. After an error *out is zero. */
leuko_status evaluate_samples(const evaluate_input *input, evaluation *out, leuko_error *error);
void evaluate_free(evaluation *e);

/* SHA-256 over the SHA-256 of the files that count, sorted: which cells these are. Errors:
 * NO_MEMORY, BACKEND. */
leuko_status evaluate_fingerprint(const evaluate_input *input, char hex[65], leuko_error *error);

/* The answer for one sample that was not refused: index of the class, and into *p the probability
 * of the positive class (two classes) or of the answered one (more). `p` may be NULL. */
int evaluate_answer(const evaluate_input *input, const double *logits, double *p);

/* Writes every sample to a CSV with header
 * path,sha256,subject,label,p,predicted,status,p_raw,logit,person; what is not known of refused
 * samples is empty. p_raw and logit are those before the temperature (with more classes, of the
 * answered one), person is the name that a subject's tied names share. Where the model can reject,
 * `reason` follows (empty: answered; p is given all the same), with folds a column `fold`, from 1;
 * with more than two classes `logit_CLASS` of each. Errors: those of writing, ARGUMENT, NO_MEMORY.
 */
leuko_status evaluate_write_predictions(const char *path, const evaluate_input *input,
                                        leuko_error *error);

/* The result as a JSON object, as docs/formats.md describes metrics.json: a new reference owned by
 * the caller; NULL without memory. Values that are not defined are null. */
json_t *evaluate_json(const evaluation *e);

/* Writes evaluate_json to a file. Errors: those of writing, NO_MEMORY. */
leuko_status evaluate_write_metrics(const char *path, const evaluation *e, leuko_error *error);

/* Writes the points of the curves into a folder: calibration.csv and, with two classes, roc.csv and
 * pr.csv. Errors: those of writing, NO_MEMORY. */
leuko_status evaluate_write_curves(const char *folder, const evaluation *e, leuko_error *error);

#endif
