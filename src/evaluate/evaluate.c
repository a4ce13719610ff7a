#include "evaluate/evaluate.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "evaluate/persons.h"
#include "evaluate/rejected.h"
#include "evaluate/subjects.h"
#include "evaluate/trust.h"

int evaluate_answer(const evaluate_input *input, const double *logits, double *p) {
  double all[LEUKO_MAX_CLASSES];
  stats_probabilities(logits, input->class_count, input->positive, input->temperature, all);
  int answer = input->class_count > 2                     ? stats_argmax(logits, input->class_count)
               : all[input->positive] >= input->threshold ? input->positive
                                                          : 1 - input->positive;
  if (p) *p = all[input->class_count == 2 ? input->positive : answer];
  return answer;
}

/* How many logits a sample has. */
static size_t logit_count(const evaluate_input *input) {
  return input->class_count == 2 ? 1 : (size_t)input->class_count;
}

static leuko_status check_input(const evaluate_input *input, leuko_error *error) {
  if (input->class_count < 2 || input->class_count > LEUKO_MAX_CLASSES)
    return error_set(error, LEUKO_ARGUMENT, NULL, NULL, "%d classes, but 2 to %d are possible",
                     input->class_count, LEUKO_MAX_CLASSES);
  if (input->class_count == 2 && input->positive != 0 && input->positive != 1)
    return error_set(error, LEUKO_ARGUMENT, NULL, NULL, "the positive class is %d, not 0 or 1",
                     input->positive);
  if (input->temperature < 0 || !isfinite(input->temperature))
    return error_set(error, LEUKO_ARGUMENT, NULL, NULL, "a temperature of %g is not possible",
                     input->temperature);
  for (int i = 0; i < input->prevalence_count; i++)
    if (!(input->prevalences[i] > 0 && input->prevalences[i] < 1))
      return error_set(error, LEUKO_ARGUMENT, NULL, "take shares such as 0.1",
                       "a prevalence of %g is not possible", input->prevalences[i]);
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

/* Copies the samples that count into out->logits, labels and answers. */
static leuko_status gather(const evaluate_input *input, evaluation *out, leuko_error *error) {
  size_t width = logit_count(input), total = input->count;
  if (total == 0 || total > SIZE_MAX / (width * sizeof(double)))
    return error_set(error, total ? LEUKO_TOO_LARGE : LEUKO_NO_DATA, NULL, NULL,
                     "%zu samples cannot be scored", total);
  out->logits = malloc(total * width * sizeof *out->logits);
  out->labels = malloc(total * sizeof *out->labels);
  out->answers = malloc(total * sizeof *out->answers);
  if (!out->logits || !out->labels || !out->answers)
    return error_set_memory(error, total * (width * sizeof(double) + 2 * sizeof(int)));
  for (size_t i = 0; i < total; i++) {
    const evaluate_sample *sample = &input->samples[i];
    leuko_status status = check_sample(input, sample, error);
    if (status != LEUKO_OK) return status;
    out->refused += sample->status != LEUKO_OK;
    out->unlabelled += sample->status == LEUKO_OK && sample->label < 0;
    if (!evaluate_counts(sample)) continue;
    for (size_t c = 0; c < width; c++)
      out->logits[out->n * width + c] = sample->logits[c] / out->temperature;
    int answer = evaluate_answer(input, sample->logits, NULL);
    bool binary = input->class_count == 2;
    out->labels[out->n] = binary ? sample->label == input->positive : sample->label;
    out->answers[out->n++] = binary ? answer == input->positive : answer;
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
                      .threshold = input->threshold,
                      .temperature = input->temperature > 0 ? input->temperature : 1};
  leuko_status status = check_input(input, error);
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
  if (status == LEUKO_OK) status = evaluate_trust(input, out, error);
  if (status == LEUKO_OK && input->class_count == 2) status = evaluate_persons(input, out, error);
  if (status == LEUKO_OK) status = evaluate_rejected(input, out, error);
  if (status != LEUKO_OK) evaluate_free(out);
  return status;
}

void evaluate_free(evaluation *e) {
  for (size_t i = 0; i < e->subject_count; i++) free(e->subjects[i].subject);
  for (size_t i = 0; i < e->person_count; i++) free(e->persons[i].name);
  free(e->subjects);
  free(e->persons);
  free(e->logits);
  free(e->labels);
  free(e->answers);
  free(e->groups);
  *e = (evaluation){0};
}
