/* Numbers as text. The library lives in programs whose locale may have decimal commas; the files
 * that it writes and reads have points. */
#ifndef BASE_NUMBER_H
#define BASE_NUMBER_H

#include <jansson.h>
#include <locale.h>
#include <stddef.h>

/* From number_point until number_restore, which is given what the former has returned, printf,
 * strtod and their like use a point in the calling thread. Errors: none; where the system gives no
 * such locale, they go on as they were. */
locale_t number_point(void);
void number_restore(locale_t before);

/* snprintf and strtod with a point. */
int number_print(char *out, size_t size, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
double number_read(const char *text, char **end);

/* A new reference: a number, or null where it is not finite, which JSON cannot say. */
json_t *number_json(double value);

#endif
