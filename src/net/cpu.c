#include "net/cpu.h"

#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/error.h"

#define VARIABLE "LEUKO_CPU"

static const char *const names[] = {[NET_CPU_GENERIC] = "generic",
                                    [NET_CPU_AVX2] = "avx2",
                                    [NET_CPU_AVX512] = "avx512",
                                    [NET_CPU_AVX512_VNNI] = "avx512_vnni",
                                    [NET_CPU_AVX512_BF16] = "avx512_bf16",
                                    [NET_CPU_AVX512_FP16] = "avx512_fp16",
                                    [NET_CPU_AMX] = "amx"};
#define LEVELS ((int)(sizeof names / sizeof *names))

/* clang knows neither the word nor, see net/vector.h, the instructions. */
static bool has_half(void) {
#if !defined __clang__ && __GNUC__ >= 12
  return __builtin_cpu_supports("avx512fp16");
#else
  return false;
#endif
}

#if !defined __clang__ && __GNUC__ >= 12
/* The system keeps the matrix unit's registers, 8 KB of each thread, only for processes that have
 * asked for that (Linux, Documentation/arch/x86/xstate.rst). */
static bool may_use_tiles(void) {
#ifdef NET_CPU_EMULATED
  return true;
#else
  enum { REQUEST_PERMISSION = 0x1023, TILE_DATA = 18 };
  return syscall(SYS_arch_prctl, REQUEST_PERMISSION, TILE_DATA) == 0;
#endif
}

static bool has_matrix(void) {
  return has_half() && __builtin_cpu_supports("amx-tile") && __builtin_cpu_supports("amx-int8") &&
         __builtin_cpu_supports("amx-bf16") && may_use_tiles();
}
#else
static bool has_matrix(void) {
  return false;
}
#endif

static net_cpu_level processor(void) {
  if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma")) return NET_CPU_GENERIC;
  if (!__builtin_cpu_supports("avx512f") || !__builtin_cpu_supports("avx512bw"))
    return NET_CPU_AVX2;
  if (!__builtin_cpu_supports("avx512vnni")) return NET_CPU_AVX512;
  if (!__builtin_cpu_supports("avx512bf16")) return NET_CPU_AVX512_VNNI;
  if (has_matrix()) return NET_CPU_AMX;
  return has_half() ? NET_CPU_AVX512_FP16 : NET_CPU_AVX512_BF16;
}

/* The level that the environment names: -1 for a name that there is not. */
static int wished(void) {
  const char *name = getenv(VARIABLE);
  if (!name || !*name) return LEVELS - 1;
  for (int level = 0; level < LEVELS; level++)
    if (strcmp(name, names[level]) == 0) return level;
  return -1;
}

bool net_cpu_half(void) {
  return net_cpu() >= NET_CPU_AVX512_FP16;
}

bool net_cpu_words(void) {
  return net_cpu() == NET_CPU_AVX512_VNNI || net_cpu() == NET_CPU_AVX2;
}

bool net_cpu_fine(void) {
  return net_cpu_half() || net_cpu_words();
}

/* Whether vpmaddwd has the rate of float32's products, with twice as many in it: from Zen 3 on. */
static bool fast_pairs(void) {
  return __builtin_cpu_is("amd") && !__builtin_cpu_is("znver1") && !__builtin_cpu_is("znver2");
}

bool net_cpu_fast_bf16(void) {
  if (net_cpu() == NET_CPU_AVX2) return fast_pairs();
  return net_cpu_fine() || (net_cpu() >= NET_CPU_AVX512_BF16 && !__builtin_cpu_is("intel"));
}

bool net_cpu_matrix(void) {
  return net_cpu() >= NET_CPU_AMX;
}

bool net_cpu_fast_bytes(void) {
  const net_cpu_level level = net_cpu();
  return level >= NET_CPU_AVX512_VNNI &&
         (level == NET_CPU_AVX512_VNNI || __builtin_cpu_is("intel"));
}

const char *net_cpu_name(net_cpu_level level) {
  return names[level];
}

const char *net_cpu_bytes_name(void) {
  const bool other = net_cpu() == NET_CPU_AVX512_BF16 && net_cpu_fast_bytes();
  return other ? "intel_bf16" : net_cpu_name(net_cpu());
}

net_cpu_level net_cpu(void) {
  const net_cpu_level here = processor();
  const int level = wished();
  return level >= 0 && level < (int)here ? (net_cpu_level)level : here;
}

leuko_status net_cpu_check(leuko_error *error) {
  if (wished() >= 0) return LEUKO_OK;
  return error_set(error, LEUKO_ARGUMENT, NULL,
                   "take generic, avx2, avx512, avx512_vnni, avx512_bf16, avx512_fp16 or amx, or "
                   "unset it",
                   VARIABLE " names no level of instructions");
}
