/* A cross-validation's pooled, mean and cross-fitted scores, scores over persons, and intervals of
 * shares, against scikit-learn and SciPy (tests/oracle/pooled.py). */
#include "support.h"

#include <jansson.h>

#include "evaluate/pooled.h"
#include "evaluate/trust.h"
#include "stats/proportion.h"

#define TOLERANCE 1e-9
#define MOST 512

static json_t *fixture;

/* The fixture's cells as an input; positive is "all", index 1. */
static struct {
  double logits[MOST];
  char paths[MOST][16], subjects[MOST][16];
  evaluate_sample samples[MOST];
  int folds[MOST];
  pooled_model models[16];
  int fold_count;
  evaluate_input input;
} cells;

static double number(const json_t *object, const char *key) {
  const json_t *value = json_object_get(object, key);
  assert_true(json_is_number(value));
  return json_number_value(value);
}

static double at(const char *key, size_t i) {
  const json_t *value = json_array_get(json_object_get(fixture, key), i);
  assert_true(json_is_number(value));
  return json_number_value(value);
}

static int open_fixture(void **state) {
  (void)state;
  static const char *const names[] = {"hem", "all"};
  char path[PATH];
  test_path(path, "tests/fixtures/pooled.json");
  fixture = json_load_file(path, 0, NULL);
  assert_non_null(fixture);
  const size_t n = json_array_size(json_object_get(fixture, "logits"));
  assert_true(n > 0 && n <= MOST);
  for (size_t i = 0; i < n; i++) {
    cells.logits[i] = at("logits", i);
    cells.folds[i] = (int)at("folds", i);
    snprintf(cells.paths[i], sizeof cells.paths[i], "%zu", i);
    snprintf(cells.subjects[i], sizeof cells.subjects[i], "P%.0f", at("persons", i));
    cells.samples[i] = (evaluate_sample){.path = cells.paths[i],
                                         .sha256 = cells.paths[i],
                                         .subject = cells.subjects[i],
                                         .label = (int)at("labels", i),
                                         .logits = &cells.logits[i]};
  }
  cells.fold_count = (int)json_array_size(json_object_get(fixture, "threshold"));
  for (int f = 0; f < cells.fold_count; f++)
    cells.models[f] = (pooled_model){.epoch = f + 1,
                                     .temperature = at("temperature", (size_t)f),
                                     .threshold = at("threshold", (size_t)f)};
  cells.input = (evaluate_input){.classes = names,
                                 .class_count = 2,
                                 .positive = 1,
                                 .threshold = 0.5,
                                 .samples = cells.samples,
                                 .folds = cells.folds,
                                 .count = n};
  return 0;
}

static int close_fixture(void **state) {
  (void)state;
  json_decref(fixture);
  return 0;
}

static void compare_scores(const json_t *expected, const double *scores) {
  for (int s = 0; s < STATS_SCORES; s++)
    test_close(evaluate_score_name(s), scores[s], number(expected, evaluate_score_name(s)),
               TOLERANCE);
}

static void folds_are_scored_together_and_apart(void **state) {
  (void)state;
  evaluation e;
  pooled p;
  double scores[STATS_SCORES];
  assert_int_equal(evaluate_samples(&cells.input, &e, NULL), LEUKO_OK);
  assert_int_equal(evaluate_pooled(&cells.input, &e, cells.models, cells.fold_count, &p, NULL),
                   LEUKO_OK);
  const json_t *all = json_object_get(fixture, "pooled");
  stats_binary_scores(&e.binary, scores);
  compare_scores(all, scores);
  test_close("loss", e.binary.loss, number(all, "loss"), TOLERANCE);
  test_close("brier", e.binary.brier, number(all, "brier"), TOLERANCE);
  const json_t *mean = json_object_get(fixture, "mean"),
               *spread = json_object_get(fixture, "spread");
  for (int f = 0; f < cells.fold_count; f++) {
    const json_t *one = json_array_get(json_object_get(fixture, "per_fold"), (size_t)f);
    compare_scores(one, p.per_fold[f].scores);
    test_close("loss of a fold", p.per_fold[f].loss, number(one, "loss"), TOLERANCE);
  }
  for (int s = 0; s < STATS_SCORES; s++) {
    const char *name = evaluate_score_name(s);
    test_close("mean", p.scores[s].mean, number(mean, name), TOLERANCE);
    test_close("spread", p.scores[s].spread, number(spread, name), TOLERANCE);
  }
  test_close("mean loss", p.loss.mean, number(mean, "loss"), TOLERANCE);
  test_close("spread of the loss", p.loss.spread, number(spread, "loss"), TOLERANCE);
  pooled_free(&p);
  evaluate_free(&e);
}

static void each_fold_has_its_own_operating_point(void **state) {
  (void)state;
  evaluation e;
  pooled p;
  const json_t *expected = json_object_get(fixture, "cross_fitted");
  assert_int_equal(evaluate_samples(&cells.input, &e, NULL), LEUKO_OK);
  assert_int_equal(evaluate_pooled(&cells.input, &e, cells.models, cells.fold_count, &p, NULL),
                   LEUKO_OK);
  assert_true(p.cross_fitted);
  compare_scores(expected, p.fitted.scores);
  test_close("loss", p.fitted.loss, number(expected, "loss"), TOLERANCE);
  test_close("brier", p.fitted.brier, number(expected, "brier"), TOLERANCE);
  pooled_free(&p);
  evaluate_free(&e);
}

static void compare_persons(const json_t *expected, const evaluate_person_scores *got) {
  const json_t *interval = json_object_get(expected, "error_interval");
  test_close("AUC", got->auc, number(expected, "auc"), TOLERANCE);
  assert_int_equal(got->missed, number(expected, "missed"));
  assert_int_equal(got->alarmed, number(expected, "alarmed"));
  test_close("error", got->error, number(expected, "error"), TOLERANCE);
  test_close("low", got->error_interval.low, json_number_value(json_array_get(interval, 0)),
             TOLERANCE);
  test_close("high", got->error_interval.high, json_number_value(json_array_get(interval, 1)),
             TOLERANCE);
  assert_true(got->auc_interval.low < got->auc && got->auc < got->auc_interval.high);
}

static void persons_are_told_apart(void **state) {
  (void)state;
  static const char *const kinds[] = {"by_person", "by_person_at"};
  for (size_t k = 0; k < 2; k++) {
    const json_t *expected = json_object_get(fixture, kinds[k]);
    evaluate_input input = cells.input;
    evaluation e;
    if (json_object_get(expected, "threshold")) input.threshold = number(expected, "threshold");
    assert_int_equal(evaluate_samples(&input, &e, NULL), LEUKO_OK);
    assert_int_equal(e.person_count, number(expected, "persons"));
    assert_int_equal(e.person_positives, number(expected, "positives"));
    compare_persons(json_object_get(expected, "share"), &e.by_share);
    compare_persons(json_object_get(expected, "mean_logit"), &e.by_logit);
    assert_string_equal(e.persons[2].name, "P2");
    evaluate_free(&e);
  }
}

static void tied_subjects_are_one_person(void **state) {
  (void)state;
  static int groups[MOST];
  for (size_t i = 0; i < cells.input.count; i++) {
    groups[i] = (int)at("persons", i);
    if (groups[i] == 1) groups[i] = 0;
  }
  evaluate_input input = cells.input;
  input.groups = groups;
  evaluation e;
  assert_int_equal(evaluate_samples(&input, &e, NULL), LEUKO_OK);
  assert_int_equal(e.person_count, e.subject_count - 1);
  assert_string_equal(e.persons[0].name, "P0");
  assert_string_equal(e.persons[1].name, "P2");
  evaluate_free(&e);
}

static void one_class_of_persons_has_no_auc(void **state) {
  (void)state;
  evaluate_input input = cells.input;
  input.count = 0;
  static evaluate_sample one_kind[MOST];
  for (size_t i = 0; i < cells.input.count; i++)
    if (cells.samples[i].label == 0) one_kind[input.count++] = cells.samples[i];
  input.samples = one_kind;
  input.folds = NULL;
  evaluation e;
  assert_int_equal(evaluate_samples(&input, &e, NULL), LEUKO_OK);
  assert_int_equal(e.person_positives, 0);
  assert_true(isnan(e.by_share.auc) && isnan(e.by_share.auc_interval.low));
  assert_int_equal(e.by_share.missed, 0);
  json_t *json = evaluate_json(&e);
  json_t *share = json_object_get(json_object_get(json, "by_person"), "share");
  assert_true(json_is_null(json_object_get(share, "auc")));
  assert_true(json_is_object(share));
  json_decref(json);
  evaluate_free(&e);
}

static void shares_have_exact_intervals(void **state) {
  (void)state;
  const json_t *list = json_object_get(fixture, "shares"), *one;
  size_t i;
  json_array_foreach(list, i, one) {
    const json_t *expected = json_object_get(one, "interval");
    stats_interval got =
        stats_proportion_interval((size_t)number(one, "k"), (size_t)number(one, "n"));
    test_close("low", got.low, json_number_value(json_array_get(expected, 0)), TOLERANCE);
    test_close("high", got.high, json_number_value(json_array_get(expected, 1)), TOLERANCE);
  }
  assert_true(isnan(stats_proportion_interval(0, 0).low));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(folds_are_scored_together_and_apart),
      cmocka_unit_test(each_fold_has_its_own_operating_point),
      cmocka_unit_test(persons_are_told_apart),
      cmocka_unit_test(tied_subjects_are_one_person),
      cmocka_unit_test(one_class_of_persons_has_no_auc),
      cmocka_unit_test(shares_have_exact_intervals),
  };
  return cmocka_run_group_tests(tests, open_fixture, close_fixture);
}
