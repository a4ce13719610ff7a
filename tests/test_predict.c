/* The public interface on drawn cells: files, good and bad, and pixels in memory. */
#include "models.h"

#include "base/hash.h"
#include "dataset/synth.h"
#include "image/resize.h"
#include "image/write.h"
#include "net/cpu.h"
#include "predict/predictor.h"

#define CELLS 12

/* A folder with a model of two classes, one of three, and drawn cells. */
typedef struct {
  char folder[PATH], model[PATH], three[PATH], cells[CELLS][PATH];
} fixture;

static const image_format formats[] = {IMAGE_PNG, IMAGE_BMP, IMAGE_TIFF, IMAGE_WEBP};
static const char *const endings[] = {"png", "bmp", "tif", "webp"};

static int open_fixture(void **state) {
  fixture *f = calloc(1, sizeof *f);
  if (!f) return -1;
  test_folder(f->folder);
  leuko_error error = {0};
  for (int classes = 2; classes <= 3; classes++) {
    model m = models_make(32, classes, 9);
    /* Larger weights: random ones answer 0.5 for everything. */
    for (size_t i = 0; i < m.graph->param_floats; i++) m.params[i] *= 3;
    char *path = classes == 2 ? f->model : f->three;
    snprintf(path, PATH, "%.900s/%d.safetensors", f->folder, classes);
    models_ok(model_save(path, &m, NULL, 0, &error), &error);
    model_free(&m);
  }
  for (size_t i = 0; i < CELLS; i++) {
    image cell;
    models_ok(synth_cell(1, i, i % 2, i % 5, &cell, &error), &error);
    snprintf(f->cells[i], PATH, "%.900s/%02zu.%s", f->folder, i, endings[i % 4]);
    models_ok(image_write(f->cells[i], &cell, formats[i % 4], &error), &error);
    image_free(&cell);
  }
  *state = f;
  return 0;
}

static int close_fixture(void **state) {
  fixture *f = *state;
  test_remove(f->folder);
  free(f);
  return 0;
}

static leuko_predictor *opened(const char *path, const char *backend, int batch) {
  leuko_options options = {.threads = 2, .batch = batch, .backend = backend};
  leuko_predictor *predictor = NULL;
  leuko_error error = {0};
  models_ok(leuko_predictor_open(path, &options, &predictor, &error), &error);
  return predictor;
}

static void answer_of(leuko_predictor *predictor, const char *path, leuko_answer *answer) {
  leuko_error error = {0};
  models_ok(leuko_predict_file(predictor, path, answer, &error), &error);
}

static void an_answer_hangs_together(void **state) {
  const fixture *f = *state;
  leuko_predictor *predictor = opened(f->model, NULL, 0);
  assert_int_equal(leuko_predictor_classes(predictor), 2);
  assert_string_equal(leuko_predictor_class(predictor, 0), "hem");
  assert_string_equal(leuko_predictor_class(predictor, 1), "all");
  assert_string_equal(leuko_predictor_class(predictor, 2), "");
  assert_string_equal(leuko_predictor_class(predictor, -1), "");
  assert_string_equal(leuko_predictor_positive(predictor), "all");
  double lowest = 1, highest = 0;
  for (size_t i = 0; i < CELLS; i++) {
    leuko_answer a;
    answer_of(predictor, f->cells[i], &a);
    assert_int_equal(a.status, LEUKO_OK);
    test_close("p", a.p, 1 / (1 + exp(-a.logit)), 1e-12);
    test_close("probability", a.probabilities[1], a.p, 0);
    test_close("sum", a.probabilities[0] + a.probabilities[1], 1, 1e-12);
    assert_int_equal(a.label_index, a.p >= 0.5);
    assert_string_equal(a.label, a.p >= 0.5 ? "all" : "hem");
    assert_string_equal(a.message, "");
    char expected[HASH_HEX];
    assert_int_equal(hash_file(f->cells[i], expected, NULL), LEUKO_OK);
    assert_string_equal(a.sha256, expected);
    lowest = fmin(lowest, a.p);
    highest = fmax(highest, a.p);
  }
  assert_true(highest - lowest > 1e-4);
  leuko_predictor_close(predictor);
  leuko_predictor_close(NULL);
}

static void three_classes_are_a_softmax(void **state) {
  const fixture *f = *state;
  leuko_predictor *predictor = opened(f->three, NULL, 0);
  assert_int_equal(leuko_predictor_classes(predictor), 3);
  assert_string_equal(leuko_predictor_positive(predictor), "");
  for (size_t i = 0; i < 4; i++) {
    leuko_answer a;
    answer_of(predictor, f->cells[i], &a);
    double sum = 0;
    for (int k = 0; k < 3; k++) {
      sum += a.probabilities[k];
      assert_true(a.probabilities[k] <= a.p);
    }
    test_close("sum", sum, 1, 1e-12);
    test_close("p", a.p, a.probabilities[a.label_index], 0);
    assert_string_equal(a.label, leuko_predictor_class(predictor, a.label_index));
  }
  leuko_predictor_close(predictor);
}

static void same_answer(const leuko_answer *a, const leuko_answer *b, double tolerance) {
  assert_int_equal(a->status, b->status);
  assert_int_equal(a->label_index, b->label_index);
  assert_string_equal(a->label, b->label);
  test_close("logit", a->logit, b->logit, tolerance);
  test_close("p", a->p, b->p, tolerance);
}

static void pixels_give_the_answer_of_the_file(void **state) {
  const fixture *f = *state;
  leuko_predictor *predictor = opened(f->model, NULL, 0);
  for (size_t i = 0; i < 4; i++) {
    leuko_answer from_file, from_pixels;
    leuko_error error = {0};
    answer_of(predictor, f->cells[i], &from_file);
    image cell;
    models_ok(image_read(f->cells[i], &cell, NULL, &error), &error);
    models_ok(
        leuko_predict_pixels(predictor, cell.rgb, cell.width, cell.height, &from_pixels, &error),
        &error);
    same_answer(&from_pixels, &from_file, 0);
    assert_string_equal(from_pixels.sha256, "");
    image_free(&cell);
  }
  uint8_t dot[3] = {0};
  leuko_answer a;
  leuko_error error = {0};
  assert_int_equal(leuko_predict_pixels(predictor, dot, 1, 1, &a, &error), LEUKO_TOO_SMALL);
  assert_int_equal(a.status, LEUKO_TOO_SMALL);
  assert_true(isnan(a.p));
  assert_int_equal(a.label_index, -1);
  assert_true(error.message[0] && a.message[0]);
  assert_int_equal(leuko_predict_pixels(predictor, dot, -1, 1 << 30, &a, NULL), LEUKO_TOO_SMALL);
  leuko_predictor_close(predictor);
}

/* What the predictor does, done by hand. */
static void the_way_from_file_to_logit_is_the_documented_one(void **state) {
  const fixture *f = *state;
  leuko_predictor *predictor = opened(f->model, "ref", 0);
  leuko_error error = {0};
  model m;
  models_ok(model_load(f->model, &m, &error), &error);
  net_plan_options options = model_plan_options(&m, 1, 1, "ref");
  net_plan *plan;
  models_ok(net_plan_new(m.graph, &options, &plan, &error), &error);
  models_ok(net_plan_bind(plan, m.params, &error), &error);
  uint8_t pixels[32 * 32 * 3];
  for (size_t i = 0; i < 4; i++) {
    leuko_answer a;
    answer_of(predictor, f->cells[i], &a);
    image cell;
    const float *logit;
    models_ok(image_read(f->cells[i], &cell, NULL, &error), &error);
    models_ok(image_prepare(&cell, 300, 32, pixels, &error), &error);
    models_ok(net_plan_forward(plan, pixels, 1, 0, &logit, &error), &error);
    test_close("logit", a.logit, (double)logit[0], 0);
    image_free(&cell);
  }
  net_plan_free(plan);
  model_free(&m);
  leuko_predictor_close(predictor);
}

static void backends_agree(void **state) {
  const fixture *f = *state;
  const char *models[] = {f->model, f->three};
  for (int k = 0; k < 2; k++) {
    leuko_predictor *fast = opened(models[k], "onednn", 0), *exact = opened(models[k], "ref", 0);
    for (size_t i = 0; i < 4; i++) {
      leuko_answer a, b;
      answer_of(fast, f->cells[i], &a);
      answer_of(exact, f->cells[i], &b);
      same_answer(&a, &b, 1e-4);
    }
    leuko_predictor_close(fast);
    leuko_predictor_close(exact);
  }
}

/* Good and bad files in one call: each has its own answer, whatever the batch. */
static void bad_files_do_not_stop_the_others(void **state) {
  const fixture *f = *state;
  char bad[5][PATH], *bytes;
  size_t size;
  assert_int_equal(file_read(f->cells[0], 0, &bytes, &size, NULL), LEUKO_OK);
  test_write(bad[0], f->folder, "truncated.png", bytes, size / 2);
  free(bytes);
  test_write(bad[1], f->folder, "empty.png", "", 0);
  test_write(bad[2], f->folder, "garbage.png", "no image at all, only text", 26);
  snprintf(bad[3], PATH, "%.900s/missing.png", f->folder);
  uint8_t huge[54] = {'B', 'M', [10] = 54, [14] = 40, [20] = 1, [24] = 1, [26] = 1, [28] = 24};
  test_write(bad[4], f->folder, "huge.bmp", huge, sizeof huge); /* 65536 x 65536 pixels */
  static const leuko_status statuses[] = {LEUKO_CORRUPT_IMAGE, LEUKO_EMPTY, LEUKO_NOT_AN_IMAGE,
                                          LEUKO_NOT_FOUND, LEUKO_TOO_LARGE};
  const char *paths[CELLS + 5];
  int is_bad[CELLS + 5], cell_of[CELLS + 5];
  size_t count = 0;
  for (int i = 0; i < CELLS; i++) {
    if (i % 2 == 0 && i < 10) {
      is_bad[count] = i / 2;
      paths[count++] = bad[i / 2];
    }
    is_bad[count] = -1;
    cell_of[count] = i;
    paths[count++] = f->cells[i];
  }
  static const int batches[] = {1, 4, 64};
  for (size_t b = 0; b < sizeof batches / sizeof *batches; b++) {
    leuko_predictor *predictor = opened(f->model, NULL, batches[b]);
    leuko_answer answers[CELLS + 5], alone;
    memset(answers, 0xaa, sizeof answers);
    leuko_error error = {0};
    assert_int_equal(leuko_predict_files(predictor, paths, count, answers, &error), LEUKO_PARTIAL);
    assert_non_null(strstr(error.message, "5 of 17"));
    for (size_t i = 0; i < count; i++) {
      const leuko_answer *a = &answers[i];
      if (is_bad[i] < 0) {
        answer_of(predictor, f->cells[cell_of[i]], &alone);
        same_answer(a, &alone, 1e-5);
        assert_string_equal(a->sha256, alone.sha256);
        continue;
      }
      if (a->status != statuses[is_bad[i]])
        fail_msg("%s: %s", paths[i], leuko_status_name(a->status));
      assert_true(isnan(a->p) && isnan(a->logit));
      assert_int_equal(a->label_index, -1);
      assert_string_equal(a->label, "");
      assert_true(a->message[0]);
      assert_int_equal(strlen(a->sha256), a->status == LEUKO_NOT_FOUND ? 0
                                          : a->status == LEUKO_EMPTY   ? strlen(a->sha256)
                                                                       : 64);
    }
    leuko_predictor_close(predictor);
  }
  leuko_predictor *predictor = opened(f->model, NULL, 0);
  const char *only_bad[] = {bad[2], bad[3]};
  leuko_answer answers[2];
  leuko_error error = {0};
  assert_int_equal(leuko_predict_files(predictor, only_bad, 2, answers, &error),
                   LEUKO_NOT_AN_IMAGE);
  assert_string_equal(error.file, bad[2]);
  assert_int_equal(leuko_predict_file(predictor, bad[3], answers, &error), LEUKO_NOT_FOUND);
  assert_string_equal(error.file, bad[3]);
  assert_int_equal(leuko_predict_files(predictor, only_bad, 0, answers, &error), LEUKO_NO_DATA);
  answer_of(predictor, f->cells[0], answers); /* and it goes on */
  leuko_predictor_close(predictor);
}

static int stop_at_once(void *context, const char *phase, size_t done, size_t total,
                        const char *note) {
  (void)phase;
  (void)note;
  assert_true(done <= total);
  ++*(int *)context;
  return 1;
}

static void it_stops_when_asked(void **state) {
  const fixture *f = *state;
  leuko_predictor *predictor = opened(f->model, NULL, 4);
  const char *paths[CELLS];
  for (size_t i = 0; i < CELLS; i++) paths[i] = f->cells[i];
  leuko_answer answers[CELLS];
  double logits[CELLS];
  int calls = 0;
  progress p = {stop_at_once, &calls};
  assert_int_equal(predictor_files(predictor, paths, CELLS, answers, logits, &p, NULL),
                   LEUKO_INTERRUPTED);
  assert_int_equal(calls, 1);
  for (size_t i = 0; i < CELLS; i++) {
    assert_int_equal(answers[i].status, i < 4 ? LEUKO_OK : LEUKO_INTERRUPTED);
    test_close("logit", logits[i], i < 4 ? answers[i].logit : (double)NAN, 0);
  }
  leuko_predictor_close(predictor);
}

static void two_predictors_live_side_by_side(void **state) {
  const fixture *f = *state;
  leuko_predictor *a = opened(f->model, NULL, 0), *b = opened(f->three, NULL, 2);
  leuko_answer first, second, again;
  answer_of(a, f->cells[0], &first);
  answer_of(b, f->cells[0], &second);
  answer_of(a, f->cells[0], &again);
  same_answer(&again, &first, 0);
  leuko_predictor_close(a);
  answer_of(b, f->cells[0], &again);
  same_answer(&again, &second, 0);
  leuko_predictor_close(b);
}

/* Files are read once for all, and prepared once for those that need the same. */
static void several_answer_as_each_alone(void **state) {
  const fixture *f = *state;
  enum { MEMBERS = 4, FILES = CELLS + 1, BAD = 5 };
  const int sizes[MEMBERS] = {32, 40, 32, 32};
  leuko_predictor *members[MEMBERS];
  for (int k = 0; k < MEMBERS; k++) {
    leuko_error error = {0};
    model m = models_make(sizes[k], 2, 20 + (uint64_t)k);
    if (k == 3) m.stain = (stain){STAIN_REINHARD, {{40, 20, -30}, {9, 6, 7}}};
    leuko_options options = {.threads = 2, .batch = 4};
    models_ok(predictor_open(&m, &options, &members[k], &error), &error);
  }
  char bad[PATH];
  test_write(bad, f->folder, "several.png", "no picture", 10);
  const char *paths[FILES];
  for (size_t i = 0; i < FILES; i++) paths[i] = i == BAD ? bad : f->cells[i - (i > BAD)];
  leuko_answer together[MEMBERS][FILES], alone[FILES];
  double logits[MEMBERS][FILES];
  assert_int_equal(
      predictor_files_each(members, MEMBERS, paths, FILES, together[0], logits[0], NULL, NULL),
      LEUKO_OK);
  for (int k = 0; k < MEMBERS; k++) {
    assert_int_equal(leuko_predict_files(members[k], paths, FILES, alone, NULL), LEUKO_PARTIAL);
    for (size_t i = 0; i < FILES; i++) {
      same_answer(&together[k][i], &alone[i], 0);
      assert_string_equal(together[k][i].sha256, alone[i].sha256);
      assert_string_equal(together[k][i].message, alone[i].message);
      test_close("logit", logits[k][i], alone[i].logit, 0);
    }
    assert_int_equal(together[k][BAD].status, LEUKO_NOT_AN_IMAGE);
    leuko_predictor_close(members[k]);
  }
}

static void wrong_calls_are_refused(void **state) {
  const fixture *f = *state;
  leuko_predictor *predictor = (leuko_predictor *)1;
  leuko_error error = {0};
  assert_int_equal(leuko_predictor_open(NULL, NULL, &predictor, &error), LEUKO_ARGUMENT);
  assert_null(predictor);
  static const leuko_options wrong[] = {
      {.backend = "abacus"}, {.batch = 100000}, {.threads = 100000}};
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    assert_int_equal(leuko_predictor_open(f->model, &wrong[i], &predictor, &error), LEUKO_ARGUMENT);
    assert_null(predictor);
    assert_true(error.message[0] && error.remedy[0]);
  }
  assert_int_equal(leuko_predictor_open(f->cells[0], NULL, &predictor, &error), LEUKO_BAD_MODEL);
  assert_string_equal(error.file, f->cells[0]);
  assert_int_equal(leuko_predictor_open(f->folder, NULL, &predictor, NULL), LEUKO_NOT_FOUND);
}

static void overflow(json_t *description, safetensors_entry *entries, size_t *count,
                     const void *argument) {
  (void)description;
  (void)argument;
  static float huge[1 << 14];
  for (size_t i = 0; i < *count; i++) {
    if (strcmp(entries[i].name, "logits/kernel") && strcmp(entries[i].name, "dense1/bias"))
      continue;
    for (size_t k = 0; k < entries[i].bytes / sizeof *huge; k++) huge[k] = 3e38f;
    entries[i].data = huge;
  }
}

/* Finite weights whose sums are not. */
static void an_answer_that_is_no_number_is_none(void **state) {
  const fixture *f = *state;
  char path[PATH];
  leuko_error error = {0};
  model m = models_make(32, 2, 9);
  snprintf(path, sizeof path, "%.900s/overflow.safetensors", f->folder);
  models_ok(model_save(path, &m, NULL, 0, &error), &error);
  model_free(&m);
  models_alter(path, overflow, NULL);
  leuko_predictor *predictor = opened(path, NULL, 0);
  leuko_answer a;
  assert_int_equal(leuko_predict_file(predictor, f->cells[0], &a, &error), LEUKO_BAD_MODEL);
  assert_int_equal(a.status, LEUKO_BAD_MODEL);
  assert_true(isnan(a.p));
  assert_string_equal(a.label, "");
  leuko_predictor_close(predictor);
}

/* Powers of two, so that float32 answers the same to the bit, but the first convolution's output is
 * beyond half precision. */
static void beyond_half_precision_float32_answers(void **state) {
  const fixture *f = *state;
  if (!net_precision_supported(NET_BF16)) {
    print_message("this processor has no 16 bits: skipped\n");
    skip();
  }
  leuko_error error = {0};
  leuko_answer answers[2][CELLS], alone;
  const char *paths[CELLS];
  for (size_t i = 0; i < CELLS; i++) paths[i] = f->cells[i];
  for (int huge = 0; huge < 2; huge++) {
    char path[PATH];
    model m = models_make_wide(32, 2, 9, 32, 32);
    for (int i = 0; i < m.graph->param_count && huge; i++) {
      const net_param *p = &m.graph->params[i];
      const int power = strncmp(p->name, "conv1/", 6) == 0     ? 24
                        : strcmp(p->name, "conv2/kernel") == 0 ? -24
                                                               : 0;
      for (size_t k = 0; k < p->count; k++)
        m.params[p->offset + k] = ldexpf(m.params[p->offset + k], power);
    }
    snprintf(path, sizeof path, "%.900s/huge-%d.safetensors", f->folder, huge);
    models_ok(model_save(path, &m, NULL, 0, &error), &error);
    model_free(&m);
    const leuko_options options = {.threads = 2, .batch = 8, .precision = huge ? "bf16" : "f32"};
    leuko_predictor *predictor = NULL;
    models_ok(leuko_predictor_open(path, &options, &predictor, &error), &error);
    models_ok(leuko_predict_files(predictor, paths, CELLS, answers[huge], &error), &error);
    answer_of(predictor, paths[3], &alone);
    same_answer(&alone, &answers[huge][3], 0);
    leuko_predictor_close(predictor);
  }
  for (size_t i = 0; i < CELLS; i++)
    same_answer(&answers[1][i], &answers[0][i], net_cpu_half() ? 0 : 0.02);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(an_answer_hangs_together),
      cmocka_unit_test(three_classes_are_a_softmax),
      cmocka_unit_test(pixels_give_the_answer_of_the_file),
      cmocka_unit_test(the_way_from_file_to_logit_is_the_documented_one),
      cmocka_unit_test(backends_agree),
      cmocka_unit_test(bad_files_do_not_stop_the_others),
      cmocka_unit_test(it_stops_when_asked),
      cmocka_unit_test(two_predictors_live_side_by_side),
      cmocka_unit_test(several_answer_as_each_alone),
      cmocka_unit_test(wrong_calls_are_refused),
      cmocka_unit_test(an_answer_that_is_no_number_is_none),
      cmocka_unit_test(beyond_half_precision_float32_answers),
  };
  return cmocka_run_group_tests(tests, open_fixture, close_fixture);
}
