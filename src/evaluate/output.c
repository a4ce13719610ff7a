/* predictions.csv and metrics.json. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/csv.h"
#include "base/error.h"
#include "base/number.h"
#include "base/text.h"
#include "evaluate/persons.h"
#include "evaluate/subjects.h"
#include "evaluate/trust.h"

static void write_answer(file_writer *writer, const evaluate_input *input,
                         const evaluate_sample *sample, const char *person) {
  const bool answered = sample->status == LEUKO_OK, binary = input->class_count == 2;
  double p = 0, raw[LEUKO_MAX_CLASSES];
  int answer = 0;
  if (answered) {
    stats_probabilities(sample->logits, input->class_count, input->positive, 1, raw);
    answer = evaluate_answer(input, sample->logits, &p);
    file_printf(writer, ",%.9g", p);
    csv_write_field(writer, input->classes[answer], false);
  } else {
    file_printf(writer, ",,");
  }
  file_printf(writer, ",%s", leuko_status_name(sample->status));
  if (answered)
    file_printf(writer, ",%.9g,%.9g", raw[binary ? input->positive : answer],
                sample->logits[binary ? 0 : answer]);
  else file_printf(writer, ",,");
  csv_write_field(writer, person, false);
  if (input->rejects)
    file_printf(writer, ",%s", sample->reason ? leuko_reason_name(sample->reason) : "");
}

leuko_status evaluate_write_predictions(const char *path, const evaluate_input *input,
                                        leuko_error *error) {
  for (size_t i = 0; i < input->count; i++)
    if (input->samples[i].label < -1 || input->samples[i].label >= input->class_count)
      return error_set(error, LEUKO_ARGUMENT, input->samples[i].path, NULL,
                       "label %d of %d classes", input->samples[i].label, input->class_count);
  const char **persons = calloc(input->count + 1, sizeof *persons);
  if (!persons) return error_set_memory(error, input->count * sizeof *persons);
  file_writer writer;
  leuko_status status = evaluate_person_names(input, persons, error);
  if (status == LEUKO_OK) status = file_writer_open(&writer, path, error);
  if (status != LEUKO_OK) {
    free(persons);
    return status;
  }
  file_printf(&writer, "path,sha256,subject,label,p,predicted,status,p_raw,logit,person%s%s",
              input->rejects ? ",reason" : "", input->folds ? ",fold" : "");
  for (int c = 0; input->class_count > 2 && c < input->class_count; c++) {
    char name[64];
    snprintf(name, sizeof name, "logit_%.50s", input->classes[c]);
    csv_write_field(&writer, name, false);
  }
  file_printf(&writer, "\n");
  for (size_t i = 0; i < input->count; i++) {
    const evaluate_sample *sample = &input->samples[i];
    csv_write_field(&writer, sample->path, true);
    csv_write_field(&writer, sample->sha256, false);
    csv_write_field(&writer, sample->subject ? sample->subject : "", false);
    csv_write_field(&writer, sample->label < 0 ? "" : input->classes[sample->label], false);
    write_answer(&writer, input, sample, persons[i]);
    if (input->folds) file_printf(&writer, ",%d", input->folds[i] + 1);
    for (int c = 0; input->class_count > 2 && c < input->class_count; c++)
      if (sample->status == LEUKO_OK) file_printf(&writer, ",%.9g", sample->logits[c]);
      else file_printf(&writer, ",");
    file_printf(&writer, "\n");
  }
  free(persons);
  return file_writer_commit(&writer, error);
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
  json_object_set_new(value, "accuracy", number_json(subject->accuracy));
  json_object_set_new(value, "positive_share", number_json(subject->positive_share));
  json_object_set_new(value, "mean_p", number_json(subject->mean_p));
  return value;
}

static void set_binary(json_t *value, const stats_binary *scores) {
  json_object_set_new(value, "loss", number_json(scores->loss));
  json_object_set_new(value, "accuracy", number_json(scores->accuracy));
  json_object_set_new(value, "balanced_accuracy", number_json(scores->balanced_accuracy));
  json_object_set_new(value, "sensitivity", number_json(scores->sensitivity));
  json_object_set_new(value, "specificity", number_json(scores->specificity));
  json_object_set_new(value, "weighted_f1", number_json(scores->weighted_f1));
  json_object_set_new(value, "auc", number_json(scores->auc));
  json_object_set_new(value, "average_precision", number_json(scores->average_precision));
  json_object_set_new(value, "brier", number_json(scores->brier));
  json_object_set_new(value, "n", integer(scores->n));
  json_object_set_new(value, "positives", integer(scores->positives));
}

static void set_multiclass(json_t *value, const stats_multiclass *scores) {
  json_object_set_new(value, "loss", number_json(scores->loss));
  json_object_set_new(value, "accuracy", number_json(scores->accuracy));
  json_object_set_new(value, "balanced_accuracy", number_json(scores->balanced_accuracy));
  json_object_set_new(value, "weighted_f1", number_json(scores->weighted_f1));
  json_object_set_new(value, "auc", number_json(scores->auc));
  json_object_set_new(value, "n", integer(scores->n));
}

const char *evaluate_score_name(int score) {
  static const char *const names[STATS_SCORES] = {
      [STATS_ACCURACY] = "accuracy",       [STATS_BALANCED_ACCURACY] = "balanced_accuracy",
      [STATS_WEIGHTED_F1] = "weighted_f1", [STATS_AUC] = "auc",
      [STATS_SENSITIVITY] = "sensitivity", [STATS_SPECIFICITY] = "specificity"};
  return names[score];
}

json_t *evaluate_interval_json(stats_interval i) {
  return isfinite(i.low) ? json_pack("[f,f]", i.low, i.high) : json_null();
}

static json_t *intervals_json(const evaluation *e, const stats_interval *list) {
  json_t *value = json_object();
  for (int s = 0; s < (e->class_count == 2 ? STATS_SCORES : STATS_SENSITIVITY); s++)
    json_object_set_new(value, evaluate_score_name(s), evaluate_interval_json(list[s]));
  return value;
}

static json_t *calibration_json(const evaluation *e) {
  json_t *value = json_object(), *bins = json_array(), *raw = json_object();
  for (size_t b = 0; b < e->reliability.bins; b++) {
    const stats_bin *bin = &e->reliability.bin[b];
    json_array_append_new(bins, json_pack("{s:I,s:f,s:f,s:f,s:f}", "n", (json_int_t)bin->n, "low",
                                          bin->low, "high", bin->high, "mean_p", bin->mean_p,
                                          "share", bin->share));
  }
  json_object_set_new(raw, "loss", number_json(e->raw.loss));
  if (e->class_count == 2) json_object_set_new(raw, "brier", number_json(e->raw.brier));
  json_object_set_new(raw, "ece", number_json(e->raw.calibration_error));
  json_object_set_new(value, "temperature", number_json(e->temperature));
  json_object_set_new(value, "fitted_on_these_cells", json_boolean(e->fitted_here));
  json_object_set_new(value, "bins", bins);
  json_object_set_new(value, "raw", raw);
  return value;
}

static json_t *baselines_json(const evaluation *e) {
  json_t *list = json_array();
  for (int b = 0; b < e->baseline_count; b++) {
    const evaluate_baseline *baseline = &e->baselines[b];
    json_t *value = json_object();
    json_object_set_new(value, "name", json_string(baseline->name));
    set_binary(value, &baseline->scores);
    json_object_set_new(value, "auc_by_subject", evaluate_interval_json(baseline->auc));
    json_object_set_new(value, "auc_difference", number_json(baseline->difference));
    json_object_set_new(value, "auc_difference_by_subject",
                        evaluate_interval_json(baseline->by_subject));
    json_object_set_new(value, "beaten", json_boolean(baseline->beaten));
    json_array_append_new(list, value);
  }
  return list;
}

static json_t *predictive_json(const evaluation *e) {
  json_t *list = json_array();
  for (int i = 0; i < e->prevalence_count; i++) {
    json_t *value = json_object();
    json_object_set_new(value, "prevalence", number_json(e->predictive[i].prevalence));
    json_object_set_new(value, "ppv", number_json(e->predictive[i].positive));
    json_object_set_new(value, "npv", number_json(e->predictive[i].negative));
    json_array_append_new(list, value);
  }
  return list;
}

static json_t *at_half_json(const stats_binary *scores) {
  json_t *value = json_object();
  json_object_set_new(value, "accuracy", number_json(scores->accuracy));
  json_object_set_new(value, "balanced_accuracy", number_json(scores->balanced_accuracy));
  json_object_set_new(value, "sensitivity", number_json(scores->sensitivity));
  json_object_set_new(value, "specificity", number_json(scores->specificity));
  json_object_set_new(value, "weighted_f1", number_json(scores->weighted_f1));
  return value;
}

static void set_trust(json_t *value, const evaluation *e) {
  json_object_set_new(value, "ece", number_json(e->reliability.error));
  json_object_set_new(value, "persons", e->subject_count ? integer(e->group_count) : json_null());
  json_object_set_new(value, "intervals",
                      json_pack("{s:f,s:i,s:o,s:o}", "level", 0.95, "repetitions",
                                STATS_REPETITIONS, "by_subject", intervals_json(e, e->by_subject),
                                "by_image", intervals_json(e, e->by_image)));
  json_object_set_new(value, "calibration", calibration_json(e));
  if (e->class_count > 2) return;
  json_object_set_new(value, "at_half", at_half_json(&e->at_half));
  json_object_set_new(value, "predictive_values", predictive_json(e));
  json_object_set_new(value, "baselines", baselines_json(e));
  json_object_set_new(value, "by_person", evaluate_persons_json(e));
}

static json_t *rejection_json(const evaluation *e) {
  const evaluate_rejection *r = &e->rejection;
  if (!r->possible) return json_null();
  json_t *value = json_object(), *reasons = json_object(), *classes = json_object();
  json_t *answered = json_object();
  for (int k = 1; k < LEUKO_REASON_COUNT; k++)
    if (r->by_reason[k])
      json_object_set_new(reasons, leuko_reason_name((leuko_reason)k), integer(r->by_reason[k]));
  for (int c = 0; c < e->class_count; c++)
    json_object_set_new(classes, e->classes[c], integer(r->by_class[c]));
  if (r->rejected < e->n && e->class_count == 2) set_binary(answered, &r->binary);
  else if (r->rejected < e->n) set_multiclass(answered, &r->multiclass);
  json_object_set_new(value, "rejected", integer(r->rejected));
  json_object_set_new(value, "by_reason", reasons);
  json_object_set_new(value, "by_class", classes);
  json_object_set_new(value, "answered", answered);
  return value;
}

json_t *evaluate_json(const evaluation *e) {
  json_t *value = json_object(), *classes = json_array(), *subjects = json_array();
  if (e->class_count == 2) {
    set_binary(value, &e->binary);
    json_object_set_new(value, "positive", text_json(e->classes[e->positive]));
    json_object_set_new(value, "threshold", number_json(e->threshold));
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
  json_object_set_new(value, "majority_accuracy", number_json(e->majority_accuracy));
  json_object_set_new(value, "refused", integer(e->refused));
  json_object_set_new(value, "unlabelled", integer(e->unlabelled));
  json_object_set_new(value, "rejection", rejection_json(e));
  set_trust(value, e);
  json_object_set_new(value, "subjects", subjects);
  return value;
}

leuko_status evaluate_write_json(const char *path, json_t *value, leuko_error *error) {
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

leuko_status evaluate_write_metrics(const char *path, const evaluation *e, leuko_error *error) {
  return evaluate_write_json(path, evaluate_json(e), error);
}
