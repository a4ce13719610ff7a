/* Distillation: targets and their loss by hand, and a training that asks its teacher. */
#include "cells.h"

#include "dataset/synth.h"
#include "train/distill.h"
#include "train/train.h"

#define COUNT 4

static void the_target_is_the_mean_of_label_and_teacher(void **state) {
  (void)state;
  test_close("a positive that the teacher doubts", distill_target(1, 0.2), 0.6, 1e-15);
  test_close("a negative that it takes for one", distill_target(0, 0.9), 0.45, 1e-15);
  test_close("agreement", distill_target(1, 1), 1, 0);
  test_close("agreement", distill_target(0, 0), 0, 0);
}

/* At logit 0, p is a half: any target costs ln 2, and pulls by the half minus itself. At logit ln
 * 3, p is 3/4: target 0.6 costs -0.6 ln(3/4) - 0.4 ln(1/4) and pulls by 0.15. Its class counts
 * double. */
static void loss_and_gradient_by_hand(void **state) {
  (void)state;
  const float logits[] = {0, (float)log(3), 0};
  const int labels[] = {0, 1, 1};
  const double targets[] = {0.45, 0.6, 0.6}, weights[] = {1, 2};
  float gradient[3];
  net_loss_sum sum = distill_loss(logits, labels, targets, 3, weights, gradient);
  const double second = -0.6 * log(0.75) - 0.4 * log(0.25);
  test_close("loss", sum.loss, log(2) + 2 * second + 2 * log(2), 1e-7);
  assert_int_equal(sum.correct, 2); /* 0 counts as positive */
  test_close("gradient", (double)gradient[0], 0.05 / 3, 1e-8);
  test_close("gradient", (double)gradient[1], 2 * 0.15 / 3, 1e-7);
  test_close("gradient", (double)gradient[2], 2 * -0.1 / 3, 1e-8);
}

/* The gradient is the loss's slope, also where the logits are large. */
static void the_gradient_is_the_slope(void **state) {
  (void)state;
  const float logits[COUNT] = {-30, -0.7F, 1.5F, 30};
  const int labels[COUNT] = {0, 1, 0, 1};
  const double targets[COUNT] = {0.25, 0.5, 0.01, 0.99}, weights[] = {1.5, 0.75};
  float gradient[COUNT];
  net_loss_sum sum = distill_loss(logits, labels, targets, COUNT, weights, gradient);
  assert_true(isfinite(sum.loss));
  for (int i = 0; i < COUNT; i++) {
    float up[COUNT], down[COUNT], unused[COUNT];
    memcpy(up, logits, sizeof up);
    memcpy(down, logits, sizeof down);
    up[i] += 0.125F;
    down[i] -= 0.125F;
    const double slope = (distill_loss(up, labels, targets, COUNT, weights, unused).loss -
                          distill_loss(down, labels, targets, COUNT, weights, unused).loss) /
                         0.25 / COUNT;
    test_close("slope", (double)gradient[i], slope, 1e-3);
  }
}

static void targets_that_are_labels_are_the_usual_loss(void **state) {
  (void)state;
  const float logits[COUNT] = {-3, 0.5F, 4, -0.25F};
  const int labels[COUNT] = {0, 1, 0, 1};
  const double targets[COUNT] = {0, 1, 0, 1}, weights[] = {1, 3};
  float soft[COUNT], hard[COUNT];
  net_loss_sum a = distill_loss(logits, labels, targets, COUNT, weights, soft);
  net_loss_sum b = net_loss(logits, labels, COUNT, 1, weights, hard);
  test_close("loss", a.loss, b.loss, 0);
  assert_int_equal(a.correct, b.correct);
  assert_memory_equal(soft, hard, sizeof soft);
}

/* What a drawn teacher says: the label, the opposite, or to stop. */
typedef struct {
  enum { AGREES, CONTRADICTS, STOPS } way;
  int asked;
} drawn_teacher;

static leuko_status answer(void *context, const train_data *data, double *p, const progress *report,
                           leuko_error *error) {
  (void)report;
  (void)error;
  drawn_teacher *t = context;
  t->asked++;
  for (size_t i = 0; i < data->train_count; i++) {
    const int label = data->labels[data->train[i]];
    p[i] = t->way == AGREES ? label : 1 - label;
  }
  return t->way == STOPS ? LEUKO_INTERRUPTED : LEUKO_OK;
}

/* Trains a small network on drawn cells into folder/name. */
static leuko_status train(void **state, const char *name, int epochs, bool resume,
                          drawn_teacher *who, train_result *result, leuko_error *error) {
  char root[PATH], out[PATH], made[PATH];
  cells_root(root, state);
  assert_int_equal(file_join(made, sizeof made, root, "training_data", NULL), LEUKO_OK);
  if (!file_exists(made)) assert_int_equal(dataset_synth(root, 48, 3, NULL, NULL), LEUKO_OK);
  assert_int_equal(file_join(out, sizeof out, *state, name, NULL), LEUKO_OK);
  const train_data_options which = {.folder = root, .seed = 1, .size = 16, .threads = 1};
  train_teacher_model m = {.path = root, .sha256 = "abc"};
  const train_teacher teacher = {.models = &m, .count = 1, .answer = answer, .context = who};
  train_options options = {.epochs = epochs,
                           .batch = 8,
                           .lr = 0.01,
                           .seed = 1,
                           .threads = 1,
                           .backend = "onednn",
                           .resume = resume,
                           .teacher = who ? &teacher : NULL,
                           .out = out};
  assert_int_equal(zoo_defaults("cnn", &options.net, NULL), LEUKO_OK);
  options.net.size = 16;
  options.net.blocks = 1;
  options.net.widths[0] = 4;
  options.net.dense = 8;
  train_data data;
  leuko_status status = train_data_open(&which, NULL, &data, error);
  if (status != LEUKO_OK) fail_msg("%s", error->message);
  status = train_run(&data, &which, &options, NULL, result, error);
  train_data_free(&data);
  return status;
}

static void a_teacher_who_agrees_changes_nothing(void **state) {
  leuko_error error = {0};
  drawn_teacher agrees = {.way = AGREES};
  train_result alone, taught;
  assert_int_equal(train(state, "alone", 3, false, NULL, &alone, &error), LEUKO_OK);
  assert_int_equal(train(state, "taught", 3, false, &agrees, &taught, &error), LEUKO_OK);
  assert_int_equal(agrees.asked, 1);
  for (int i = 0; i < 3; i++) {
    test_close("loss", taught.history[i].loss, alone.history[i].loss, 0);
    test_close("validation loss", taught.history[i].val_loss, alone.history[i].val_loss, 0);
  }
  train_result_free(&alone);
  train_result_free(&taught);
}

/* All targets are a half then: there is nothing to learn, and no loss is below ln 2. */
static void a_teacher_who_contradicts_leaves_nothing_to_learn(void **state) {
  leuko_error error = {0};
  drawn_teacher contradicts = {.way = CONTRADICTS};
  train_result result;
  assert_int_equal(train(state, "run", 8, false, &contradicts, &result, &error), LEUKO_OK);
  for (int i = 0; i < 8; i++) assert_true(result.history[i].loss >= log(2) - 1e-9);
  test_close("the last loss", result.history[7].loss, log(2), 0.02);
  test_close("that of the true labels", result.history[7].val_loss, log(2), 0.05);
  train_result_free(&result);
}

static void it_is_asked_when_there_is_something_to_train(void **state) {
  leuko_error error = {0};
  drawn_teacher stops = {.way = STOPS}, contradicts = {.way = CONTRADICTS};
  train_result result;
  assert_int_equal(train(state, "run", 2, false, &stops, &result, &error), LEUKO_INTERRUPTED);
  assert_non_null(strstr(error.remedy, "--resume"));
  assert_int_equal(train(state, "run", 2, true, &contradicts, &result, &error), LEUKO_OK);
  train_result_free(&result);
  assert_int_equal(train(state, "run", 2, true, &contradicts, &result, &error), LEUKO_OK);
  train_result_free(&result);
  assert_int_equal(contradicts.asked, 1);
  assert_int_equal(train(state, "run", 3, true, NULL, &result, &error), LEUKO_MISMATCH);
  assert_non_null(strstr(error.message, "'teacher'"));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_target_is_the_mean_of_label_and_teacher),
      cmocka_unit_test(loss_and_gradient_by_hand),
      cmocka_unit_test(the_gradient_is_the_slope),
      cmocka_unit_test(targets_that_are_labels_are_the_usual_loss),
      cmocka_unit_test_setup_teardown(a_teacher_who_agrees_changes_nothing, cells_setup,
                                      cells_teardown),
      cmocka_unit_test_setup_teardown(a_teacher_who_contradicts_leaves_nothing_to_learn,
                                      cells_setup, cells_teardown),
      cmocka_unit_test_setup_teardown(it_is_asked_when_there_is_something_to_train, cells_setup,
                                      cells_teardown),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
