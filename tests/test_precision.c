/* In which precision a model answers, and how that is decided. */
#include "models.h"

#include "dataset/synth.h"
#include "image/resize.h"
#include "net/cpu.h"
#include "predict/predictor.h"

#define SIDE 64
#define CELLS 9

/* A model whose description says so of bfloat16, in `folder`; wide enough to be computed in it. */
static void save_model(const char *folder, model_agreement bf16, bool half, char *path) {
  leuko_error error = {0};
  model m = models_make_wide(SIDE, 2, 5, 32, 32);
  m.bf16 = bf16;
  m.bf16_half = half;
  snprintf(path, PATH, "%.900s/model.safetensors", folder);
  models_ok(model_save(path, &m, NULL, 0, &error), &error);
  model_free(&m);
}

static const char *precision_of(const char *path, const leuko_options *how) {
  leuko_error error = {0};
  leuko_predictor *predictor;
  models_ok(leuko_predictor_open(path, how, &predictor, &error), &error);
  const char *name = leuko_predictor_precision(predictor); /* a constant string */
  leuko_predictor_close(predictor);
  return name;
}

static void auto_follows_what_was_measured(void **state) {
  (void)state;
  const char *asked = net_precision_supported(NET_BF16) ? "bf16" : "f32";
  const char *fast = net_cpu_fast_bf16() ? "bf16" : "f32";
  const char *finer = net_cpu_fine() ? fast : "f32"; /* where that was in what is finer */
  const struct {
    model_agreement measured;
    bool half;
    const char *expected;
  } cases[] = {{{0, 0, 0, 0}, false, "f32"},
               {{100, 0.02, 0.002, 0.995}, false, fast},
               {{100, 0.02, 0.002, 0.995}, true, finer},
               {{100, 0.021, 0, 1}, false, "f32"},
               {{100, 0.021, 0, 1}, true, "f32"},
               {{100, 0.001, 0.0021, 1}, false, "f32"},
               {{100, 0.001, 0, 0.99}, false, "f32"},
               {{1, 0, 0, 1}, false, fast}};
  char folder[PATH], path[PATH];
  test_folder(folder);
  const leuko_options f32 = {.precision = "f32"}, bf16 = {.precision = "bf16"};
  const leuko_options ref = {.precision = "bf16", .backend = "ref"},
                      by_name = {.precision = "auto"};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    save_model(folder, cases[i].measured, cases[i].half, path);
    assert_string_equal(precision_of(path, NULL), cases[i].expected);
    assert_string_equal(precision_of(path, &by_name), cases[i].expected);
    assert_string_equal(precision_of(path, &f32), "f32");
    assert_string_equal(precision_of(path, &bf16), asked);
    assert_string_equal(precision_of(path, &ref), "f32");
  }
  const leuko_options wrong = {.precision = "f16"};
  leuko_error error = {0};
  leuko_predictor *predictor;
  assert_int_equal(leuko_predictor_open(path, &wrong, &predictor, &error), LEUKO_ARGUMENT);
  assert_null(predictor);
  test_remove(folder);
}

static uint8_t *draw_cells(void) {
  const size_t bytes = (size_t)SIDE * SIDE * 3;
  uint8_t *pixels = malloc(CELLS * bytes);
  assert_non_null(pixels);
  for (size_t i = 0; i < CELLS; i++) {
    image cell;
    leuko_error error = {0};
    models_ok(synth_cell(1, i, i % 2, i % 3, &cell, &error), &error);
    models_ok(image_prepare(&cell, 0, SIDE, pixels + i * bytes, &error), &error);
    image_free(&cell);
  }
  return pixels;
}

static void answer(const char *path, leuko_options how, const uint8_t *pixels, double *p) {
  leuko_error error = {0};
  leuko_predictor *predictor;
  double logits[CELLS];
  models_ok(leuko_predictor_open(path, &how, &predictor, &error), &error);
  models_ok(predictor_logits(predictor, pixels, CELLS, logits, NULL, NULL, &error), &error);
  for (size_t i = 0; i < CELLS; i++) p[i] = 1 / (1 + exp(-logits[i]));
  leuko_predictor_close(predictor);
}

static int ascending(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

static void the_agreement_is_that_of_the_answers(void **state) {
  (void)state;
  char folder[PATH], path[PATH];
  test_folder(folder);
  save_model(folder, (model_agreement){0}, false, path);
  uint8_t *pixels = draw_cells();
  leuko_error error = {0};
  model_agreement found;
  bool half;
  model m;
  models_ok(model_load(path, &m, &error), &error);
  models_ok(predictor_agreement(&m, 2, pixels, CELLS, NULL, &found, &half, &error), &error);
  /* It says in which 16 bits that was, which answering then takes. */
  save_model(folder, found, half, path);
  assert_true(net_cpu_fine() ? half != (net_cpu_matrix() && model_stands_16_bits(&found)) : !half);
  if (net_precision_supported(NET_BF16)) {
    double a[CELLS], b[CELLS], off[CELLS], same = 0;
    answer(path, (leuko_options){.precision = "f32"}, pixels, a);
    answer(path, (leuko_options){.precision = "bf16"}, pixels, b);
    for (size_t i = 0; i < CELLS; i++) {
      off[i] = fabs(a[i] - b[i]);
      same += (a[i] >= 0.5) == (b[i] >= 0.5);
    }
    qsort(off, CELLS, sizeof *off, ascending);
    assert_int_equal(found.cells, CELLS);
    assert_true(off[CELLS - 1] > 0 && off[CELLS - 1] < 0.05);
    assert_float_equal(found.largest, off[CELLS - 1], 1e-12);
    assert_float_equal(found.median, off[CELLS / 2], 1e-12);
    assert_float_equal(found.agreement, same / CELLS, 1e-12);
  } else {
    assert_int_equal(found.cells, 0);
  }
  /* Nothing to try it on. */
  models_ok(predictor_agreement(&m, 2, pixels, 0, NULL, &found, &half, &error), &error);
  assert_int_equal(found.cells, 0);
  model_free(&m);
  free(pixels);
  test_remove(folder);
}

static void the_background_may_be_computed_as_well(void **state) {
  (void)state;
  char folder[PATH], path[PATH];
  test_folder(folder);
  save_model(folder, (model_agreement){0}, false, path);
  uint8_t *pixels = draw_cells();
  double skipped[CELLS], all[CELLS];
  answer(path, (leuko_options){0}, pixels, skipped);
  answer(path, (leuko_options){.no_skip = 1}, pixels, all);
  for (size_t i = 0; i < CELLS; i++) assert_float_equal(skipped[i], all[i], 1e-5);
  free(pixels);
  test_remove(folder);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(auto_follows_what_was_measured),
      cmocka_unit_test(the_agreement_is_that_of_the_answers),
      cmocka_unit_test(the_background_may_be_computed_as_well),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
