#include "report/words.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/number.h"

const char *words_count(size_t count, char out[WORDS_NUMBER]) {
  char digits[WORDS_NUMBER];
  const int length = snprintf(digits, sizeof digits, "%zu", count);
  int at = 0;
  for (int i = 0; i < length; i++) {
    if (i > 0 && (length - i) % 3 == 0) out[at++] = ',';
    out[at++] = digits[i];
  }
  out[at] = 0;
  return out;
}

double words_score(const evaluation *e, int score) {
  double all[STATS_SCORES];
  if (e->class_count == 2) stats_binary_scores(&e->binary, all);
  else stats_multiclass_scores(&e->multiclass, all);
  return all[score];
}

const char *words_score_name(int score) {
  static const char *const names[STATS_SCORES] = {
      [STATS_AUC] = "Area under the ROC curve",
      [STATS_BALANCED_ACCURACY] = "Balanced accuracy",
      [STATS_ACCURACY] = "Accuracy",
      [STATS_SENSITIVITY] = "Sensitivity",
      [STATS_SPECIFICITY] = "Specificity",
      [STATS_WEIGHTED_F1] = "Weighted F1",
  };
  return names[score];
}

const char *words_interval(double value, stats_interval i, char out[WORDS_INTERVAL]) {
  if (!isfinite(value)) snprintf(out, WORDS_INTERVAL, "–");
  else if (!isfinite(i.low)) number_print(out, WORDS_INTERVAL, "%.3f", value);
  else number_print(out, WORDS_INTERVAL, "%.3f (%.3f to %.3f)", value, i.low, i.high);
  return out;
}

const char *words_signed(double value, char out[WORDS_NUMBER]) {
  number_print(out, WORDS_NUMBER, value < 0 ? "−%.3f" : "+%.3f", fabs(value));
  return out;
}

const char *words_difference(double value, stats_interval i, char out[WORDS_INTERVAL]) {
  char a[WORDS_NUMBER], b[WORDS_NUMBER], c[WORDS_NUMBER];
  if (!isfinite(value)) snprintf(out, WORDS_INTERVAL, "–");
  else if (!isfinite(i.low)) snprintf(out, WORDS_INTERVAL, "%s", words_signed(value, a));
  else
    snprintf(out, WORDS_INTERVAL, "%s (%s to %s)", words_signed(value, a), words_signed(i.low, b),
             words_signed(i.high, c));
  return out;
}

void words_add(char *out, size_t size, const char *format, ...) {
  const size_t used = strlen(out);
  locale_t before = number_point();
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(out + used, size - used, format, arguments);
  va_end(arguments);
  number_restore(before);
}

const char *words_network(const char *name) {
  static const char *const known[][2] = {
      {"resnet50", "ResNet-50"}, {"vgg16", "VGG16"}, {"cnn", "CNN"}};
  for (size_t i = 0; i < sizeof known / sizeof *known; i++)
    if (strcmp(name, known[i][0]) == 0) return known[i][1];
  return name;
}
