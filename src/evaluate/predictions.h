/* predictions.csv read back. */
#ifndef EVALUATE_PREDICTIONS_H
#define EVALUATE_PREDICTIONS_H

#include "base/csv.h"
#include "evaluate/evaluate.h"

/* One row. Strings belong to the table. */
typedef struct {
  const char *path, *sha256, *subject;
  const char *person;   /* that the subject's tied names share; the subject where no column tells */
  int label;            /* index of the true class; -1: not known */
  int answer;           /* index of the class that p gives; -1 where the file was refused */
  const double *logits; /* [1], of the positive class, or [classes]; NaN where it was refused */
  leuko_status status;
  leuko_reason reason; /* why the model did not answer */
  int fold;            /* in which it was held out, from 1; 0: the file has no folds */
} prediction;

typedef struct {
  csv table;
  prediction *rows; /* [count], as they stand in the file */
  size_t count;
  double *logits;
  bool has_persons, has_reasons; /* the columns are there */
} predictions;

/* Reads what evaluate_write_predictions has written of models of these classes [class_count]. In
 * files without a column `logit` it is that of p, cut at 1e-10. The caller ends with
 * predictions_close, also after an error. Errors: those of reading, BAD_CSV (a column is missing),
 * BAD_DATA (a class, reason or number that is none), NO_MEMORY. */
leuko_status predictions_open(const char *path, const char *const *classes, int class_count,
                              predictions *out, leuko_error *error);
void predictions_close(predictions *p);

/* Takes logits, as float32, which models compute in, and reasons from such a file into those of
 * input->samples that it names; samples are sorted by path, and `samples` are the same, to be
 * written to. logits [count] or [count][class_count] of the others are left alone. *rejects becomes
 * false where the file does not tell reasons. Errors: those of predictions_open, MISMATCH (another
 * cell or file). */
leuko_status predictions_take(const char *path, const evaluate_input *input,
                              evaluate_sample *samples, double *logits, bool *rejects,
                              leuko_error *error);

#endif
