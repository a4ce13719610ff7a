/* Batch normalization with fixed statistics as part of the convolution before it, or of the dense
 * layer behind it. */
#ifndef NET_FOLD_H
#define NET_FOLD_H

#include "net/graph.h"

/* From the parameters [graph->param_floats] to the kernel and the bias [filters] of a convolution
 * that does what `conv` and the normalization `norm` behind it do:
 * kernel'[...][o] = kernel[...][o] g[o], bias'[o] = (bias[o] - mean[o]) g[o] + beta[o] with
 * g = gamma / sqrt(variance + epsilon) (Ioffe and Szegedy 2015, algorithm 2, step 11). */
void net_fold(const net_graph *graph, int conv, int norm, const float *params, float *kernel,
              float *bias);

/* The same for the normalization `norm` of features and the dense layer `dense` behind it:
 * kernel'[i][o] = g[i] kernel[i][o], bias'[o] = bias[o] + sum over i of (beta[i] - mean[i] g[i])
 * kernel[i][o]. */
void net_fold_ahead(const net_graph *graph, int norm, int dense, const float *params, float *kernel,
                    float *bias);

#endif
