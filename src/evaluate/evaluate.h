/* What a model's answers are worth: scores overall and for each subject, the trivial baseline
 * beside them, predictions.csv and metrics.json. Takes numbers only, no model and no images. */
#ifndef EVALUATE_EVALUATE_H
#define EVALUATE_EVALUATE_H

#include <jansson.h>
#include <stddef.h>

#include "leuko.h"
#include "stats/metrics.h"

/* One sample and the model's answer. All pointers are borrowed from the caller. */
typedef struct {
  const char *path;
  const char *sha256;   /* of the file; "" where it could not be read */
  const char *subject;  /* "" or NULL where it is not known */
  int label;            /* index of the true class; -1 where it is not known */
  const double *logits; /* [1] with two classes (of the positive one), else [classes]; not read
                           unless status is LEUKO_OK */
  leuko_status status;  /* LEUKO_OK, or why the file was refused */
} evaluate_sample;

/* The question: samples of one part of a split, and how their logits are read. */
typedef struct {
  const char *const *classes; /* names [class_count] */
  int class_count;            /* 2 .. LEUKO_MAX_CLASSES */
  int positive;               /* index of the positive class; read with two classes only */
  double threshold;           /* p >= threshold is answered positive; with two classes only */
  const evaluate_sample *samples;
  size_t count;
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

/* The result. Only samples that have a label and were not refused count. */
typedef struct {
  int class_count;
  int positive;
  char classes[LEUKO_MAX_CLASSES][32];
  double threshold;
  size_t refused;              /* samples whose file could not be answered */
  size_t unlabelled;           /* answered samples without a true class */
  stats_binary binary;         /* with two classes; else zero */
  stats_multiclass multiclass; /* with more than two classes; else zero */
  int majority;                /* index of the class with most of these samples */
  double majority_accuracy;    /* accuracy of always answering it, on the same samples */
  evaluate_subject *subjects;  /* [subject_count], lowest accuracy first, then by name */
  size_t subject_count;        /* 0 where no sample names its subject */
  size_t n;                    /* samples that count */
  double *logits;              /* [n] with two classes, else [n][class_count], for curves */
  int *labels;                 /* [n]; with two classes 1 = positive, else the class's index */
} evaluation;

/* Scores `input` into *out, which the caller ends with evaluate_free. Errors: NO_DATA (nothing
 * answered has a label), BAD_DATA (a logit that is not finite, a label out of range), ARGUMENT
 * (class count, positive), NO_MEMORY. After an error *out is zero. */
leuko_status evaluate_samples(const evaluate_input *input, evaluation *out, leuko_error *error);
void evaluate_free(evaluation *e);

/* The answer for one sample that was not refused: index of the class, and into *p the probability
 * of the positive class (two classes) or of the answered one (more). `p` may be NULL. */
int evaluate_answer(const evaluate_input *input, const double *logits, double *p);

/* Writes every sample to a CSV with header path,sha256,subject,label,p,predicted,status; p and
 * predicted are empty for refused samples. Errors: those of writing, ARGUMENT. */
leuko_status evaluate_write_predictions(const char *path, const evaluate_input *input,
                                        leuko_error *error);

/* The result as a JSON object, a new reference owned by the caller; NULL without memory. Values
 * that are not defined are null. Keys: loss, accuracy, balanced_accuracy, weighted_f1, auc, n,
 * confusion, classes, majority_class, majority_accuracy, refused, unlabelled, subjects; with two
 * classes also sensitivity, specificity, average_precision, brier, positives, positive, threshold.
 * Confusion is [true][predicted] in the order of `classes`; with two classes the positive one comes
 * last. `subjects` is a list in the table's order, each with subject, n, counts (by true class, in
 * the order of `classes`), correct, accuracy, positive_share, mean_p. */
json_t *evaluate_json(const evaluation *e);

/* Writes evaluate_json to a file. Errors: those of writing, NO_MEMORY. */
leuko_status evaluate_write_metrics(const char *path, const evaluation *e, leuko_error *error);

#endif
