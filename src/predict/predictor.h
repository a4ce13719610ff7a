/* The predictor: the one place where an answer is made. The public part is in leuko.h; this is what
 * evaluation and the program need beside it. */
#ifndef PREDICT_PREDICTOR_H
#define PREDICT_PREDICTOR_H

#include "base/progress.h"
#include "model/model.h"

/* leuko_predictor_open for a model in memory, which the predictor takes over, also on failure. */
leuko_status predictor_open(model *m, const leuko_options *options, leuko_predictor **out,
                            leuko_error *error);

/* The model behind a predictor; owned by it. */
const model *predictor_model(const leuko_predictor *predictor);
/* Closes a predictor and gives its model back: the caller ends it with model_free. */
void predictor_give_back(leuko_predictor *predictor, model *out);

/* Logits [count][outputs] of prepared pixels [count][size][size][3], and into rows
 * [count][model_last_width] (may be NULL) what the last layer read. Errors: BACKEND, INTERRUPTED.
 */
leuko_status predictor_logits(leuko_predictor *predictor, const uint8_t *pixels, size_t count,
                              double *logits, float *rows, const progress *p, leuko_error *error);

/* From logits [outputs] to an answer: all of it but sha256; nothing is rejected. */
void predictor_decide(const model *m, const double *logits, leuko_answer *answer);
/* Takes an answer back for that reason: its distance, status and sha256 stay. */
void predictor_reject(leuko_answer *answer, leuko_reason reason);

/* agreement.c: logits [count][outputs] of prepared pixels [count][size][size][3] in a precision
 * that the processor has kernels for. Errors: NO_MEMORY, BACKEND, INTERRUPTED. */
leuko_status predictor_answer(const model *m, net_precision precision, int threads,
                              const uint8_t *pixels, size_t count, const progress *p,
                              double *logits, leuko_error *error);
/* How the answers from one set of logits [count][outputs] differ from those from others,
 * probabilities as the network gives them. Errors: NO_MEMORY. */
leuko_status predictor_differences(const model *m, const double *logits, const double *others,
                                   size_t count, model_agreement *out, leuko_error *error);
/* How the answers for prepared pixels differ between 16 bits and float32, and whether these were in
 * half precision: where the processor has that, unless there is a matrix unit and bfloat16 is
 * within the bounds. out->cells is 0 where there are no kernels in 16 bits. Errors: NO_MEMORY,
 * BACKEND, INTERRUPTED. */
leuko_status predictor_agreement(const model *m, int threads, const uint8_t *pixels, size_t count,
                                 const progress *p, model_agreement *out, bool *half,
                                 leuko_error *error);

/* leuko_predict_files with progress; asked to stop it ends with INTERRUPTED. `logits`
 * [count][outputs] receives what the answers were made from, NaN for refused files; it may be NULL.
 */
leuko_status predictor_files(leuko_predictor *predictor, const char *const *paths, size_t count,
                             leuko_answer *answers, double *logits, const progress *p,
                             leuko_error *error);
/* The same of several predictors, opened with the same options for models of equally many outputs:
 * answers [members][count], logits [members][count][outputs]. Each file is read once, and prepared
 * once for all to whom model_prepares_alike applies. Refused files are in the answers and no error.
 */
leuko_status predictor_files_each(leuko_predictor *const *members, int member_count,
                                  const char *const *paths, size_t count, leuko_answer *answers,
                                  double *logits, const progress *p, leuko_error *error);
/* What leuko_predict_files returns for these answers [count]: LEUKO_OK, PARTIAL, or the first
 * one's. */
leuko_status predictor_refused(const char *const *paths, const leuko_answer *answers, size_t count,
                               leuko_error *error);

/* Answers `count` decoded pictures, with the logits [count][outputs] of all, also of those that are
 * rejected; NaN where one is refused, which is no error. */
leuko_status predictor_pictures(leuko_predictor *predictor, const image *pictures, size_t count,
                                leuko_answer *answers, double *logits, leuko_error *error);

/* How many values the network's head sees of an image: the width of a row of features. Errors:
 * NO_MEMORY, BACKEND. */
leuko_status predictor_feature_count(leuko_predictor *predictor, size_t *out, leuko_error *error);
/* What the network's head sees of `count` files, into rows [count][width]. Of `answers` [count] are
 * filled: sha256, and of a refused file, whose row is left alone, status and message. Errors:
 * NO_MEMORY, BACKEND. */
leuko_status predictor_features(leuko_predictor *predictor, const char *const *paths, size_t count,
                                leuko_answer *answers, float *rows, leuko_error *error);

#endif
