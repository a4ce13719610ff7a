/* Folds: who lies together, how even they are, the CSV file, and one fold after the other. */
#include "listed.h"

#include "dataset/folds.h"

static void deal(dataset *d, split_kind by, int folds, uint64_t seed) {
  leuko_error error = {0};
  if (dataset_deal(d, by, folds, seed, &error) != LEUKO_OK) fail_msg("%s", error.message);
}

static size_t cells_in(const dataset *d, int fold, int label) {
  size_t n = 0;
  for (size_t i = 0; i < d->count; i++)
    n += d->samples[i].held_out == fold && d->samples[i].label == label;
  return n;
}

static void subjects_lie_in_one_fold(void **state) {
  (void)state;
  dataset d = typical();
  static const int counts[] = {2, 3, 5, 10};
  for (size_t k = 0; k < sizeof counts / sizeof *counts; k++) {
    deal(&d, SPLIT_BY_SUBJECT, counts[k], 1);
    for (int f = 0; f < counts[k]; f++) {
      dataset_take_fold(&d, f);
      split_leaks leaks;
      assert_int_equal(dataset_leaks(&d, &leaks), 0);
      assert_int_equal(leaks.subjects, 47);
    }
  }
  dataset_free(&d);
}

/* 24 and 16 subjects of 10 to 70 cells. */
static void classes_are_even(void **state) {
  (void)state;
  dataset d = empty();
  rng random = rng_open(2, RNG_TEST, 0, 0);
  for (uint32_t i = 0; i < 40; i++) {
    char name[16];
    snprintf(name, sizeof name, i < 24 ? "%u" : "H%u", 100 + i);
    add_many(&d, name, i < 24, 0, 10 + rng_below(&random, 60));
  }
  tie(&d, NULL);
  for (int folds = 2; folds <= 6; folds++) {
    deal(&d, SPLIT_BY_SUBJECT, folds, 1);
    for (int label = 0; label <= 1; label++) {
      size_t all = 0;
      for (int f = 0; f < folds; f++) all += cells_in(&d, f, label);
      for (int f = 0; f < folds; f++)
        assert_true(fabs((double)cells_in(&d, f, label) / (double)all - 1.0 / folds) < 0.015);
    }
  }
  dataset_free(&d);
}

static void every_cell_is_tested_once(void **state) {
  (void)state;
  dataset d = typical();
  deal(&d, SPLIT_BY_SUBJECT, 5, 3);
  int *tested = calloc(d.count, sizeof *tested);
  assert_non_null(tested);
  for (int f = 0; f < 5; f++) {
    dataset_take_fold(&d, f);
    for (size_t i = 0; i < d.count; i++) tested[i] += d.samples[i].part == DATASET_TEST;
  }
  for (size_t i = 0; i < d.count; i++) assert_int_equal(tested[i], 1);
  free(tested);
  dataset_free(&d);
}

static void equal_seeds_give_equal_folds(void **state) {
  (void)state;
  dataset d = typical();
  int *first = malloc(d.count * sizeof *first);
  assert_non_null(first);
  for (int by = 0; by < 2; by++) {
    split_kind kind = by ? SPLIT_BY_IMAGE : SPLIT_BY_SUBJECT;
    deal(&d, kind, 5, 5);
    for (size_t i = 0; i < d.count; i++) first[i] = d.samples[i].held_out;
    deal(&d, kind, 5, 5);
    size_t different = 0;
    for (size_t i = 0; i < d.count; i++) assert_int_equal(d.samples[i].held_out, first[i]);
    deal(&d, kind, 5, 6);
    for (size_t i = 0; i < d.count; i++) different += d.samples[i].held_out != first[i];
    assert_true(different > 0);
  }
  free(first);
  dataset_free(&d);
}

static void by_image_folds_differ_by_a_cell(void **state) {
  (void)state;
  dataset d = empty();
  add_many(&d, "1", 1, 0, 483);
  add_many(&d, "H1", 0, 0, 226);
  tie(&d, NULL);
  deal(&d, SPLIT_BY_IMAGE, 4, 1);
  for (int f = 0; f < 4; f++) {
    assert_in_range(cells_in(&d, f, 1), 120, 121);
    assert_in_range(cells_in(&d, f, 0), 56, 57);
  }
  dataset_free(&d);
}

static void identical_cells_and_tied_subjects_stay_together(void **state) {
  (void)state;
  dataset d = empty();
  const char *const names[] = {"30", "31", "32", "33", "34", "35"};
  for (int s = 0; s < 6; s++) add_many(&d, names[s], s % 2, 0, 20);
  add(&d, "30", 0, 0, 7);
  add(&d, "33", 0, 0, 7);
  tie(&d, NULL);
  deal(&d, SPLIT_BY_SUBJECT, 3, 1);
  int of[2] = {-1, -1};
  for (size_t i = 0; i < d.count; i++) {
    if (strcmp(d.samples[i].subject, "30") == 0) of[0] = d.samples[i].held_out;
    if (strcmp(d.samples[i].subject, "33") == 0) of[1] = d.samples[i].held_out;
  }
  assert_int_equal(of[0], of[1]);
  deal(&d, SPLIT_BY_IMAGE, 3, 1);
  int twin = -1;
  for (size_t i = 0; i < d.count; i++) {
    if (strcmp(d.samples[i].sha256 + 60, "0008") != 0) continue;
    if (twin >= 0) assert_int_equal(d.samples[i].held_out, twin);
    twin = d.samples[i].held_out;
  }
  dataset_free(&d);
}

static void what_cannot_be_dealt_is_said(void **state) {
  (void)state;
  dataset d = empty();
  leuko_error error;
  add_many(&d, "30", 1, 0, 20);
  add_many(&d, "H30", 0, 0, 20);
  assert_int_equal(dataset_deal(&d, SPLIT_BY_SUBJECT, 2, 1, &error), LEUKO_ARGUMENT); /* untied */
  tie(&d, NULL);
  assert_int_equal(dataset_deal(&d, SPLIT_BY_SUBJECT, 3, 1, &error), LEUKO_BAD_DATA);
  assert_non_null(strstr(error.message, "here are 2"));
  assert_int_equal(dataset_deal(&d, SPLIT_BY_SUBJECT, 1, 1, &error), LEUKO_ARGUMENT);
  assert_int_equal(dataset_deal(&d, SPLIT_BY_SUBJECT, FOLDS_MOST + 1, 1, &error), LEUKO_ARGUMENT);
  assert_int_equal(dataset_deal(&d, SPLIT_BY_FOLD, 2, 1, &error), LEUKO_ARGUMENT);
  for (size_t i = 0; i < d.count; i++) assert_int_equal(d.samples[i].held_out, -1);
  dataset_free(&d);
}

static void written_folds_are_read_back(void **state) {
  const char *folder = *state;
  dataset d = typical();
  char path[PATH], other[PATH];
  test_write(path, folder, "folds.csv", "", 0);
  test_write(other, folder, "split.csv", "", 0);
  deal(&d, SPLIT_BY_SUBJECT, 4, 1);
  d.samples[3].held_out = -1;
  assert_int_equal(dataset_write_folds(&d, path, NULL), LEUKO_OK);
  int *before = malloc(d.count * sizeof *before), folds = 0;
  assert_non_null(before);
  for (size_t i = 0; i < d.count; i++) before[i] = d.samples[i].held_out;
  assert_int_equal(dataset_read_folds(&d, path, &folds, NULL), LEUKO_OK);
  assert_int_equal(folds, 4);
  for (size_t i = 0; i < d.count; i++) assert_int_equal(d.samples[i].held_out, before[i]);
  assert_true(dataset_holds_folds(path));
  bool same = false;
  assert_int_equal(dataset_same_folds(&d, path, &same, NULL), LEUKO_OK);
  assert_true(same);
  d.samples[3].held_out = 1; /* takes no part in the file */
  assert_int_equal(dataset_same_folds(&d, path, &same, NULL), LEUKO_OK);
  assert_false(same);
  assert_int_equal(d.samples[3].held_out, 1);
  d.samples[3].held_out = -1;
  leuko_error error;
  assert_int_equal(dataset_read_split(&d, path, &error), LEUKO_BAD_CSV);
  assert_non_null(strstr(error.message, "folds"));
  dataset_take_fold(&d, 0);
  assert_int_equal(dataset_write_split(&d, other, NULL), LEUKO_OK);
  assert_false(dataset_holds_folds(other));
  assert_int_equal(dataset_read_folds(&d, other, &folds, &error), LEUKO_BAD_CSV);
  for (size_t i = 0; i < d.count; i++) d.samples[i].held_out = before[i] == 1 ? 7 : before[i];
  assert_int_equal(dataset_write_folds(&d, path, NULL), LEUKO_OK);
  assert_int_equal(dataset_read_folds(&d, path, &folds, &error), LEUKO_BAD_CSV);
  assert_non_null(strstr(error.message, "fold 2"));
  free(before);
  dataset_free(&d);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(subjects_lie_in_one_fold),
      cmocka_unit_test(classes_are_even),
      cmocka_unit_test(every_cell_is_tested_once),
      cmocka_unit_test(equal_seeds_give_equal_folds),
      cmocka_unit_test(by_image_folds_differ_by_a_cell),
      cmocka_unit_test(identical_cells_and_tied_subjects_stay_together),
      cmocka_unit_test(what_cannot_be_dealt_is_said),
      TEST_IN_FOLDER(written_folds_are_read_back),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
