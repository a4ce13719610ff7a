/* Filling leuko_error. */
#ifndef BASE_ERROR_H
#define BASE_ERROR_H

#include "leuko.h"

/* Fills `error` (may be NULL) and returns `status`, so that a function can end with
 * `return error_set(...)`. `file` and `remedy` may be NULL; `format` is printf's. */
leuko_status error_set(leuko_error *error, leuko_status status, const char *file,
                       const char *remedy, const char *format, ...)
    __attribute__((format(printf, 5, 6)));

/* The status that belongs to an errno value: NOT_FOUND, UNREADABLE, DISK_FULL, NO_MEMORY or IO. */
leuko_status error_from_errno(int number);

/* error_set with the status and text of errno; `doing` is a verb phrase such as "open". */
leuko_status error_set_errno(leuko_error *error, const char *file, const char *doing);

/* error_set for a failed allocation of `bytes`. */
leuko_status error_set_memory(leuko_error *error, size_t bytes);

#endif
