/* In a host program whose locale has decimal commas, files are written and read as ever. */
#include "models.h"

#include <locale.h>

#include "base/number.h"
#include "dataset/split.h"
#include "report/figures.h"
#include "report/history.h"
#include "train/run_folder.h"

static char folder[PATH];
static bool has_commas;

/* A locale of our own, since none with commas need be installed. */
static int make_locale(void **state) {
  (void)state;
  static const char source[] = "LC_NUMERIC\ndecimal_point \",\"\nthousands_sep \".\"\n"
                               "grouping 3;3\nEND LC_NUMERIC\n";
  char command[4 * PATH];
  test_folder(folder);
  test_write(NULL, folder, "source", source, sizeof source - 1);
  snprintf(command, sizeof command,
           "localedef -c -i '%s/source' -f ANSI_X3.4-1968 '%s/commas' >'%s/said' 2>&1", folder,
           folder, folder);
  /* It warns of the parts that are left out, and then ends with 1. */
  if (system(command) < 0) return -1;
  setenv("LOCPATH", folder, 1);
  has_commas = setlocale(LC_ALL, "commas") && strcmp(localeconv()->decimal_point, ",") == 0;
  if (!has_commas) print_message("skipped: localedef makes no locale with commas here\n");
  return 0;
}

static int remove_locale(void **state) {
  (void)state;
  setlocale(LC_ALL, "C");
  test_remove(folder);
  return 0;
}

static int with_commas(void **state) {
  (void)state;
  setlocale(LC_ALL, "commas");
  return 0;
}

/* The host's own numbers look as they did. */
static int check_commas(void **state) {
  (void)state;
  char text[16];
  snprintf(text, sizeof text, "%.1f", 1.5);
  return has_commas && strcmp(text, "1,5") != 0;
}

static void ok(leuko_status status, const leuko_error *error) {
  if (status != LEUKO_OK) fail_msg("%s: %s", leuko_status_name(status), error->message);
}

static void numbers_have_points(void **state) {
  (void)state;
  if (!has_commas) skip();
  char text[32], *end;
  assert_int_equal(number_print(text, sizeof text, "%.2f %g %d", 1234.5, 0.25, 7), 14);
  assert_string_equal(text, "1234.50 0.25 7");
  test_close("read", number_read("2.5e-1x", &end), 0.25, 0);
  assert_string_equal(end, "x");
  test_close("read", number_read("2,5", &end), 2, 0);
  assert_string_equal(end, ",5");
  double share;
  assert_true(split_parse_ratio("1.5:0.5", &share));
  test_close("share", share, 0.75, 0);
}

static void messages_have_points(void **state) {
  (void)state;
  if (!has_commas) skip();
  model m = models_make(14, 2, 3);
  leuko_error error = {0};
  m.check_logits[0] = 1e6 + 0.5;
  assert_int_equal(model_self_check(&m, &error), LEUKO_SELF_CHECK);
  assert_non_null(strstr(error.message, "0."));
  assert_null(strstr(error.message, "0,"));
  model_free(&m);
}

static void write_files(const char *name, char out[PATH]) {
  leuko_error error = {0};
  static const train_epoch epochs[] = {{.loss = 0.75,
                                        .accuracy = 0.5,
                                        .val_loss = 0.625,
                                        .val_accuracy = 0.5625,
                                        .val_auc = 0.59375,
                                        .seconds = 1.5},
                                       {.loss = 0.25,
                                        .accuracy = 0.875,
                                        .val_loss = 0.375,
                                        .val_accuracy = 0.75,
                                        .val_auc = 0.84375,
                                        .seconds = 1.25}};
  snprintf(out, PATH, "%.900s/%s", folder, name);
  ok(file_make_folders(out, &error), &error);
  ok(run_write_history(out, epochs, 2, &error), &error);
  leuko_status status = figures_training(out, "A title", &error);
  if (status != LEUKO_NOT_FOUND)
    ok(status, &error); /* gnuplot: the scripts are there all the same */
  model m = models_make(14, 2, 3);
  char path[PATH];
  ok(file_join(path, sizeof path, out, "best.safetensors", &error), &error);
  ok(model_save(path, &m, NULL, 0, &error), &error);
  model_free(&m);
}

static void files_are_the_same_in_any_locale(void **state) {
  (void)state;
  if (!has_commas) skip();
  static const char *const files[] = {"history.csv", "figures/loss.gp", "figures/accuracy.gp",
                                      "figures/loss_accuracy.gp", "best.safetensors"};
  char with[PATH], without[PATH], path[2][PATH], *bytes[2];
  size_t size[2];
  write_files("with", with);
  setlocale(LC_ALL, "C");
  write_files("without", without);
  for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
    for (int k = 0; k < 2; k++) {
      leuko_error error = {0};
      ok(file_join(path[k], PATH, k ? without : with, files[i], &error), &error);
      ok(file_read(path[k], 0, &bytes[k], &size[k], &error), &error);
    }
    if (size[0] != size[1] || memcmp(bytes[0], bytes[1], size[0]) != 0)
      fail_msg("%s differs", files[i]);
    free(bytes[0]);
    free(bytes[1]);
  }
  setlocale(LC_ALL, "commas");
}

static void what_is_written_is_read(void **state) {
  (void)state;
  if (!has_commas) skip();
  char run[PATH], path[PATH];
  leuko_error error = {0};
  write_files("read", run);
  history h;
  ok(file_join(path, sizeof path, run, "history.csv", &error), &error);
  ok(history_read(path, &h, &error), &error);
  test_close("loss", h.curves[LOSS][1], 0.25, 0);
  test_close("seconds", h.curves[SECONDS][0], 1.5, 0);
  history_free(&h);
  train_epoch seconds[2];
  run_read_seconds(run, seconds, 2);
  test_close("seconds", seconds[1].seconds, 1.25, 0);
  model m;
  ok(model_load(run, &m, &error), &error);
  test_close("scale", (double)m.scaling.scale, (double)(1.0f / 255), 0);
  test_close("threshold", m.threshold, 0.5, 0);
  ok(model_self_check(&m, &error), &error);
  model_free(&m);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, with_commas, check_commas)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(numbers_have_points),
      TEST(messages_have_points),
      TEST(files_are_the_same_in_any_locale),
      TEST(what_is_written_is_read),
  };
  return cmocka_run_group_tests(tests, make_locale, remove_locale);
}
