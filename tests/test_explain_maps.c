/* Where maps lie on pictures, how much of them is on the cell, and whether they change with random
 * weights. */
#include "models.h"

#include "explain/cascade.h"
#include "explain/overlay.h"
#include "image/resize.h"
#include "stats/rank_correlation.h"

static void ok(leuko_status status, const leuko_error *error) {
  if (status != LEUKO_OK) fail_msg("%s: %s", leuko_status_name(status), error->message);
}

static explain_map map_of(float *values, int side) {
  return (explain_map){
      .side = side, .first = 0.5 / side, .step = 1.0 / side, .values = values, .whole = NAN};
}

/* As scipy.stats.spearmanr has them. */
static void ranks_correlate_as_in_scipy(void **state) {
  (void)state;
  const double a[] = {1, 2, 2, 4, 7, 7, 7, 3}, b[] = {2, 1, 3, 3, 9, 8, 9, 3};
  const double c[] = {5, 5, 5, 5, 5, 5, 5, 5};
  leuko_error error = {0};
  double r;
  ok(stats_rank_correlation(a, b, 8, &r, &error), &error);
  test_close("with ties", r, 0.8987341772151901, 1e-12);
  ok(stats_rank_correlation(a, a, 8, &r, &error), &error);
  test_close("with itself", r, 1, 1e-12);
  ok(stats_rank_correlation(a, c, 8, &r, &error), &error);
  assert_true(isnan(r));
  ok(stats_rank_correlation(a, b, 1, &r, &error), &error);
  assert_true(isnan(r));
}

static void values_lie_between_their_places(void **state) {
  (void)state;
  float values[] = {0, 2, 4, 10};
  const explain_map map = map_of(values, 2);
  test_close("a place", explain_value(&map, 0.75, 0.25), 2, 1e-12);
  test_close("the middle", explain_value(&map, 0.5, 0.5), 4, 1e-12);
  test_close("an edge", explain_value(&map, 0.5, 0.75), 7, 1e-12);
  test_close("a corner", explain_value(&map, 1, 1), 10, 1e-12);
  test_close("beyond", explain_value(&map, -1, 2), 4, 1e-12);
}

/* The part that the network is given is the one that image_prepare cuts out: a white pixel is where
 * the region says. */
static void the_region_is_what_is_prepared(void **state) {
  (void)state;
  static const struct {
    int width, height, crop;
  } kinds[] = {{40, 40, 20}, {41, 40, 20}, {40, 31, 0}, {30, 30, 45}, {24, 51, 36}};
  leuko_error error = {0};
  for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
    const int width = kinds[k].width, height = kinds[k].height, size = 60;
    const int x = width / 2 + 3, y = height / 2 - 4;
    image picture = {width, height, calloc((size_t)width * (size_t)height, 3)};
    uint8_t *out = calloc((size_t)size * (size_t)size, 3);
    assert_true(picture.rgb && out);
    memset(picture.rgb + ((size_t)y * (size_t)width + (size_t)x) * 3, 255, 3);
    ok(image_prepare(&picture, kinds[k].crop, size, out, &error), &error);
    const explain_region r = explain_region_of(&picture, kinds[k].crop);
    double light = 0, from_left = 0, from_top = 0;
    for (int i = 0; i < size; i++)
      for (int j = 0; j < size; j++) {
        const double value = out[(i * size + j) * 3];
        light += value;
        from_left += value * (j + 0.5);
        from_top += value * (i + 0.5);
      }
    assert_true(light > 0);
    if (fabs(r.left + from_left / light / size * r.width - (x + 0.5)) > 0.1 ||
        fabs(r.top + from_top / light / size * r.height - (y + 0.5)) > 0.1)
      fail_msg("%d x %d, crop %d: the pixel is elsewhere", width, height, kinds[k].crop);
    free(out);
    image_free(&picture);
  }
}

static void the_share_on_the_cell_counts_what_speaks_for_it(void **state) {
  (void)state;
  float values[] = {3, -5, 1, 0};
  const uint8_t mask[] = {1, 1, 0, 0};
  const explain_map map = map_of(values, 2);
  const explain_share share = explain_share_of(&map, mask, 2);
  test_close("inside", share.inside, 0.75, 1e-12);
  test_close("area", share.area, 0.5, 1e-12);
  float none[] = {-1, 0, 0, -2};
  const explain_map empty = map_of(none, 2);
  assert_true(isnan(explain_share_of(&empty, mask, 2).inside));
}

/* A map that is strong in one corner of the cut-out colours that corner of the overlay, and nothing
 * beyond the cut-out. */
static void maps_are_painted_where_they_belong(void **state) {
  (void)state;
  leuko_error error = {0};
  image picture = {80, 80, calloc(80 * 80, 3)};
  assert_non_null(picture.rgb);
  memset(picture.rgb, 100, 80 * 80 * 3);
  float values[16] = {0};
  values[15] = 2; /* lower right */
  const explain_map map = map_of(values, 4);
  const explain_region region = explain_region_of(&picture, 40);
  const explain_view view = {0, 0, 80, 80};
  uint8_t *out = malloc(80 * 80 * 3);
  assert_non_null(out);
  ok(explain_paint(&picture, region, &map, 2, view, out, &error), &error);
  for (int y = 0; y < 80; y++)
    for (int x = 0; x < 80; x++) {
      const uint8_t *rgb = out + (y * 80 + x) * 3;
      const bool coloured = rgb[0] != rgb[2];
      if (x < 45 || y < 45 || x >= 60 || y >= 60) assert_false(coloured);
      if (x >= 55 && y >= 55 && x < 60 && y < 60) assert_true(coloured && rgb[0] > rgb[2]);
    }
  free(out);
  image_free(&picture);
}

/* Pictures that are much longer than high do not ask for a square of their length. */
static void long_pictures_are_shown(void **state) {
  (void)state;
  leuko_error error = {0};
  image picture = {200000, 8, calloc(200000 * 8, 3)};
  uint8_t *mask = calloc(200000 * 8, 1);
  assert_true(picture.rgb && mask);
  float values[] = {1, 0, 0, 1};
  const explain_map map = map_of(values, 2);
  image out;
  ok(explain_overlay(&picture, mask, explain_region_of(&picture, 0), &map, 1, "long", &out, &error),
     &error);
  assert_true(out.width > 0 && out.height > 0);
  image_free(&out);
  free(mask);
  image_free(&picture);
}

/* After the check the network is its own again, and equal calls give equal numbers. */
static void random_weights_go_again(void **state) {
  (void)state;
  leuko_error error = {0};
  model m = models_make(32, 2, 3);
  uint8_t *pixels = calloc(2 * 32 * 32, 3), mask[32 * 32];
  assert_non_null(pixels);
  for (int i = 0; i < 2 * 32 * 32 * 3; i++) pixels[i] = (uint8_t)(i * 37 % 251);
  memset(mask, 1, sizeof mask);
  const explain_subject subjects[] = {{pixels, mask, 0}, {pixels + 32 * 32 * 3, mask, 1}};
  explainer *e;
  ok(explain_open(&m, 1, "onednn", &e, &error), &error);
  assert_int_equal(explain_stages(e), 4);
  char name[48];
  explain_stage(e, 1, name, sizeof name);
  assert_string_equal(name, "logits");
  explain_stage(e, 4, name, sizeof name);
  assert_string_equal(name, "conv1");
  for (int method = 0; method < EXPLAIN_METHODS; method++) {
    explain_map before, after;
    explain_likeness first[4], again[4];
    ok(explain_run(e, method, pixels, 1, &before, &error), &error);
    ok(explain_cascade(e, method, subjects, 2, 3, 9, NULL, first, &error), &error);
    ok(explain_run(e, method, pixels, 1, &after, &error), &error);
    assert_memory_equal(before.values, after.values,
                        (size_t)(before.side * before.side) * sizeof(float));
    ok(explain_cascade(e, method, subjects, 2, 3, 9, NULL, again, &error), &error);
    assert_memory_equal(first, again, sizeof first);
    for (int s = 0; s < 4; s++) assert_true(fabs(first[s].whole) <= 1 && first[s].whole < 0.999);
    explain_map_free(&before);
    explain_map_free(&after);
  }
  explain_close(e);
  free(pixels);
  model_free(&m);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(ranks_correlate_as_in_scipy),
      cmocka_unit_test(values_lie_between_their_places),
      cmocka_unit_test(the_region_is_what_is_prepared),
      cmocka_unit_test(the_share_on_the_cell_counts_what_speaks_for_it),
      cmocka_unit_test(maps_are_painted_where_they_belong),
      cmocka_unit_test(long_pictures_are_shown),
      cmocka_unit_test(random_weights_go_again),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
