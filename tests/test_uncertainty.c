/* Resampling, DeLong's test, calibration, temperature, thresholds, predictive values and logistic
 * regression, against scikit-learn, SciPy and NumPy (tests/oracle/uncertainty.py) and by hand. */
#include "support.h"

#include <jansson.h>

#include "stats/calibration.h"
#include "stats/delong.h"
#include "stats/logistic.h"
#include "stats/metrics.h"
#include "stats/predictive.h"
#include "stats/student.h"
#include "stats/temperature.h"
#include "stats/threshold.h"
#include "stats/uncertainty.h"

#define TOLERANCE 1e-9

/* The list `kind` of the fixture; the caller releases *fixture. */
static const json_t *cases(const char *kind, json_t **fixture) {
  char path[PATH];
  test_path(path, "tests/fixtures/uncertainty.json");
  *fixture = json_load_file(path, 0, NULL);
  assert_non_null(*fixture);
  const json_t *list = json_object_get(*fixture, kind);
  assert_true(json_array_size(list) > 0);
  return list;
}

static double number(const json_t *object, const char *key) {
  const json_t *value = json_object_get(object, key);
  assert_true(json_is_number(value));
  return json_number_value(value);
}

static double at(const json_t *object, const char *key, size_t index) {
  const json_t *value = json_array_get(json_object_get(object, key), index);
  assert_true(json_is_number(value));
  return json_number_value(value);
}

/* All numbers of a list, also of a list of lists, row by row. */
static double *doubles(const json_t *object, const char *key) {
  const json_t *list = json_object_get(object, key);
  size_t n = json_array_size(list), width = json_array_size(json_array_get(list, 0));
  assert_true(n > 0);
  double *out = calloc(n * (width ? width : 1), sizeof *out);
  assert_non_null(out);
  for (size_t i = 0; i < n; i++) {
    const json_t *row = json_array_get(list, i);
    if (!width) out[i] = json_number_value(row);
    for (size_t c = 0; c < width; c++)
      out[i * width + c] = json_number_value(json_array_get(row, c));
  }
  return out;
}

static int *integers(const json_t *object, const char *key, size_t *n) {
  const json_t *list = json_object_get(object, key);
  *n = json_array_size(list);
  int *out = calloc(*n, sizeof *out);
  assert_non_null(out);
  for (size_t i = 0; i < *n; i++) out[i] = (int)json_integer_value(json_array_get(list, i));
  return out;
}

static void delong_equals_its_definition(void **state) {
  (void)state;
  json_t *fixture;
  const json_t *list = cases("delong", &fixture), *test;
  size_t i, n;
  json_array_foreach(list, i, test) {
    int *labels = integers(test, "labels", &n);
    double *a = doubles(test, "a"), *b = doubles(test, "b"), area, variance;
    stats_delong_test got;
    assert_int_equal(stats_delong_compare(a, b, labels, n, &got, NULL), LEUKO_OK);
    for (size_t k = 0; k < 2; k++) {
      test_close("area", got.areas[k], at(test, "areas", k), TOLERANCE);
      test_close("variance", got.variances[k], at(test, "variances", k), TOLERANCE);
    }
    test_close("covariance", got.covariance, number(test, "covariance"), TOLERANCE);
    test_close("z", got.z, number(test, "z"), TOLERANCE);
    test_close("p", got.p, number(test, "p"), TOLERANCE);
    assert_int_equal(stats_delong(b, labels, n, &area, &variance, NULL), LEUKO_OK);
    test_close("area", area, got.areas[1], 0);
    test_close("variance", variance, got.variances[1], 0);
    free(labels);
    free(a);
    free(b);
  }
  json_decref(fixture);
}

static void delong_by_hand(void **state) {
  (void)state;
  /* 3 of 4 pairs are in order; either class's components are 1 and 1/2, of variance 1/8. */
  const double scores[] = {3, 1, 2, 0};
  const int labels[] = {1, 1, 0, 0};
  double area, variance;
  assert_int_equal(stats_delong(scores, labels, 4, &area, &variance, NULL), LEUKO_OK);
  test_close("area", area, 0.75, 1e-15);
  test_close("variance", variance, 0.125, 1e-15);
  stats_delong_test same;
  assert_int_equal(stats_delong_compare(scores, scores, labels, 4, &same, NULL), LEUKO_OK);
  test_close("z of equal scores", same.z, 0, 0);
  test_close("p of equal scores", same.p, 1, 0);
  /* One class only, and one sample of a class: nothing to say. */
  assert_int_equal(stats_delong(scores, labels, 2, &area, &variance, NULL), LEUKO_OK);
  assert_true(isnan(area) && isnan(variance));
  assert_int_equal(stats_delong(scores, labels, 3, &area, &variance, NULL), LEUKO_OK);
  test_close("area", area, 0.5, 1e-15);
  assert_true(isnan(variance));
}

static void reliability_equals_scikit_learn(void **state) {
  (void)state;
  json_t *fixture;
  const json_t *list = cases("reliability", &fixture), *test;
  size_t i, n;
  json_array_foreach(list, i, test) {
    int *labels = integers(test, "labels", &n);
    double *p = doubles(test, "p");
    stats_reliability got;
    assert_int_equal(stats_reliability_of(p, labels, n, &got, NULL), LEUKO_OK);
    assert_int_equal(got.bins, 15);
    test_close("error", got.error, number(test, "error"), TOLERANCE);
    for (size_t b = 0; b < got.bins; b++) {
      test_close("n", (double)got.bin[b].n, at(test, "n", b), 0);
      test_close("low", got.bin[b].low, at(test, "low", b), 0);
      test_close("high", got.bin[b].high, at(test, "high", b), 0);
      test_close("mean p", got.bin[b].mean_p, at(test, "mean_p", b), TOLERANCE);
      test_close("share", got.bin[b].share, at(test, "share", b), TOLERANCE);
    }
    free(labels);
    free(p);
  }
  json_decref(fixture);
}

static void reliability_by_hand(void **state) {
  (void)state;
  stats_reliability got;
  assert_int_equal(stats_reliability_of((double[]){0.8, 0.2}, (int[]){1, 0}, 2, &got, NULL),
                   LEUKO_OK);
  assert_int_equal(got.bins, 2);
  test_close("low bin", got.bin[0].mean_p, 0.2, 0);
  test_close("error", got.error, 0.2, 1e-15);
  /* Equal answers that are right on the whole are calibrated, in whatever order they come. */
  double p[40];
  int labels[40];
  for (size_t i = 0; i < 40; i++) {
    p[i] = 0.75;
    labels[i] = i < 30;
  }
  assert_int_equal(stats_reliability_of(p, labels, 40, &got, NULL), LEUKO_OK);
  test_close("error of equal answers", got.error, 0, 1e-15);
}

static void temperatures_equal_scipy(void **state) {
  (void)state;
  json_t *fixture;
  const json_t *list = cases("temperature", &fixture), *test;
  size_t i, n;
  json_array_foreach(list, i, test) {
    int *labels = integers(test, "labels", &n);
    double *logits = doubles(test, "logits"), got;
    int classes = (int)json_integer_value(json_object_get(test, "classes"));
    assert_int_equal(stats_fit_temperature(logits, labels, n, classes, &got, NULL), LEUKO_OK);
    test_close("temperature", got, number(test, "temperature"), TOLERANCE);
    free(labels);
    free(logits);
  }
  json_decref(fixture);
}

static void temperature_by_hand(void **state) {
  (void)state;
  /* Three of four answers are right: p must be 3/4, so 1/T the logarithm of 3. */
  double got;
  assert_int_equal(
      stats_fit_temperature((double[]){1, 1, -1, 1}, (int[]){1, 0, 0, 1}, 4, 2, &got, NULL),
      LEUKO_OK);
  test_close("temperature", got, 1 / log(3), 1e-12);
  /* The same with two logits. */
  assert_int_equal(stats_fit_temperature((double[]){0, 1, 0, 1, 0, 0, 1, 0, 0, 0, 1, 0},
                                         (int[]){1, 0, 0, 1}, 4, 3, &got, NULL),
                   LEUKO_OK);
  assert_true(got > 0);
  assert_int_equal(stats_fit_temperature((double[]){2, -1}, (int[]){1, 0}, 2, 2, &got, NULL),
                   LEUKO_OK);
  test_close("without a mistake", got, STATS_COLDEST, 0);
  assert_int_equal(stats_fit_temperature((double[]){2, -1}, (int[]){0, 1}, 2, 2, &got, NULL),
                   LEUKO_OK);
  test_close("always wrong", got, STATS_HOTTEST, 0);
  assert_int_equal(stats_fit_temperature((double[]){0, 0}, (int[]){0, 1}, 2, 2, &got, NULL),
                   LEUKO_OK);
  test_close("saying nothing", got, 1, 0);
  assert_int_equal(
      stats_fit_temperature((double[]){1e300, -1e300, 1e300}, (int[]){1, 0, 0}, 3, 2, &got, NULL),
      LEUKO_OK);
  assert_true(got >= STATS_COLDEST && got <= STATS_HOTTEST);
}

/* Between two scores of the fixture: above the lower one, at most the upper one. */
static void between(const json_t *test, const char *key, double got) {
  const json_t *range = json_object_get(test, key);
  assert_true(got > number(range, "low") && got <= number(range, "high"));
}

static void thresholds_equal_scikit_learn(void **state) {
  (void)state;
  json_t *fixture;
  const json_t *list = cases("threshold", &fixture), *test;
  size_t i, n;
  json_array_foreach(list, i, test) {
    int *labels = integers(test, "labels", &n);
    double *p = doubles(test, "p"), got;
    assert_int_equal(stats_youden_threshold(p, labels, n, &got, NULL), LEUKO_OK);
    between(test, "youden", got);
    assert_int_equal(stats_sensitivity_threshold(p, labels, n, number(test, "wanted"), &got, NULL),
                     LEUKO_OK);
    between(test, "sensitivity", got);
    free(labels);
    free(p);
  }
  json_decref(fixture);
}

static void thresholds_by_hand(void **state) {
  (void)state;
  const double p[] = {0.9, 0.8, 0.7, 0.3, 0.1};
  const int labels[] = {1, 0, 1, 0, 0};
  double got;
  assert_int_equal(stats_youden_threshold(p, labels, 5, &got, NULL), LEUKO_OK);
  test_close("Youden", got, 0.5, 1e-15);
  assert_int_equal(stats_sensitivity_threshold(p, labels, 5, 0.5, &got, NULL), LEUKO_OK);
  test_close("half of the positives", got, 0.85, 1e-15);
  assert_int_equal(stats_sensitivity_threshold(p, labels, 5, 1, &got, NULL), LEUKO_OK);
  test_close("all of them", got, 0.5, 1e-15);
  const int last[] = {0, 0, 0, 0, 1};
  assert_int_equal(stats_sensitivity_threshold(p, last, 5, 0.9, &got, NULL), LEUKO_OK);
  test_close("below the lowest", got, 0.05, 1e-15);
}

static void predictive_values_by_hand(void **state) {
  (void)state;
  test_close("PPV", stats_positive_predictive(0.9, 0.8, 0.1), 1.0 / 3, 1e-15);
  test_close("NPV", stats_negative_predictive(0.9, 0.8, 0.1), 0.72 / 0.73, 1e-15);
  assert_true(isnan(stats_positive_predictive(0, 1, 0.5)));
  test_close("NPV", stats_negative_predictive(1, 1, 0), 1, 0);
}

static void logistic_regression_equals_scikit_learn(void **state) {
  (void)state;
  json_t *fixture;
  const json_t *list = cases("logistic", &fixture), *test;
  size_t i, n;
  json_array_foreach(list, i, test) {
    int *labels = integers(test, "labels", &n);
    double *x = doubles(test, "x");
    size_t measures = json_array_size(json_object_get(test, "weights"));
    stats_logistic got;
    assert_int_equal(stats_logistic_fit(x, labels, n, measures, &got, NULL), LEUKO_OK);
    test_close("bias", got.bias, number(test, "bias"), TOLERANCE);
    for (size_t d = 0; d < measures; d++)
      test_close("weight", got.weights[d], at(test, "weights", d), TOLERANCE);
    for (size_t k = 0; k < n; k++)
      test_close("logit", stats_logistic_logit(&got, x + k * measures), at(test, "logits", k),
                 TOLERANCE);
    free(labels);
    free(x);
  }
  json_decref(fixture);
}

static void a_measure_that_does_not_vary_says_nothing(void **state) {
  (void)state;
  stats_logistic got;
  assert_int_equal(
      stats_logistic_fit((double[]){7, 7, 7, 7}, (int[]){1, 1, 1, 0}, 4, 1, &got, NULL), LEUKO_OK);
  test_close("weight", got.weights[0], 0, 0);
  test_close("bias", got.bias, log(3), 1e-12);
  test_close("logit", stats_logistic_logit(&got, (double[]){7}), log(3), 1e-12);
}

static void students_distribution_equals_scipy(void **state) {
  (void)state;
  json_t *fixture;
  const json_t *list = cases("student", &fixture), *test;
  size_t i;
  json_array_foreach(list, i, test) {
    size_t degrees = (size_t)json_integer_value(json_array_get(test, 0));
    test_close("quantile", stats_student_quantile(degrees, 0.975),
               json_number_value(json_array_get(test, 1)), TOLERANCE);
    test_close("cdf", stats_student_cdf(degrees, 1.3), json_number_value(json_array_get(test, 2)),
               TOLERANCE);
  }
  json_decref(fixture);
  test_close("normal", stats_student_quantile(1000000, 0.975), 1.959963984540054, 1e-9);
}

static const double logits[] = {2, 1, -1, -2, 0.5, 0.5, 1, -0.5, 3, -3};
static const int labels[] = {1, 1, 1, 0, 0, 1, 0, 0, 1, 0};
#define N (sizeof labels / sizeof *labels)

static void answer(const double *x, size_t n, int *out) {
  for (size_t i = 0; i < n; i++) out[i] = x[i] >= 0;
}

static void weights_count_as_repeated_samples(void **state) {
  (void)state;
  const uint32_t weights[N] = {0, 3, 1, 2, 0, 1, 1, 4, 1, 0};
  double repeated[32], values[STATS_SCORES];
  int repeated_labels[32], answers[N];
  size_t n = 0;
  for (size_t i = 0; i < N; i++)
    for (uint32_t k = 0; k < weights[i]; k++) {
      repeated[n] = logits[i];
      repeated_labels[n++] = labels[i];
    }
  stats_binary expected;
  assert_int_equal(stats_binary_metrics(repeated, repeated_labels, n, 0.5, &expected, NULL),
                   LEUKO_OK);
  answer(logits, N, answers);
  stats_weighted w;
  assert_int_equal(stats_weighted_open(logits, labels, answers, N, 2, &w, NULL), LEUKO_OK);
  stats_weighted_scores(&w, weights, values);
  stats_weighted_close(&w);
  test_close("accuracy", values[STATS_ACCURACY], expected.accuracy, 1e-15);
  test_close("balanced", values[STATS_BALANCED_ACCURACY], expected.balanced_accuracy, 1e-15);
  test_close("F1", values[STATS_WEIGHTED_F1], expected.weighted_f1, 1e-15);
  test_close("AUC", values[STATS_AUC], expected.auc, 1e-15);
  test_close("sensitivity", values[STATS_SENSITIVITY], expected.sensitivity, 1e-15);
  test_close("specificity", values[STATS_SPECIFICITY], expected.specificity, 1e-15);
}

static void more_classes_are_scored_alike(void **state) {
  (void)state;
  const double rows[5][3] = {{2, 1, 0}, {0, 1, 3}, {1, 4, 1}, {0, 2, 1}, {1, 0, 2}};
  const int truth[5] = {0, 2, 1, 2, 0};
  int answers[5];
  double values[STATS_SCORES], p[15];
  for (size_t i = 0; i < 5; i++) {
    answers[i] = stats_argmax(rows[i], 3);
    stats_softmax(rows[i], 3, p + 3 * i);
  }
  stats_multiclass expected;
  assert_int_equal(stats_multiclass_metrics(&rows[0][0], truth, 5, 3, &expected, NULL), LEUKO_OK);
  stats_weighted w;
  assert_int_equal(stats_weighted_open(p, truth, answers, 5, 3, &w, NULL), LEUKO_OK);
  stats_weighted_scores(&w, (uint32_t[]){1, 1, 1, 1, 1}, values);
  test_close("accuracy", values[STATS_ACCURACY], expected.accuracy, 1e-15);
  test_close("balanced", values[STATS_BALANCED_ACCURACY], expected.balanced_accuracy, 1e-15);
  test_close("F1", values[STATS_WEIGHTED_F1], expected.weighted_f1, 1e-15);
  test_close("AUC", values[STATS_AUC], expected.auc, 1e-15);
  assert_true(isnan(values[STATS_SENSITIVITY]));
  stats_interval intervals[STATS_SCORES];
  stats_resampling how = {NULL, 5, 0, 200, 1};
  assert_int_equal(stats_score_intervals(&w, &how, intervals, NULL), LEUKO_OK);
  assert_true(intervals[STATS_ACCURACY].low < expected.accuracy &&
              intervals[STATS_ACCURACY].high > expected.accuracy);
  assert_true(isnan(intervals[STATS_SENSITIVITY].low));
  stats_weighted_close(&w);
}

/* Notes the weights of a draw. */
static void note(const void *context, const uint32_t *weights, double *values) {
  const stats_resampling *how = context;
  for (size_t i = 0; i < how->n; i++) values[i] = weights[i];
}

static void groups_are_drawn_whole(void **state) {
  (void)state;
  const size_t groups[] = {0, 2, 1, 2, 2, 1};
  stats_resampling how = {groups, 6, 3, 50, 5};
  double draws[6][50], again[6][50];
  assert_int_equal(stats_bootstrap(&how, note, &how, 6, draws[0], NULL), LEUKO_OK);
  bool differ = false;
  for (size_t r = 0; r < 50; r++) {
    assert_true(draws[1][r] == draws[3][r] && draws[3][r] == draws[4][r]);
    assert_true(draws[2][r] == draws[5][r]);
    test_close("groups drawn", draws[0][r] + draws[1][r] + draws[2][r], 3, 0);
    differ |= draws[0][r] != draws[0][0];
  }
  assert_true(differ);
  assert_int_equal(stats_bootstrap(&how, note, &how, 6, again[0], NULL), LEUKO_OK);
  assert_memory_equal(draws, again, sizeof draws);
  how.seed = 6;
  assert_int_equal(stats_bootstrap(&how, note, &how, 6, again[0], NULL), LEUKO_OK);
  assert_memory_not_equal(draws, again, sizeof draws);
  how.groups = NULL;
  assert_int_equal(stats_bootstrap(&how, note, &how, 6, draws[0], NULL), LEUKO_OK);
  double sum = 0;
  for (size_t i = 0; i < 6; i++) sum += draws[i][7];
  test_close("samples drawn", sum, 6, 0);
}

static void intervals_by_hand(void **state) {
  (void)state;
  /* Two groups: the draws' deviation is sqrt(0.02), the standard error sqrt(2) times that, 0.2. On
   * the scale of log odds 0.2 / 0.25 = 0.8; Student's quantile is 12.7062 for one degree. */
  stats_interval got = stats_score_interval(0.5, (double[]){0.4, NAN, 0.6}, 3, 2);
  test_close("low", got.low, 1 / (1 + exp(0.8 * 12.706204736174694)), 1e-12);
  test_close("high", got.high, 1 - got.low, 1e-12);
  got = stats_score_interval(1, (double[]){1, 1}, 2, 5);
  test_close("5 of 5", got.low, 0.4781762498950185, 1e-12);
  test_close("5 of 5", got.high, 1, 0);
  got = stats_score_interval(0, (double[]){0, 0}, 2, 5);
  test_close("none of 5", got.high, 1 - 0.4781762498950185, 1e-12);
  assert_true(isnan(stats_score_interval(0.5, (double[]){0.4, 0.6}, 2, 1).low));
  assert_true(isnan(stats_score_interval(NAN, (double[]){0.4, 0.6}, 2, 9).low));
  /* With very many groups the percentiles themselves. */
  double draws[1001];
  for (size_t i = 0; i < 1001; i++) draws[i] = (double)((i * 8) % 1001) / 1000;
  got = stats_difference_interval(draws, 1001, 1e7);
  test_close("low", got.low, 0.025, 1e-6);
  test_close("high", got.high, 0.975, 1e-6);
  stats_interval wider = stats_difference_interval(draws, 1001, 10);
  assert_true(wider.low < got.low && wider.high > got.high);
}

static void scores_of_one_classifier_do_not_differ(void **state) {
  (void)state;
  const size_t groups[N] = {0, 0, 1, 1, 2, 2, 3, 3, 4, 4};
  int answers[N];
  answer(logits, N, answers);
  stats_weighted w, other;
  assert_int_equal(stats_weighted_open(logits, labels, answers, N, 2, &w, NULL), LEUKO_OK);
  stats_resampling how = {groups, N, 5, 100, 1};
  stats_interval got[STATS_SCORES];
  assert_int_equal(stats_difference_intervals(&w, &w, &how, got, NULL), LEUKO_OK);
  for (int s = 0; s < STATS_SCORES; s++) assert_true(got[s].low == 0 && got[s].high == 0);
  const int swapped[N] = {0, 1, 1, 0, 0, 1, 0, 0, 1, 1};
  assert_int_equal(stats_weighted_open(logits, swapped, answers, N, 2, &other, NULL), LEUKO_OK);
  assert_int_equal(stats_difference_intervals(&w, &other, &how, got, NULL), LEUKO_ARGUMENT);
  stats_weighted_close(&other);
  stats_weighted_close(&w);
}

static void wrong_input_is_named(void **state) {
  (void)state;
  leuko_error error = {0};
  double broken[] = {0.5, NAN}, fine[] = {0.5, 0.6}, out, other;
  int both[] = {0, 1}, three[] = {0, 3}, ones[] = {1, 1};
  stats_delong_test test;
  stats_reliability reliability;
  stats_logistic regression;
  stats_weighted w;
  assert_int_equal(stats_delong(broken, both, 2, &out, &other, &error), LEUKO_BAD_DATA);
  assert_int_equal(stats_delong(fine, three, 2, &out, &other, &error), LEUKO_BAD_DATA);
  assert_int_equal(stats_delong(NULL, NULL, 0, &out, &other, &error), LEUKO_NO_DATA);
  assert_int_equal(stats_delong_compare(fine, broken, both, 2, &test, &error), LEUKO_BAD_DATA);
  assert_int_equal(stats_reliability_of(NULL, NULL, 0, &reliability, &error), LEUKO_NO_DATA);
  assert_int_equal(stats_reliability_of(broken, both, 2, &reliability, &error), LEUKO_BAD_DATA);
  assert_int_equal(stats_fit_temperature(NULL, NULL, 0, 2, &out, &error), LEUKO_NO_DATA);
  assert_int_equal(stats_fit_temperature(fine, both, 2, 1, &out, &error), LEUKO_ARGUMENT);
  assert_int_equal(stats_fit_temperature(broken, both, 2, 2, &out, &error), LEUKO_BAD_DATA);
  assert_int_equal(stats_fit_temperature(fine, three, 2, 2, &out, &error), LEUKO_BAD_DATA);
  assert_int_equal(stats_youden_threshold(fine, ones, 2, &out, &error), LEUKO_NO_DATA);
  assert_int_equal(stats_youden_threshold(broken, both, 2, &out, &error), LEUKO_BAD_DATA);
  assert_int_equal(stats_sensitivity_threshold(fine, both, 2, 0, &out, &error), LEUKO_ARGUMENT);
  assert_int_equal(stats_logistic_fit(NULL, NULL, 0, 1, &regression, &error), LEUKO_NO_DATA);
  assert_int_equal(stats_logistic_fit(broken, both, 2, 1, &regression, &error), LEUKO_BAD_DATA);
  assert_int_equal(stats_logistic_fit(fine, three, 2, 1, &regression, &error), LEUKO_BAD_DATA);
  assert_int_equal(stats_logistic_fit(fine, both, 2, STATS_MAX_MEASURES + 1, &regression, &error),
                   LEUKO_ARGUMENT);
  assert_int_equal(stats_weighted_open(fine, three, both, 2, 2, &w, &error), LEUKO_BAD_DATA);
  assert_int_equal(stats_weighted_open(broken, both, both, 2, 2, &w, &error), LEUKO_BAD_DATA);
  assert_int_equal(stats_weighted_open(NULL, NULL, NULL, 0, 2, &w, &error), LEUKO_NO_DATA);
  stats_resampling how = {(size_t[]){0, 2}, 2, 2, 10, 1};
  assert_int_equal(stats_bootstrap(&how, note, &how, 2, &out, &error), LEUKO_ARGUMENT);
  how.n = 0;
  assert_int_equal(stats_bootstrap(&how, note, &how, 2, &out, &error), LEUKO_NO_DATA);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(delong_equals_its_definition),
      cmocka_unit_test(delong_by_hand),
      cmocka_unit_test(reliability_equals_scikit_learn),
      cmocka_unit_test(reliability_by_hand),
      cmocka_unit_test(temperatures_equal_scipy),
      cmocka_unit_test(temperature_by_hand),
      cmocka_unit_test(thresholds_equal_scikit_learn),
      cmocka_unit_test(thresholds_by_hand),
      cmocka_unit_test(predictive_values_by_hand),
      cmocka_unit_test(logistic_regression_equals_scikit_learn),
      cmocka_unit_test(a_measure_that_does_not_vary_says_nothing),
      cmocka_unit_test(students_distribution_equals_scipy),
      cmocka_unit_test(weights_count_as_repeated_samples),
      cmocka_unit_test(more_classes_are_scored_alike),
      cmocka_unit_test(groups_are_drawn_whole),
      cmocka_unit_test(intervals_by_hand),
      cmocka_unit_test(scores_of_one_classifier_do_not_differ),
      cmocka_unit_test(wrong_input_is_named),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
