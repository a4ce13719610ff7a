#include "net/fold.h"

#include <math.h>

/* Batch normalization of channel c as y = scale x + shift. */
static void as_line(const net_graph *graph, int norm, const float *params, size_t c, double *scale,
                    double *shift) {
  const net_node *node = &graph->nodes[norm];
  double value[NET_MAX_PARAMS]; /* gamma, beta, mean, variance */
  for (int i = 0; i < NET_MAX_PARAMS; i++)
    value[i] = (double)params[graph->params[node->params[i]].offset + c];
  *scale = value[0] / sqrt(value[3] + (double)node->attributes.epsilon);
  *shift = value[1] - value[2] * *scale;
}

void net_fold(const net_graph *graph, int conv, int norm, const float *params, float *kernel,
              float *bias) {
  const net_node *node = &graph->nodes[conv];
  const net_param *from = &graph->params[node->params[0]];
  const float *old_bias =
      node->params[1] < 0 ? NULL : params + graph->params[node->params[1]].offset;
  const size_t filters = (size_t)node->shape.c;
  for (size_t o = 0; o < filters; o++) {
    double scale, shift;
    as_line(graph, norm, params, o, &scale, &shift);
    bias[o] = (float)((old_bias ? (double)old_bias[o] : 0) * scale + shift);
    for (size_t i = o; i < from->count; i += filters)
      kernel[i] = (float)((double)params[from->offset + i] * scale);
  }
}

void net_fold_ahead(const net_graph *graph, int norm, int dense, const float *params, float *kernel,
                    float *bias) {
  const net_node *node = &graph->nodes[dense];
  const net_param *from = &graph->params[node->params[0]];
  const float *old_bias = params + graph->params[node->params[1]].offset;
  const size_t units = (size_t)node->shape.c, inputs = from->count / units;
  for (size_t o = 0; o < units; o++) {
    double sum = (double)old_bias[o];
    for (size_t i = 0; i < inputs; i++) {
      const double weight = (double)params[from->offset + i * units + o];
      double scale, shift;
      as_line(graph, norm, params, i, &scale, &shift);
      kernel[i * units + o] = (float)(weight * scale);
      sum += weight * shift;
    }
    bias[o] = (float)sum;
  }
}
