#include "base/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/number.h"

static const struct {
  const char *name;
  int exit_code;
  const char *message;
} statuses[LEUKO_STATUS_COUNT] = {
#define STATUS_ROW(name, code, message) {#name, code, message},
    LEUKO_STATUS_MAP(STATUS_ROW)
#undef STATUS_ROW
};

static int status_index(leuko_status status) {
  return (int)status >= 0 && (int)status < LEUKO_STATUS_COUNT ? (int)status : (int)LEUKO_IO;
}

const char *leuko_status_name(leuko_status status) {
  return statuses[status_index(status)].name;
}

const char *leuko_status_message(leuko_status status) {
  return statuses[status_index(status)].message;
}

int leuko_status_exit_code(leuko_status status) {
  return statuses[status_index(status)].exit_code;
}

static const struct {
  const char *name, *message;
} reasons[LEUKO_REASON_COUNT] = {
#define REASON_ROW(name, text, message) {text, message},
    LEUKO_REASON_MAP(REASON_ROW)
#undef REASON_ROW
};

static int reason_index(leuko_reason reason) {
  return (int)reason >= 0 && (int)reason < LEUKO_REASON_COUNT ? (int)reason : LEUKO_REASON_DISTANCE;
}

const char *leuko_reason_name(leuko_reason reason) {
  return reasons[reason_index(reason)].name;
}

const char *leuko_reason_message(leuko_reason reason) {
  return reasons[reason_index(reason)].message;
}

const char *leuko_version(void) {
  return LEUKO_VERSION;
}

leuko_status error_set(leuko_error *error, leuko_status status, const char *file,
                       const char *remedy, const char *format, ...) {
  if (!error) return status;
  error->status = status;
  snprintf(error->file, sizeof error->file, "%s", file ? file : "");
  snprintf(error->remedy, sizeof error->remedy, "%s", remedy ? remedy : "");
  va_list arguments;
  va_start(arguments, format);
  locale_t before = number_point();
  vsnprintf(error->message, sizeof error->message, format, arguments);
  number_restore(before);
  va_end(arguments);
  return status;
}

leuko_status error_from_errno(int number) {
  switch (number) {
  case ENOENT:
  case ENOTDIR:
    return LEUKO_NOT_FOUND;
  case EACCES:
  case EPERM:
  case EISDIR:
  case ELOOP:
    return LEUKO_UNREADABLE;
  case ENOSPC:
  case EDQUOT:
    return LEUKO_DISK_FULL;
  case ENOMEM:
    return LEUKO_NO_MEMORY;
  default:
    return LEUKO_IO;
  }
}

leuko_status error_set_errno(leuko_error *error, const char *file, const char *doing) {
  int number = errno;
  leuko_status status = error_from_errno(number);
  const char *remedy = status == LEUKO_NOT_FOUND    ? "check the path"
                       : status == LEUKO_UNREADABLE ? "check the permissions"
                       : status == LEUKO_DISK_FULL  ? "free some space and run again"
                                                    : NULL;
  char text[128];
  return error_set(error, status, file, remedy, "cannot %s: %s", doing,
                   strerror_r(number, text, sizeof text));
}

leuko_status error_set_memory(leuko_error *error, size_t bytes) {
  return error_set(error, LEUKO_NO_MEMORY, NULL, "close other programs or use a smaller batch",
                   "cannot allocate %zu bytes", bytes);
}
