#include "evaluate/subjects.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"

static int compare_samples(const void *a, const void *b) {
  const evaluate_sample *x = *(const evaluate_sample *const *)a;
  const evaluate_sample *y = *(const evaluate_sample *const *)b;
  int by_name = strcmp(x->subject, y->subject);
  return by_name ? by_name : (x > y) - (x < y);
}

static int compare_subjects(const void *a, const void *b) {
  const evaluate_subject *x = a, *y = b;
  int by_accuracy = (x->accuracy > y->accuracy) - (x->accuracy < y->accuracy);
  return by_accuracy ? by_accuracy : strcmp(x->subject, y->subject);
}

/* Scores the samples [count] of one subject. */
static void score_subject(const evaluate_input *input, const evaluate_sample *const *samples,
                          size_t count, evaluate_subject *subject) {
  size_t answered_positive = 0;
  double sum = 0;
  for (size_t i = 0; i < count; i++) {
    double p[LEUKO_MAX_CLASSES];
    int label = samples[i]->label, answer = evaluate_answer(input, samples[i]->logits, NULL);
    stats_probabilities(samples[i]->logits, input->class_count, input->positive, input->temperature,
                        p);
    sum += p[input->class_count == 2 ? input->positive : label];
    subject->counts[label]++;
    subject->correct += answer == label;
    answered_positive += answer == input->positive;
  }
  subject->n = count;
  subject->accuracy = (double)subject->correct / (double)count;
  subject->mean_p = sum / (double)count;
  subject->positive_share =
      input->class_count == 2 ? (double)answered_positive / (double)count : NAN;
}

/* The samples that count and name their subject, a subject's together, into *sorted [*count]. */
static leuko_status sort_samples(const evaluate_input *input, const evaluate_sample ***sorted,
                                 size_t *count, leuko_error *error) {
  *count = 0;
  const evaluate_sample **list = calloc(input->count, sizeof *list);
  if (!list) return error_set_memory(error, input->count * sizeof *list);
  for (size_t i = 0; i < input->count; i++) {
    const evaluate_sample *sample = &input->samples[i];
    if (evaluate_counts(sample) && sample->subject && sample->subject[0]) list[(*count)++] = sample;
  }
  if (*count > 0) qsort(list, *count, sizeof *list, compare_samples);
  *sorted = list;
  return LEUKO_OK;
}

leuko_status evaluate_subjects(const evaluate_input *input, evaluation *out, leuko_error *error) {
  const evaluate_sample **sorted = NULL;
  size_t count, subjects = 0;
  leuko_status status = sort_samples(input, &sorted, &count, error);
  if (status != LEUKO_OK) return status;
  for (size_t i = 0; i < count; i++)
    subjects += i == 0 || strcmp(sorted[i]->subject, sorted[i - 1]->subject) != 0;
  out->subjects = subjects ? calloc(subjects, sizeof *out->subjects) : NULL;
  if (subjects && !out->subjects)
    status = error_set_memory(error, subjects * sizeof *out->subjects);
  for (size_t first = 0; status == LEUKO_OK && first < count;) {
    const char *name = sorted[first]->subject;
    size_t end = first + 1;
    while (end < count && strcmp(sorted[end]->subject, name) == 0) end++;
    evaluate_subject *subject = &out->subjects[out->subject_count];
    subject->subject = strdup(name);
    if (!subject->subject) {
      status = error_set_memory(error, strlen(name) + 1);
      break;
    }
    out->subject_count++;
    score_subject(input, sorted + first, end - first, subject);
    first = end;
  }
  free(sorted);
  if (status == LEUKO_OK && out->subject_count > 0)
    qsort(out->subjects, out->subject_count, sizeof *out->subjects, compare_subjects);
  return status;
}
