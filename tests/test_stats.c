/* Scores and curves against scikit-learn (tests/oracle/sklearn_metrics.py), to 1e-9. */
#include "support.h"

#include <jansson.h>

#include "stats/curves.h"
#include "stats/metrics.h"

#define TOLERANCE 1e-9

/* A number, or `otherwise` for null. */
static double value_of(const json_t *value, double otherwise) {
  return json_is_null(value) ? otherwise : json_number_value(value);
}

static double *doubles(const json_t *list, double otherwise) {
  size_t n = json_array_size(list);
  assert_true(n > 0);
  double *out = calloc(n, sizeof *out);
  assert_non_null(out);
  for (size_t i = 0; i < n; i++) out[i] = value_of(json_array_get(list, i), otherwise);
  return out;
}

static int *integers(const json_t *list) {
  size_t n = json_array_size(list);
  int *out = calloc(n ? n : 1, sizeof *out);
  assert_non_null(out);
  for (size_t i = 0; i < n; i++) out[i] = (int)json_integer_value(json_array_get(list, i));
  return out;
}

static void check_score(const json_t *test, const char *name, double got) {
  char what[128];
  const json_t *expected = json_object_get(json_object_get(test, "scores"), name);
  assert_non_null(expected);
  snprintf(what, sizeof what, "%s: %s", json_string_value(json_object_get(test, "name")), name);
  test_close(what, got, value_of(expected, NAN), TOLERANCE);
}

static void check_confusion(const json_t *test, int truth, int answer, size_t got) {
  const json_t *rows = json_object_get(test, "confusion");
  const json_t *cell = json_array_get(json_array_get(rows, (size_t)truth), (size_t)answer);
  assert_int_equal(got, json_integer_value(cell));
}

static void check_values(const json_t *test, const char *name, const double *got, size_t n,
                         const json_t *expected) {
  char what[128];
  assert_int_equal(n, json_array_size(expected));
  double *list = doubles(expected, INFINITY);
  for (size_t i = 0; i < n; i++) {
    snprintf(what, sizeof what, "%s: %s, point %zu",
             json_string_value(json_object_get(test, "name")), name, i);
    test_close(what, got[i], list[i], TOLERANCE);
  }
  free(list);
}

static void check_curve(const json_t *test, const char *name, const stats_curve *curve) {
  const json_t *expected = json_object_get(test, name);
  check_values(test, name, curve->x, curve->n, json_object_get(expected, "x"));
  check_values(test, name, curve->y, curve->n, json_object_get(expected, "y"));
  check_values(test, name, curve->threshold, curve->n, json_object_get(expected, "threshold"));
}

static void check_binary(const json_t *test) {
  const json_t *list = json_object_get(test, "logits");
  size_t n = json_array_size(list);
  double *logits = doubles(list, NAN);
  int *labels = integers(json_object_get(test, "labels"));
  stats_binary got;
  double threshold = json_number_value(json_object_get(test, "threshold"));
  assert_int_equal(stats_binary_metrics(logits, labels, n, threshold, &got, NULL), LEUKO_OK);
  assert_int_equal(got.n, n);
  check_score(test, "loss", got.loss);
  check_score(test, "accuracy", got.accuracy);
  check_score(test, "balanced_accuracy", got.balanced_accuracy);
  check_score(test, "sensitivity", got.sensitivity);
  check_score(test, "specificity", got.specificity);
  check_score(test, "weighted_f1", got.weighted_f1);
  check_score(test, "auc", got.auc);
  check_score(test, "average_precision", got.average_precision);
  check_score(test, "brier", got.brier);
  for (int truth = 0; truth < 2; truth++)
    for (int answer = 0; answer < 2; answer++)
      check_confusion(test, truth, answer, got.confusion[truth][answer]);
  assert_int_equal(got.positives, got.confusion[1][0] + got.confusion[1][1]);
  double area;
  assert_int_equal(stats_auc(logits, labels, n, &area, NULL), LEUKO_OK);
  test_close("stats_auc", area, got.auc, 0);
  stats_curve curve;
  if (json_object_get(test, "roc")) {
    assert_int_equal(stats_roc(logits, labels, n, &curve, NULL), LEUKO_OK);
    check_curve(test, "roc", &curve);
    stats_curve_free(&curve);
    assert_int_equal(stats_precision_recall(logits, labels, n, &curve, NULL), LEUKO_OK);
    check_curve(test, "precision_recall", &curve);
    stats_curve_free(&curve);
  }
  free(logits);
  free(labels);
}

static void check_multiclass(const json_t *test) {
  const json_t *rows = json_object_get(test, "logits");
  size_t n = json_array_size(rows);
  int k = (int)json_integer_value(json_object_get(test, "classes"));
  double *logits = calloc(n * (size_t)k, sizeof *logits);
  assert_non_null(logits);
  for (size_t i = 0; i < n; i++)
    for (size_t c = 0; c < (size_t)k; c++)
      logits[i * (size_t)k + c] = json_number_value(json_array_get(json_array_get(rows, i), c));
  int *labels = integers(json_object_get(test, "labels"));
  stats_multiclass got;
  assert_int_equal(stats_multiclass_metrics(logits, labels, n, k, &got, NULL), LEUKO_OK);
  assert_int_equal(got.n, n);
  check_score(test, "loss", got.loss);
  check_score(test, "accuracy", got.accuracy);
  check_score(test, "balanced_accuracy", got.balanced_accuracy);
  check_score(test, "weighted_f1", got.weighted_f1);
  check_score(test, "auc", got.auc);
  for (int truth = 0; truth < k; truth++)
    for (int answer = 0; answer < k; answer++)
      check_confusion(test, truth, answer, got.confusion[truth][answer]);
  free(logits);
  free(labels);
}

static void check_all(const char *kind, void (*check)(const json_t *)) {
  char path[PATH];
  test_path(path, "tests/fixtures/metrics.json");
  json_t *fixture = json_load_file(path, 0, NULL);
  assert_non_null(fixture);
  const json_t *tests = json_object_get(fixture, kind);
  assert_true(json_array_size(tests) > 0);
  for (size_t i = 0; i < json_array_size(tests); i++) check(json_array_get(tests, i));
  json_decref(fixture);
}

static void binary_scores_and_curves_equal_scikit_learn(void **state) {
  (void)state;
  check_all("binary", check_binary);
}

static void multiclass_scores_equal_scikit_learn(void **state) {
  (void)state;
  check_all("multiclass", check_multiclass);
}

static void extreme_logits_stay_finite(void **state) {
  (void)state;
  test_close("sigmoid", stats_sigmoid(-1e308), 0, 0);
  test_close("sigmoid", stats_sigmoid(1e308), 1, 0);
  test_close("sigmoid", stats_sigmoid(0), 0.5, 0);
  test_close("loss", stats_binary_loss(1e300, 0), 1e300, 0);
  test_close("loss", stats_binary_loss(1e300, 1), 0, 0);
  test_close("loss", stats_binary_loss(-1000, 1), 1000, 0);
  double logits[3] = {1e308, -1e308, 1e308};
  stats_softmax(logits, 3, logits);
  test_close("softmax", logits[0], 0.5, 0);
  test_close("softmax", logits[1], 0, 0);
  test_close("softmax", logits[2], 0.5, 0);
}

static void the_first_of_equal_logits_is_the_answer(void **state) {
  (void)state;
  assert_int_equal(stats_argmax((double[]){1, 3, 3, 2}, 4), 1);
  assert_int_equal(stats_argmax((double[]){0, 0}, 2), 0);
}

static void wrong_input_is_named(void **state) {
  (void)state;
  leuko_error error = {0};
  stats_binary binary;
  stats_multiclass multiclass;
  stats_curve curve;
  double area;
  assert_int_equal(stats_binary_metrics(NULL, NULL, 0, 0.5, &binary, &error), LEUKO_NO_DATA);
  double broken[] = {0.5, NAN}, infinite[] = {INFINITY, 0}, fine[] = {0.5, 1};
  int labels[] = {0, 1}, other[] = {0, 2}, negative[] = {-1, 1};
  assert_int_equal(stats_binary_metrics(broken, labels, 2, 0.5, &binary, &error), LEUKO_BAD_DATA);
  assert_non_null(strstr(error.message, "sample 1"));
  assert_int_equal(stats_binary_metrics(infinite, labels, 2, 0.5, &binary, &error), LEUKO_BAD_DATA);
  assert_int_equal(stats_binary_metrics(fine, other, 2, 0.5, &binary, &error), LEUKO_BAD_DATA);
  assert_int_equal(stats_binary_metrics(fine, negative, 2, 0.5, &binary, &error), LEUKO_BAD_DATA);
  assert_int_equal(stats_roc(broken, labels, 2, &curve, &error), LEUKO_BAD_DATA);
  assert_int_equal(stats_precision_recall(NULL, NULL, 0, &curve, &error), LEUKO_NO_DATA);
  assert_int_equal(stats_auc(NULL, NULL, 0, &area, &error), LEUKO_OK);
  assert_true(isnan(area));
  assert_int_equal(stats_multiclass_metrics(fine, labels, 1, 1, &multiclass, &error),
                   LEUKO_ARGUMENT);
  assert_int_equal(
      stats_multiclass_metrics(fine, labels, 1, LEUKO_MAX_CLASSES + 1, &multiclass, &error),
      LEUKO_ARGUMENT);
  assert_int_equal(stats_multiclass_metrics(fine, other + 1, 1, 2, &multiclass, &error),
                   LEUKO_BAD_DATA);
  assert_int_equal(stats_multiclass_metrics(broken, labels, 1, 2, &multiclass, &error),
                   LEUKO_BAD_DATA);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(binary_scores_and_curves_equal_scikit_learn),
      cmocka_unit_test(multiclass_scores_equal_scikit_learn),
      cmocka_unit_test(extreme_logits_stay_finite),
      cmocka_unit_test(the_first_of_equal_logits_is_the_answer),
      cmocka_unit_test(wrong_input_is_named),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
