#include "evaluate/evaluate.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "evaluate/subjects.h"

int evaluate_answer(const evaluate_input *input, const double *logits, double *p) {
  if (input->class_count == 2) {
    double positive = stats_sigmoid(logits[0]);
    if (p) *p = positive;
    return positive >= input->threshold ? input->positive : 1 - input->positive;
  }
  int answer = stats_argmax(logits, input->class_count);
  if (p) {
    double all[LEUKO_MAX_CLASSES];
    stats_softmax(logits, input->class_count, all);
    *p = all[answer];
  }
  return answer;
}

/* How many logits a sample has. */
static size_t logit_count(const evaluate_input *input) {
  return input->class_count == 2 ? 1 : (size_t)input->class_count;
}

static leuko_status check_classes(const evaluate_input *input, leuko_error *error) {
  if (input->class_count < 2 || input->class_count > LEUKO_MAX_CLASSES)
    return error_set(error, LEUKO_ARGUMENT, NULL, NULL, "%d classes, but 2 to %d are possible",
                     input->class_count, LEUKO_MAX_CLASSES);
  if (input->class_count == 2 && input->positive != 0 && input->positive != 1)
    return error_set(error, LEUKO_ARGUMENT, NULL, NULL, "the positive class is %d, not 0 or 1",
                     input->positive);
  return LEUKO_OK;
}

static leuko_status check_sample(const evaluate_input *input, const evaluate_sample *sample,
                                 leuko_error *error) {
  if (sample->label < -1 || sample->label >= input->class_count)
    return error_set(error, LEUKO_BAD_DATA, sample->path, NULL, "label %d of %d classes",
                     sample->label, input->class_count);
  if (sample->status != LEUKO_OK) return LEUKO_OK;
  for (size_t c = 0; c < logit_count(input); c++)
    if (!isfinite(sample->logits[c]))
      return error_set(error, LEUKO_BAD_DATA, sample->path, "train the model anew",
                       "the model's answer is not a finite number");
  return LEUKO_OK;
}

/* Copies the samples that count into out->logits and out->labels. */
static leuko_status gather(const evaluate_input *input, evaluation *out, leuko_error *error) {
  size_t width = logit_count(input), total = input->count;
  if (total == 0 || total > SIZE_MAX / (width * sizeof(double)))
    return error_set(error, total ? LEUKO_TOO_LARGE : LEUKO_NO_DATA, NULL, NULL,
                     "%zu samples cannot be scored", total);
  out->logits = malloc(total * width * sizeof *out->logits);
  out->labels = malloc(total * sizeof *out->labels);
  if (!out->logits || !out->labels)
    return error_set_memory(error, total * (width * sizeof(double) + sizeof(int)));
  for (size_t i = 0; i < total; i++) {
    const evaluate_sample *sample = &input->samples[i];
    leuko_status status = check_sample(input, sample, error);
    if (status != LEUKO_OK) return status;
    out->refused += sample->status != LEUKO_OK;
    out->unlabelled += sample->status == LEUKO_OK && sample->label < 0;
    if (!evaluate_counts(sample)) continue;
    memcpy(out->logits + out->n * width, sample->logits, width * sizeof *out->logits);
    out->labels[out->n++] =
        input->class_count == 2 ? sample->label == input->positive : sample->label;
  }
  if (out->n == 0)
    return error_set(error, LEUKO_NO_DATA, NULL, "give cells whose class is known",
                     "none of the %zu samples is both answered and labelled", total);
  return LEUKO_OK;
}

static void find_majority(const evaluate_input *input, evaluation *out) {
  size_t counts[LEUKO_MAX_CLASSES] = {0};
  for (size_t i = 0; i < input->count; i++)
    if (evaluate_counts(&input->samples[i])) counts[input->samples[i].label]++;
  for (int c = 1; c < input->class_count; c++)
    if (counts[c] > counts[out->majority]) out->majority = c;
  out->majority_accuracy = (double)counts[out->majority] / (double)out->n;
}

leuko_status evaluate_samples(const evaluate_input *input, evaluation *out, leuko_error *error) {
  *out = (evaluation){.class_count = input->class_count,
                      .positive = input->positive,
                      .threshold = input->threshold};
  leuko_status status = check_classes(input, error);
  if (status == LEUKO_OK) status = gather(input, out, error);
  if (status == LEUKO_OK) {
    for (int c = 0; c < input->class_count; c++)
      snprintf(out->classes[c], sizeof out->classes[c], "%s", input->classes[c]);
    find_majority(input, out);
    status = evaluate_subjects(input, out, error);
  }
  if (status == LEUKO_OK && input->class_count == 2)
    status =
        stats_binary_metrics(out->logits, out->labels, out->n, out->threshold, &out->binary, error);
  else if (status == LEUKO_OK)
    status = stats_multiclass_metrics(out->logits, out->labels, out->n, out->class_count,
                                      &out->multiclass, error);
  if (status != LEUKO_OK) evaluate_free(out);
  return status;
}

void evaluate_free(evaluation *e) {
  for (size_t i = 0; i < e->subject_count; i++) free(e->subjects[i].subject);
  free(e->subjects);
  free(e->logits);
  free(e->labels);
  *e = (evaluation){0};
}
