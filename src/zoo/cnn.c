#include <stdio.h>

#include "zoo/zoo.h"

/* The own CNN of Hendrawan et al.: 3x3 convolutions without padding (Keras's default) of 32, 64,
 * 128 and, the layer that the paper added, 128 filters, each with relu and 2x2 max pooling; dense
 * 512 with relu; dense 1. With its defaults at 128x128x3:
 *
 *   126x126x32 -> 63, 61x61x64 -> 30, 28x28x128 -> 14, 12x12x128 -> 6, 4608, 512, 1
 *
 * With `average`, which the paper does not have, the dense layer reads 128 means in place of the
 * 4,608 values: where in the picture something lies no longer matters. */
int zoo_cnn_base(net_graph *graph, const zoo_options *options) {
  int x = net_input(graph, options->size, options->size, 3);
  for (int i = 0; i < options->blocks; i++) {
    char conv[NET_NAME], relu[NET_NAME], pool[NET_NAME];
    snprintf(conv, sizeof conv, "conv%d", i + 1);
    snprintf(relu, sizeof relu, "conv%d_relu", i + 1);
    snprintf(pool, sizeof pool, "pool%d", i + 1);
    x = net_conv2d(graph, conv, x, options->widths[i], 3, 1, 0, true);
    x = net_relu(graph, relu, x);
    x = net_maxpool(graph, pool, x, 2, 2, 0);
  }
  x = options->average ? net_avgpool(graph, "avg_pool", x) : net_flatten(graph, "flatten", x);
  if (options->dropout > 0) x = net_dropout(graph, "dropout1", x, (float)options->dropout);
  x = net_dense(graph, "dense1", x, options->dense);
  return net_relu(graph, "dense1_relu", x);
}

int zoo_cnn_head(net_graph *graph, const zoo_options *options, int x) {
  if (options->dropout > 0) x = net_dropout(graph, "dropout2", x, (float)options->dropout);
  return net_dense(graph, "logits", x, options->outputs);
}
