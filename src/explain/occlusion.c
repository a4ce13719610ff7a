#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "explain/steps.h"

/* Blackens a patch; false if it was black already. */
static bool cover(uint8_t *pixels, int size, int left, int top, int patch) {
  bool changed = false;
  for (int y = top; y < top + patch; y++) {
    uint8_t *row = pixels + ((size_t)y * (size_t)size + (size_t)left) * 3;
    for (int i = 0; i < 3 * patch && !changed; i++) changed = row[i] != 0;
    memset(row, 0, 3 * (size_t)patch);
  }
  return changed;
}

/* What is black already stays as it is: its value is 0 without computing. */
leuko_status explain_occlusion(explainer *e, const uint8_t *pixels, int label, explain_map *out,
                               leuko_error *error) {
  const int size = e->m->net.size, patch = size / 8 > 1 ? size / 8 : 1;
  const int step = patch / 2 > 1 ? patch / 2 : 1, side = (size - patch) / step + 1;
  const size_t bytes = explain_picture_bytes(e);
  double plain, scores[EXPLAIN_BATCH];
  int at[EXPLAIN_BATCH], used = 0;
  leuko_status status =
      explain_map_new(EXPLAIN_OCCLUSION, side, 0.5 * patch / size, (double)step / size, out, error);
  if (status != LEUKO_OK) return status;
  memcpy(e->pixels, pixels, bytes);
  status = explain_scores(e, 1, label, &plain, error);
  for (int i = 0; i < side * side && status == LEUKO_OK; i++) {
    uint8_t *covered = e->pixels + (size_t)used * bytes;
    memcpy(covered, pixels, bytes);
    at[used] = i;
    used += cover(covered, size, i % side * step, i / side * step, patch);
    if (used == 0 || (used < EXPLAIN_BATCH && i + 1 < side * side)) continue;
    status = explain_scores(e, used, label, scores, error);
    for (int k = 0; k < used && status == LEUKO_OK; k++)
      out->values[at[k]] = (float)(plain - scores[k]);
    used = 0;
  }
  return status;
}
