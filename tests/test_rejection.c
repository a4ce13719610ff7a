/* When there is no answer: distances against scikit-learn and NumPy (tests/oracle/distance.py),
 * envelopes of drawn cells, and a model that keeps both in its file. */
#include "models.h"

#include "dataset/synth.h"
#include "image/resize.h"
#include "image/write.h"
#include "predict/predictor.h"
#include "stats/distance.h"

#define SIZE 32
#define CELLS 40

static json_t *open_json(void) {
  char path[PATH];
  test_path(path, "tests/fixtures/distance.json");
  json_t *fixture = json_load_file(path, 0, NULL);
  assert_non_null(fixture);
  return fixture;
}

static double number(const json_t *object, const char *key) {
  const json_t *value = json_object_get(object, key);
  assert_true(json_is_number(value));
  return json_number_value(value);
}

/* A list of rows, row by row; *n and *width are its size. */
static double *table(const json_t *object, const char *key, size_t *n, size_t *width) {
  const json_t *list = json_object_get(object, key);
  *n = json_array_size(list);
  *width = json_array_size(json_array_get(list, 0));
  double *out = calloc(*n * *width, sizeof *out);
  assert_non_null(out);
  for (size_t i = 0; i < *n * *width; i++)
    out[i] = json_number_value(json_array_get(json_array_get(list, i / *width), i % *width));
  return out;
}

static float *floats(const json_t *object, const char *key, size_t *n, size_t *width) {
  double *values = table(object, key, n, width);
  float *out = calloc(*n * *width, sizeof *out);
  assert_non_null(out);
  for (size_t i = 0; i < *n * *width; i++) out[i] = (float)values[i];
  free(values);
  return out;
}

static void covariances_are_shrunk_as_scikit_learn_does(void **state) {
  (void)state;
  json_t *fixture = open_json();
  const json_t *test;
  size_t i;
  json_array_foreach(json_object_get(fixture, "covariances"), i, test) {
    size_t n, width, side;
    double *x = table(test, "x", &n, &width);
    double *expected = table(test, "covariance", &side, &width);
    double *got = calloc(width * width, sizeof *got);
    assert_non_null(got);
    test_close("shrinkage", stats_ledoit_wolf(x, n, width, got), number(test, "shrinkage"), 1e-9);
    for (size_t k = 0; k < width * width; k++) test_close("covariance", got[k], expected[k], 1e-9);
    free(x);
    free(expected);
    free(got);
  }
  json_decref(fixture);
}

static void distances_equal_their_definition(void **state) {
  (void)state;
  json_t *fixture = open_json();
  const json_t *test;
  size_t i;
  json_array_foreach(json_object_get(fixture, "distances"), i, test) {
    size_t n, width, asked;
    float *rows = floats(test, "rows", &n, &width),
          *questions = floats(test, "asked", &asked, &width);
    int *labels = calloc(n, sizeof *labels);
    assert_non_null(labels);
    for (size_t k = 0; k < n; k++)
      labels[k] = (int)json_integer_value(json_array_get(json_object_get(test, "labels"), k));
    stats_distance d;
    leuko_error error = {0};
    models_ok(stats_distance_fit(rows, labels, n, width, (int)number(test, "classes"), &d, &error),
              &error);
    assert_int_equal(d.directions, width < 64 ? width : 64);
    /* Directions and means are kept as float32. */
    test_close("shrinkage", d.shrinkage, number(test, "shrinkage"), width > 64 ? 1e-5 : 1e-7);
    for (size_t k = 0; k < asked; k++)
      test_close("distance", stats_distance_of(&d, questions + k * width),
                 json_number_value(json_array_get(json_object_get(test, "distances"), k)), 1e-5);
    stats_distance_free(&d);
    free(rows);
    free(questions);
    free(labels);
  }
  json_decref(fixture);
}

static void rows_that_say_nothing_are_refused(void **state) {
  (void)state;
  const float rows[] = {1, 2, 3, 4, 5, 7};
  stats_distance d;
  assert_int_equal(stats_distance_fit(rows, (int[]){0, 0, 1}, 3, 2, 2, &d, NULL), LEUKO_NO_DATA);
  assert_null(d.whiten);
  assert_int_equal(stats_distance_fit(rows, (int[]){0, 0, 2}, 3, 2, 2, &d, NULL), LEUKO_BAD_DATA);
  assert_int_equal(stats_distance_fit(rows, (int[]){0, 0, 0}, 3, 0, 1, &d, NULL), LEUKO_ARGUMENT);
  const float equal[] = {1, 1, 1, 1}, broken[] = {1, 2, NAN, 4};
  assert_int_equal(stats_distance_fit(equal, (int[]){0, 0}, 2, 2, 1, &d, NULL), LEUKO_NO_DATA);
  assert_int_equal(stats_distance_fit(broken, (int[]){0, 0}, 2, 2, 1, &d, NULL), LEUKO_BAD_DATA);
}

/* Drawn cells as a network is given them, and their envelope. */
typedef struct {
  uint8_t pixels[CELLS][SIZE * 4 * SIZE * 4 * 3];
  double measures[CELLS][IMAGE_MEASURES];
  image_envelope envelope;
} drawn;

static int draw(void **state) {
  drawn *d = calloc(1, sizeof *d);
  if (!d) return -1;
  leuko_error error = {0};
  for (size_t i = 0; i < CELLS; i++) {
    image cell;
    models_ok(synth_cell(3, i, i % 2, i % 5, &cell, &error), &error);
    models_ok(image_prepare(&cell, 0, 4 * SIZE, d->pixels[i], &error), &error);
    models_ok(image_measure(d->pixels[i], 4 * SIZE, d->measures[i], &error), &error);
    image_free(&cell);
  }
  models_ok(image_envelope_fit(d->measures[0], CELLS, 0.1, &d->envelope, &error), &error);
  *state = d;
  return 0;
}

static int drop(void **state) {
  free(*state);
  return 0;
}

static leuko_reason reason_of(const drawn *d, const uint8_t *pixels) {
  double measures[IMAGE_MEASURES];
  leuko_error error = {0};
  models_ok(image_measure(pixels, 4 * SIZE, measures, &error), &error);
  return image_envelope_check(&d->envelope, measures);
}

static void cells_lie_in_their_envelope(void **state) {
  const drawn *d = *state;
  for (size_t i = 0; i < CELLS; i++)
    assert_int_equal(image_envelope_check(&d->envelope, d->measures[i]), LEUKO_REASON_NONE);
  assert_true(d->envelope.low[IMAGE_CUT_OUT] == 1 && d->envelope.high[IMAGE_PARTS] == 1);
}

static void what_is_no_cell_is_told_why(void **state) {
  const drawn *d = *state;
  enum { SIDE = 4 * SIZE, BYTES = SIDE * SIDE * 3 };
  uint8_t pixels[BYTES];
  memset(pixels, 0, BYTES);
  assert_int_equal(reason_of(d, pixels), LEUKO_REASON_NO_CELL);
  memset(pixels, 200, BYTES);
  assert_int_equal(reason_of(d, pixels), LEUKO_REASON_BACKGROUND);
  for (int i = 0; i < BYTES; i++) pixels[i] = (uint8_t)(255 - d->pixels[0][i]);
  assert_int_equal(reason_of(d, pixels), LEUKO_REASON_BACKGROUND);
  /* Grey: nobody stains cells so. */
  for (int i = 0; i < BYTES; i++) pixels[i] = d->pixels[0][i - i % 3 + 1];
  assert_int_equal(reason_of(d, pixels), LEUKO_REASON_COLOUR);
  /* Of one colour within: no edge is left. */
  for (int i = 0; i < SIDE * SIDE; i++) {
    const uint8_t *from = d->pixels[0] + 3 * i;
    for (int c = 0; c < 3; c++)
      pixels[3 * i + c] =
          from[0] + from[1] + from[2] > 60 ? d->pixels[0][3 * (SIDE * SIDE / 2 + SIDE / 2) + c] : 0;
  }
  assert_int_equal(reason_of(d, pixels), LEUKO_REASON_BLURRED);
  /* Four small copies side by side, and one. */
  uint8_t small[SIDE / 2 * SIDE / 2 * 3];
  image cell = {SIDE, SIDE, (uint8_t *)(uintptr_t)d->pixels[0]};
  models_ok(image_resize(&cell, SIDE / 2, SIDE / 2, small, NULL), NULL);
  for (int copies = 1; copies <= 4; copies += 3) {
    memset(pixels, 0, BYTES);
    for (int k = 0; k < copies; k++)
      for (int y = 0; y < SIDE / 2; y++)
        memcpy(pixels + 3 * ((y + k / 2 * SIDE / 2) * SIDE + k % 2 * SIDE / 2),
               small + 3 * y * SIDE / 2, 3 * SIDE / 2);
    assert_int_equal(reason_of(d, pixels), copies == 1 ? LEUKO_REASON_SMALL : LEUKO_REASON_SEVERAL);
  }
  /* Moved out of the picture. */
  memset(pixels, 0, BYTES);
  memcpy(pixels, d->pixels[0] + 3 * SIDE * (SIDE / 2), 3 * SIDE * (SIDE / 2));
  const leuko_reason cut = reason_of(d, pixels);
  assert_true(cut == LEUKO_REASON_BORDER || cut == LEUKO_REASON_SMALL);
}

static void an_envelope_needs_a_cell(void **state) {
  (void)state;
  double none[IMAGE_MEASURES];
  uint8_t black[8 * 8 * 3] = {0};
  image_envelope envelope;
  assert_int_equal(image_measure(black, 8, none, NULL), LEUKO_OK);
  assert_int_equal(image_envelope_fit(none, 1, 0.1, &envelope, NULL), LEUKO_NO_DATA);
  assert_int_equal(image_envelope_fit(none, 0, 0.1, &envelope, NULL), LEUKO_NO_DATA);
}

/* A model that rejects what lies beyond `threshold` of some rows, or outside the envelope. */
static model rejecting(const drawn *d, double threshold) {
  model m = models_make(SIZE, 2, 9);
  m.crop = 0;
  m.rejection = (model_rejection){
      .cells = CELLS, .kept = 0.95, .envelope = d->envelope, .threshold = threshold};
  /* Measured at another size; only the colours and the background do not depend on it. */
  for (int k = IMAGE_AREA; k < IMAGE_LIGHTNESS; k++) {
    m.rejection.envelope.low[k] = -1e9;
    m.rejection.envelope.high[k] = 1e9;
  }
  float rows[8 * 12];
  for (int i = 0; i < 8 * 12; i++) rows[i] = (float)((i * 37 % 101) / 101.0);
  leuko_error error = {0};
  assert_int_equal(model_last_width(&m), 12);
  models_ok(stats_distance_fit(rows, (int[]){0, 1, 0, 1, 0, 1, 0, 1}, 8, 12, 2,
                               &m.rejection.distance, &error),
            &error);
  return m;
}

static void a_model_keeps_it_in_its_file(void **state) {
  char folder[PATH], path[PATH];
  test_folder(folder);
  snprintf(path, sizeof path, "%.900s/m.safetensors", folder);
  model m = rejecting(*state, 3.5), loaded;
  leuko_error error = {0};
  models_ok(model_save(path, &m, NULL, 0, &error), &error);
  models_ok(model_load(path, &loaded, &error), &error);
  const model_rejection *a = &m.rejection, *b = &loaded.rejection;
  assert_int_equal(b->cells, CELLS);
  assert_memory_equal(&b->envelope, &a->envelope, sizeof a->envelope);
  assert_int_equal(b->distance.directions, a->distance.directions);
  assert_memory_equal(b->distance.whiten, a->distance.whiten, 12 * 12 * sizeof(float));
  assert_memory_equal(b->distance.means, a->distance.means, 2 * 12 * sizeof(float));
  test_close("threshold", b->threshold, 3.5, 0);
  test_close("kept", b->kept, 0.95, 0);
  test_close("shrinkage", b->distance.shrinkage, a->distance.shrinkage, 0);
  model_free(&loaded);
  model_free(&m);
  test_remove(folder);
}

static void spoil(json_t *description, safetensors_entry *entries, size_t *count,
                  const void *argument) {
  json_t *rejection = json_object_get(description, "rejection");
  const int which = *(const int *)argument;
  static const float holes[12 * 12] = {NAN};
  if (which == 0) json_object_del(json_object_get(rejection, "envelope"), "area");
  if (which == 1) json_object_set_new(rejection, "cells", json_integer(-1));
  if (which == 2) json_object_set_new(rejection, "distance", json_object());
  for (size_t i = 0; i < *count; i++) {
    if (strcmp(entries[i].name, "rejection/directions") != 0) continue;
    if (which == 3) entries[i].data = holes;
    if (which == 4) entries[i].dims[0] = 9, entries[i].dims[1] = 16;
    if (which == 5) entries[i].name = "somewhere/else";
  }
}

static void damage_to_it_is_found(void **state) {
  char folder[PATH], path[PATH];
  test_folder(folder);
  snprintf(path, sizeof path, "%.900s/m.safetensors", folder);
  for (int which = 0; which < 6; which++) {
    model m = rejecting(*state, 3.5), loaded;
    leuko_error error = {0};
    models_ok(model_save(path, &m, NULL, 0, &error), &error);
    models_alter(path, spoil, &which);
    assert_int_equal(model_load(path, &loaded, &error), LEUKO_BAD_MODEL);
    assert_non_null(strstr(error.message, "rejection"));
    model_free(&m);
  }
  test_remove(folder);
}

static leuko_predictor *opened(const drawn *d, double threshold, int no_reject) {
  model m = rejecting(d, threshold);
  leuko_options options = {.threads = 1, .no_reject = no_reject};
  leuko_predictor *predictor;
  leuko_error error = {0};
  models_ok(predictor_open(&m, &options, &predictor, &error), &error);
  return predictor;
}

static void answers_are_withheld(void **state) {
  const drawn *d = *state;
  static const double thresholds[] = {1e9, 0};
  for (int far = 0; far < 2; far++)
    for (int blank = 0; blank < 2; blank++)
      for (int no_reject = 0; no_reject < 2; no_reject++) {
        leuko_predictor *predictor = opened(d, thresholds[far], no_reject);
        uint8_t black[16 * 16 * 3] = {0};
        leuko_answer a;
        leuko_error error = {0};
        models_ok(
            blank ? leuko_predict_pixels(predictor, black, 16, 16, &a, &error)
                  : leuko_predict_pixels(predictor, d->pixels[1], 4 * SIZE, 4 * SIZE, &a, &error),
            &error);
        const leuko_reason expected = no_reject ? LEUKO_REASON_NONE
                                      : blank   ? LEUKO_REASON_NO_CELL
                                      : far     ? LEUKO_REASON_DISTANCE
                                                : LEUKO_REASON_NONE;
        assert_int_equal(a.status, LEUKO_OK);
        assert_int_equal(a.reason, expected);
        assert_true(a.distance > 0);
        if (expected == LEUKO_REASON_NONE) {
          assert_true(a.p >= 0 && a.label_index >= 0);
          assert_string_equal(a.message, "");
        } else {
          assert_true(isnan(a.p) && isnan(a.p_raw) && isnan(a.probabilities[0]));
          assert_int_equal(a.label_index, -1);
          assert_string_equal(a.label, "rejected");
          assert_string_equal(a.message, leuko_reason_message(expected));
        }
        leuko_predictor_close(predictor);
      }
}

/* The distance is that of what the last layer reads, whatever the batch. */
static void the_distance_is_that_of_the_last_layers_input(void **state) {
  const drawn *d = *state;
  leuko_predictor *predictor = opened(d, 1e9, 0);
  const model *m = predictor_model(predictor);
  leuko_error error = {0};
  uint8_t pixels[3][SIZE * SIZE * 3];
  double logits[3];
  float rows[3][12];
  leuko_answer answers[3];
  for (int i = 0; i < 3; i++) {
    image cell = {4 * SIZE, 4 * SIZE, (uint8_t *)(uintptr_t)d->pixels[i]};
    models_ok(model_prepare(m, &cell, pixels[i], NULL, &error), &error);
    models_ok(leuko_predict_pixels(predictor, cell.rgb, 4 * SIZE, 4 * SIZE, &answers[i], &error),
              &error);
  }
  models_ok(predictor_logits(predictor, pixels[0], 3, logits, rows[0], NULL, &error), &error);
  const net_param *kernel = &m->graph->params[net_find_param(m->graph, "logits/kernel")];
  const net_param *bias = &m->graph->params[net_find_param(m->graph, "logits/bias")];
  for (int i = 0; i < 3; i++) {
    double sum = (double)m->params[bias->offset];
    for (int c = 0; c < 12; c++) sum += (double)rows[i][c] * (double)m->params[kernel->offset + c];
    test_close("logit", sum, logits[i], 1e-5);
    test_close("distance", stats_distance_of(&m->rejection.distance, rows[i]), answers[i].distance,
               1e-4);
  }
  leuko_predictor_close(predictor);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(covariances_are_shrunk_as_scikit_learn_does),
      cmocka_unit_test(distances_equal_their_definition),
      cmocka_unit_test(rows_that_say_nothing_are_refused),
      cmocka_unit_test(cells_lie_in_their_envelope),
      cmocka_unit_test(what_is_no_cell_is_told_why),
      cmocka_unit_test(an_envelope_needs_a_cell),
      cmocka_unit_test(a_model_keeps_it_in_its_file),
      cmocka_unit_test(damage_to_it_is_found),
      cmocka_unit_test(answers_are_withheld),
      cmocka_unit_test(the_distance_is_that_of_the_last_layers_input),
  };
  return cmocka_run_group_tests(tests, draw, drop);
}
