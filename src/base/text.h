/* Text of unknown encoding, such as file names, as JSON. */
#ifndef BASE_TEXT_H
#define BASE_TEXT_H

#include <jansson.h>

/* `text` as a JSON string, a new reference; null for NULL. JSON is UTF-8, names on disk are any
 * bytes: a text that is not UTF-8 is taken as Latin-1, so that no file is lost from a report for
 * its name. Returns NULL without memory. */
json_t *text_json(const char *text);

#endif
