/* Batch normalization with fixed statistics as part of the convolution before it. */
#ifndef NET_FOLD_H
#define NET_FOLD_H

#include "net/graph.h"

/* From the parameters [graph->param_floats] to the kernel and the bias [filters] of a convolution
 * that does what `conv` and the normalization `norm` behind it do:
 * kernel'[...][o] = kernel[...][o] g[o], bias'[o] = (bias[o] - mean[o]) g[o] + beta[o] with
 * g = gamma / sqrt(variance + epsilon) (Ioffe and Szegedy 2015, algorithm 2, step 11). */
void net_fold(const net_graph *graph, int conv, int norm, const float *params, float *kernel,
              float *bias);

#endif
