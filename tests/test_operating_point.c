/* Threshold and temperature: chosen on cells, kept in the model's file, used by every answer. */
#include "models.h"

#include "predict/predictor.h"
#include "stats/metrics.h"
#include "train/train.h"

#define CELLS 6

/* Five of six answers of logit 1 or -1 are right: p must be 5/6. */
static const double logits[] = {1, 1, 1, 1, -1, -1};
static const int labels[] = {1, 1, 1, 0, 0, 0};

static void both_are_kept_in_the_model(void **state) {
  (void)state;
  char folder[PATH];
  test_folder(folder);
  model m = models_make(16, 2, 5), loaded;
  leuko_error error = {0};
  train_options options = {.point = TRAIN_POINT_YOUDEN};
  models_ok(train_operating_point(&options, logits, labels, CELLS, "abc", &m, &error), &error);
  models_ok(model_save_best(folder, &m, &error), &error);
  models_ok(model_load(folder, &loaded, &error), &error);
  test_close("temperature", loaded.temperature, 1 / log(5), 1e-9);
  test_close("threshold", loaded.threshold, 0.5, 1e-9);
  test_close("temperature", m.temperature, loaded.temperature, 0);
  test_close("threshold", m.threshold, loaded.threshold, 0);
  const json_t *point = loaded.operating_point;
  assert_string_equal(json_string_value(json_object_get(point, "chosen")), "youden");
  assert_string_equal(json_string_value(json_object_get(point, "data")), "abc");
  assert_int_equal(json_integer_value(json_object_get(point, "cells")), CELLS);
  assert_memory_equal(loaded.params, m.params, m.graph->param_floats * sizeof *m.params);
  assert_int_equal(model_save_best("nowhere", &m, NULL), LEUKO_NOT_FOUND);
  model_free(&loaded);
  model_free(&m);
  test_remove(folder);
}

static void a_wanted_sensitivity_is_reached(void **state) {
  (void)state;
  static const double spread[] = {3, 2, -1, 1, -2, -3};
  model m = models_make(16, 2, 5);
  train_options options = {.point = TRAIN_POINT_SENSITIVITY, .sensitivity = 0.9};
  assert_int_equal(train_operating_point(&options, spread, labels, CELLS, "abc", &m, NULL),
                   LEUKO_OK);
  double lowest = stats_sigmoid(-1 / m.temperature), below = stats_sigmoid(-2 / m.temperature);
  test_close("threshold", m.threshold, (lowest + below) / 2, 1e-12);
  test_close("wanted", json_number_value(json_object_get(m.operating_point, "sensitivity")), 0.9,
             0);
  model_free(&m);
}

static void what_cannot_be_chosen_is_left(void **state) {
  (void)state;
  model m = models_make(16, 2, 5);
  train_options options = {.point = TRAIN_POINT_YOUDEN};
  assert_int_equal(train_operating_point(&options, logits, labels, 3, "abc", &m, NULL), LEUKO_OK);
  assert_null(m.operating_point); /* one class only */
  test_close("threshold", m.threshold, 0.5, 0);
  static const double perfect[] = {3, 2, 1, -1, -2, -3};
  assert_int_equal(train_operating_point(&options, perfect, labels, CELLS, "abc", &m, NULL),
                   LEUKO_OK);
  test_close("temperature without a mistake", m.temperature, 1, 0);
  assert_non_null(m.operating_point);
  model_free(&m);
}

static void more_classes_have_a_temperature_alone(void **state) {
  (void)state;
  static const double rows[] = {2, 0, 0, 0, 2, 0, 0, 0, 2, 2, 0, 0};
  static const int truth[] = {0, 1, 2, 1};
  model m = models_make(16, 3, 5);
  train_options options = {.point = TRAIN_POINT_YOUDEN};
  assert_int_equal(train_operating_point(&options, rows, truth, 4, "abc", &m, NULL), LEUKO_OK);
  /* Three of four are right: exp(2/T) / (exp(2/T) + 2) = 3/4. */
  test_close("temperature", m.temperature, 2 / log(6), 1e-9);
  assert_null(json_object_get(m.operating_point, "chosen"));
  model_free(&m);
}

static void answers_are_calibrated(void **state) {
  (void)state;
  for (int classes = 2; classes <= 3; classes++) {
    uint8_t rgb[32 * 32 * 3];
    for (size_t i = 0; i < sizeof rgb; i++) rgb[i] = (uint8_t)(i * 37 % 251);
    model plain = models_make(16, classes, 9), warm = models_make(16, classes, 9);
    warm.temperature = 3;
    leuko_predictor *a, *b;
    leuko_options options = {.threads = 1};
    leuko_answer x, y;
    assert_int_equal(predictor_open(&plain, &options, &a, NULL), LEUKO_OK);
    assert_int_equal(predictor_open(&warm, &options, &b, NULL), LEUKO_OK);
    assert_int_equal(leuko_predict_pixels(a, rgb, 32, 32, &x, NULL), LEUKO_OK);
    assert_int_equal(leuko_predict_pixels(b, rgb, 32, 32, &y, NULL), LEUKO_OK);
    test_close("p and raw p", x.p, x.p_raw, 0);
    test_close("raw p", y.p_raw, x.p, 0);
    test_close("logit", y.logit, x.logit, 0);
    if (classes == 2) test_close("p", y.p, stats_sigmoid(x.logit / 3), 1e-12);
    assert_true(fabs(y.p - x.p) > 1e-6);
    double sum = 0;
    for (int c = 0; c < classes; c++) sum += y.probabilities[c];
    test_close("sum", sum, 1, 1e-12);
    leuko_predictor_close(a);
    leuko_predictor_close(b);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(both_are_kept_in_the_model),
      cmocka_unit_test(a_wanted_sensitivity_is_reached),
      cmocka_unit_test(what_cannot_be_chosen_is_left),
      cmocka_unit_test(more_classes_have_a_temperature_alone),
      cmocka_unit_test(answers_are_calibrated),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
