#include "base/error.h"
#include "net/graph.h"

#define MAX_SIDE 16384
#define MAX_CHANNELS (1 << 20)

/* Output side of a window sliding over `side` values, or 0 if it does not fit. */
static int window_side(int side, const net_attributes *a) {
  int padded = side + 2 * a->pad;
  return padded < a->kernel ? 0 : (padded - a->kernel) / a->stride + 1;
}

static leuko_status refuse(const net_node *node, leuko_error *error, const char *why) {
  return error_set(error, LEUKO_ARGUMENT, node->name, "choose other sizes", "layer '%s' (%s): %s",
                   node->name, net_op_name(node->op), why);
}

leuko_status net_infer_shape(const net_node *node, const net_shape inputs[2], net_shape *out,
                             leuko_error *error) {
  const net_attributes *a = &node->attributes;
  net_shape in = inputs[0];
  switch (node->op) {
  case NET_INPUT:
    *out = node->shape;
    break;
  case NET_CONV2D:
  case NET_MAXPOOL:
    if (a->kernel < 1 || a->stride < 1 || a->pad < 0 || a->pad >= a->kernel)
      return refuse(node, error, "impossible window");
    *out = (net_shape){window_side(in.h, a), window_side(in.w, a),
                       node->op == NET_CONV2D ? a->filters : in.c};
    if (out->h < 1 || out->w < 1)
      return refuse(node, error, "the input is smaller than the window");
    break;
  case NET_DENSE:
    if (in.h != 1 || in.w != 1) return refuse(node, error, "the input must be flat");
    *out = (net_shape){1, 1, a->filters};
    break;
  case NET_AVGPOOL:
    *out = (net_shape){1, 1, in.c};
    break;
  case NET_FLATTEN:
    if ((double)in.h * in.w * in.c > MAX_CHANNELS) return refuse(node, error, "too many values");
    *out = (net_shape){1, 1, in.h * in.w * in.c};
    break;
  case NET_ADD:
    if (in.h != inputs[1].h || in.w != inputs[1].w || in.c != inputs[1].c)
      return refuse(node, error, "the two inputs have different shapes");
    *out = in;
    break;
  case NET_DROPOUT:
    if (!(a->rate >= 0 && a->rate < 1)) return refuse(node, error, "the rate is not within [0, 1)");
    *out = in;
    break;
  case NET_BATCHNORM:
  case NET_RELU:
    *out = in;
    break;
  case NET_OP_COUNT:
    return refuse(node, error, "no such operation");
  }
  if (out->h < 1 || out->w < 1 || out->c < 1 || out->h > MAX_SIDE || out->w > MAX_SIDE ||
      out->c > MAX_CHANNELS)
    return refuse(node, error, "impossible output shape");
  return LEUKO_OK;
}
