#include "net/levels.h"

/* Those that the sources of a backend, compiled for each level, define. */
#define AT_EACH_LEVEL(backend, all)                                                                \
  extern const net_backend backend##_generic, backend##_avx2, backend##_avx512;                    \
  const net_backend *const all[NET_LEVELS] = {                                                     \
      &backend##_generic, &backend##_avx2,   &backend##_avx512, &backend##_avx512,                 \
      &backend##_avx512,  &backend##_avx512, &backend##_avx512};

AT_EACH_LEVEL(net_backend_infer, net_backends_infer)
AT_EACH_LEVEL(net_backend_learn, net_backends_learn)
AT_EACH_LEVEL(net_backend_dense, net_backends_dense)
