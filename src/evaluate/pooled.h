/* A cross-validation: each cell was answered by the model of the fold in which it was held out, and
 * all these answers are scored together and fold by fold. */
#ifndef EVALUATE_POOLED_H
#define EVALUATE_POOLED_H

#include "evaluate/evaluate.h"

/* What is known of one fold's model. */
typedef struct {
  int epoch;                     /* whose weights are its model, from 1; 0: not known */
  double temperature, threshold; /* chosen on the other folds' cells, as these folds' models
                                    answered them; 1 and 0.5: not chosen */
} pooled_model;

/* Scores of one fold's cells, at p = 0.5. */
typedef struct {
  size_t n, positives; /* positives: 0 with more than two classes */
  size_t persons;
  double loss;
  double scores[STATS_SCORES]; /* NaN where a class is missing */
} pooled_fold;

/* Over the folds where a score is defined: plain mean, standard deviation (n - 1), how many. */
typedef struct {
  double mean, spread;
  int folds;
} pooled_summary;

typedef struct {
  int folds;
  pooled_model *models;  /* [folds], owned */
  pooled_fold *per_fold; /* [folds], owned */
  pooled_summary loss, scores[STATS_SCORES];
  /* All cells, each with its fold's temperature and threshold. */
  bool cross_fitted; /* false: none was chosen */
  struct {
    double loss, brier, calibration_error; /* brier: NaN with more than two classes */
    double scores[STATS_SCORES];
    stats_interval by_subject[STATS_SCORES];
  } fitted;
} pooled;

/* Scores the folds of `input` (input->folds is set, its threshold 0.5, its temperature 1), of which
 * `e` is the evaluation, and which models [folds] have answered. The caller ends with pooled_free.
 * Errors: BAD_DATA (a fold without a cell), NO_MEMORY. */
leuko_status evaluate_pooled(const evaluate_input *input, const evaluation *e,
                             const pooled_model *models, int folds, pooled *out,
                             leuko_error *error);
void pooled_free(pooled *p);

/* As docs/formats.md describes evaluation.json: a new reference; NULL without memory. */
json_t *pooled_json(const pooled *p, const evaluation *e);
/* Writes it to a file. Errors: those of writing, NO_MEMORY. */
leuko_status pooled_write(const char *path, const pooled *p, const evaluation *e,
                          leuko_error *error);

#endif
