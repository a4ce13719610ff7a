#include <omp.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/error.h"
#include "base/threads.h"
#include "dataset/prepared.h"

typedef struct {
  stain_look look;
  bool found;
} measured;

/* In the order of the samples, whatever thread has measured them. */
static leuko_status average(const measured *cells, size_t count, stain_look *out,
                            leuko_error *error) {
  *out = (stain_look){0};
  double n = 0;
  for (size_t i = 0; i < count; i++) {
    if (!cells[i].found) continue;
    n++;
    for (int c = 0; c < 3; c++) {
      out->mean[c] += cells[i].look.mean[c];
      out->deviation[c] += cells[i].look.deviation[c];
    }
  }
  if (n == 0)
    return error_set(error, LEUKO_NO_DATA, NULL, "leave out --stain",
                     "no cell is found in any picture, so there is no stain to bring them to");
  for (int c = 0; c < 3; c++) {
    out->mean[c] /= n;
    out->deviation[c] /= n;
  }
  return LEUKO_OK;
}

leuko_status prepared_look(const prepared *p, const size_t *samples, size_t count, int threads,
                           const progress *report, stain_look *out, leuko_error *error) {
  measured *cells = calloc(count + 1, sizeof *cells);
  if (!cells) return error_set_memory(error, count * sizeof *cells);
  atomic_size_t done = 0;
  atomic_int failure = LEUKO_OK;
#pragma omp parallel for schedule(dynamic, 16) num_threads(threads_count(threads))
  for (size_t i = 0; i < count; i++) {
    if (atomic_load(&failure) != LEUKO_OK || p->status[samples[i]] != LEUKO_OK) continue;
    leuko_status one = stain_measure(prepared_sample(p, samples[i]), p->size, &cells[i].look,
                                     &cells[i].found, NULL);
    size_t now = atomic_fetch_add(&done, 1) + 1;
    if (one == LEUKO_OK && omp_get_thread_num() == 0 &&
        progress_report(report, "measuring the stain", now, count, NULL) != 0)
      one = LEUKO_INTERRUPTED;
    if (one != LEUKO_OK) atomic_store(&failure, (int)one);
  }
  progress_report(report, "measuring the stain", count, count, NULL);
  leuko_status status = (leuko_status)atomic_load(&failure);
  if (status == LEUKO_OK) status = average(cells, count, out, error);
  else
    error_set(error, status, NULL, NULL, "%s while measuring the stain",
              leuko_status_message(status));
  free(cells);
  return status;
}
