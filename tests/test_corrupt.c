/* Corruptions of cells: each against NumPy, SciPy, scikit-image and Pillow
 * (tests/oracle/corrupt.py), and what holds of all of them. */
#include "support.h"

#include <math.h>

#include "image/corrupt.h"
#include "image/mask.h"

/* The results of the fixture, in its order, the picture itself above them. */
static const struct {
  image_corruption which;
  double amount;
} results[] = {{IMAGE_ROTATED, 30},  {IMAGE_ROTATED, 90},  {IMAGE_SMALLER, 0.7},
               {IMAGE_LARGER, 1.35}, {IMAGE_BLURRED, 1},   {IMAGE_BLURRED, 4},
               {IMAGE_CRUSHED, 80},  {IMAGE_CRUSHED, 10},  {IMAGE_HUE, 20},
               {IMAGE_HUE, 180},     {IMAGE_DARKER, 0.65}, {IMAGE_BRIGHTER, 1.5},
               {IMAGE_PALER, 0.5},   {IMAGE_DENSER, 2},    {IMAGE_INVERTED, 1}};
#define RESULTS (sizeof results / sizeof *results)

static void open_fixture(image *strip, image *cell) {
  char path[PATH];
  test_path(path, "tests/fixtures/corrupt.png");
  assert_int_equal(image_read(path, strip, NULL, NULL), LEUKO_OK);
  assert_int_equal(strip->height % (int)(RESULTS + 1), 0);
  *cell = (image){strip->width, strip->height / (int)(RESULTS + 1), strip->rgb};
}

static void others_make_the_same(void **state) {
  (void)state;
  image strip, cell;
  open_fixture(&strip, &cell);
  const size_t bytes = 3 * (size_t)cell.width * (size_t)cell.height;
  for (size_t r = 0; r < RESULTS; r++) {
    image out;
    assert_int_equal(image_corrupt(&cell, results[r].which, results[r].amount, 1, 0, &out, NULL),
                     LEUKO_OK);
    assert_int_equal(out.width, cell.width);
    assert_int_equal(out.height, cell.height);
    const uint8_t *wanted = strip.rgb + (r + 1) * bytes;
    size_t other = 0;
    for (size_t i = 0; i < bytes; i++) {
      const int far = abs(out.rgb[i] - wanted[i]);
      if (far > 1)
        fail_msg("%s by %g: %d instead of %d at %zu", image_corruption_of(results[r].which)->name,
                 results[r].amount, out.rgb[i], wanted[i], i);
      other += far > 0;
    }
    /* Values half way between two bytes go either way. image_jitter_apply rounds more than once. */
    const bool jitter = results[r].which >= IMAGE_DARKER && results[r].which <= IMAGE_DENSER;
    if (100 * other > bytes && !jitter)
      fail_msg("%s by %g: %zu of %zu bytes differ", image_corruption_of(results[r].which)->name,
               results[r].amount, other, bytes);
    image_free(&out);
  }
  image_free(&strip);
}

static void neutral_amounts_change_nothing(void **state) {
  (void)state;
  static const double neutral[IMAGE_CORRUPTIONS] = {
      [IMAGE_SMALLER] = 1,  [IMAGE_LARGER] = 1, [IMAGE_DARKER] = 1,
      [IMAGE_BRIGHTER] = 1, [IMAGE_PALER] = 1,  [IMAGE_DENSER] = 1};
  image strip, cell;
  open_fixture(&strip, &cell);
  for (int k = 0; k < IMAGE_CORRUPTIONS; k++) {
    if (k == IMAGE_CRUSHED || k == IMAGE_INVERTED) continue; /* they have none */
    image out;
    assert_int_equal(image_corrupt(&cell, (image_corruption)k, neutral[k], 1, 0, &out, NULL),
                     LEUKO_OK);
    assert_memory_equal(out.rgb, cell.rgb, 3 * (size_t)cell.width * (size_t)cell.height);
    image_free(&out);
  }
  image_free(&strip);
}

static void corrupt(const image *cell, image_corruption which, double amount, uint64_t seed,
                    uint32_t sample, image *out) {
  assert_int_equal(image_corrupt(cell, which, amount, seed, sample, out, NULL), LEUKO_OK);
}

static bool same(const image *a, const image *b) {
  return memcmp(a->rgb, b->rgb, 3 * (size_t)a->width * (size_t)a->height) == 0;
}

static void noise_is_named_by_seed_amount_and_sample(void **state) {
  (void)state;
  image strip, cell, first, other;
  open_fixture(&strip, &cell);
  corrupt(&cell, IMAGE_NOISY, 8, 1, 2, &first);
  const struct {
    double amount;
    uint64_t seed;
    uint32_t sample;
    bool same;
  } calls[] = {{8, 1, 2, true}, {8, 3, 2, false}, {8, 1, 3, false}, {8.5, 1, 2, false}};
  for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
    corrupt(&cell, IMAGE_NOISY, calls[i].amount, calls[i].seed, calls[i].sample, &other);
    assert_int_equal(same(&first, &other), calls[i].same);
    image_free(&other);
  }
  image_free(&first);
  image_free(&strip);
}

static void noise_has_its_deviation_on_the_cell_and_leaves_the_black(void **state) {
  (void)state;
  image strip, cell, out;
  open_fixture(&strip, &cell);
  const size_t pixels = (size_t)cell.width * (size_t)cell.height;
  uint8_t *mask = malloc(pixels);
  image_cell found;
  assert_non_null(mask);
  assert_int_equal(image_mask(&cell, mask, &found, NULL), LEUKO_OK);
  assert_true(found.cut_out && found.area > 300);
  double sum = 0, squares = 0;
  size_t n = 0;
  for (uint32_t sample = 0; sample < 20; sample++) {
    corrupt(&cell, IMAGE_NOISY, 6, 1, sample, &out);
    for (size_t i = 0; i < 3 * pixels; i++) {
      const int before = cell.rgb[i], change = out.rgb[i] - before;
      if (!mask[i / 3]) assert_int_equal(change, 0);
      else if (before >= 30 && before <= 225) { /* five deviations from where it is cut */
        sum += change;
        squares += change * change;
        n++;
      }
    }
    image_free(&out);
  }
  assert_true(n > 10000);
  /* Rounding to bytes adds a twelfth. Four standard errors. */
  const double mean = sum / (double)n, deviation = sqrt(squares / (double)n - mean * mean);
  test_close("mean", mean, 0, 4 * 6 / sqrt((double)n));
  test_close("deviation", deviation, sqrt(36 + 1.0 / 12), 4 * 6 / sqrt(2 * (double)n));
  free(mask);
  image_free(&strip);
}

/* On a picture that is not cut out there is no surround to be left alone. */
static void noise_is_everywhere_without_black(void **state) {
  (void)state;
  uint8_t grey[3 * 40 * 30];
  memset(grey, 128, sizeof grey);
  const image plain = {40, 30, grey};
  image out;
  corrupt(&plain, IMAGE_NOISY, 16, 1, 0, &out);
  size_t changed = 0;
  for (size_t i = 0; i < sizeof grey; i++) changed += out.rgb[i] != 128;
  assert_true(changed > sizeof grey * 9 / 10);
  image_free(&out);
}

static void black_stays_black_under_light_stain_and_hue(void **state) {
  (void)state;
  static const image_corruption kinds[] = {IMAGE_HUE,   IMAGE_DARKER, IMAGE_BRIGHTER,
                                           IMAGE_PALER, IMAGE_DENSER, IMAGE_NOISY};
  image strip, cell, out;
  open_fixture(&strip, &cell);
  for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++)
    for (int step = 0; step < IMAGE_CORRUPT_STEPS; step++) {
      corrupt(&cell, kinds[k], image_corruption_of(kinds[k])->amounts[step], 1, 0, &out);
      for (int x = 0; x < 3 * 6; x++) assert_int_equal(out.rgb[x], cell.rgb[x]);
      image_free(&out);
    }
  image_free(&strip);
}

/* More of a corruption is further from the picture. */
static void amounts_grow(void **state) {
  (void)state;
  image strip, cell, out;
  open_fixture(&strip, &cell);
  const size_t bytes = 3 * (size_t)cell.width * (size_t)cell.height;
  for (int k = 0; k < IMAGE_CORRUPTIONS; k++) {
    double before = 0;
    for (int step = 0; step < IMAGE_CORRUPT_STEPS; step++) {
      const double amount = image_corruption_of((image_corruption)k)->amounts[step];
      if (!(amount > 0)) break;
      double distance = 0;
      corrupt(&cell, (image_corruption)k, amount, 1, 0, &out);
      for (size_t i = 0; i < bytes; i++) distance += abs(out.rgb[i] - cell.rgb[i]);
      image_free(&out);
      if (!(distance > before))
        fail_msg("%s by %g is no further away", image_corruption_of((image_corruption)k)->name,
                 amount);
      before = distance;
    }
  }
  image_free(&strip);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(others_make_the_same),
      cmocka_unit_test(neutral_amounts_change_nothing),
      cmocka_unit_test(noise_is_named_by_seed_amount_and_sample),
      cmocka_unit_test(noise_has_its_deviation_on_the_cell_and_leaves_the_black),
      cmocka_unit_test(noise_is_everywhere_without_black),
      cmocka_unit_test(black_stays_black_under_light_stain_and_hue),
      cmocka_unit_test(amounts_grow),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
