/* Several models that answer as one, explained as one. */
#ifndef CLI_EXPLAINERS_H
#define CLI_EXPLAINERS_H

#include "base/progress.h"
#include "explain/cascade.h"
#include "predict/ensemble.h"

typedef struct {
  explainer *members[ENSEMBLE_MOST];  /* [count], owned */
  double temperatures[ENSEMBLE_MOST]; /* by which each member's logit is divided before the mean is
                                         taken; of a single model 1 */
  int count;
  model as_one; /* the first member with threshold and temperature of all; its pointers are
                   borrowed */
} explainers;

/* Gets ready to explain answers of the ensemble, which is borrowed until explainers_close. Errors:
 * MISMATCH (members that see a picture differently, or that differ in their layers), those of
 * explain_open. */
leuko_status explainers_open(const ensemble *models, int threads, explainers *out,
                             leuko_error *error);
void explainers_close(explainers *e);

/* The answer for prepared pixels [size][size][3], as ensemble_files gives it but never rejected.
 * Errors: those of explain_logits. */
leuko_status explainers_answer(explainers *e, const uint8_t *pixels, leuko_answer *answer,
                               leuko_error *error);

/* The mean of the members' maps, each divided by its temperature: since all methods but Grad-CAM's
 * cut at 0 are linear in the logit, the map of the mean logit, by which the ensemble answers. A
 * single model's map is its own. One step of `p` a member, from `*done` of `total` on, which is
 * counted up. Errors: those of explain_run, INTERRUPTED. */
leuko_status explainers_run(explainers *e, explain_method method, const uint8_t *pixels, int label,
                            const progress *p, size_t *done, size_t total, explain_map *out,
                            leuko_error *error);

/* explain_cascade, mean of the members, among whom the draws are divided: each has the same number,
 * one at least. *draws becomes how many there were. */
leuko_status explainers_check(explainers *e, explain_method method, const explain_subject *subjects,
                              size_t count, size_t *draws, uint64_t seed, const progress *p,
                              explain_likeness *out, leuko_error *error);

#endif
