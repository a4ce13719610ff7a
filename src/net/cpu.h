/* Which of the processor's instructions the kernels may use. */
#ifndef NET_CPU_H
#define NET_CPU_H

#include "leuko.h"

typedef enum {
  NET_CPU_GENERIC,    /* plain C alone */
  NET_CPU_AVX2,       /* AVX2 and FMA; from here on oneDNN as well */
  NET_CPU_AVX512,     /* F and BW */
  NET_CPU_AVX512_BF16 /* also in bfloat16 and in bytes */
} net_cpu_level;

/* What the processor has, or less where the environment's LEUKO_CPU says so: generic, avx2, avx512
 * or avx512_bf16. It is there for tests and for hunting down differences between machines; a
 * process should keep to one value, since oneDNN remembers the first. */
net_cpu_level net_cpu(void);

/* As LEUKO_CPU names it. */
const char *net_cpu_name(net_cpu_level level);

/* Errors: ARGUMENT, if LEUKO_CPU is none of these. */
leuko_status net_cpu_check(leuko_error *error);

#endif
