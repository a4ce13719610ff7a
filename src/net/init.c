#include <math.h>
#include <string.h>

#include "base/rng.h"
#include "net/graph.h"

/* Kernels are [...receptive field, in, out]; fan-in and fan-out count the field (as Keras does). */
static void fill_kernel(const net_param *param, rng *r, float *out) {
  double field = 1;
  for (int i = 0; i < param->rank - 2; i++) field *= param->dims[i];
  double fan_in = field * param->dims[param->rank - 2];
  double fan_out = field * param->dims[param->rank - 1];
  if (param->init == NET_INIT_GLOROT) {
    double limit = sqrt(6.0 / (fan_in + fan_out));
    for (size_t i = 0; i < param->count; i++)
      out[i] = (float)((2.0 * rng_uniform(r) - 1.0) * limit);
  } else {
    double deviation = sqrt(2.0 / fan_in);
    for (size_t i = 0; i < param->count; i++) out[i] = (float)(rng_normal(r) * deviation);
  }
}

void net_init_params(const net_graph *graph, uint64_t seed, float *params) {
  memset(params, 0, graph->param_floats * sizeof *params);
  for (int p = 0; p < graph->param_count; p++) {
    const net_param *param = &graph->params[p];
    float *out = params + param->offset;
    rng r = rng_open(seed, RNG_INIT, 0, (uint32_t)p);
    switch (param->init) {
    case NET_INIT_GLOROT:
    case NET_INIT_HE:
      fill_kernel(param, &r, out);
      break;
    case NET_INIT_ZERO:
      break;
    case NET_INIT_ONE:
      for (size_t i = 0; i < param->count; i++) out[i] = 1.0f;
      break;
    }
  }
}

void net_copy_params(const net_graph *from, const float *values, const net_graph *to, float *out) {
  for (int i = 0; i < to->param_count; i++) {
    const net_param *param = &to->params[i];
    int other = net_find_param(from, param->name);
    if (other >= 0)
      memcpy(out + param->offset, values + from->params[other].offset,
             param->count * sizeof *values);
  }
}
