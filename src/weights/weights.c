#include "weights/weights.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/hash.h"
#include "weights/catalogue.h"
#include "weights/layouts.h"

/* A file opened, and what it was found to be. */
typedef struct {
  tensor_file *file;
  const weights_layout *layout;
} opened;

static leuko_status refuse_layout(const char *path, const tensor_file *file, const char *network,
                                  leuko_error *error) {
  size_t count;
  const tensor *list = tensor_file_list(file, &count);
  char remedy[128];
  snprintf(remedy, sizeof remedy, "leuko weights pull %s", network ? network : "vgg16|resnet50");
  return error_set(error, LEUKO_BAD_DATA, path, remedy,
                   "not the weights of %s: no known layout has %zu tensors such as '%.60s'",
                   network ? network : "VGG16 or ResNet-50", count,
                   count ? list[0].name : "(none)");
}

static leuko_status open_known(const char *path, const char *network, opened *out,
                               leuko_error *error) {
  *out = (opened){0};
  leuko_status status = tensor_file_open(path, &out->file, error);
  if (status != LEUKO_OK) return status;
  out->layout = layout_of(out->file, network);
  if (!out->layout) status = refuse_layout(path, out->file, network, error);
  else if (network && strcmp(out->layout->network, network) != 0) {
    char remedy[128];
    snprintf(remedy, sizeof remedy, "leuko weights pull %s, or --model %s", network,
             out->layout->network);
    status = error_set(error, LEUKO_BAD_DATA, path, remedy, "the weights of %s, not of %s",
                       out->layout->network, network);
  }
  if (status != LEUKO_OK) tensor_file_close(out->file);
  return status;
}

static leuko_status describe(const opened *o, weights_source *out, leuko_error *error) {
  *out = (weights_source){
      .form = o->layout->form, .epsilon = o->layout->epsilon, .scaling = layout_scaling(o->layout)};
  snprintf(out->name, sizeof out->name, "%s", o->layout->name);
  snprintf(out->network, sizeof out->network, "%s", o->layout->network);
  snprintf(out->container, sizeof out->container, "%s", tensor_file_container(o->file));
  file_map bytes = tensor_file_bytes(o->file);
  leuko_status status = hash_bytes(bytes.data, bytes.size, out->sha256, error);
  const weights_entry *entry = catalogue_recognise(bytes.data, bytes.size, out->sha256);
  if (entry) out->official = entry->name;
  return status;
}

leuko_status weights_identify(const char *path, const char *network, zoo_options *options,
                              weights_source *out, leuko_error *error) {
  opened o;
  leuko_status status = open_known(path, network, &o, error);
  if (status != LEUKO_OK) return status;
  status = describe(&o, out, error);
  if (status == LEUKO_OK && options && strcmp(options->name, out->network) == 0) {
    options->form = out->form;
    if (out->epsilon > 0) options->epsilon = out->epsilon;
  }
  tensor_file_close(o.file);
  return status;
}

/* [out][in][kh][kw] to [kh][kw][in][out]. */
static void kernel_from_torch(const float *from, const net_param *param, float *to) {
  size_t kh = (size_t)param->dims[0], kw = (size_t)param->dims[1];
  size_t in = (size_t)param->dims[2], outputs = (size_t)param->dims[3];
  for (size_t o = 0; o < outputs; o++)
    for (size_t i = 0; i < in; i++)
      for (size_t y = 0; y < kh; y++)
        for (size_t x = 0; x < kw; x++)
          to[((y * kw + x) * in + i) * outputs + o] = from[((o * in + i) * kh + y) * kw + x];
}

static leuko_status load_param(const opened *o, const net_param *param, const char *name,
                               float *out, leuko_error *error) {
  size_t dims[4] = {0};
  bool turned = o->layout->torch && param->rank == 4;
  static const int order[4] = {3, 2, 0, 1};
  for (int d = 0; d < param->rank; d++) dims[d] = (size_t)param->dims[turned ? order[d] : d];
  if (!turned) return tensor_file_read(o->file, name, param->rank, dims, out, error);
  float *kernel = malloc(param->count * sizeof *kernel);
  if (!kernel) return error_set_memory(error, param->count * sizeof *kernel);
  leuko_status status = tensor_file_read(o->file, name, param->rank, dims, kernel, error);
  if (status == LEUKO_OK) kernel_from_torch(kernel, param, out);
  free(kernel);
  return status;
}

/* A variance below zero would give NaN at the first image. */
static bool is_variance(const net_param *param) {
  size_t length = strlen(param->name);
  return length > 9 && strcmp(param->name + length - 9, "/variance") == 0;
}

static leuko_status load_all(const char *path, const opened *o, const net_graph *graph,
                             float *params, leuko_error *error) {
  leuko_status status = LEUKO_OK;
  for (int i = 0; status == LEUKO_OK && i < graph->param_count; i++) {
    const net_param *param = &graph->params[i];
    char name[LAYOUT_NAME];
    if (!layout_tensor_name(o->layout, param->name, name)) continue;
    float *out = params + param->offset;
    status = load_param(o, param, name, out, error);
    for (size_t k = 0; status == LEUKO_OK && is_variance(param) && k < param->count; k++)
      if (out[k] < 0)
        status = error_set(error, LEUKO_BAD_DATA, path, "fetch the file again",
                           "tensor '%.80s' holds a variance below zero", name);
  }
  return status;
}

/* The network whose base the graph holds, or NULL. */
static const char *network_of(const net_graph *graph) {
  if (net_find_param(graph, "block1_conv1/kernel") >= 0) return "vgg16";
  if (net_find_param(graph, "conv1_conv/kernel") >= 0) return "resnet50";
  return NULL;
}

leuko_status weights_load(const char *path, const net_graph *graph, float *params,
                          weights_source *out, leuko_error *error) {
  const char *network = network_of(graph);
  if (!network)
    return error_set(error, LEUKO_ARGUMENT, path, "take vgg16 or resnet50",
                     "the network has no base that is trained on ImageNet");
  opened o;
  leuko_status status = open_known(path, network, &o, error);
  if (status != LEUKO_OK) return status;
  /* Of the forms of ResNet-50 only Keras's has biases in its convolutions. */
  bool biased = net_find_param(graph, "conv1_conv/bias") >= 0;
  if (strcmp(network, "resnet50") == 0 && biased != (o.layout->form == ZOO_KERAS))
    status = error_set(error, LEUKO_ARGUMENT, path, "build it with the options of weights_identify",
                       "the network was built in another form than the weights have");
  if (status == LEUKO_OK) status = load_all(path, &o, graph, params, error);
  if (status == LEUKO_OK && out) status = describe(&o, out, error);
  tensor_file_close(o.file);
  return status;
}
