#include "net/fold.h"

#include <math.h>

void net_fold(const net_graph *graph, int conv, int norm, const float *params, float *kernel,
              float *bias) {
  const net_node *node = &graph->nodes[conv], *batchnorm = &graph->nodes[norm];
  const net_param *from = &graph->params[node->params[0]];
  const float *statistics[NET_MAX_PARAMS];
  for (int i = 0; i < NET_MAX_PARAMS; i++)
    statistics[i] = params + graph->params[batchnorm->params[i]].offset;
  const float *old_bias =
      node->params[1] < 0 ? NULL : params + graph->params[node->params[1]].offset;
  const size_t filters = (size_t)node->shape.c;
  for (size_t o = 0; o < filters; o++) {
    double scale = (double)statistics[0][o] /
                   sqrt((double)statistics[3][o] + (double)batchnorm->attributes.epsilon);
    double before = old_bias ? (double)old_bias[o] : 0;
    bias[o] = (float)((before - (double)statistics[2][o]) * scale + (double)statistics[1][o]);
    for (size_t i = o; i < from->count; i += filters)
      kernel[i] = (float)((double)params[from->offset + i] * scale);
  }
}
