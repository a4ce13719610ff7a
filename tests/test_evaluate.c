/* Scores, subjects, baseline and metrics.json of a small set worked out by hand. */
#include "evaluated.h"

#include "base/csv.h"
#include "evaluate/baselines.h"

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

/* Two cells that are not answered: one positive and right, one negative and wrong. */
static void rejected_cells_are_counted_and_left_out(void **state) {
  (void)state;
  evaluate_sample some[sizeof samples / sizeof *samples];
  memcpy(some, samples, sizeof samples);
  some[1].reason = LEUKO_REASON_DISTANCE;
  some[4].reason = LEUKO_REASON_BORDER;
  some[6].reason = LEUKO_REASON_BORDER; /* unlabelled: it does not count */
  evaluate_input input = small_input();
  input.samples = some;
  evaluation e;
  assert_int_equal(evaluate_samples(&input, &e, NULL), LEUKO_OK);
  assert_false(e.rejection.possible);
  assert_int_equal(e.rejection.rejected, 0);
  evaluate_free(&e);
  input.rejects = true;
  assert_int_equal(evaluate_samples(&input, &e, NULL), LEUKO_OK);
  assert_true(e.rejection.possible);
  assert_int_equal(e.n, 7);
  assert_int_equal(e.binary.confusion[1][1], 2);
  assert_int_equal(e.rejection.rejected, 2);
  assert_int_equal(e.rejection.by_reason[LEUKO_REASON_DISTANCE], 1);
  assert_int_equal(e.rejection.by_reason[LEUKO_REASON_BORDER], 1);
  assert_int_equal(e.rejection.by_class[0], 1);
  assert_int_equal(e.rejection.by_class[1], 1);
  assert_int_equal(e.rejection.binary.n, 5);
  test_close("accuracy", e.rejection.binary.accuracy, 3.0 / 5, 1e-15);
  test_close("sensitivity", e.rejection.binary.sensitivity, 0.5, 1e-15);
  json_t *value = evaluate_json(&e), *part = json_object_get(value, "rejection");
  assert_int_equal(json_integer_value(json_object_get(part, "rejected")), 2);
  assert_int_equal(
      json_integer_value(json_object_get(json_object_get(part, "by_reason"), "border")), 1);
  assert_int_equal(json_integer_value(json_object_get(json_object_get(part, "by_class"), "hem")),
                   1);
  assert_int_equal(json_integer_value(json_object_get(json_object_get(part, "answered"), "n")), 5);
  json_decref(value);
  evaluate_free(&e);
  /* Nothing is left to score. */
  for (size_t i = 0; i < input.count; i++) some[i].reason = LEUKO_REASON_NO_CELL;
  assert_int_equal(evaluate_samples(&input, &e, NULL), LEUKO_OK);
  assert_int_equal(e.rejection.rejected, 7);
  assert_int_equal(e.rejection.binary.n, 0);
  evaluate_free(&e);
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
  evaluate_sample list[] = {{"1", "", "b", 0, &logit, LEUKO_OK, 0},
                            {"2", "", "c", 0, &logit, LEUKO_OK, 0},
                            {"3", "", "a", 0, &logit, LEUKO_OK, 0}};
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
  evaluate_sample list[] = {{"1", "", "s", 0, rows[0], LEUKO_OK, 0},
                            {"2", "", "s", 1, rows[1], LEUKO_OK, 0},
                            {"3", "", "t", 1, rows[2], LEUKO_OK, 0}};
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

static void calibration_changes_probabilities_only(void **state) {
  (void)state;
  evaluate_input input = small_input();
  evaluation e;
  input.temperature = 2;
  input.threshold = 0.6;
  assert_int_equal(evaluate_samples(&input, &e, NULL), LEUKO_OK);
  stats_binary expected;
  const double halved[] = {1, 0.5, -0.5, -1, 0, 1.5, -1.5}, raw[] = {2, 1, -1, -2, 0, 3, -3};
  const int truth[] = {1, 1, 1, 0, 0, 0, 0};
  assert_int_equal(stats_binary_metrics(halved, truth, 7, 0.6, &expected, NULL), LEUKO_OK);
  test_close("loss", e.binary.loss, expected.loss, 1e-15);
  test_close("accuracy", e.binary.accuracy, expected.accuracy, 1e-15);
  assert_int_equal(stats_binary_metrics(raw, truth, 7, 0.5, &expected, NULL), LEUKO_OK);
  test_close("raw loss", e.raw.loss, expected.loss, 1e-15);
  test_close("raw Brier", e.raw.brier, expected.brier, 1e-15);
  test_close("AUC", e.binary.auc, expected.auc, 0);
  test_close("accuracy at 0.5", e.at_half.accuracy, expected.accuracy, 0);
  /* Seven samples, seven bins: the mean distance of p from the label, equal p taken together. */
  double error = 0;
  for (size_t i = 0; i < 7; i++) error += fabs(stats_sigmoid(halved[i]) - truth[i]) / 7;
  test_close("calibration error", e.reliability.error, error, 1e-15);
  evaluate_free(&e);
}

static void predictive_values_follow_the_prevalence(void **state) {
  (void)state;
  evaluate_input input = small_input();
  evaluation e;
  assert_int_equal(evaluate_samples(&input, &e, NULL), LEUKO_OK);
  assert_int_equal(e.prevalence_count, 3);
  evaluate_free(&e);
  input.prevalences[0] = 0.1;
  input.prevalence_count = 1;
  assert_int_equal(evaluate_samples(&input, &e, NULL), LEUKO_OK);
  assert_int_equal(e.prevalence_count, 1);
  /* Sensitivity 2/3, specificity 1/2. */
  test_close("PPV", e.predictive[0].positive, (2.0 / 30) / (2.0 / 30 + 0.45), 1e-15);
  test_close("NPV", e.predictive[0].negative, 0.45 / (0.45 + 1.0 / 30), 1e-15);
  evaluate_free(&e);
  input.prevalences[0] = 1;
  assert_int_equal(evaluate_samples(&input, &e, NULL), LEUKO_ARGUMENT);
}

#define CELLS 60

/* Ten subjects of six cells each; the first five are positive. Their scores overlap. */
static void draw_cells(evaluate_sample *list, double *scores, char subjects[][8],
                       char hashes[][8]) {
  for (size_t i = 0; i < CELLS; i++) {
    bool positive = i < CELLS / 2;
    scores[i] = (positive ? 0.6 : -0.6) + 0.3 * (double)((i * 7) % 11) - 1.5;
    snprintf(subjects[i], 8, "%c%zu", positive ? 'P' : 'H', i / 6);
    snprintf(hashes[i], 8, "%zx", i);
    list[i] = (evaluate_sample){"c", hashes[i], subjects[i], !positive, scores + i, LEUKO_OK, 0};
  }
}

static void subjects_are_resampled(void **state) {
  (void)state;
  evaluate_sample list[CELLS];
  double scores[CELLS];
  char subjects[CELLS][8], hashes[CELLS][8], fingerprint[65];
  draw_cells(list, scores, subjects, hashes);
  evaluate_input input = small_input();
  input.samples = list;
  input.count = CELLS;
  evaluation e, again;
  assert_int_equal(evaluate_samples(&input, &e, NULL), LEUKO_OK);
  assert_int_equal(e.group_count, 10);
  const double values[STATS_SCORES] = {[STATS_ACCURACY] = e.binary.accuracy,
                                       [STATS_BALANCED_ACCURACY] = e.binary.balanced_accuracy,
                                       [STATS_WEIGHTED_F1] = e.binary.weighted_f1,
                                       [STATS_AUC] = e.binary.auc,
                                       [STATS_SENSITIVITY] = e.binary.sensitivity,
                                       [STATS_SPECIFICITY] = e.binary.specificity};
  for (int s = 0; s < STATS_SCORES; s++) {
    assert_true(e.by_subject[s].low < values[s] && e.by_subject[s].high > values[s]);
    assert_true(e.by_image[s].low < values[s] && e.by_image[s].high > values[s]);
  }
  assert_int_equal(evaluate_samples(&input, &again, NULL), LEUKO_OK);
  assert_memory_equal(e.by_subject, again.by_subject, sizeof e.by_subject);
  memcpy(fingerprint, e.fingerprint, sizeof fingerprint);
  evaluate_free(&again);
  evaluate_free(&e);
  /* Tied subjects are one person. */
  int groups[CELLS];
  for (size_t i = 0; i < CELLS; i++) groups[i] = i < 12 ? 3 : (int)(i / 6) + 5;
  input.groups = groups;
  assert_int_equal(evaluate_samples(&input, &e, NULL), LEUKO_OK);
  assert_int_equal(e.group_count, 9);
  assert_int_equal(e.subject_count, 10);
  evaluate_free(&e);
  /* The order of the cells changes nothing but which cells they are. */
  evaluate_sample turned[CELLS];
  for (size_t i = 0; i < CELLS; i++) turned[i] = list[CELLS - 1 - i];
  input.groups = NULL;
  input.samples = turned;
  assert_int_equal(evaluate_samples(&input, &e, NULL), LEUKO_OK);
  assert_string_equal(e.fingerprint, fingerprint);
  evaluate_free(&e);
  input.count--;
  assert_int_equal(evaluate_samples(&input, &e, NULL), LEUKO_OK);
  assert_string_not_equal(e.fingerprint, fingerprint);
  evaluate_free(&e);
  /* Without subjects there is nothing to resample but cells. */
  for (size_t i = 0; i < CELLS; i++) list[i].subject = "";
  input.samples = list;
  assert_int_equal(evaluate_samples(&input, &e, NULL), LEUKO_OK);
  assert_true(isnan(e.by_subject[STATS_AUC].low) && isfinite(e.by_image[STATS_AUC].low));
  json_t *json = evaluate_json(&e);
  const json_t *intervals = json_object_get(json, "intervals");
  assert_true(json_is_null(json_object_get(json_object_get(intervals, "by_subject"), "auc")));
  assert_true(json_is_null(json_object_get(json, "persons")));
  json_decref(json);
  evaluate_free(&e);
}

static void baselines_stand_beside_the_model(void **state) {
  (void)state;
  evaluate_sample list[CELLS];
  double scores[CELLS], measures[CELLS][BASELINE_MEASURES] = {{0}};
  char subjects[CELLS][8], hashes[CELLS][8];
  int truth[CELLS];
  draw_cells(list, scores, subjects, hashes);
  evaluate_input input = small_input();
  input.samples = list;
  input.count = CELLS;
  for (size_t i = 0; i < CELLS; i++) {
    truth[i] = i < CELLS / 2;
    measures[i][0] = 1;                                 /* the area says nothing */
    measures[i][3] = truth[i] * 10.0 + (double)(i % 3); /* the colour says all */
    measures[i][9] = (double)(i % 7);
  }
  baseline_cells cells = {&measures[0][0], truth, CELLS};
  evaluation e;
  assert_int_equal(evaluate_samples(&input, &e, NULL), LEUKO_OK);
  assert_int_equal(e.baseline_count, 0);
  assert_int_equal(evaluate_baselines(&cells, &cells, &e, NULL), LEUKO_OK);
  assert_int_equal(e.baseline_count, 3);
  assert_string_equal(e.baselines[0].name, "cell area");
  test_close("area", e.baselines[0].scores.auc, 0.5, 0);
  assert_true(e.baselines[0].beaten);
  test_close("difference", e.baselines[0].difference, e.binary.auc - 0.5, 1e-15);
  test_close("colour", e.baselines[1].scores.auc, 1, 0);
  assert_false(e.baselines[1].beaten);
  test_close("all", e.baselines[2].scores.accuracy, 1, 0);
  json_t *json = evaluate_json(&e);
  const json_t *rows = json_object_get(json, "baselines");
  assert_int_equal(json_array_size(rows), 3);
  assert_true(json_is_false(json_object_get(json_array_get(rows, 1), "beaten")));
  json_decref(json);
  baseline_cells few = {&measures[0][0], truth, 5};
  assert_int_equal(evaluate_baselines(&cells, &few, &e, NULL), LEUKO_ARGUMENT);
  e.baseline_count = 0;
  assert_int_equal(evaluate_baselines(&few, &cells, &e, NULL), LEUKO_OK);
  assert_int_equal(e.baseline_count, 0); /* one class only to learn from */
  evaluate_free(&e);
}

static void a_drawn_cell_is_measured(void **state) {
  (void)state;
  enum { SIZE = 32 };
  uint8_t pixels[SIZE][SIZE][3] = {{{0}}};
  double measured[BASELINE_MEASURES];
  for (int y = 8; y < 24; y++)
    for (int x = 4; x < 28; x++) {
      pixels[y][x][0] = 120;
      pixels[y][x][1] = 60;
      pixels[y][x][2] = 160;
    }
  assert_int_equal(baseline_measure(&pixels[0][0][0], SIZE, measured, NULL), LEUKO_OK);
  test_close("area", measured[0], 24.0 * 16 / (SIZE * SIZE), 1e-15);
  test_close("proportion", measured[1], 16.0 / 24, 1e-15);
  test_close("fill", measured[2], 1, 1e-15);
  test_close("red", measured[3], 120, 1e-12);
  test_close("blue", measured[5], 160, 1e-12);
  test_close("deviation", measured[6], 0, 1e-12);
  memset(pixels, 0, sizeof pixels);
  assert_int_equal(baseline_measure(&pixels[0][0][0], SIZE, measured, NULL), LEUKO_OK);
  for (size_t k = 0; k < BASELINE_MEASURES; k++) test_close("nothing", measured[k], 0, 0);
}

static void curves_are_csv(void **state) {
  (void)state;
  char folder[PATH], path[PATH];
  test_folder(folder);
  evaluate_input input = small_input();
  evaluation e;
  csv table;
  assert_int_equal(evaluate_samples(&input, &e, NULL), LEUKO_OK);
  assert_int_equal(evaluate_write_curves(folder, &e, NULL), LEUKO_OK);
  assert_int_equal(test_count(folder), 3);
  snprintf(path, sizeof path, "%.900s/roc.csv", folder);
  assert_int_equal(csv_read(path, ',', &table, NULL), LEUKO_OK);
  assert_int_equal(csv_column(&table, "true_positive_rate"), 2);
  assert_int_equal(table.rows, 8);
  assert_string_equal(csv_field(&table, 0, 0), "inf");
  test_close("threshold", strtod(csv_field(&table, 1, 0), NULL), stats_sigmoid(3), 1e-8);
  test_close("rate", strtod(csv_field(&table, 1, 1), NULL), 0.25, 0);
  test_close("last", strtod(csv_field(&table, 7, 2), NULL), 1, 0);
  csv_free(&table);
  snprintf(path, sizeof path, "%.900s/pr.csv", folder);
  assert_int_equal(csv_read(path, ',', &table, NULL), LEUKO_OK);
  assert_int_equal(csv_column(&table, "recall"), 1);
  assert_int_equal(csv_column(&table, "precision"), 2);
  csv_free(&table);
  snprintf(path, sizeof path, "%.900s/calibration.csv", folder);
  assert_int_equal(csv_read(path, ',', &table, NULL), LEUKO_OK);
  assert_int_equal(table.rows, 7);
  assert_int_equal(csv_column(&table, "share"), 5);
  csv_free(&table);
  evaluate_free(&e);
  test_remove(folder);
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
  evaluate_sample bad[] = {samples[0], {"x.bmp", "", "", 1, &broken, LEUKO_OK, 0}};
  input = small_input();
  input.samples = bad;
  input.count = 2;
  assert_int_equal(score(input, &error), LEUKO_BAD_DATA);
  assert_string_equal(error.file, "x.bmp");
  bad[1] = (evaluate_sample){"y.bmp", "", "", 2, logits, LEUKO_OK, 0};
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
      cmocka_unit_test(rejected_cells_are_counted_and_left_out),
      cmocka_unit_test(subjects_come_worst_first),
      cmocka_unit_test(equal_subjects_stand_by_name),
      cmocka_unit_test(the_positive_class_can_be_the_second),
      cmocka_unit_test(more_classes_use_softmax),
      cmocka_unit_test(metrics_are_json),
      cmocka_unit_test(undefined_scores_are_null),
      cmocka_unit_test(calibration_changes_probabilities_only),
      cmocka_unit_test(predictive_values_follow_the_prevalence),
      cmocka_unit_test(subjects_are_resampled),
      cmocka_unit_test(baselines_stand_beside_the_model),
      cmocka_unit_test(a_drawn_cell_is_measured),
      cmocka_unit_test(curves_are_csv),
      cmocka_unit_test(wrong_input_is_named),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
