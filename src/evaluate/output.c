/* predictions.csv and metrics.json. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/csv.h"
#include "base/error.h"
#include "base/text.h"
#include "evaluate/evaluate.h"

leuko_status evaluate_write_predictions(const char *path, const evaluate_input *input,
                                        leuko_error *error) {
  file_writer writer;
  leuko_status status = file_writer_open(&writer, path, error);
  if (status != LEUKO_OK) return status;
  file_printf(&writer, "path,sha256,subject,label,p,predicted,status\n");
  for (size_t i = 0; i < input->count; i++) {
    const evaluate_sample *sample = &input->samples[i];
    if (sample->label < -1 || sample->label >= input->class_count) {
      file_writer_abort(&writer);
      return error_set(error, LEUKO_ARGUMENT, sample->path, NULL, "label %d of %d classes",
                       sample->label, input->class_count);
    }
    csv_write_field(&writer, sample->path, true);
    csv_write_field(&writer, sample->sha256, false);
    csv_write_field(&writer, sample->subject ? sample->subject : "", false);
    csv_write_field(&writer, sample->label < 0 ? "" : input->classes[sample->label], false);
    if (sample->status == LEUKO_OK) {
      double p;
      int answer = evaluate_answer(input, sample->logits, &p);
      file_printf(&writer, ",%.9g", p);
      csv_write_field(&writer, input->classes[answer], false);
    } else {
      file_printf(&writer, ",,");
    }
    file_printf(&writer, ",%s\n", leuko_status_name(sample->status));
  }
  return file_writer_commit(&writer, error);
}

/* Not defined is null: JSON has no NaN. */
static json_t *number(double value) {
  return isfinite(value) ? json_real(value) : json_null();
}

static json_t *integer(size_t value) {
  return json_integer((json_int_t)value);
}

/* Index of the class on row `row` of the confusion matrix: the positive one comes last. */
static int row_class(const evaluation *e, int row) {
  if (e->class_count > 2) return row;
  return row == 1 ? e->positive : 1 - e->positive;
}

static json_t *confusion_json(const evaluation *e) {
  json_t *rows = json_array();
  for (int truth = 0; truth < e->class_count; truth++) {
    json_t *row = json_array();
    for (int answer = 0; answer < e->class_count; answer++)
      json_array_append_new(row,
                            integer(e->class_count == 2 ? e->binary.confusion[truth][answer]
                                                        : e->multiclass.confusion[truth][answer]));
    json_array_append_new(rows, row);
  }
  return rows;
}

static json_t *subject_json(const evaluation *e, const evaluate_subject *subject) {
  json_t *counts = json_array();
  for (int row = 0; row < e->class_count; row++)
    json_array_append_new(counts, integer(subject->counts[row_class(e, row)]));
  json_t *value = json_object();
  json_object_set_new(value, "subject", text_json(subject->subject));
  json_object_set_new(value, "n", integer(subject->n));
  json_object_set_new(value, "counts", counts);
  json_object_set_new(value, "correct", integer(subject->correct));
  json_object_set_new(value, "accuracy", number(subject->accuracy));
  json_object_set_new(value, "positive_share", number(subject->positive_share));
  json_object_set_new(value, "mean_p", number(subject->mean_p));
  return value;
}

static void set_binary(json_t *value, const stats_binary *scores) {
  json_object_set_new(value, "loss", number(scores->loss));
  json_object_set_new(value, "accuracy", number(scores->accuracy));
  json_object_set_new(value, "balanced_accuracy", number(scores->balanced_accuracy));
  json_object_set_new(value, "sensitivity", number(scores->sensitivity));
  json_object_set_new(value, "specificity", number(scores->specificity));
  json_object_set_new(value, "weighted_f1", number(scores->weighted_f1));
  json_object_set_new(value, "auc", number(scores->auc));
  json_object_set_new(value, "average_precision", number(scores->average_precision));
  json_object_set_new(value, "brier", number(scores->brier));
  json_object_set_new(value, "n", integer(scores->n));
  json_object_set_new(value, "positives", integer(scores->positives));
}

static void set_multiclass(json_t *value, const stats_multiclass *scores) {
  json_object_set_new(value, "loss", number(scores->loss));
  json_object_set_new(value, "accuracy", number(scores->accuracy));
  json_object_set_new(value, "balanced_accuracy", number(scores->balanced_accuracy));
  json_object_set_new(value, "weighted_f1", number(scores->weighted_f1));
  json_object_set_new(value, "auc", number(scores->auc));
  json_object_set_new(value, "n", integer(scores->n));
}

json_t *evaluate_json(const evaluation *e) {
  json_t *value = json_object(), *classes = json_array(), *subjects = json_array();
  if (e->class_count == 2) {
    set_binary(value, &e->binary);
    json_object_set_new(value, "positive", text_json(e->classes[e->positive]));
    json_object_set_new(value, "threshold", number(e->threshold));
  } else {
    set_multiclass(value, &e->multiclass);
  }
  for (int row = 0; row < e->class_count; row++)
    json_array_append_new(classes, text_json(e->classes[row_class(e, row)]));
  for (size_t i = 0; i < e->subject_count; i++)
    json_array_append_new(subjects, subject_json(e, &e->subjects[i]));
  json_object_set_new(value, "classes", classes);
  json_object_set_new(value, "confusion", confusion_json(e));
  json_object_set_new(value, "majority_class", text_json(e->classes[e->majority]));
  json_object_set_new(value, "majority_accuracy", number(e->majority_accuracy));
  json_object_set_new(value, "refused", integer(e->refused));
  json_object_set_new(value, "unlabelled", integer(e->unlabelled));
  json_object_set_new(value, "subjects", subjects);
  return value;
}

leuko_status evaluate_write_metrics(const char *path, const evaluation *e, leuko_error *error) {
  json_t *value = evaluate_json(e);
  /* 15 digits: a decimal number of that length survives the way through a double, so that 0.85 is
   * written as 0.85. */
  char *text =
      value ? json_dumps(value, JSON_INDENT(2) | JSON_PRESERVE_ORDER | JSON_REAL_PRECISION(15))
            : NULL;
  json_decref(value);
  if (!text) return error_set_memory(error, 0);
  file_writer writer;
  leuko_status status = file_writer_open(&writer, path, error);
  if (status == LEUKO_OK) {
    file_printf(&writer, "%s\n", text);
    status = file_writer_commit(&writer, error);
  }
  free(text);
  return status;
}
