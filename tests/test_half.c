/* Half precision: all 65,536 of them, roundings, and models that are kept in it. */
#include "models.h"

#include <math.h>

#include "base/half.h"

/* NumPy's: np.float32(x).astype(np.float16).view(np.uint16). */
static void known_values(void **state) {
  (void)state;
  static const struct {
    float value;
    uint16_t half;
  } known[] = {{0, 0},
               {-0.0f, 0x8000},
               {1, 0x3c00},
               {-2, 0xc000},
               {1.0f / 3, 0x3555},
               {3.14159274f, 0x4248},
               {65504, 0x7bff},
               {65519.996f, 0x7bff},
               {65520, 0x7c00},
               {-1e30f, 0xfc00},
               {1 + 0x1p-11f, 0x3c00},     /* a tie, to even */
               {1 + 3 * 0x1p-11f, 0x3c02}, /* to even again */
               {0x1p-14f, 0x0400},         /* the smallest normal one */
               {0x1p-14f - 0x1p-26f, 0x0400},
               {0x1p-24f, 0x0001},
               {0x1p-25f, 0x0000},
               {0x1.8p-25f, 0x0001},
               {0x1.8p-24f, 0x0002},
               {-1e-6f, 0x8011},
               {INFINITY, 0x7c00}};
  for (size_t i = 0; i < sizeof known / sizeof *known; i++)
    assert_int_equal(half_from_float(known[i].value), known[i].half);
  assert_true(isnan(half_to_float(half_from_float(NAN))));
}

static void each_half_is_exact_and_neighbours_divide_at_the_middle(void **state) {
  (void)state;
  for (uint32_t half = 0; half < 0x7c00; half++) {
    const float value = half_to_float((uint16_t)half);
    assert_int_equal(half_from_float(value), half);
    assert_int_equal(half_from_float(-value), half | 0x8000);
    if (half + 1 == 0x7c00) continue;
    const float next = half_to_float((uint16_t)(half + 1)), middle = (value + next) / 2;
    assert_true(next > value);
    assert_int_equal(half_from_float(nextafterf(middle, 0)), half);
    assert_int_equal(half_from_float(middle), half + half % 2);
    assert_int_equal(half_from_float(nextafterf(middle, INFINITY)), half + 1);
  }
  assert_true(half_to_float(0x7c00) == INFINITY && half_to_float(0xfc00) == -INFINITY);
  assert_true(isnan(half_to_float(0x7c01)) && isnan(half_to_float(0xffff)));
}

static void a_model_in_half_precision(void **state) {
  model m = models_make(16, 2, 5), halved, again;
  char wide[PATH], narrow[PATH], *text;
  size_t sizes[2];
  leuko_error error = {0};
  snprintf(wide, sizeof wide, "%.900s/wide.safetensors", (char *)*state);
  snprintf(narrow, sizeof narrow, "%.900s/narrow.safetensors", (char *)*state);
  models_ok(model_save(wide, &m, NULL, 0, &error), &error);
  models_ok(model_load(wide, &halved, &error), &error);
  assert_false(halved.half);
  models_ok(model_halve(&halved, &error), &error);
  models_ok(model_save(narrow, &halved, NULL, 0, &error), &error);
  for (int i = 0; i < m.graph->param_count; i++) {
    const net_param *param = &m.graph->params[i];
    for (size_t k = param->offset; k < param->offset + param->count; k++)
      if (param->rank < 2) assert_true(halved.params[k] == m.params[k]);
      else assert_float_equal(halved.params[k], m.params[k], 0x1p-11f * fabsf(m.params[k]) + 1e-7f);
  }
  /* What is loaded is what was saved, and is saved again as the same bytes. */
  models_ok(model_load(narrow, &again, &error), &error);
  assert_true(again.half);
  assert_memory_equal(again.params, halved.params, m.graph->param_floats * sizeof *m.params);
  models_ok(model_self_check(&again, &error), &error);
  models_ok(model_save(wide, &again, NULL, 0, &error), &error);
  models_ok(file_read(wide, 0, &text, &sizes[0], &error), &error);
  free(text);
  models_ok(file_read(narrow, 0, &text, &sizes[1], &error), &error);
  free(text);
  assert_int_equal(sizes[0], sizes[1]);
  model_free(&again);
  model_free(&halved);
  model_free(&m);
}

static void a_value_beyond_half_precision_is_refused(void **state) {
  (void)state;
  model m = models_make(16, 2, 5);
  leuko_error error = {0};
  m.params[m.graph->params[0].offset] = 65520;
  assert_int_equal(model_halve(&m, &error), LEUKO_UNSUPPORTED_MODEL);
  assert_non_null(strstr(error.message, m.graph->params[0].name));
  model_free(&m);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(known_values),
      cmocka_unit_test(each_half_is_exact_and_neighbours_divide_at_the_middle),
      TEST_IN_FOLDER(a_model_in_half_precision),
      cmocka_unit_test(a_value_beyond_half_precision_is_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
