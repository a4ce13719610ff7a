#include "base/number.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

/* The C library has the locale "C" ready: nothing is allocated, and nothing has to be freed. */
locale_t number_point(void) {
  return uselocale(newlocale(LC_ALL_MASK, "C", (locale_t)0));
}

void number_restore(locale_t before) {
  uselocale(before);
}

int number_print(char *out, size_t size, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  locale_t before = number_point();
  int length = vsnprintf(out, size, format, arguments);
  number_restore(before);
  va_end(arguments);
  return length;
}

double number_read(const char *text, char **end) {
  locale_t before = number_point();
  double value = strtod(text, end);
  number_restore(before);
  return value;
}

json_t *number_json(double value) {
  return isfinite(value) ? json_real(value) : json_null();
}
