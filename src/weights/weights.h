/* Weights trained on ImageNet by others, read into leuko's own parameters. Keras's .h5 files (both
 * layouts of ResNet-50), torchvision's names in .safetensors, and PyTorch's .pth state dicts are
 * understood; what a file is, its content decides and not its name. docs/formats.md lists the
 * tensors. */
#ifndef WEIGHTS_WEIGHTS_H
#define WEIGHTS_WEIGHTS_H

#include "base/progress.h"
#include "net/plan.h"
#include "zoo/zoo.h"

/* What a weight file is, and what the network needs to be given so that the weights fit. */
typedef struct {
  char name[32];             /* "keras-vgg16", "keras-resnet50", "keras-resnet50-older",
                                "torchvision-vgg16", "torchvision-resnet50" */
  char network[16];          /* "vgg16" or "resnet50" */
  char container[16];        /* "hdf5", "safetensors", "pth" */
  zoo_form form;             /* resnet50 */
  double epsilon;            /* resnet50: of batch normalization */
  net_input_scaling scaling; /* from pixels to what the weights were trained on */
  char sha256[65];           /* of the file */
  const char *official;      /* name of the known file with this digest ("torchvision-vgg16"), or
                                NULL; a constant */
} weights_source;

/* Tells what a weight file is. `network` is the name of the network that is wanted, or NULL for
 * any. `options` (may be NULL) gets form and epsilon as the file wants them; set the rest first
 * (zoo_defaults) and build the graph afterwards. Errors: those of reading, BAD_DATA (not a weight
 * file, or one of another network: named, with the remedy). */
leuko_status weights_identify(const char *path, const char *network, zoo_options *options,
                              weights_source *out, leuko_error *error);

/* Fills the base's parameters in params [graph->param_floats] from the file; `graph` may be the
 * base or the whole network, whose head is left alone. Every parameter of the base must be in the
 * file with its shape and finite values. `out` may be NULL. Errors: those of reading, BAD_DATA
 * (naming the tensor), NO_MEMORY. */
leuko_status weights_load(const char *path, const net_graph *graph, float *params,
                          weights_source *out, leuko_error *error);

/* Looks for a weight file of the network: `place` if it is a file; else in the folder `place`, or,
 * if NULL, in $LEUKO_WEIGHTS (a file or a folder) and then in the cache folder's weights/. In a
 * folder the known files come first, in the order of weights_list; then the first by name that
 * contains the network's and ends in .h5, .hdf5, .safetensors, .pth or .pt. The path goes to
 * path_out [size]. Errors: NOT_FOUND (with the remedy `leuko weights pull NETWORK`). */
leuko_status weights_find(const char *network, const char *place, char *path_out, size_t size,
                          leuko_error *error);

/* A file that can be downloaded. */
typedef struct {
  const char *name;    /* "keras-vgg16" */
  const char *network; /* "vgg16" */
  const char *file;    /* its name here */
  const char *url;
  uint64_t bytes;     /* of the whole file; 0 if unknown */
  const char *sha256; /* or NULL where only md5 was published */
  const char *md5;    /* or NULL */
} weights_entry;

/* The known files: [*count], constant. The first of a network is the one that its bare name pulls.
 */
const weights_entry *weights_list(size_t *count);
/* The entry of that name, or the first of the network of that name; NULL if there is none. */
const weights_entry *weights_entry_find(const char *name);

/* Where a download comes from and goes to. Zero in every field gives the defaults. */
typedef struct {
  const char *folder; /* NULL: the cache folder's weights/ */
  const char *mirror; /* an https:// URL of a folder with the files; NULL: the official places */
  const char *certificates; /* PEM file of the authorities to trust; NULL: the system's */
} weights_pull_options;

/* Downloads the file of that name ("vgg16" or "torchvision-vgg16") over HTTPS unless it is there
 * and whole. `options` may be NULL. A broken download is taken up again some times, then left as
 * FILE.part, with which the next call goes on; size and digest are checked before the file gets its
 * name. The path goes to path_out [size] (may be NULL). Errors: ARGUMENT (no such name, a mirror
 * without https), IO (the connection, with what was wrong), BAD_DATA (size or digest differ),
 * DISK_FULL, INTERRUPTED. */
leuko_status weights_pull(const char *name, const weights_pull_options *options,
                          const progress *watcher, char *path_out, size_t size, leuko_error *error);

/* weights_identify, and every parameter of the base read once. Errors: those of weights_load. */
leuko_status weights_check(const char *path, weights_source *out, leuko_error *error);

/* Checks a file whole and copies it into `folder` (NULL: the cache folder's weights/), from where
 * weights_find takes it. Errors: those of weights_check and of writing. */
leuko_status weights_import(const char *path, const char *folder, weights_source *out,
                            char *path_out, size_t size, leuko_error *error);

#endif
