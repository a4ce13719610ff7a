/* Figures drawn by gnuplot: files, sizes, hostile titles, and what happens without gnuplot. */
#include "support.h"

#include <stdbool.h>
#include <sys/stat.h>

#include "report/figures.h"

#define HEADER "epoch,loss,accuracy,val_loss,val_accuracy,val_auc,seconds\n"

static leuko_status draw_history(const char *folder, const char *history, const char *title,
                                 leuko_error *error) {
  test_write(NULL, folder, "history.csv", history, strlen(history));
  return figures_training(folder, title, error);
}

static bool has(const char *folder, const char *name) {
  char path[PATH];
  snprintf(path, sizeof path, "%.900s/%.100s", folder, name);
  return file_exists(path);
}

/* The picture is a PNG of that size, the drawing an SVG that holds `text`. */
static void check_figure(const char *folder, const char *name, unsigned width, unsigned height,
                         const char *text) {
  char file[64];
  snprintf(file, sizeof file, "%s.png", name);
  char *png = test_read(folder, file);
  assert_memory_equal(png, "\x89PNG\r\n\x1a\n", 8);
  const unsigned char *size = (const unsigned char *)png + 16;
  assert_int_equal((size[0] << 24) + (size[1] << 16) + (size[2] << 8) + size[3], width);
  assert_int_equal((size[4] << 24) + (size[5] << 16) + (size[6] << 8) + size[7], height);
  free(png);
  snprintf(file, sizeof file, "%s.svg", name);
  char *svg = test_read(folder, file);
  assert_non_null(strstr(svg, "<svg"));
  assert_non_null(strstr(svg, "</svg>"));
  if (!strstr(svg, text)) fail_msg("%s.svg lacks '%s'", name, text);
  free(svg);
  snprintf(file, sizeof file, "%s.gp", name);
  assert_true(has(folder, file));
}

static void training_curves_are_drawn(void **state) {
  char figures[PATH + 16];
  assert_int_equal(draw_history(*state,
                                HEADER "1,0.60,0.70,0.55,0.72,0.75,1\n"
                                       "2,0.50,0.75,0.44,0.81,0.85,1\n"
                                       "3,0.40,0.80,0.48,0.83,0.86,1\n"
                                       "4,0.30,0.85,0.60,0.79,0.84,1\n",
                                "A run", NULL),
                   LEUKO_OK);
  snprintf(figures, sizeof figures, "%s/figures", (char *)*state);
  check_figure(figures, "accuracy", 1360, 1080, "highest 0.8300, epoch 3");
  check_figure(figures, "loss", 1360, 1080, "lowest 0.4400, epoch 2");
  check_figure(figures, "loss_accuracy", 1600, 1280, "accuracy, validation");
  check_figure(figures, "loss_accuracy", 1600, 1280, "A run");
  assert_int_equal(test_count(figures), 9);
}

static void a_run_without_validation_has_curves_too(void **state) {
  char figures[PATH + 16];
  assert_int_equal(draw_history(*state, HEADER "1,0.60,0.70,,,,1\n2,0.50,0.75,,,,1\n", NULL, NULL),
                   LEUKO_OK);
  snprintf(figures, sizeof figures, "%s/figures", (char *)*state);
  check_figure(figures, "accuracy", 1360, 1080, "training");
  char *svg = test_read(figures, "loss_accuracy.svg");
  assert_null(strstr(svg, "validation"));
  free(svg);
}

static void one_epoch_or_none_finite_is_drawn(void **state) {
  assert_int_equal(draw_history(*state, HEADER "1,0.6,0.7,0.5,0.7,0.7,1\n", NULL, NULL), LEUKO_OK);
  assert_int_equal(
      draw_history(*state, HEADER "1,0.6,1,0.5,1,1,1\n2,0.6,1,0.5,1,1,1\n", NULL, NULL), LEUKO_OK);
  assert_int_equal(
      draw_history(*state, HEADER "1,0.6,0.7,nan,0.7,,1\n2,0.5,0.8,inf,0.7,,1\n", NULL, NULL),
      LEUKO_OK);
  assert_int_equal(draw_history(*state, HEADER "1,0.6,0.7,,,,1\n2,nan,nan,,,,1\n", NULL, NULL),
                   LEUKO_OK);
}

static void a_wrong_history_is_named(void **state) {
  leuko_error error;
  assert_int_equal(figures_training(*state, NULL, &error), LEUKO_NOT_FOUND);
  assert_int_equal(draw_history(*state, "", NULL, &error), LEUKO_EMPTY);
  assert_int_equal(draw_history(*state, HEADER, NULL, &error), LEUKO_NO_DATA);
  assert_int_equal(draw_history(*state, "epoch,loss\n1,2\n", NULL, &error), LEUKO_BAD_CSV);
  assert_int_equal(draw_history(*state, HEADER "1,0.6,0.7x,,,,1\n", NULL, &error), LEUKO_BAD_CSV);
  assert_non_null(strstr(error.message, "row 1"));
  assert_int_equal(draw_history(*state, HEADER ",0.6,0.7,,,,1\n", NULL, &error), LEUKO_BAD_CSV);
  assert_false(has(*state, "figures"));
}

/* One curve. */
static leuko_status roc(const char *folder, const char *title, const double *x, const double *y,
                        size_t n, double area, leuko_error *error) {
  const figure_curve curve = {"model", x, y, n, area};
  return figures_roc(folder, title, &curve, 1, error);
}

static void roc_curves_are_drawn(void **state) {
  const double x[] = {0, 0, 0.5, 1}, y[] = {0, 0.5, 1, 1};
  assert_int_equal(roc(*state, "CNN", x, y, 4, 0.875, NULL), LEUKO_OK);
  check_figure(*state, "roc", 1360, 1496, "model (AUC 0.875)");
}

static void a_wrong_roc_curve_is_named(void **state) {
  leuko_error error;
  const double x[] = {0, NAN, 1}, y[] = {0, 0.5, 1};
  assert_int_equal(roc(*state, NULL, x, y, 3, 0.5, &error), LEUKO_BAD_DATA);
  assert_int_equal(roc(*state, NULL, y, x, 3, 0.5, &error), LEUKO_BAD_DATA);
  assert_int_equal(roc(*state, NULL, y, y, 1, 0.5, &error), LEUKO_NO_DATA);
  assert_int_equal(test_count(*state), 0);
}

static void confusion_matrices_are_drawn(void **state) {
  leuko_error error;
  const char *const names[2] = {"hem", "all"};
  const size_t counts[2][2] = {{611, 300}, {155, 1766}}, zero[2][2] = {{0}},
               half[2][2] = {{0, 0}, {3, 1}};
  assert_int_equal(figures_confusion(*state, NULL, names, counts, NULL), LEUKO_OK);
  check_figure(*state, "confusion", 1360, 1120, "67.1 %");
  check_figure(*state, "confusion", 1360, 1120, "1,766");
  check_figure(*state, "confusion", 1360, 1120, "hem");
  assert_int_equal(figures_confusion(*state, NULL, names, half, NULL), LEUKO_OK);
  assert_int_equal(figures_confusion(*state, NULL, names, zero, &error), LEUKO_NO_DATA);
}

static void titles_and_names_are_text_never_commands(void **state) {
  char title[PATH + 128];
  snprintf(title, sizeof title,
           "it's `touch %s/pwned1` _a^b {/=9 x} \"q\"\n!touch %s/pwned2\n@m <&> \xff",
           (char *)*state, (char *)*state);
  const double x[] = {0, 1};
  const char *const names[2] = {"a_1', system('touch pwned3'), '", "b\\n\"`touch pwned4`"};
  const size_t counts[2][2] = {{1, 2}, {3, 4}};
  assert_int_equal(roc(*state, title, x, x, 2, 0.5, NULL), LEUKO_OK);
  check_figure(*state, "roc", 1360, 1496, "it's `touch");
  assert_int_equal(figures_confusion(*state, title, names, counts, NULL), LEUKO_OK);
  check_figure(*state, "confusion", 1360, 1120, "a_1', system");
  assert_int_equal(test_count(*state), 6);
}

/* Puts a folder with `script` as gnuplot (NULL: nothing) in place of PATH, and draws. */
static leuko_status draw_with(const char *folder, const char *script, leuko_error *error) {
  char bin[PATH + 16], figures[PATH + 16], program[PATH + 32];
  snprintf(bin, sizeof bin, "%s/bin", folder);
  snprintf(figures, sizeof figures, "%s/figures", folder);
  assert_int_equal(file_make_folders(bin, NULL), LEUKO_OK);
  if (script) {
    test_write(NULL, bin, "gnuplot", script, strlen(script));
    snprintf(program, sizeof program, "%s/gnuplot", bin);
    assert_int_equal(chmod(program, 0755), 0);
  }
  char *kept = strdup(getenv("PATH"));
  assert_non_null(kept);
  setenv("PATH", bin, 1);
  const double x[] = {0, 1};
  leuko_status status = roc(figures, NULL, x, x, 2, 0.5, error);
  setenv("PATH", kept, 1);
  free(kept);
  assert_false(has(figures, "roc.svg"));
  assert_false(has(figures, "roc.png"));
  return status;
}

static void a_missing_gnuplot_is_named(void **state) {
  leuko_error error;
  assert_int_equal(draw_with(*state, NULL, &error), LEUKO_NOT_FOUND);
  assert_non_null(strstr(error.remedy, "gnuplot"));
}

static void a_failing_gnuplot_is_quoted(void **state) {
  leuko_error error;
  assert_int_equal(
      draw_with(*state, "#!/bin/sh\necho half >roc.svg\necho out of ink >&2\nexit 1\n", &error),
      LEUKO_BACKEND);
  assert_non_null(strstr(error.message, "out of ink"));
  assert_int_equal(draw_with(*state, "#!/bin/sh\nexit 0\n", &error), LEUKO_BACKEND);
  assert_int_equal(draw_with(*state, "#!/bin/sh\nkill -9 $$\n", &error), LEUKO_BACKEND);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST_IN_FOLDER(training_curves_are_drawn),
      TEST_IN_FOLDER(a_run_without_validation_has_curves_too),
      TEST_IN_FOLDER(one_epoch_or_none_finite_is_drawn),
      TEST_IN_FOLDER(a_wrong_history_is_named),
      TEST_IN_FOLDER(roc_curves_are_drawn),
      TEST_IN_FOLDER(a_wrong_roc_curve_is_named),
      TEST_IN_FOLDER(confusion_matrices_are_drawn),
      TEST_IN_FOLDER(titles_and_names_are_text_never_commands),
      TEST_IN_FOLDER(a_missing_gnuplot_is_named),
      TEST_IN_FOLDER(a_failing_gnuplot_is_quoted),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
