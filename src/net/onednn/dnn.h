/* The part of oneDNN that leuko needs, in its own words. dnn.c is the only file that knows the
 * library's version: version 3 merged descriptors into primitive descriptors and made memory
 * descriptors opaque, which would change that file and nothing else. */
#ifndef NET_ONEDNN_DNN_H
#define NET_ONEDNN_DNN_H

#include <dnnl.h>

#include "net/step.h"

#define DNN_MAX_ARGS 12 /* the way back of batch normalization has 9, scratch and workspace */

/* A primitive with a memory object for each argument, and the engine and stream it runs on. */
typedef struct {
  dnnl_primitive_t primitive;
  const_dnnl_primitive_desc_t desc;
  dnnl_exec_arg_t args[DNN_MAX_ARGS];
  int arg_count;
  char implementation[64];
} dnn_op;

typedef struct {
  dnnl_engine_t engine;
  dnnl_stream_t stream;
} dnn_context;

leuko_status dnn_open(dnn_context *context, leuko_error *error);
void dnn_close(dnn_context *context);

/* Descriptor of `batch` activations of `shape`. */
dnnl_memory_desc_t dnn_activation(int batch, net_shape shape, net_layout layout);
dnnl_memory_desc_t dnn_vector(int count);            /* a bias */
dnnl_memory_desc_t dnn_kernel(const net_step *step); /* HWIO, as the parameters lie */
size_t dnn_bytes(const dnnl_memory_desc_t *description);

/* Convolutions; the weights' layout is the library's choice (see dnn_format). `forward` is the
 * hint for the two backward ones. relu is fused where step->relu and not training. */
leuko_status dnn_convolution(const dnn_context *context, const net_step *step, dnn_op *op,
                             leuko_error *error);
leuko_status dnn_convolution_data(const dnn_context *context, const net_step *step,
                                  const dnn_op *forward, dnn_op *op, leuko_error *error);
leuko_status dnn_convolution_weights(const dnn_context *context, const net_step *step,
                                     const dnn_op *forward, dnn_op *op, leuko_error *error);
/* Inner products with the weights as they lie, [in][out]. */
leuko_status dnn_dense(const dnn_context *context, const net_step *step, dnn_op *op,
                       leuko_error *error);
leuko_status dnn_dense_data(const dnn_context *context, const net_step *step, const dnn_op *forward,
                            dnn_op *op, leuko_error *error);
leuko_status dnn_dense_weights(const dnn_context *context, const net_step *step,
                               const dnn_op *forward, dnn_op *op, leuko_error *error);
/* Largest value or mean of windows. */
leuko_status dnn_pooling(const dnn_context *context, const net_step *step, dnn_op *op,
                         leuko_error *error);
leuko_status dnn_pooling_data(const dnn_context *context, const net_step *step,
                              const dnn_op *forward, dnn_op *op, leuko_error *error);
/* Batch normalization with the batch's statistics (training) or given ones. */
leuko_status dnn_batchnorm(const dnn_context *context, const net_step *step, dnn_op *op,
                           leuko_error *error);
leuko_status dnn_batchnorm_back(const dnn_context *context, const net_step *step,
                                const dnn_op *forward, dnn_op *op, leuko_error *error);
/* Copies between two formats. */
leuko_status dnn_reorder(const dnn_context *context, const dnnl_memory_desc_t *from,
                         const dnnl_memory_desc_t *to, dnn_op *op, leuko_error *error);

/* The format of an argument (DNNL_ARG_WEIGHTS, ...). */
const dnnl_memory_desc_t *dnn_format(const dnn_op *op, int arg);
size_t dnn_scratch(const dnn_op *op);   /* bytes */
size_t dnn_workspace(const dnn_op *op); /* bytes */

/* Points an argument at data; an argument that the primitive does not have is ignored. */
void dnn_set(dnn_op *op, int arg, const void *data);
leuko_status dnn_run(const dnn_context *context, const dnn_op *op, leuko_error *error);
void dnn_release(dnn_op *op);

#endif
