/* L*a*b* and Reinhard's change of stain against scikit-image; what is left alone. */
#include "support.h"

#include <jansson.h>

#include "image/decode.h"
#include "image/lab.h"
#include "image/stain.h"

#define SIZE 128

static json_t *fixture;
static uint8_t cell[SIZE * SIZE * 3], wanted[SIZE * SIZE * 3];

static void read_picture(const char *name, uint8_t *out) {
  char path[PATH];
  image picture;
  test_path(path, name);
  assert_int_equal(image_read(path, &picture, NULL, NULL), LEUKO_OK);
  assert_int_equal(picture.width, SIZE);
  assert_int_equal(picture.height, SIZE);
  memcpy(out, picture.rgb, SIZE * SIZE * 3);
  image_free(&picture);
}

static int open_fixture(void **state) {
  (void)state;
  char path[PATH];
  test_path(path, "tests/fixtures/stain.json");
  fixture = json_load_file(path, 0, NULL);
  assert_non_null(fixture);
  read_picture("tests/fixtures/resize_128.png", cell);
  read_picture("tests/fixtures/stain.png", wanted);
  return 0;
}

static int close_fixture(void **state) {
  (void)state;
  json_decref(fixture);
  return 0;
}

static double item(json_t *object, const char *key, int i) {
  return json_number_value(json_array_get(json_object_get(object, key), (size_t)i));
}

static stain reinhard(void) {
  stain s = {.method = STAIN_REINHARD};
  json_t *target = json_object_get(fixture, "target");
  for (int c = 0; c < 3; c++) {
    s.target.mean[c] = item(target, "mean", c);
    s.target.deviation[c] = item(target, "deviation", c);
  }
  return s;
}

static void colours_are_those_of_scikit_image(void **state) {
  (void)state;
  double linear[256], lab[3];
  lab_linear(linear);
  size_t i;
  json_t *colour;
  json_array_foreach(json_object_get(fixture, "colours"), i, colour) {
    uint8_t rgb[3], back[3];
    for (int c = 0; c < 3; c++) rgb[c] = (uint8_t)item(colour, "rgb", c);
    lab_from_rgb(linear, rgb, lab);
    for (int c = 0; c < 3; c++) assert_true(fabs(lab[c] - item(colour, "lab", c)) < 1e-9);
    lab_to_rgb(lab, back);
    assert_memory_equal(back, rgb, 3);
  }
  assert_int_equal(i, 50);
}

static void a_cell_is_measured_as_by_numpy(void **state) {
  (void)state;
  stain_look look;
  bool found;
  assert_int_equal(stain_measure(cell, SIZE, &look, &found, NULL), LEUKO_OK);
  assert_true(found);
  for (int c = 0; c < 3; c++) {
    assert_true(fabs(look.mean[c] - item(fixture, "mean", c)) < 1e-9);
    assert_true(fabs(look.deviation[c] - item(fixture, "deviation", c)) < 1e-9);
  }
}

static void a_cell_is_changed_as_by_scikit_image(void **state) {
  (void)state;
  uint8_t pixels[sizeof cell];
  memcpy(pixels, cell, sizeof cell);
  const stain s = reinhard();
  assert_int_equal(stain_apply(&s, SIZE, pixels, NULL), LEUKO_OK);
  assert_memory_equal(pixels, wanted, sizeof cell);
  stain_look look;
  bool found;
  assert_int_equal(stain_measure(pixels, SIZE, &look, &found, NULL), LEUKO_OK);
  /* Up to the rounding to bytes. */
  for (int c = 0; c < 3; c++) {
    assert_true(fabs(look.mean[c] - s.target.mean[c]) < 0.5);
    assert_true(fabs(look.deviation[c] - s.target.deviation[c]) < 0.5);
  }
}

static void nothing_around_the_cell_is_changed(void **state) {
  (void)state;
  uint8_t pixels[sizeof cell], before[sizeof cell];
  memcpy(before, cell, sizeof cell);
  for (size_t i = 0; i < 30; i++) before[i] = (uint8_t)(i % 9); /* JPEG's noise on black */
  memcpy(pixels, before, sizeof cell);
  const stain s = reinhard();
  assert_int_equal(stain_apply(&s, SIZE, pixels, NULL), LEUKO_OK);
  size_t changed = 0;
  for (size_t i = 0; i < sizeof cell; i += 3) {
    bool dark = before[i] < 16 && before[i + 1] < 16 && before[i + 2] < 16;
    if (dark) assert_memory_equal(pixels + i, before + i, 3);
    changed += memcmp(pixels + i, before + i, 3) != 0;
  }
  assert_true(changed > 1000);
}

/* A stained cell on a light background: background and cell move together. */
static void elsewhere_all_is_changed(void **state) {
  (void)state;
  uint8_t pixels[32 * 32 * 3];
  for (int i = 0; i < 32 * 32; i++) {
    const int x = i % 32 - 16, y = i / 32 - 16;
    const uint8_t light[3] = {230, 225, 220}, dark[3] = {110, (uint8_t)(50 + i % 7), 140};
    memcpy(pixels + 3 * i, x * x + y * y < 80 ? dark : light, 3);
  }
  const stain s = reinhard();
  assert_int_equal(stain_apply(&s, 32, pixels, NULL), LEUKO_OK);
  assert_true(pixels[0] != 230 || pixels[1] != 225 || pixels[2] != 220);
}

static void without_a_cell_or_a_method_nothing_is_changed(void **state) {
  (void)state;
  uint8_t black[12 * 12 * 3] = {0}, zeros[12 * 12 * 3] = {0}, pixels[sizeof cell];
  stain s = reinhard();
  assert_int_equal(stain_apply(&s, 12, black, NULL), LEUKO_OK);
  assert_memory_equal(black, zeros, sizeof black);
  stain_look look;
  bool found;
  assert_int_equal(stain_measure(black, 12, &look, &found, NULL), LEUKO_OK);
  assert_false(found);
  s.method = STAIN_AS_IS;
  memcpy(pixels, cell, sizeof cell);
  assert_int_equal(stain_apply(&s, SIZE, pixels, NULL), LEUKO_OK);
  assert_memory_equal(pixels, cell, sizeof cell);
}

/* One colour has no spread to be widened. */
static void a_cell_of_one_colour_is_shifted(void **state) {
  (void)state;
  uint8_t pixels[32 * 32 * 3] = {0};
  const uint8_t colour[3] = {90, 40, 120};
  for (int y = 8; y < 24; y++)
    for (int x = 8; x < 24; x++) memcpy(pixels + 3 * (y * 32 + x), colour, 3);
  const stain s = reinhard();
  assert_int_equal(stain_apply(&s, 32, pixels, NULL), LEUKO_OK);
  uint8_t mean[3];
  lab_to_rgb(s.target.mean, mean);
  assert_memory_equal(pixels + 3 * (16 * 32 + 16), mean, 3);
  assert_memory_equal(pixels + 3 * (8 * 32 + 8), mean, 3);
}

static void methods_have_names(void **state) {
  (void)state;
  stain_method method;
  assert_true(stain_parse("reinhard", &method));
  assert_int_equal(method, STAIN_REINHARD);
  assert_string_equal(stain_name(STAIN_AS_IS), "none");
  assert_false(stain_parse("vahadane", &method));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(colours_are_those_of_scikit_image),
      cmocka_unit_test(a_cell_is_measured_as_by_numpy),
      cmocka_unit_test(a_cell_is_changed_as_by_scikit_image),
      cmocka_unit_test(nothing_around_the_cell_is_changed),
      cmocka_unit_test(elsewhere_all_is_changed),
      cmocka_unit_test(without_a_cell_or_a_method_nothing_is_changed),
      cmocka_unit_test(a_cell_of_one_colour_is_shifted),
      cmocka_unit_test(methods_have_names),
  };
  return cmocka_run_group_tests(tests, open_fixture, close_fixture);
}
