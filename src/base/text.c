#include "base/text.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

json_t *text_json(const char *text) {
  if (!text) return json_null();
  json_t *value = json_string(text);
  size_t length = strlen(text);
  if (value || length > SIZE_MAX / 2 - 1) return value;
  char *utf8 = malloc(2 * length + 1), *out = utf8;
  if (!utf8) return NULL;
  for (const char *c = text; *c; c++) {
    unsigned byte = (unsigned char)*c;
    if (byte < 0x80) {
      *out++ = *c;
    } else {
      *out++ = (char)(0xC0 | byte >> 6);
      *out++ = (char)(0x80 | (byte & 0x3F));
    }
  }
  *out = 0;
  value = json_string(utf8);
  free(utf8);
  return value;
}
