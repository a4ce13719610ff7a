/* Which of the processor's instructions the kernels may use. */
#ifndef NET_CPU_H
#define NET_CPU_H

#include <stdbool.h>

#include "leuko.h"

typedef enum {
  NET_CPU_GENERIC,     /* plain C alone */
  NET_CPU_AVX2,        /* AVX2 and FMA, in bytes, too; from here on oneDNN as well */
  NET_CPU_AVX512,      /* F and BW */
  NET_CPU_AVX512_VNNI, /* also in bytes */
  NET_CPU_AVX512_BF16, /* and in bfloat16 */
  NET_CPU_AVX512_FP16, /* and in half precision */
  NET_CPU_AMX          /* and on the matrix unit, in bytes and bfloat16 */
} net_cpu_level;

/* What the processor has, or less where the environment's LEUKO_CPU says so: generic, avx2, avx512,
 * avx512_vnni, avx512_bf16, avx512_fp16 or amx. It is there for tests and for hunting down
 * differences between machines; a process should keep to one value, since oneDNN remembers the
 * first. */
net_cpu_level net_cpu(void);

/* Whether inference in 16 bits is faster than in float32. Intel's processors, which have a unit for
 * matrices instead, do products in bfloat16 at half the rate of float32 (Sapphire and Emerald
 * Rapids: 82 against 168 GFLOP/s of a core), AMD's at twice; but those of Intel have half precision
 * (360). With AVX2 alone whole numbers are faster from AMD's Zen 3 on, as fast as float32 on
 * Intel's. */
bool net_cpu_fast_bf16(void);

/* Whether inference in 16 bits is in half precision, and multiplies so also float32 between bytes.
 */
bool net_cpu_half(void);

/* Whether inference in 16 bits is in whole numbers of 16 bits with a scale for each pixel or tile,
 * and so also float32 between bytes: with AVX2 alone, or with VNNI and neither bfloat16 nor half
 * precision. */
bool net_cpu_words(void);

/* Whether inference in 16 bits rounds more finely than bfloat16: in one of these two. */
bool net_cpu_fine(void);

/* Whether products of bytes are for the matrix unit, where they have eight times the rate of half
 * precision's. The system is asked for its registers, once a process. */
bool net_cpu_matrix(void);

/* Whether products of bytes have several times the rate of float32's and bfloat16's: where AVX-512
 * has them, on Intel's, or has no bfloat16. */
bool net_cpu_fast_bytes(void);

/* As LEUKO_CPU names it. */
const char *net_cpu_name(net_cpu_level level);

/* What a speed in bytes was measured on, for comparing, since other layers are in bytes there: the
 * level's name, or "intel_bf16" for that level where bytes are fast. */
const char *net_cpu_bytes_name(void);

/* Errors: ARGUMENT, if LEUKO_CPU is none of these. */
leuko_status net_cpu_check(leuko_error *error);

#endif
