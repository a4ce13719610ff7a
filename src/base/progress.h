/* How a long call tells its caller where it is: the library calls back, the program draws. */
#ifndef BASE_PROGRESS_H
#define BASE_PROGRESS_H

#include <stddef.h>

/* `phase` names the work ("reading cells", "epoch 3/35"); `done` of `total` units; `note` is a
 * short text such as the running loss, or NULL. Returns nonzero to ask the call to stop: it then
 * ends with LEUKO_INTERRUPTED after saving what it can. */
typedef struct {
  int (*report)(void *context, const char *phase, size_t done, size_t total, const char *note);
  void *context;
} progress;

/* Reports if there is somebody to report to (`p` or its callback may be NULL). */
static inline int progress_report(const progress *p, const char *phase, size_t done, size_t total,
                                  const char *note) {
  return p && p->report ? p->report(p->context, phase, done, total, note) : 0;
}

#endif
