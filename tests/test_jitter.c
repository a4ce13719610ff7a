/* Random changes of stain and light. */
#include "support.h"

#include <math.h>

#include "base/rng.h"
#include "dataset/loader.h"
#include "image/jitter.h"

static const image_jitter none = {{1, 1, 1}, 1, 1};

/* The definition, in double precision. */
static void direct(const image_jitter *j, const uint8_t in[3], double out[3]) {
  double v[3], luma;
  for (int c = 0; c < 3; c++) v[c] = j->light * 255 * pow(in[c] / 255.0, j->density[c]);
  luma = 0.299 * v[0] + 0.587 * v[1] + 0.114 * v[2];
  for (int c = 0; c < 3; c++) out[c] = fmin(fmax(luma + j->saturation * (v[c] - luma), 0), 255);
}

static void ones_change_nothing(void **state) {
  (void)state;
  rng r = rng_open(1, RNG_TEST, 0, 0);
  uint8_t pixels[3000], before[3000];
  for (size_t i = 0; i < sizeof pixels; i++) pixels[i] = before[i] = (uint8_t)rng_below(&r, 256);
  image_jitter_apply(&none, 1000, pixels);
  assert_memory_equal(pixels, before, sizeof pixels);
}

static void every_change_is_the_formula(void **state) {
  (void)state;
  for (size_t sample = 0; sample < 50; sample++) {
    rng r = rng_open(2, RNG_TEST, 0, (uint32_t)sample);
    image_jitter j = loader_jitter(3, 1, sample, LOADER_MOST_JITTER);
    uint8_t in[300], out[300];
    for (size_t i = 0; i < sizeof in; i++) in[i] = out[i] = (uint8_t)rng_below(&r, 256);
    image_jitter_apply(&j, 100, out);
    for (size_t i = 0; i < sizeof in; i += 3) {
      double wanted[3];
      direct(&j, in + i, wanted);
      /* A byte's rounding, and luma's weights in 256ths. */
      for (size_t c = 0; c < 3; c++) assert_true(fabs(wanted[c] - out[i + c]) < 0.9);
    }
  }
}

static void black_stays_black(void **state) {
  (void)state;
  for (size_t sample = 0; sample < 200; sample++) {
    image_jitter j = loader_jitter(1, 0, sample, LOADER_MOST_JITTER);
    uint8_t pixels[6] = {0, 0, 0, 90, 40, 120};
    image_jitter_apply(&j, 2, pixels);
    assert_int_equal(pixels[0] | pixels[1] | pixels[2], 0);
    assert_true(pixels[3] | pixels[4] | pixels[5]);
  }
}

static void check_range(double value, double most, double low[], double high[], int which) {
  assert_true(fabs(value - 1) <= most);
  low[which] = fmin(low[which], value);
  high[which] = fmax(high[which], value);
}

static void strength_is_the_range(void **state) {
  (void)state;
  enum { LIGHT, SATURATION, HUE, FACTORS };
  double low[FACTORS] = {1, 1, 1}, high[FACTORS] = {1, 1, 1};
  for (size_t sample = 0; sample < 2000; sample++) {
    image_jitter j = loader_jitter(1, 0, sample, 0.2);
    check_range(j.light, 0.2, low, high, LIGHT);
    check_range(j.saturation, 0.1, low, high, SATURATION);
    for (int c = 0; c < 3; c++) assert_true(j.density[c] >= 0.8 * 0.9 && j.density[c] <= 1.2 * 1.1);
    check_range(j.density[0] / j.density[1], 1.1 / 0.9 - 1, low, high, HUE);
    image_jitter still = loader_jitter(1, 0, sample, 0);
    assert_memory_equal(&still, &none, sizeof none);
    image_jitter again = loader_jitter(1, 0, sample, 0.2), later = loader_jitter(1, 1, sample, 0.2),
                 other = loader_jitter(2, 0, sample, 0.2);
    assert_memory_equal(&again, &j, sizeof j);
    assert_memory_not_equal(&later, &j, sizeof j);
    assert_memory_not_equal(&other, &j, sizeof j);
  }
  assert_true(low[LIGHT] < 0.81 && high[LIGHT] > 1.19);
  assert_true(low[SATURATION] < 0.905 && high[SATURATION] > 1.095);
  assert_true(low[HUE] < 0.85 && high[HUE] > 1.18);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(ones_change_nothing),
      cmocka_unit_test(every_change_is_the_formula),
      cmocka_unit_test(black_stays_black),
      cmocka_unit_test(strength_is_the_range),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
