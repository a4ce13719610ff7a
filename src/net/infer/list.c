#include <string.h>

#include "net/infer/infer.h"

static size_t places(const infer_shape *s, int side) {
  return (size_t)((s->out.h + side - 1) / side) * (size_t)((s->out.w + side - 1) / side);
}

static size_t place_bytes(const infer_shape *s, int batch, int side) {
  return ((size_t)batch * places(s, side) * sizeof(infer_place) + 63) / 64 * 64;
}

size_t infer_list_bytes(const infer_shape *s, int batch, int side) {
  return place_bytes(s, batch, side) + ((size_t)batch * sizeof(size_t) + 63) / 64 * 64;
}

/* Those of one image; returns their number. */
static size_t list_image(const infer_shape *s, const uint8_t *wanted, int side, int image,
                         infer_place *list) {
  const int rows = (s->out.h + side - 1) / side, columns = (s->out.w + side - 1) / side;
  size_t count = 0;
  for (int y = 0; y < rows; y++)
    for (int x = 0; x < columns; x++)
      if (!wanted || skip_any(wanted, s->out, side, y, x))
        list[count++] = (infer_place){(uint16_t)image, (uint16_t)y, (uint16_t)x};
  return count;
}

size_t infer_list(const infer_shape *s, const net_call *call, int side, infer_place *list) {
  const size_t most = places(s, side), area = (size_t)s->out.h * (size_t)s->out.w;
  size_t *counts = (size_t *)((char *)list + place_bytes(s, call->count, side)), count = 0;
#pragma omp parallel for num_threads(s->threads) schedule(static) if (call->count > 1)
  for (int n = 0; n < call->count; n++)
    counts[n] = list_image(s, call->wanted ? call->wanted + (size_t)n * area : NULL, side, n,
                           list + (size_t)n * most);
  for (int n = 0; n < call->count; n++) {
    if (count != (size_t)n * most)
      memmove(list + count, list + (size_t)n * most, counts[n] * sizeof *list);
    count += counts[n];
  }
  if (call->share) *call->share = (double)count / (double)((size_t)call->count * most);
  return count;
}
