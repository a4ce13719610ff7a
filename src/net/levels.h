/* The kernels that are there for each level of instructions (net/vector.h). */
#ifndef NET_LEVELS_H
#define NET_LEVELS_H

#include "net/cpu.h"
#include "net/step.h"

#define NET_LEVELS (NET_CPU_AMX + 1)

/* By net_cpu(); the last five levels share their kernels, which ask net_cpu() for more. */

/* Inference in float32 or bfloat16, only where an image differs from the blank one. */
extern const net_backend *const net_backends_infer[NET_LEVELS];
/* Training in float32 or bfloat16. */
extern const net_backend *const net_backends_learn[NET_LEVELS];
/* Dense layers in inference. */
extern const net_backend *const net_backends_dense[NET_LEVELS];

#endif
