/* Scores, subjects, baseline, predictions.csv and metrics.json of a small set worked out by hand.
 */
#include "support.h"

#include "base/csv.h"
#include "evaluate/evaluate.h"

static const char *const names[] = {"all", "hem"};

/* Positive is "all" (index 0). Answers at 0.5: p of logit 0 is exactly 0.5, so positive. */
static const double logits[] = {2.0, 1.0, -1.0, -2.0, 0.0, 3.0, -3.0, 0.5};

static const evaluate_sample samples[] = {
    {"a/1.bmp", "01", "7", 0, logits + 0, LEUKO_OK},      /* right */
    {"a/2.bmp", "02", "7", 0, logits + 1, LEUKO_OK},      /* right */
    {"a/3.bmp", "03", "7", 0, logits + 2, LEUKO_OK},      /* wrong */
    {"h/1.bmp", "04", "H1", 1, logits + 3, LEUKO_OK},     /* right */
    {"h/2.bmp", "05", "H1", 1, logits + 4, LEUKO_OK},     /* wrong */
    {"h/3,\"x\".bmp", "06", "", 1, logits + 5, LEUKO_OK}, /* wrong; no subject */
    {"h/4.bmp", "07", NULL, -1, logits + 6, LEUKO_OK},    /* unlabelled */
    {"h/5.bmp", "", "H1", 1, NULL, LEUKO_CORRUPT_IMAGE},  /* refused */
    {"h/6.bmp", "08", "H0", 1, logits + 6, LEUKO_OK},     /* right */
};

static evaluate_input small_input(void) {
  return (evaluate_input){.classes = names,
                          .class_count = 2,
                          .positive = 0,
                          .threshold = 0.5,
                          .samples = samples,
                          .count = sizeof samples / sizeof *samples};
}

static void two_classes_are_scored(void **state) {
  (void)state;
  evaluate_input input = small_input();
  evaluation e;
  assert_int_equal(evaluate_samples(&input, &e, NULL), LEUKO_OK);
  assert_int_equal(e.n, 7);
  assert_int_equal(e.refused, 1);
  assert_int_equal(e.unlabelled, 1);
  assert_int_equal(e.binary.positives, 3);
  assert_int_equal(e.binary.confusion[1][1], 2);
  assert_int_equal(e.binary.confusion[1][0], 1);
  assert_int_equal(e.binary.confusion[0][1], 2);
  assert_int_equal(e.binary.confusion[0][0], 2);
  test_close("accuracy", e.binary.accuracy, 4.0 / 7, 1e-15);
  test_close("sensitivity", e.binary.sensitivity, 2.0 / 3, 1e-15);
  test_close("specificity", e.binary.specificity, 0.5, 1e-15);
  assert_string_equal(e.classes[e.majority], "hem");
  test_close("baseline", e.majority_accuracy, 4.0 / 7, 1e-15);
  const int expected[] = {1, 1, 1, 0, 0, 0, 0};
  for (size_t i = 0; i < 7; i++) assert_int_equal(e.labels[i], expected[i]);
  test_close("last logit", e.logits[6], -3, 0);
  evaluate_free(&e);
  assert_null(e.subjects);
}

static void subjects_come_worst_first(void **state) {
  (void)state;
  evaluate_input input = small_input();
  evaluation e;
  assert_int_equal(evaluate_samples(&input, &e, NULL), LEUKO_OK);
  assert_int_equal(e.subject_count, 3);
  assert_string_equal(e.subjects[0].subject, "H1");
  assert_string_equal(e.subjects[1].subject, "7");
  assert_string_equal(e.subjects[2].subject, "H0");
  assert_int_equal(e.subjects[0].n, 2);
  assert_int_equal(e.subjects[0].counts[0], 0);
  assert_int_equal(e.subjects[0].counts[1], 2);
  test_close("accuracy", e.subjects[0].accuracy, 0.5, 0);
  test_close("share", e.subjects[0].positive_share, 0.5, 0);
  test_close("mean p", e.subjects[0].mean_p, (stats_sigmoid(-2) + 0.5) / 2, 1e-15);
  assert_int_equal(e.subjects[1].correct, 2);
  test_close("share", e.subjects[1].positive_share, 2.0 / 3, 1e-15);
  evaluate_free(&e);
}

static void equal_subjects_stand_by_name(void **state) {
  (void)state;
  double logit = 1;
  evaluate_sample list[] = {{"1", "", "b", 0, &logit, LEUKO_OK},
                            {"2", "", "c", 0, &logit, LEUKO_OK},
                            {"3", "", "a", 0, &logit, LEUKO_OK}};
  evaluate_input input = small_input();
  input.samples = list;
  input.count = 3;
  evaluation e;
  assert_int_equal(evaluate_samples(&input, &e, NULL), LEUKO_OK);
  for (size_t i = 0; i < 3; i++) {
    assert_int_equal(e.subjects[i].subject[0], "abc"[i]);
    assert_true(isnan(e.binary.specificity));
  }
  evaluate_free(&e);
}

static void the_positive_class_can_be_the_second(void **state) {
  (void)state;
  evaluate_input input = small_input();
  input.positive = 1;
  evaluation e;
  assert_int_equal(evaluate_samples(&input, &e, NULL), LEUKO_OK);
  assert_int_equal(e.binary.positives, 4);
  assert_int_equal(evaluate_answer(&input, logits + 0, NULL), 1);
  assert_int_equal(evaluate_answer(&input, logits + 2, NULL), 0);
  assert_int_equal(e.binary.confusion[1][1], 2); /* hem answered hem: logits 0 and 3 */
  evaluate_free(&e);
}

static void more_classes_use_softmax(void **state) {
  (void)state;
  static const char *const three[] = {"x", "y", "z"};
  const double rows[3][3] = {{1, 0, 0}, {0, 0, 5}, {0, 2, 0}};
  evaluate_sample list[] = {{"1", "", "s", 0, rows[0], LEUKO_OK},
                            {"2", "", "s", 1, rows[1], LEUKO_OK},
                            {"3", "", "t", 1, rows[2], LEUKO_OK}};
  evaluate_input input = {
      .classes = three, .class_count = 3, .threshold = 0.5, .samples = list, .count = 3};
  evaluation e;
  assert_int_equal(evaluate_samples(&input, &e, NULL), LEUKO_OK);
  assert_int_equal(e.n, 3);
  test_close("accuracy", e.multiclass.accuracy, 2.0 / 3, 1e-15);
  assert_int_equal(e.multiclass.confusion[1][2], 1);
  assert_int_equal(e.majority, 1);
  assert_string_equal(e.subjects[0].subject, "s");
  assert_true(isnan(e.subjects[0].positive_share));
  double first = exp(1) / (exp(1) + 2), second = 1 / (exp(5) + 2);
  test_close("mean p", e.subjects[0].mean_p, (first + second) / 2, 1e-15);
  double p;
  assert_int_equal(evaluate_answer(&input, rows[1], &p), 2);
  test_close("p", p, exp(5) / (exp(5) + 2), 1e-15);
  json_t *json = evaluate_json(&e);
  assert_null(json_object_get(json, "sensitivity"));
  assert_int_equal(json_array_size(json_object_get(json, "confusion")), 3);
  assert_true(json_is_null(json_object_get(json, "auc"))); /* no cell of class z */
  json_decref(json);
  evaluate_free(&e);
}

static void predictions_hold_every_sample(void **state) {
  (void)state;
  char folder[PATH], path[PATH];
  test_folder(folder);
  snprintf(path, sizeof path, "%.900s/predictions.csv", folder);
  evaluate_input input = small_input();
  assert_int_equal(evaluate_write_predictions(path, &input, NULL), LEUKO_OK);
  csv table;
  assert_int_equal(csv_read(path, ',', &table, NULL), LEUKO_OK);
  static const char *const header[] = {"path", "sha256",    "subject", "label",
                                       "p",    "predicted", "status"};
  assert_int_equal(table.columns, 7);
  for (int c = 0; c < 7; c++) assert_int_equal(csv_column(&table, header[c]), c);
  assert_int_equal(table.rows, 9);
  assert_string_equal(csv_field(&table, 5, 0), "h/3,\"x\".bmp");
  assert_string_equal(csv_field(&table, 0, 3), "all");
  assert_string_equal(csv_field(&table, 0, 5), "all");
  test_close("p", strtod(csv_field(&table, 0, 4), NULL), stats_sigmoid(2), 1e-8);
  assert_string_equal(csv_field(&table, 2, 5), "hem");
  assert_string_equal(csv_field(&table, 4, 4), "0.5");
  assert_string_equal(csv_field(&table, 6, 3), "");
  assert_string_equal(csv_field(&table, 6, 5), "hem");
  assert_string_equal(csv_field(&table, 7, 4), "");
  assert_string_equal(csv_field(&table, 7, 5), "");
  assert_string_equal(csv_field(&table, 7, 6), "CORRUPT_IMAGE");
  csv_free(&table);
  assert_int_equal(test_count(folder), 1);
  test_remove(folder);
}

static void metrics_are_json(void **state) {
  (void)state;
  char folder[PATH], path[PATH];
  test_folder(folder);
  snprintf(path, sizeof path, "%.900s/metrics.json", folder);
  evaluate_input input = small_input();
  evaluation e;
  assert_int_equal(evaluate_samples(&input, &e, NULL), LEUKO_OK);
  assert_int_equal(evaluate_write_metrics(path, &e, NULL), LEUKO_OK);
  json_t *json = json_load_file(path, JSON_REJECT_DUPLICATES, NULL);
  assert_non_null(json);
  static const char *const numbers[] = {
      "loss", "accuracy", "balanced_accuracy", "sensitivity", "specificity",      "weighted_f1",
      "auc",  "brier",    "average_precision", "threshold",   "majority_accuracy"};
  for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
    assert_true(json_is_real(json_object_get(json, numbers[i])));
  assert_int_equal(json_integer_value(json_object_get(json, "n")), 7);
  assert_int_equal(json_integer_value(json_object_get(json, "refused")), 1);
  assert_string_equal(json_string_value(json_object_get(json, "positive")), "all");
  /* The positive class comes last. */
  const json_t *classes = json_object_get(json, "classes");
  assert_string_equal(json_string_value(json_array_get(classes, 0)), "hem");
  assert_string_equal(json_string_value(json_array_get(classes, 1)), "all");
  const json_t *row = json_array_get(json_object_get(json, "confusion"), 1);
  assert_int_equal(json_integer_value(json_array_get(row, 0)), 1);
  assert_int_equal(json_integer_value(json_array_get(row, 1)), 2);
  const json_t *subject = json_array_get(json_object_get(json, "subjects"), 0);
  assert_string_equal(json_string_value(json_object_get(subject, "subject")), "H1");
  const json_t *counts = json_object_get(subject, "counts");
  assert_int_equal(json_integer_value(json_array_get(counts, 0)), 2);
  assert_int_equal(json_integer_value(json_array_get(counts, 1)), 0);
  json_decref(json);
  evaluate_free(&e);
  test_remove(folder);
}

static void undefined_scores_are_null(void **state) {
  (void)state;
  evaluate_input input = small_input();
  input.count = 3; /* positives only */
  evaluation e;
  assert_int_equal(evaluate_samples(&input, &e, NULL), LEUKO_OK);
  json_t *json = evaluate_json(&e);
  assert_true(json_is_null(json_object_get(json, "specificity")));
  assert_true(json_is_null(json_object_get(json, "auc")));
  assert_true(json_is_real(json_object_get(json, "sensitivity")));
  json_decref(json);
  evaluate_free(&e);
}

static leuko_status score(evaluate_input input, leuko_error *error) {
  evaluation e;
  leuko_status status = evaluate_samples(&input, &e, error);
  static const evaluation zero;
  if (status != LEUKO_OK) assert_memory_equal(&e, &zero, sizeof e);
  else evaluate_free(&e);
  return status;
}

static void wrong_input_is_named(void **state) {
  (void)state;
  leuko_error error = {0};
  evaluate_input input = small_input();
  input.count = 0;
  assert_int_equal(score(input, &error), LEUKO_NO_DATA);
  input.samples += 6; /* an unlabelled one and a refused one */
  input.count = 2;
  assert_int_equal(score(input, &error), LEUKO_NO_DATA);
  input = small_input();
  input.class_count = 1;
  assert_int_equal(score(input, &error), LEUKO_ARGUMENT);
  input.class_count = LEUKO_MAX_CLASSES + 1;
  assert_int_equal(score(input, &error), LEUKO_ARGUMENT);
  input = small_input();
  input.positive = 2;
  assert_int_equal(score(input, &error), LEUKO_ARGUMENT);
  double broken = NAN;
  evaluate_sample bad[] = {samples[0], {"x.bmp", "", "", 1, &broken, LEUKO_OK}};
  input = small_input();
  input.samples = bad;
  input.count = 2;
  assert_int_equal(score(input, &error), LEUKO_BAD_DATA);
  assert_string_equal(error.file, "x.bmp");
  bad[1] = (evaluate_sample){"y.bmp", "", "", 2, logits, LEUKO_OK};
  assert_int_equal(score(input, &error), LEUKO_BAD_DATA);
  assert_string_equal(error.file, "y.bmp");
  char folder[PATH], path[PATH];
  test_folder(folder);
  snprintf(path, sizeof path, "%.900s/predictions.csv", folder);
  assert_int_equal(evaluate_write_predictions(path, &input, &error), LEUKO_ARGUMENT);
  assert_int_equal(test_count(folder), 0);
  snprintf(path, sizeof path, "%.900s/missing/predictions.csv", folder);
  input = small_input();
  assert_int_equal(evaluate_write_predictions(path, &input, &error), LEUKO_NOT_FOUND);
  test_remove(folder);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(two_classes_are_scored),
      cmocka_unit_test(subjects_come_worst_first),
      cmocka_unit_test(equal_subjects_stand_by_name),
      cmocka_unit_test(the_positive_class_can_be_the_second),
      cmocka_unit_test(more_classes_use_softmax),
      cmocka_unit_test(predictions_hold_every_sample),
      cmocka_unit_test(metrics_are_json),
      cmocka_unit_test(undefined_scores_are_null),
      cmocka_unit_test(wrong_input_is_named),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
