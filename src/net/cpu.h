/* Which of the processor's instructions the kernels may use. */
#ifndef NET_CPU_H
#define NET_CPU_H

#include <stdbool.h>

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

/* Whether products in bfloat16 are faster than in float32. Intel's processors, which have a unit
 * for matrices instead, do them at half its rate (Sapphire and Emerald Rapids: 82 against 168
 * GFLOP/s of a core), AMD's at twice. */
bool net_cpu_fast_bf16(void);

/* Whether products of bytes have several times the rate of every other type: where AVX-512 has them
 * and bfloat16 is not fast. */
bool net_cpu_fast_bytes(void);

/* As LEUKO_CPU names it. */
const char *net_cpu_name(net_cpu_level level);

/* What a speed in bytes was measured on, for comparing: the level's name, or "avx512_vnni" where
 * bytes are fast, since other layers are in bytes there. */
const char *net_cpu_bytes_name(void);

/* Errors: ARGUMENT, if LEUKO_CPU is none of these. */
leuko_status net_cpu_check(leuko_error *error);

#endif
