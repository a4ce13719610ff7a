#include "dataset/names.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

const char *names_base(const char *path) {
  const char *slash = strrchr(path, '/');
  return slash ? slash + 1 : path;
}

const char *names_extension(const char *path) {
  const char *base = names_base(path), *point = strrchr(base, '.');
  return point && point != base ? point : base + strlen(base);
}

size_t names_stem_length(const char *base) {
  return (size_t)(names_extension(base) - base);
}

bool names_is_image(const char *path) {
  static const char *const known[] = {".bmp",  ".dib", ".png",  ".jpg",  ".jpeg", ".jpe",
                                      ".jfif", ".tif", ".tiff", ".webp", ".gif"};
  const char *extension = names_extension(path);
  for (size_t i = 0; i < sizeof known / sizeof *known; i++)
    if (strcasecmp(extension, known[i]) == 0) return true;
  return false;
}

/* Skips 1 to `most` digits; NULL if there are none, or more. */
static const char *skip_digits(const char *text, size_t most) {
  size_t count = 0;
  while (isdigit((unsigned char)text[count])) count++;
  return count >= 1 && count <= most ? text + count : NULL;
}

bool names_parse_cell(const char *path, cell_name *out) {
  const char *at = names_base(path);
  if (strncasecmp(at, "UID_", 4) != 0) return false;
  at += 4;
  const char *subject = at;
  if (*at == 'H' || *at == 'h') at++;
  at = skip_digits(at, sizeof out->subject - 2);
  if (!at || *at != '_') return false;
  size_t length = (size_t)(at - subject);
  for (int number = 0; number < 2; number++) { /* of the image and of the cell */
    at = skip_digits(at + 1, 9);
    if (!at || *at != '_') return false;
  }
  at++;
  bool blast = strncasecmp(at, "all", 3) == 0;
  if (!blast && strncasecmp(at, "hem", 3) != 0) return false;
  if (isalnum((unsigned char)at[3])) return false;
  memcpy(out->subject, subject, length);
  out->subject[length] = 0;
  if (out->subject[0] == 'h') out->subject[0] = 'H';
  out->blast = blast;
  return true;
}

const char *names_folder(const char *path, size_t up, size_t *length) {
  const char *end = strrchr(path, '/');
  for (;;) {
    if (!end) return NULL;
    const char *start = end;
    while (start > path && start[-1] != '/') start--;
    if (up-- == 0) {
      *length = (size_t)(end - start);
      return start;
    }
    end = start > path ? start - 1 : NULL;
  }
}

bool names_lies_in(const char *root, const char *path, const char *folder) {
  size_t length = 0;
  const char *holder = names_folder(path, 0, &length);
  if (!holder) {
    holder = names_base(root);
    length = strlen(holder);
  }
  return length == strlen(folder) && strncasecmp(holder, folder, length) == 0;
}

int names_fold(const char *path) {
  size_t length;
  const char *folder;
  for (size_t up = 0; (folder = names_folder(path, up, &length)); up++) {
    if (length < 6 || length > 8 || strncasecmp(folder, "fold_", 5) != 0) continue;
    int fold = 0;
    size_t i = 5;
    while (i < length && isdigit((unsigned char)folder[i])) fold = 10 * fold + (folder[i++] - '0');
    if (i == length) return fold;
  }
  return -1;
}

int names_class_folder(const char *path) {
  size_t length;
  const char *folder;
  for (size_t up = 0; (folder = names_folder(path, up, &length)); up++) {
    if (length != 3) continue;
    if (strncasecmp(folder, "all", 3) == 0) return 1;
    if (strncasecmp(folder, "hem", 3) == 0) return 0;
  }
  return -1;
}
