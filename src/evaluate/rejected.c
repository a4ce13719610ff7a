/* What the model did not answer, and how it scores on what it did. */
#include "evaluate/rejected.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "evaluate/subjects.h"

/* The rows of `out` that are answered, to the front of logits and labels; returns how many. */
static size_t take_kept(const evaluate_input *input, const evaluation *out, double *logits,
                        int *labels) {
  const size_t width = out->class_count == 2 ? 1 : (size_t)out->class_count;
  size_t row = 0, kept = 0;
  for (size_t i = 0; i < input->count; i++) {
    const evaluate_sample *sample = &input->samples[i];
    if (!evaluate_counts(sample)) continue;
    if (sample->reason == LEUKO_REASON_NONE) {
      memcpy(logits + kept * width, out->logits + row * width, width * sizeof *logits);
      labels[kept++] = out->labels[row];
    }
    row++;
  }
  return kept;
}

leuko_status evaluate_rejected(const evaluate_input *input, evaluation *out, leuko_error *error) {
  evaluate_rejection *r = &out->rejection;
  *r = (evaluate_rejection){.possible = input->rejects};
  if (!input->rejects) return LEUKO_OK;
  for (size_t i = 0; i < input->count; i++) {
    const evaluate_sample *sample = &input->samples[i];
    if (!evaluate_counts(sample) || sample->reason == LEUKO_REASON_NONE) continue;
    r->rejected++;
    r->by_reason[sample->reason]++;
    r->by_class[sample->label]++;
  }
  const size_t width = out->class_count == 2 ? 1 : (size_t)out->class_count;
  double *logits = malloc(out->n * width * sizeof *logits);
  int *labels = malloc(out->n * sizeof *labels);
  leuko_status status = LEUKO_OK;
  if (!logits || !labels) status = error_set_memory(error, out->n * width * sizeof *logits);
  const size_t kept = status == LEUKO_OK ? take_kept(input, out, logits, labels) : 0;
  if (kept > 0 && out->class_count == 2)
    status = stats_binary_metrics(logits, labels, kept, out->threshold, &r->binary, error);
  else if (kept > 0)
    status =
        stats_multiclass_metrics(logits, labels, kept, out->class_count, &r->multiclass, error);
  free(logits);
  free(labels);
  return status;
}
