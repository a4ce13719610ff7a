#include "zoo/zoo.h"

/* A base that ends early gives features whose spreads differ by orders of magnitude, which Adam
 * does not even out: without normalization they train far worse (docs/experiments.md). */
#define EPSILON 1e-3f
#define MOMENTUM 0.99f

/* The paper's heads: dense 256 with relu and dense 1 behind VGG16, dense 1 behind ResNet-50. */
int zoo_dense_head(net_graph *graph, const zoo_options *options, int x) {
  if (options->normalize) x = net_batchnorm(graph, "features_bn", x, EPSILON, MOMENTUM);
  if (options->dropout > 0) x = net_dropout(graph, "dropout1", x, (float)options->dropout);
  if (!options->dense) return net_dense(graph, "logits", x, options->outputs);
  x = net_dense(graph, "dense1", x, options->dense);
  x = net_relu(graph, "dense1_relu", x);
  if (options->dropout > 0) x = net_dropout(graph, "dropout2", x, (float)options->dropout);
  return net_dense(graph, "logits", x, options->outputs);
}
