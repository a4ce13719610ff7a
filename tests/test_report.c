/* The experiment's table and page: what they say follows from the runs' numbers. The runs are made
 * up; nothing is trained. */
#include "support.h"

#include <math.h>
#include <stdbool.h>

#include "report/report.h"
#include "report/table1.h"
#include "report/words.h"

/* Last accuracies of the eight trainings, in the order of experiment_jobs. */
typedef double accuracies[8];
/* As measured once in Keras on all cells. */
static const accuracies measured = {0.795, 0.761, 0.846, 0.786, 0.857, 0.800, 0.842, 0.770};

static int make_folder(void **state) {
  char *folder = malloc(PATH);
  if (!folder) return -1;
  test_folder(folder);
  *state = folder;
  /* No gnuplot is found: figures take their time and have tests of their own. */
  return setenv("PATH", "/nonexistent", 1);
}

static int remove_folder(void **state) {
  test_remove(*state);
  free(*state);
  return 0;
}

/* The run folder of a training on `n` validation cells that ends at `accuracy`. */
static void write_run(const char *out, const experiment_job *job, double accuracy, int n) {
  char folder[PATH], text[1024];
  assert_int_equal(experiment_run_folder(out, job, folder, sizeof folder, NULL), LEUKO_OK);
  assert_int_equal(file_make_folders(folder, NULL), LEUKO_OK);
  bool image = strcmp(job->split, "image") == 0;
  snprintf(text, sizeof text,
           "epoch,loss,accuracy,val_loss,val_accuracy,val_auc,seconds\n"
           "1,0.6,0.7,0.5,0.75,0.8,2.00\n2,0.2,0.95,0.4,%.6f,0.85,2.50\n",
           accuracy);
  test_write(NULL, folder, "history.csv", text, strlen(text));
  snprintf(text, sizeof text,
           "{\"loss\": 0.4, \"accuracy\": %.6f, \"balanced_accuracy\": 0.7, \"sensitivity\": 0.8, "
           "\"specificity\": 0.6, \"auc\": %.6f, \"n\": %d, \"majority_accuracy\": 0.678, "
           "\"majority_class\": \"<all>\", \"classes\": [\"hem\", \"<all>\"], \"subjects\": [{}, "
           "{}]}",
           accuracy, accuracy + 0.03, n);
  test_write(NULL, folder, "metrics.json", text, strlen(text));
  snprintf(
      text, sizeof text,
      "{\"cells\": {\"train\": %d, \"test\": %d, \"subjects\": 53, \"subjects_on_both_sides\": "
      "%d}, \"machine\": {\"processor\": \"A & B\"}}",
      2 * n, n, image ? 49 : 0);
  test_write(NULL, folder, "run.json", text, strlen(text));
}

/* An experiment of the trainings whose accuracy is not 0; its page, freed by the caller. */
static char *page_of(const char *out, const accuracies values, int n, const char *description) {
  size_t jobs;
  const experiment_job *all = experiment_jobs(&jobs);
  assert_int_equal(jobs, 8);
  for (size_t i = 0; i < jobs; i++)
    if (values[i] > 0) write_run(out, &all[i], values[i], n);
  test_write(NULL, out, "reproduce.json", description, strlen(description));
  experiment e;
  leuko_error undrawn = {0};
  assert_int_equal(experiment_open(out, &e, NULL), LEUKO_OK);
  assert_int_equal(table1_write(&e, NULL), LEUKO_OK);
  assert_int_equal(report_write(&e, &undrawn, NULL), LEUKO_OK);
  assert_int_equal(undrawn.status, LEUKO_NOT_FOUND);
  experiment_close(&e);
  return test_read(out, "report.html");
}

static const char plain[] = "{\"seed\": 1, \"threads\": 2, \"data\": \"/c<m>c\"}";

static void says(const char *page, const char *text) {
  if (!strstr(page, text)) fail_msg("the page lacks '%s'", text);
}

static void lacks(const char *page, const char *text) {
  if (strstr(page, text)) fail_msg("the page says '%s'", text);
}

static void the_measured_experiment_is_told(void **state) {
  char *page = page_of(*state, measured, 2832, plain);
  says(page, "the paper's split flatters by 5.6 points");
  says(page, "what a slip in the input's scaling looks like");
  says(page, "5.1 points better");
  says(page, "only with pixels divided by 255");
  says(page, "it learns the training cells by heart");
  says(page, "not for the next patient");
  says(page, "gains 2.5 points there, too");
  lacks(page, "quick form");
  lacks(page, "drawn by leuko, not real");
  free(page);
}

static void names_are_escaped(void **state) {
  char *page = page_of(*state, measured, 2832, plain);
  says(page, "/c&lt;m&gt;c");
  says(page, "&lt;all&gt;");
  says(page, "A &amp; B");
  lacks(page, "<all>");
  free(page);
}

static void few_cells_tell_nothing(void **state) {
  char *page = page_of(*state, measured, 100, plain);
  says(page, "no further than chance makes with so few cells");
  says(page, "so that this run does not explain the paper's figure");
  says(page, "cannot be told from chance");
  lacks(page, "what a slip in the input");
  free(page);
}

static void other_numbers_are_told_otherwise(void **state) {
  const accuracies other = {0.70, 0.80, 0.85, 0.75, 0.95, 0.99, 0.80, 0.96};
  char *page = page_of(*state, other, 2832, plain);
  says(page, "does not flatter, it is 5.0 points lower");
  says(page, "this run does not settle what the paper did");
  says(page, "costs 5.0 points there");
  free(page);
}

static void a_jumping_accuracy_is_told_as_such(void **state) {
  const accuracies other = {0.83, 0.80, 0.90, 0.75, 0.95, 0.99, 0.80, 0.96};
  char *page = page_of(*state, other, 2832, plain);
  says(page, "jumps from epoch to epoch, in the last 2 between 75.0&nbsp;% and 83.0&nbsp;%");
  says(page, "as near to the paper's as 0.0 points; the second is 7.0 points above");
  lacks(page, "this run does not settle");
  free(page);
}

static void missing_networks_are_named(void **state) {
  const accuracies cnn = {0, 0, 0, 0, 0, 0, 0.84, 0.77};
  char *page = page_of(*state, cnn, 100,
                       "{\"seed\": 1, \"threads\": 1, \"data\": \"d\", \"quick\": true, \"limit\": "
                       "700, \"synthetic\": true, \"left_out\": [{\"model\": \"vgg16\", "
                       "\"remedy\": \"pull <it>\"}]}");
  says(page, "VGG16 is missing,</b>");
  says(page, "pull &lt;it&gt;");
  says(page, "at most 700 of the cells");
  says(page, "drawn by leuko, not real");
  says(page, "ResNet-50 has not been trained with both");
  free(page);
}

static void the_table_holds_the_last_epochs(void **state) {
  free(page_of(*state, measured, 2832, plain));
  char *table = test_read(*state, "table1.csv");
  says(table, "model,preprocess,split,acc,loss,val_acc,val_loss,val_auc,paper_acc,paper_loss,"
              "paper_val_acc,paper_val_loss\nresnet50,paper,image,0.950000,0.200000,0.795000,"
              "0.400000,0.850000,0.7905,0.4957,0.7927,0.4919\nresnet50,paper,subject,");
  says(table, "\ncnn,paper,subject,0.950000,0.200000,0.770000,0.400000,0.850000,0.8815,0.3282,"
              "0.8821,0.3096\n");
  free(table);
  table = test_read(*state, "table1.md");
  says(table, "| VGG16, the paper | | image | 0.9653 | 0.0944 | 0.8966 | 0.4045 | |\n| VGG16 | as "
              "its weights | image | 0.9500 | 0.2000 | 0.8570 | 0.4000 | 0.8500 |\n");
  free(table);
}

static void nothing_done_is_no_experiment(void **state) {
  experiment e;
  leuko_error error = {0};
  assert_int_equal(experiment_open(*state, &e, &error), LEUKO_NOT_FOUND);
  test_write(NULL, *state, "reproduce.json", plain, strlen(plain));
  assert_int_equal(experiment_open(*state, &e, &error), LEUKO_NO_DATA);
  test_write(NULL, *state, "reproduce.json", "[", 1);
  assert_int_equal(experiment_open(*state, &e, &error), LEUKO_BAD_DATA);
}

static void differences_have_signs(void **state) {
  (void)state;
  char out[WORDS_INTERVAL];
  assert_string_equal(words_difference(0.0984, (stats_interval){-0.027, 0.1894}, out),
                      "+0.098 (−0.027 to +0.189)");
  assert_string_equal(words_difference(-0.5, (stats_interval){NAN, NAN}, out), "−0.500");
  assert_string_equal(words_difference(NAN, (stats_interval){NAN, NAN}, out), "–");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(the_measured_experiment_is_told, make_folder, remove_folder),
      cmocka_unit_test_setup_teardown(names_are_escaped, make_folder, remove_folder),
      cmocka_unit_test_setup_teardown(few_cells_tell_nothing, make_folder, remove_folder),
      cmocka_unit_test_setup_teardown(other_numbers_are_told_otherwise, make_folder, remove_folder),
      cmocka_unit_test_setup_teardown(a_jumping_accuracy_is_told_as_such, make_folder,
                                      remove_folder),
      cmocka_unit_test_setup_teardown(missing_networks_are_named, make_folder, remove_folder),
      cmocka_unit_test_setup_teardown(the_table_holds_the_last_epochs, make_folder, remove_folder),
      cmocka_unit_test(differences_have_signs),
      cmocka_unit_test_setup_teardown(nothing_done_is_no_experiment, make_folder, remove_folder),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
