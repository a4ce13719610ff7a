#include "weights/layouts.h"

#include <stdio.h>
#include <string.h>

/* Keras's way of naming: LAYER/LAYER_W_1 until 2017, LAYER/LAYER/kernel since. */
static const weights_layout layouts[] = {
    {"keras-vgg16", "vgg16", ZOO_KERAS, 0, false, "block1_conv1/block1_conv1_W_1"},
    {"keras-vgg16-newer", "vgg16", ZOO_KERAS, 0, false, "block1_conv1/block1_conv1/kernel"},
    {"torchvision-vgg16", "vgg16", ZOO_TORCH, 0, true, "features.0.weight"},
    {"keras-resnet50", "resnet50", ZOO_KERAS, 1.001e-5, false, "conv1_conv/conv1_conv/kernel"},
    {"keras-resnet50-older", "resnet50", ZOO_KERAS, 1e-3, false, "conv1/conv1_W_1"},
    {"torchvision-resnet50", "resnet50", ZOO_TORCH, 1e-5, true, "layer1.0.conv1.weight"},
};

const weights_layout *layout_of(const tensor_file *file, const char *network) {
  const weights_layout *other = NULL;
  for (size_t i = 0; i < sizeof layouts / sizeof *layouts; i++) {
    if (!tensor_file_find(file, layouts[i].probe)) continue;
    if (!network || strcmp(network, layouts[i].network) == 0) return &layouts[i];
    if (!other) other = &layouts[i];
  }
  return other;
}

/* "conv2_block1_0_bn/gamma" in its pieces. */
typedef struct {
  char layer[NET_NAME]; /* conv2_block1_0_bn */
  const char *part;     /* gamma */
  bool normalization;
  int stage, block, index; /* 2, 1, 0; stage 1 for conv1_conv and conv1_bn */
} parts;

static bool split(const char *param, parts *out) {
  const char *slash = strchr(param, '/');
  size_t length = slash ? (size_t)(slash - param) : 0;
  if (length == 0 || length >= sizeof out->layer) return false;
  memcpy(out->layer, param, length);
  out->layer[length] = 0;
  out->part = slash + 1;
  return true;
}

/* Whether text begins like pattern, in which # is a digit; the digits go to `numbers` in order. */
static bool fits(const char *text, const char *pattern, int *const numbers[]) {
  for (; *pattern; pattern++, text++) {
    if (*pattern == '#' && *text >= '0' && *text <= '9') **numbers++ = *text - '0';
    else if (*pattern != *text) return false;
  }
  return true;
}

static bool split_resnet(const char *param, parts *out) {
  if (!split(param, out)) return false;
  const char *kind = strrchr(out->layer, '_');
  if (!kind) return false;
  out->normalization = strcmp(kind, "_bn") == 0;
  if (strncmp(out->layer, "conv1_", 6) == 0) {
    out->stage = 1;
    return true;
  }
  int *const numbers[] = {&out->stage, &out->block, &out->index};
  return fits(out->layer, "conv#_block#_#_", numbers);
}

/* VGG16's convolutions, counted from 0, or -1: "block3_conv2" is the sixth. */
static int vgg_convolution(const char *layer) {
  static const int before[] = {0, 2, 4, 7, 10};
  int block = 0, convolution = 0;
  int *const numbers[] = {&block, &convolution};
  if (!fits(layer, "block#_conv#", numbers) || block < 1 || block > 5 || convolution < 1 ||
      convolution > 3)
    return -1;
  return before[block - 1] + convolution - 1;
}

/* Layers of the older ResNet-50: conv1, bn_conv1, res2a_branch2a, bn2a_branch1. The shortcut's
 * projection is branch1, the three convolutions are branch2a to branch2c. */
static void older_layer(const parts *p, char out[NET_NAME]) {
  if (p->stage == 1) snprintf(out, NET_NAME, "%s", p->normalization ? "bn_conv1" : "conv1");
  else if (p->index == 0)
    snprintf(out, NET_NAME, "%s%d%c_branch1", p->normalization ? "bn" : "res", p->stage,
             'a' + p->block - 1);
  else
    snprintf(out, NET_NAME, "%s%d%c_branch2%c", p->normalization ? "bn" : "res", p->stage,
             'a' + p->block - 1, 'a' + p->index - 1);
}

static const char *rename_part(const char *part, const char *const table[][2]) {
  for (; (*table)[0]; table++)
    if (strcmp(part, (*table)[0]) == 0) return (*table)[1];
  return NULL;
}

static bool keras_name(const char *layer, const char *part, bool older, char out[LAYOUT_NAME]) {
  static const char *const before[][2] = {
      {"kernel", "W"},
      {"bias", "b"},
      {"gamma", "gamma"},
      {"beta", "beta"},
      {"mean", "running_mean"}, /* named std, it holds the variance */
      {"variance", "running_std"},
      {NULL, NULL}};
  static const char *const now[][2] = {
      {"kernel", "kernel"}, {"bias", "bias"},        {"gamma", "gamma"},
      {"beta", "beta"},     {"mean", "moving_mean"}, {"variance", "moving_variance"},
      {NULL, NULL}};
  const char *name = rename_part(part, older ? before : now);
  if (!name) return false;
  if (older) snprintf(out, LAYOUT_NAME, "%s/%s_%s_1", layer, layer, name);
  else snprintf(out, LAYOUT_NAME, "%s/%s/%s", layer, layer, name);
  return true;
}

static bool torch_name(const char *layer, const char *part, char out[LAYOUT_NAME]) {
  static const char *const names[][2] = {
      {"kernel", "weight"}, {"bias", "bias"},         {"gamma", "weight"},
      {"beta", "bias"},     {"mean", "running_mean"}, {"variance", "running_var"},
      {NULL, NULL}};
  const char *name = rename_part(part, names);
  if (!name) return false;
  snprintf(out, LAYOUT_NAME, "%s.%s", layer, name);
  return true;
}

static bool vgg_name(const weights_layout *layout, const char *param, char out[LAYOUT_NAME]) {
  /* Places in torchvision's `features`, where relu and pooling count as well. */
  static const int places[13] = {0, 2, 5, 7, 10, 12, 14, 17, 19, 21, 24, 26, 28};
  parts p;
  int convolution = split(param, &p) ? vgg_convolution(p.layer) : -1;
  if (convolution < 0) return false;
  if (!layout->torch)
    return keras_name(p.layer, p.part, strstr(layout->probe, "_W_1") != NULL, out);
  char layer[NET_NAME];
  snprintf(layer, sizeof layer, "features.%d", places[convolution]);
  return torch_name(layer, p.part, out);
}

static bool resnet_name(const weights_layout *layout, const char *param, char out[LAYOUT_NAME]) {
  parts p = {0};
  if (!split_resnet(param, &p)) return false;
  char layer[NET_NAME];
  if (!layout->torch) {
    const bool older = strstr(layout->probe, "_W_1") != NULL;
    if (older) older_layer(&p, layer);
    return keras_name(older ? layer : p.layer, p.part, older, out);
  }
  if (p.stage == 1) snprintf(layer, sizeof layer, "%s", p.normalization ? "bn1" : "conv1");
  else if (p.index == 0)
    snprintf(layer, sizeof layer, "layer%d.%d.downsample.%d", p.stage - 1, p.block - 1,
             p.normalization ? 1 : 0);
  else
    snprintf(layer, sizeof layer, "layer%d.%d.%s%d", p.stage - 1, p.block - 1,
             p.normalization ? "bn" : "conv", p.index);
  return torch_name(layer, p.part, out);
}

bool layout_tensor_name(const weights_layout *layout, const char *param, char out[LAYOUT_NAME]) {
  return strcmp(layout->network, "vgg16") == 0 ? vgg_name(layout, param, out)
                                               : resnet_name(layout, param, out);
}

net_input_scaling layout_scaling(const weights_layout *layout) {
  /* The means of ImageNet's pixels. Keras's weights were converted from Caffe's, which read blue,
   * green, red in 0..255; torchvision's read red, green, blue in 0..1. */
  if (layout->torch)
    return (net_input_scaling){.scale = 1.0f / 255,
                               .mean = {0.485f, 0.456f, 0.406f},
                               .deviation = {0.229f, 0.224f, 0.225f}};
  return (net_input_scaling){
      .scale = 1, .mean = {103.939f, 116.779f, 123.68f}, .deviation = {1, 1, 1}, .reverse = true};
}
