/* What rounding to bytes does to answers, and which layers are left wide: pure arithmetic, with
 * models that are nothing but a threshold. */
#include "support.h"

#include <math.h>
#include <string.h>

#include "predict/rounding.h"

static void margins_of_one_output(void **state) {
  (void)state;
  /* p = 0.9 where the logit is log(9) times the temperature: 4.394449 */
  const model m = {.net = {.outputs = 1}, .threshold = 0.9, .temperature = 2};
  const double logits[] = {5, 4, -1}, others[] = {5.5, 4.25, -3};
  double margins[3], moved[3];
  rounding_margins(&m, logits, others, 3, margins, moved);
  assert_float_equal(margins[0], 0.605551, 1e-6);
  assert_float_equal(margins[1], 0.394449, 1e-6);
  assert_float_equal(margins[2], 5.394449, 1e-6);
  assert_float_equal(moved[0], 0.5, 1e-12);
  assert_float_equal(moved[1], -0.25, 1e-12); /* towards the threshold */
  assert_float_equal(moved[2], 2, 1e-12);
  assert_float_equal(rounding_variance(moved, 3), (0.25 + 0.0625 + 4) / 3, 1e-12);
}

static void margins_of_three_classes(void **state) {
  (void)state;
  const model m = {.net = {.outputs = 3}, .class_count = 3, .positive = -1};
  const double logits[] = {1, 3, 2.5, 0, -1, 4}, others[] = {1, 2, 2.5, 0, -1, NAN};
  double margins[2], moved[2];
  rounding_margins(&m, logits, others, 2, margins, moved);
  assert_float_equal(margins[0], 0.5, 1e-12);
  assert_float_equal(moved[0], -1, 1e-12);
  assert_float_equal(margins[1], 4, 1e-12);
  assert_true(isinf(rounding_variance(moved, 2)));
}

static void the_share_that_stays_the_same(void **state) {
  (void)state;
  const double margins[] = {0, 1, 2, 1000};
  /* Of a normal distribution beyond 0, 1 and 2 deviations: 0.5, 0.1586553, 0.0227501. */
  assert_float_equal(rounding_agreement(margins, 4, 1), 0.8296486F, 1e-7);
  assert_float_equal(rounding_agreement(margins + 1, 3, 1e-9), 1, 1e-12);
  assert_float_equal(rounding_agreement(margins + 1, 1, 4), 0.6914625F, 1e-7);
  assert_float_equal(rounding_agreement(margins, 4, INFINITY), 0.5, 1e-12);
  assert_float_equal(rounding_agreement(margins, 4, 0), 1, 1e-12);
}

static void the_noisiest_for_their_work_are_left_wide(void **state) {
  (void)state;
  const rounding_layer all[] = {{.node = 1, .variance = 8, .flop = 4},
                                {.node = 2, .variance = 1, .flop = 1},
                                {.node = 3, .variance = 4, .flop = 1},
                                {.node = 4, .variance = 3, .flop = 6}};
  const double margin = 10;
  const struct {
    double wanted;
    bool wide[4];
  } cases[] = {
      /* Together they make a variance of 64 in place of 16: agreement 0.8944, then of 12/16 0.9256,
       * of 4/16 0.9938, of 3/16 0.9981. */
      {0.89, {false, false, false, false}}, {0.92, {false, false, true, false}},
      {0.99, {true, false, true, false}},   {0.995, {true, true, true, false}},
      {1, {true, true, true, false}},
  };
  rounding_layer more[4]; /* step by step */
  memcpy(more, all, sizeof more);
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    rounding_layer layers[4];
    memcpy(layers, all, sizeof layers);
    rounding_leave_wide(layers, 4, 64, &margin, 1, cases[i].wanted);
    rounding_leave_wide(more, 4, 64, &margin, 1, cases[i].wanted);
    for (int k = 0; k < 4; k++) {
      assert_int_equal(layers[k].wide, cases[i].wide[k]);
      assert_int_equal(more[k].wide, cases[i].wide[k]);
    }
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(margins_of_one_output),
      cmocka_unit_test(margins_of_three_classes),
      cmocka_unit_test(the_share_that_stays_the_same),
      cmocka_unit_test(the_noisiest_for_their_work_are_left_wide),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
