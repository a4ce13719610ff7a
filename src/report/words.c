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
  const bool binary = e->class_count == 2;
  switch (score) {
  case STATS_ACCURACY:
    return binary ? e->binary.accuracy : e->multiclass.accuracy;
  case STATS_BALANCED_ACCURACY:
    return binary ? e->binary.balanced_accuracy : e->multiclass.balanced_accuracy;
  case STATS_WEIGHTED_F1:
    return binary ? e->binary.weighted_f1 : e->multiclass.weighted_f1;
  case STATS_AUC:
    return binary ? e->binary.auc : e->multiclass.auc;
  case STATS_SENSITIVITY:
    return binary ? e->binary.sensitivity : NAN;
  case STATS_SPECIFICITY:
    return binary ? e->binary.specificity : NAN;
  default:
    return NAN;
  }
}

static const char *print(double value, stats_interval i, const char *alone, const char *with,
                         char out[WORDS_INTERVAL]) {
  if (!isfinite(value)) snprintf(out, WORDS_INTERVAL, "–");
  else if (!isfinite(i.low)) number_print(out, WORDS_INTERVAL, alone, value);
  else number_print(out, WORDS_INTERVAL, with, value, i.low, i.high);
  return out;
}

const char *words_interval(double value, stats_interval interval, char out[WORDS_INTERVAL]) {
  return print(value, interval, "%.3f", "%.3f (%.3f to %.3f)", out);
}

const char *words_difference(double value, stats_interval interval, char out[WORDS_INTERVAL]) {
  return print(value, interval, "%+.3f", "%+.3f (%+.3f to %+.3f)", out);
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
