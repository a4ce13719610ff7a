/* Plain C with double sums: what every other backend is compared with.
 *
 * One file a family of operations, forward beside backward. Activations are NHWC float32 (relu and
 * add take any layout); every sum is taken in double and rounded once. Threads share images, rows
 * or channels, never the terms of one sum, so the result does not depend on their number.
 *
 * The functions below are the rows of the table in backend.c. The dispatch there handles a fused
 * relu for all of them: it clamps y after forward and masks dy by y > 0 before backward. Shapes in
 * comments: N = batch, H W C = step->in, OH OW OC = step->out. Pointers that a call leaves NULL
 * (dx, grads, a missing bias) are not computed. Forward may be called with y = x for relu, add,
 * flatten and dropout, backward with dx = dy for the same. */
#ifndef NET_REF_REF_H
#define NET_REF_REF_H

#include "net/step.h"

/* y [N][OH][OW][OC] = x [N][H][W][C] * kernel [K][K][C][OC] + bias [OC], and + x[1] [N][OH][OW][OC]
 * where step->add. Cross-correlation, as every framework calls convolution. Backward: dx, dkernel,
 * dbias from x, kernel, dy. */
void ref_conv2d_forward(const net_step *step, const net_call *call);
void ref_conv2d_backward(const net_step *step, const net_call *call);
size_t ref_conv2d_scratch(const net_step *step);

/* y [N][OC] = x [N][C] * kernel [C][OC] + bias [OC]. Backward: dx, dkernel, dbias from x, kernel,
 * dy. */
void ref_dense_forward(const net_step *step, const net_call *call);
void ref_dense_backward(const net_step *step, const net_call *call);
size_t ref_dense_scratch(const net_step *step);

/* y = gamma (x - mean) / sqrt(variance + epsilon) + beta for each channel (Ioffe and Szegedy 2015).
 * In training mean and (biased) variance are those of the batch, the running ones in
 * call->running move towards them by 1 - momentum, and the workspace keeps mean and 1 / deviation
 * [2][C] double. Otherwise they are params 2 and 3. Backward: dx, dgamma, dbeta from x, gamma, dy;
 * in training through the statistics, otherwise with constant ones. */
void ref_batchnorm_forward(const net_step *step, const net_call *call);
void ref_batchnorm_backward(const net_step *step, const net_call *call);
size_t ref_batchnorm_workspace(const net_step *step);

/* y [N][OH][OW][C] = the largest of a window; padding never wins, of equal values the first does,
 * a NaN always does. In training the workspace keeps where it was, int32 [N][OH][OW][C] as
 * ih * W + iw; backward needs that and dy only. */
void ref_maxpool_forward(const net_step *step, const net_call *call);
void ref_maxpool_backward(const net_step *step, const net_call *call);
size_t ref_maxpool_workspace(const net_step *step);

/* y [N][C] = mean of x [N][H][W][C] over H and W. Backward: from dy. */
void ref_avgpool_forward(const net_step *step, const net_call *call);
void ref_avgpool_backward(const net_step *step, const net_call *call);

/* y = max(x, 0), a NaN stays one. Backward: from y and dy. */
void ref_relu_forward(const net_step *step, const net_call *call);
void ref_relu_backward(const net_step *step, const net_call *call);

/* y = x[0] + x[1]. Backward: dx[0] = dx[1] = dy. */
void ref_add_forward(const net_step *step, const net_call *call);
void ref_add_backward(const net_step *step, const net_call *call);

/* The same values in another shape. */
void ref_flatten_forward(const net_step *step, const net_call *call);
void ref_flatten_backward(const net_step *step, const net_call *call);

/* Inverted dropout (Srivastava et al. 2014): in training value i is zero if the i-th uniform of
 * rng_open(seed, RNG_DROPOUT, iteration, stream) is below the rate, else x / (1 - rate). Backward
 * draws the same numbers again. Otherwise a copy. */
void ref_dropout_forward(const net_step *step, const net_call *call);
void ref_dropout_backward(const net_step *step, const net_call *call);

/* What the families share (sums.c). */

/* Output pixels that are summed up together, so that a row of weights is read once for all. */
#define REF_PIXELS 8

/* sum[p][o] += source[p][i] * rows[i][o] for p < count, i < in, o < out, in this order of i. */
void ref_add_products(int count, const float *const source[], double *const sum[], int in, int out,
                      const float *rows);

/* sums [channels] = sum over rows of x [rows][channels]. */
void ref_sum_channels(const float *x, size_t rows, int channels, float *sums, int threads);

/* y [count] = max(y, 0), a NaN stays one; and dy [count] = 0 where not y > 0. */
void ref_clamp(float *y, size_t count, int threads);
void ref_mask(float *dy, const float *y, size_t count, int threads);

#endif
