/* predictions.csv: what is written of every sample, and read again. */
#include "evaluated.h"

#include "base/csv.h"
#include "evaluate/predictions.h"

static void predictions_hold_every_sample(void **state) {
  (void)state;
  char folder[PATH], path[PATH];
  test_folder(folder);
  snprintf(path, sizeof path, "%.900s/predictions.csv", folder);
  evaluate_input input = small_input();
  assert_int_equal(evaluate_write_predictions(path, &input, NULL), LEUKO_OK);
  csv table;
  assert_int_equal(csv_read(path, ',', &table, NULL), LEUKO_OK);
  static const char *const header[] = {"path",      "sha256", "subject", "label", "p",
                                       "predicted", "status", "p_raw",   "logit", "person"};
  assert_int_equal(table.columns, 10);
  for (int c = 0; c < 10; c++) assert_int_equal(csv_column(&table, header[c]), c);
  assert_int_equal(table.rows, 9);
  assert_string_equal(csv_field(&table, 5, 0), "h/3,\"x\".bmp");
  assert_string_equal(csv_field(&table, 0, 3), "all");
  assert_string_equal(csv_field(&table, 0, 5), "all");
  test_close("p", strtod(csv_field(&table, 0, 4), NULL), stats_sigmoid(2), 1e-8);
  assert_string_equal(csv_field(&table, 2, 5), "hem");
  assert_string_equal(csv_field(&table, 4, 4), "0.5");
  assert_string_equal(csv_field(&table, 6, 3), "");
  assert_string_equal(csv_field(&table, 6, 5), "hem");
  assert_string_equal(csv_field(&table, 7, 4), "");
  assert_string_equal(csv_field(&table, 7, 5), "");
  assert_string_equal(csv_field(&table, 7, 6), "CORRUPT_IMAGE");
  assert_string_equal(csv_field(&table, 7, 7), "");
  assert_string_equal(csv_field(&table, 7, 8), "");
  assert_string_equal(csv_field(&table, 2, 8), "-1");
  assert_string_equal(csv_field(&table, 2, 9), "7");
  assert_string_equal(csv_field(&table, 5, 9), "");
  csv_free(&table);
  /* A temperature changes p and not what lies behind it; tied subjects are one person. */
  const int groups[] = {4, 4, 4, 9, 9, 2, 7, 9, 4};
  input.temperature = 2;
  input.groups = groups;
  assert_int_equal(evaluate_write_predictions(path, &input, NULL), LEUKO_OK);
  assert_int_equal(csv_read(path, ',', &table, NULL), LEUKO_OK);
  test_close("p", strtod(csv_field(&table, 0, 4), NULL), stats_sigmoid(1), 1e-8);
  test_close("raw p", strtod(csv_field(&table, 0, 7), NULL), stats_sigmoid(2), 1e-8);
  test_close("logit", strtod(csv_field(&table, 0, 8), NULL), 2, 0);
  assert_string_equal(csv_field(&table, 8, 2), "H0");
  assert_string_equal(csv_field(&table, 8, 9), "7");
  csv_free(&table);
  assert_int_equal(test_count(folder), 1);
  test_remove(folder);
}

static void predictions_come_back(void **state) {
  (void)state;
  char folder[PATH], path[PATH];
  test_folder(folder);
  snprintf(path, sizeof path, "%.900s/predictions.csv", folder);
  enum { COUNT = sizeof samples / sizeof *samples };
  evaluate_sample mine[COUNT];
  memcpy(mine, samples, sizeof mine);
  mine[3].reason = LEUKO_REASON_SHAPE;
  const int groups[] = {4, 4, 4, 9, 9, 2, 7, 9, 4}, folds[] = {0, 0, 1, 1, 2, 2, 0, 1, 2};
  evaluate_input input = small_input();
  input.samples = mine;
  input.groups = groups;
  input.folds = folds;
  input.rejects = true;
  assert_int_equal(evaluate_write_predictions(path, &input, NULL), LEUKO_OK);
  predictions said;
  assert_int_equal(predictions_open(path, names, 2, &said, NULL), LEUKO_OK);
  assert_int_equal(said.count, COUNT);
  assert_true(said.has_persons && said.has_reasons);
  for (size_t i = 0; i < COUNT; i++) {
    const prediction *row = &said.rows[i];
    assert_string_equal(row->path, mine[i].path);
    assert_string_equal(row->sha256, mine[i].sha256);
    assert_string_equal(row->subject, mine[i].subject ? mine[i].subject : "");
    assert_int_equal(row->label, mine[i].label);
    assert_int_equal(row->status, mine[i].status);
    assert_int_equal(row->reason, mine[i].reason);
    assert_int_equal(row->fold, folds[i] + 1);
    if (mine[i].status != LEUKO_OK) {
      assert_int_equal(row->answer, -1);
      assert_true(isnan(row->logits[0]));
      continue;
    }
    test_close("logit", row->logits[0], *mine[i].logits, 0);
    assert_int_equal(row->answer, evaluate_answer(&input, mine[i].logits, NULL));
  }
  assert_string_equal(said.rows[8].person, "7");
  predictions_close(&said);

  /* Into samples that lie at hand, sorted by path. */
  evaluate_sample taken[COUNT];
  double values[COUNT];
  bool rejects = true;
  memcpy(taken, samples, sizeof taken);
  for (size_t i = 0; i < COUNT; i++) taken[i].reason = LEUKO_REASON_NONE;
  input.samples = taken;
  assert_int_equal(predictions_take(path, &input, taken, values, &rejects, NULL), LEUKO_OK);
  assert_true(rejects);
  assert_int_equal(taken[3].reason, LEUKO_REASON_SHAPE);
  test_close("logit", values[1], 1, 0);
  taken[1].sha256 = "99";
  assert_int_equal(predictions_take(path, &input, taken, values, &rejects, NULL), LEUKO_MISMATCH);
  test_remove(folder);
}

/* Of several classes each has its logit. */
static void predictions_of_several_classes_come_back(void **state) {
  (void)state;
  char folder[PATH], path[PATH];
  test_folder(folder);
  snprintf(path, sizeof path, "%.900s/predictions.csv", folder);
  static const char *const three[] = {"x", "y", "z,"};
  static const double values[] = {1, -2, 0.25};
  const evaluate_sample one = {"a.bmp", "01", "7", 2, values, LEUKO_OK, 0};
  const evaluate_input input = {.classes = three, .class_count = 3, .samples = &one, .count = 1};
  assert_int_equal(evaluate_write_predictions(path, &input, NULL), LEUKO_OK);
  predictions said;
  assert_int_equal(predictions_open(path, three, 3, &said, NULL), LEUKO_OK);
  assert_false(said.has_reasons);
  assert_int_equal(said.rows[0].label, 2);
  assert_int_equal(said.rows[0].answer, 0);
  for (int c = 0; c < 3; c++) test_close("logit", said.rows[0].logits[c], values[c], 0);
  predictions_close(&said);
  static const char *const other[] = {"x", "y", "w"};
  assert_int_equal(predictions_open(path, other, 3, &said, NULL), LEUKO_BAD_CSV);
  predictions_close(&said);
  test_remove(folder);
}

static void broken_predictions_are_refused(void **state) {
  (void)state;
  char folder[PATH], path[PATH];
  test_folder(folder);
  snprintf(path, sizeof path, "%.900s/predictions.csv", folder);
  static const char head[] = "path,sha256,subject,label,p,predicted,status,p_raw,logit,reason\n";
  static const char *const rows[] = {
      "a,01,7,other,0.5,all,OK,0.5,0,\n",     "a,01,7,all,0.5,none,OK,0.5,0,\n",
      "a,01,7,all,0.5,all,OK,0.5,nan,\n",     "a,01,7,all,0.5,all,OK,0.5,0x,\n",
      "a,01,7,all,0.5,all,OK,0.5,0,no_one\n", "a,01,7,all,0.5,all,OK,0.5,,\n"};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    char text[256];
    snprintf(text, sizeof text, "%s%s", head, rows[i]);
    test_write(NULL, folder, "predictions.csv", text, strlen(text));
    predictions said;
    assert_int_equal(predictions_open(path, names, 2, &said, NULL), LEUKO_BAD_DATA);
    predictions_close(&said);
  }
  test_remove(folder);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(predictions_hold_every_sample),
      cmocka_unit_test(predictions_come_back),
      cmocka_unit_test(predictions_of_several_classes_come_back),
      cmocka_unit_test(broken_predictions_are_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
