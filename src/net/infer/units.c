#include <math.h>
#include <stdlib.h>

#include "base/error.h"
#include "net/infer/infer.h"

leuko_status infer_units_new(int filters, infer_units *out, leuko_error *error) {
  const size_t count = (size_t)filters;
  *out = (infer_units){.scales = calloc(count, sizeof(float)),
                       .biases = calloc(count, sizeof(float)),
                       .other_scales = calloc(count, sizeof(float))};
  if (out->scales && out->biases && out->other_scales) return LEUKO_OK;
  infer_units_free(out);
  return error_set_memory(error, 3 * count * sizeof(float));
}

void infer_units_free(infer_units *units) {
  free(units->scales);
  free(units->biases);
  free(units->other_scales);
  *units = (infer_units){0};
}

void infer_units_set(infer_units *units, const infer_shape *s, size_t first, size_t width,
                     const float *counts, const float *bias) {
  for (size_t f = first; f < first + width; f++) {
    const float unit = s->out_units ? s->out_units[f] : 1;
    units->scales[f] = counts[f - first] * unit;
    units->biases[f] = bias ? bias[f] * unit : 0;
    units->other_scales[f] = (s->add_scales ? s->add_scales[f] : 1) * unit;
  }
}

void infer_byte_factors(const infer_shape *s, const float *kernel, size_t width, float *factors,
                        float *counts) {
  const size_t filters = (size_t)s->plain.c, depth = (size_t)s->in.c;
  const size_t values = (size_t)(s->kernel * s->kernel) * depth;
  for (size_t f = 0; f < width; f++) factors[f] = 0;
  for (size_t k = 0; k < values; k++)
    for (size_t f = 0; f < width; f++)
      factors[f] = fmaxf(factors[f], fabsf(kernel[k * filters + f] * s->in_scales[k % depth]));
  for (size_t f = 0; f < width; f++) {
    factors[f] = factors[f] > 0 ? 127 / factors[f] : 0;
    counts[f] = factors[f] > 0 ? 1 / factors[f] : 0;
  }
}
