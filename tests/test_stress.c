/* stress.json and stress.csv: written and read back. Nothing is answered; numbers are made up. */
#include "support.h"

#include <math.h>

#include "evaluate/stress.h"

static stress_count counts(size_t n, size_t seed) {
  stress_count c = {.n = n,
                    .positive = seed % 3,
                    .changed = 1 + seed % 4,
                    .silent = seed % 2,
                    .rejected = 2,
                    .kept = {{seed % 5, 1}, {2, seed % 7}}};
  c.by_reason[LEUKO_REASON_DISTANCE] = 1;
  c.by_reason[LEUKO_REASON_COLOUR] = 1;
  return c;
}

static stress *made_up(void) {
  stress *s = calloc(1, sizeof *s);
  assert_non_null(s);
  snprintf(s->folder, sizeof s->folder, "/a \"b\", c");
  s->persons = 5;
  s->seen = STRESS_HELD_OUT;
  s->model_count = 2;
  s->members = 2;
  for (int m = 0; m < 4; m++) {
    memset(s->weights[m], 'a' + m, 64);
    s->weights[m][64] = 0;
  }
  strcpy(s->classes[0], "all");
  strcpy(s->classes[1], "hem");
  s->positive = 0;
  s->clean = counts(12, 0);
  s->clean.changed = s->clean.silent = 0;
  for (size_t k = 0; k < IMAGE_CORRUPTIONS; k++)
    for (size_t step = 0; step < IMAGE_CORRUPT_STEPS; step++)
      if (image_corruption_of((image_corruption)k)->amounts[step] > 0)
        s->corrupted[k][step] = counts(12, 7 * k + step);
  for (int score = 0; score < STRESS_SCORES; score++) {
    s->scored[score] = score != STRESS_DISTANCE;
    s->auc[score] = 0.25 + score;
    s->share_all[score] = 0.5;
    for (int g = 0; g < STRESS_GROUPS; g++) s->share[score][g] = g == 1 ? 0.125 : NAN;
  }
  s->foreign[1] = counts(8, 3);
  return s;
}

static char *text_of(const stress *s) {
  json_t *value = stress_json(s);
  char *text = json_dumps(value, JSON_REAL_PRECISION(15) | JSON_SORT_KEYS);
  json_decref(value);
  assert_non_null(text);
  return text;
}

static void what_is_written_comes_back(void **state) {
  (void)state;
  char folder[PATH], path[PATH];
  test_folder(folder);
  stress *s = made_up(), *back = malloc(sizeof *back);
  assert_non_null(back);
  assert_int_equal(stress_write(folder, s, NULL), LEUKO_OK);
  snprintf(path, sizeof path, "%.900s/stress.json", folder);
  assert_int_equal(stress_read(path, back, NULL), LEUKO_OK);
  assert_string_equal(back->folder, s->folder);
  assert_int_equal(back->persons, 5);
  assert_int_equal(back->seen, STRESS_HELD_OUT);
  assert_int_equal(back->positive, 1);
  assert_string_equal(back->classes[1], "all");
  assert_memory_equal(back->corrupted, s->corrupted, sizeof s->corrupted);
  assert_memory_equal(back->foreign[1].by_reason, s->foreign[1].by_reason,
                      sizeof s->foreign[1].by_reason);
  assert_false(back->scored[STRESS_DISTANCE]);
  assert_true(back->scored[STRESS_ENERGY]);
  assert_true(isnan(back->share[STRESS_ENERGY][0]));
  test_close("share", back->share[STRESS_ENERGY][1], 0.125, 0);
  char *first = text_of(s), *second = text_of(back);
  assert_string_equal(first, second);
  free(first);
  free(second);
  free(s);
  free(back);
  test_remove(folder);
}

/* A corruption of the JSON: `key` of the whole becomes `value`, which is taken over. */
static leuko_status with(const char *folder, const char *key, json_t *value) {
  stress *s = made_up();
  json_t *whole = stress_json(s);
  char path[PATH];
  if (value) json_object_set_new(whole, key, value);
  else json_object_del(whole, key);
  snprintf(path, sizeof path, "%.900s/stress.json", folder);
  assert_int_equal(json_dump_file(whole, path, 0), 0);
  json_decref(whole);
  leuko_status status = stress_read(path, s, NULL);
  free(s);
  return status;
}

static void others_are_refused(void **state) {
  (void)state;
  char folder[PATH], path[PATH];
  test_folder(folder);
  stress s;
  snprintf(path, sizeof path, "%.900s/stress.json", folder);
  assert_int_equal(stress_read(path, &s, NULL), LEUKO_NOT_FOUND);
  static const char *const keys[] = {"models", "folder",      "persons", "cells", "classes",
                                     "clean",  "corruptions", "foreign", "scores"};
  for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
    assert_int_equal(with(folder, keys[i], NULL), LEUKO_BAD_DATA);
    assert_int_equal(with(folder, keys[i], json_real(1.5)), LEUKO_BAD_DATA);
    assert_int_equal(with(folder, keys[i], json_integer(-1)), LEUKO_BAD_DATA);
  }
  assert_int_equal(with(folder, "models", json_array()), LEUKO_BAD_DATA);
  assert_int_equal(with(folder, "models", json_pack("[s]", "short")), LEUKO_BAD_DATA);
  assert_int_equal(with(folder, "members", json_integer(3)), LEUKO_BAD_DATA);
  assert_int_equal(with(folder, "members", json_integer(0)), LEUKO_BAD_DATA);
  assert_int_equal(with(folder, "members", NULL), LEUKO_OK); /* of a program before it */
  assert_int_equal(with(folder, "corruptions", json_array()), LEUKO_BAD_DATA);
  assert_int_equal(with(folder, "foreign", json_pack("[{s:s}]", "name", "drawn tables")),
                   LEUKO_BAD_DATA);
  assert_int_equal(with(folder, "cells", json_string("some")), LEUKO_BAD_DATA);
  assert_int_equal(with(folder, "positive", json_string("hem")), LEUKO_OK);
  static const char *const texts[] = {"", "{", "[]", "{\"models\": 1}"};
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
    test_write(NULL, folder, "stress.json", texts[i], strlen(texts[i]));
    assert_int_equal(stress_read(path, &s, NULL), LEUKO_BAD_DATA);
  }
  test_remove(folder);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(what_is_written_comes_back),
      cmocka_unit_test(others_are_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
