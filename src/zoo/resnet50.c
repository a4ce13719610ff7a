#include <stdio.h>

#include "zoo/zoo.h"

/* Keras's momentum for batch normalization in training. */
#define MOMENTUM 0.99f

/* Convolution and batch normalization, named NAME_conv and NAME_bn. */
static int conv_bn(net_graph *graph, const zoo_options *options, const char *name, int x,
                   int filters, int kernel, int stride) {
  char layer[NET_NAME];
  snprintf(layer, sizeof layer, "%s_conv", name);
  x = net_conv2d(graph, layer, x, filters, kernel, stride, kernel / 2, options->form == ZOO_KERAS);
  snprintf(layer, sizeof layer, "%s_bn", name);
  return net_batchnorm(graph, layer, x, (float)options->epsilon, MOMENTUM);
}

static int relu(net_graph *graph, const char *name, int x) {
  char layer[NET_NAME];
  snprintf(layer, sizeof layer, "%s_relu", name);
  return net_relu(graph, layer, x);
}

/* 1x1 to `filters`, 3x3, 1x1 to 4 x filters; added to the input, or to its projection where the
 * shape changes. */
static int bottleneck(net_graph *graph, const zoo_options *options, int stage, int block, int x,
                      int filters, int stride) {
  char name[4][NET_NAME - 8];
  for (int i = 0; i < 4; i++)
    snprintf(name[i], sizeof name[i], "conv%d_block%d_%d", stage, block, i);
  const bool keras = options->form == ZOO_KERAS;
  int shortcut = block == 1 ? conv_bn(graph, options, name[0], x, 4 * filters, 1, stride) : x;
  x = conv_bn(graph, options, name[1], x, filters, 1, keras ? stride : 1);
  x = relu(graph, name[1], x);
  x = conv_bn(graph, options, name[2], x, filters, 3, keras ? 1 : stride);
  x = relu(graph, name[2], x);
  x = conv_bn(graph, options, name[3], x, 4 * filters, 1, 1);
  char layer[NET_NAME];
  snprintf(layer, sizeof layer, "conv%d_block%d_add", stage, block);
  x = net_add(graph, layer, shortcut, x);
  snprintf(layer, sizeof layer, "conv%d_block%d_out", stage, block);
  return net_relu(graph, layer, x);
}

/* He, Zhang, Ren, Sun, "Deep residual learning for image recognition", 2015, table 1, 50 layers.
 * Layers are named as in Keras Applications. */
int zoo_resnet50_base(net_graph *graph, const zoo_options *options) {
  static const struct { int blocks, filters; } stages[] = {{3, 64}, {4, 128}, {6, 256}, {3, 512}};
  int x = net_input(graph, options->size, options->size, 3);
  x = conv_bn(graph, options, "conv1", x, 64, 7, 2);
  x = relu(graph, "conv1", x);
  x = net_maxpool(graph, "pool1_pool", x, 3, 2, 1);
  for (int s = 0; s < options->stages - 1; s++)
    for (int b = 1; b <= stages[s].blocks; b++)
      x = bottleneck(graph, options, s + 2, b, x, stages[s].filters, b == 1 && s > 0 ? 2 : 1);
  return net_avgpool(graph, "avg_pool", x);
}
