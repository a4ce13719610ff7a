/* Several models that answer as one: the mean of their calibrated logits. One model is an ensemble
 * of itself, so that commands have one way. */
#ifndef PREDICT_ENSEMBLE_H
#define PREDICT_ENSEMBLE_H

#include "predict/predictor.h"

#define ENSEMBLE_MOST 32

typedef struct {
  leuko_predictor *members[ENSEMBLE_MOST]; /* owned */
  char *paths[ENSEMBLE_MOST];              /* what each was opened from; owned */
  int count;
  double threshold; /* p from which on the positive class is answered: of one model its own, of more
                       that of the mean of theirs on the scale of logits */
  double temperature; /* that ensemble_files' logits are still to be divided by: of one model its
                         own, of more 1, since what is averaged is calibrated */
} ensemble;

/* How far the members' answers for one image lie apart. Zero with one member. */
typedef struct {
  double spread; /* standard deviation (n - 1) of p, see below */
  double
      p[ENSEMBLE_MOST]; /* each member's calibrated probability of the positive class (two
                           classes), or of the class that the ensemble answered; NaN if refused */
} ensemble_spread;

/* Opens models: each of paths [count] is a model file, a run folder, or the folder of a
 * cross-validation, which stands for the models of its folds. The caller ends with ensemble_close.
 * Errors: those of leuko_predictor_open, MISMATCH (their classes differ), ARGUMENT (more than
 * ENSEMBLE_MOST). */
leuko_status ensemble_open(const char *const *paths, int count, const leuko_options *options,
                           ensemble *out, leuko_error *error);
void ensemble_close(ensemble *e);

/* ensemble_open, but where the paths are cross-validations, with as many folds each, the models of
 * each fold answer as one by themselves: out [*out_count], fold by fold; else *out_count is 1. Room
 * for ENSEMBLE_MOST. The caller closes *out_count of them, also after an error. Errors: those of
 * ensemble_open, ARGUMENT (cross-validations and others), MISMATCH (other folds). */
leuko_status ensemble_open_folds(const char *const *paths, int count, const leuko_options *options,
                                 ensemble *out, int *out_count, leuko_error *error);

/* Of the first member: classes and what describes them are the same in all. */
const model *ensemble_model(const ensemble *e);
/* The cells on which threshold and temperature were chosen; NULL if not known, or not the same. */
const char *ensemble_fitted_on(const ensemble *e);
/* "f32", "bf16", or "mixed". */
const char *ensemble_precision(const ensemble *e);

/* predictor_files of all members, as one answer a file: its logit is the mean of the members', each
 * divided by its temperature, and is no further calibrated, so that p_raw equals p. A file that one
 * member refuses is refused; one that more than half of them reject is rejected, and the distance
 * is the mean of theirs. `spreads` [count] may be NULL. */
leuko_status ensemble_files(ensemble *e, const char *const *paths, size_t count,
                            leuko_answer *answers, ensemble_spread *spreads, double *logits,
                            const progress *p, leuko_error *error);

/* predictor_pictures of all members, as one answer a picture as above. */
leuko_status ensemble_pictures(ensemble *e, const image *pictures, size_t count,
                               leuko_answer *answers, double *logits, leuko_error *error);

/* predictor_decide by the ensemble's threshold and temperature. */
void ensemble_decide(const ensemble *e, const double *logits, leuko_answer *answer);

#endif
