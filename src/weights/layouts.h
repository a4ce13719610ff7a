/* The ways in which others name and lay out the parameters of VGG16 and ResNet-50. */
#ifndef WEIGHTS_LAYOUTS_H
#define WEIGHTS_LAYOUTS_H

#include "net/graph.h"
#include "net/layout.h"
#include "weights/tensors.h"
#include "zoo/zoo.h"

#define LAYOUT_NAME 160

typedef struct {
  const char *name;    /* "keras-resnet50-older" */
  const char *network; /* "resnet50" */
  zoo_form form;
  double epsilon;
  bool torch;        /* kernels are [out][in][kh][kw], preprocessing is RGB normalised */
  const char *probe; /* the tensor by which the layout is known */
} weights_layout;

/* The layout of a file, or NULL. `network` (may be NULL) is looked for first. */
const weights_layout *layout_of(const tensor_file *file, const char *network);

/* Name in the file of leuko's parameter "layer/part", into out. False if the layout has no such
 * parameter, which is so for the layers of a head. */
bool layout_tensor_name(const weights_layout *layout, const char *param, char out[LAYOUT_NAME]);

/* The pixels' way to what the weights were trained on. */
net_input_scaling layout_scaling(const weights_layout *layout);

#endif
