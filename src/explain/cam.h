/* The arithmetic of class activation maps: from activations A and the derivatives of the class's
 * logit y by them, both [places][channels], to weights [channels] and the map [places]. */
#ifndef EXPLAIN_CAM_H
#define EXPLAIN_CAM_H

#include <stddef.h>

/* Grad-CAM's weights: Selvaraju et al. 2017, equation 1. */
void cam_weights(const float *gradients, size_t places, size_t channels, double *weights);
/* Grad-CAM++'s: Chattopadhay et al. 2018, equations 5 and 19, of the score exp(y) but for the
 * factor exp(y). */
void cam_plus_weights(const float *activations, const float *gradients, size_t places,
                      size_t channels, double *weights);
/* Equation 2 of the former, which is 6 of the latter: relu(sum over k of weights[k] A[k]). */
void cam_map(const float *activations, const double *weights, size_t places, size_t channels,
             float *map);

#endif
