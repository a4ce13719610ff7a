/* The trained networks that a network learns from: `leuko train --teacher`. */
#ifndef CLI_TEACHER_H
#define CLI_TEACHER_H

#include "cli/models.h"
#include "train/train.h"

/* The models that answer as one in one training: the mean of their logits, as the networks give
 * them. Their temperatures are left out, since cells that are tested had a part in choosing them.
 */
typedef struct {
  train_teacher_model models[ENSEMBLE_MOST]; /* their paths are owned */
  int count;
} teacher_models;

typedef struct {
  leuko_options how;    /* they are computed in */
  teacher_models *each; /* [trainings], owned: one, or of each fold, and behind them of all cells */
  int trainings;
  double cost; /* what the answer for a cell costs, as overall_forward */
  const teacher_models *now;
  train_teacher lent; /* speaks for those of `now` */
} teacher;

/* Finds the models named for a training on opened cells, and checks that they have seen nobody who
 * is tested: for folds each path is a finished cross-validation over the same folds, whose fold k
 * is for fold k alone, with `refit` its `all` for all cells; otherwise models as ensemble_open
 * takes them. Where the split leaks, which must have been allowed, nobody can be unseen. `options`
 * says whether an epoch may be chosen on the tested cells, and how to compute. Nothing is written.
 * The caller ends with teacher_close, also after an error. Errors: those of models_open_folds and
 * of reading; ARGUMENT (no cross-validation where there are folds), MISMATCH (other folds),
 * NOT_FOUND (nothing for all cells), BAD_DATA (other classes, or more than two), LEAK (trained on
 * tested persons, or nobody knows; an epoch chosen on tested cells, with options->keep_last). */
leuko_status teacher_open(const model_list *named, train_data *data, const train_options *options,
                          bool refit, teacher *out, leuko_error *error);
void teacher_close(teacher *t);

/* What teaches in one training, to be put into its options: of the fold (from 0) or
 * TRAIN_DATA_ALL; of a single training 0. Valid until the next call, as long as `t` does not move.
 */
const train_teacher *teacher_of(teacher *t, int fold);

#endif
