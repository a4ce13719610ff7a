#include <stdio.h>

#include "zoo/zoo.h"

/* Simonyan and Zisserman, "Very deep convolutional networks for large-scale image recognition",
 * 2014, configuration D: thirteen 3x3 convolutions with relu in five blocks, 2x2 max pooling behind
 * each. Layers are named as in Keras Applications. */
int zoo_vgg16_base(net_graph *graph, const zoo_options *options) {
  static const struct {
    int convolutions, filters;
  } blocks[] = {{2, 64}, {2, 128}, {3, 256}, {3, 512}, {3, 512}};
  int x = net_input(graph, options->size, options->size, 3);
  for (int b = 0; b < options->stages; b++) {
    char name[NET_NAME];
    for (int c = 0; c < blocks[b].convolutions; c++) {
      snprintf(name, sizeof name, "block%d_conv%d", b + 1, c + 1);
      x = net_conv2d(graph, name, x, blocks[b].filters, 3, 1, 1, true);
      snprintf(name, sizeof name, "block%d_conv%d_relu", b + 1, c + 1);
      x = net_relu(graph, name, x);
    }
    snprintf(name, sizeof name, "block%d_pool", b + 1);
    x = net_maxpool(graph, name, x, 2, 2, 0);
  }
  return options->average ? net_avgpool(graph, "avg_pool", x) : net_flatten(graph, "flatten", x);
}
