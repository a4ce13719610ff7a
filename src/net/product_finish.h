/* What becomes of a row of sums in registers: inlined into the products. */
#ifndef NET_PRODUCT_FINISH_H
#define NET_PRODUCT_FINISH_H

#include <math.h>

#include "net/product.h"

/* One source for all element types: the instructions of bfloat16 and bytes appear only where the
 * type is that constant, so the float32 functions run without them. */
#ifdef VECTOR_NARROW
#define PRODUCT __attribute__((target("avx512f,avx512bw,avx512bf16,avx512vnni")))
#else
#define PRODUCT VECTOR
#endif
#define INLINE static inline __attribute__((always_inline)) PRODUCT

#define VECTORS (PRODUCT_WIDTH / 16)

/* Sums as numbers: those of bytes are 32-bit integers in the vector's places. */
INLINE v16 numbers(v16 sums, element_type type) {
#ifdef VECTOR_NARROW
  if (type == ELEMENT_U8) return _mm512_cvtepi32_ps(_mm512_castps_si512(sums));
#elif defined VECTOR_BYTES
  if (type == ELEMENT_U8)
    return (v16){_mm256_cvtepi32_ps(_mm256_castps_si256(sums.low)),
                 _mm256_cvtepi32_ps(_mm256_castps_si256(sums.high))};
#endif
  (void)type;
  return sums;
}

/* Sixteen sums of row `row`. */
INLINE v16 finished_sums(const product_finish *f, size_t row, size_t column, v16 sums,
                         element_type type) {
  v16 value = numbers(sums, type);
  if (type == ELEMENT_U8 || f->scale)
    value = v16_fma(value, v16_load(f->scale + column), v16_load(f->bias + column));
  else if (f->bias) value = v16_add(value, v16_load(f->bias + column));
  if (f->other) {
    const char *other =
        (const char *)f->other[row] + (f->first + column) * element_bytes(f->other_type);
    value = v16_fma(element_load16(other, f->other_type), v16_load(f->other_scale + column), value);
  }
  return f->relu ? v16_relu(value) : value;
}

/* The sums of row `row`, `vectors` times sixteen. */
INLINE void finish_row(const product_finish *f, size_t row, const v16 *sums, int vectors,
                       element_type type) {
  char *to = (char *)f->to[row] + f->first * element_bytes(f->type);
  v16 v[VECTORS];
  for (int k = 0; k < vectors; k++) v[k] = finished_sums(f, row, 16 * (size_t)k, sums[k], type);
#ifdef VECTOR_NARROW
  if (f->type == ELEMENT_U8 && vectors == 4) {
    _mm512_storeu_si512(to, element_to_u8(v[0], v[1], v[2], v[3]));
    return;
  }
#endif
  for (int k = 0; k + ELEMENT_VECTORS <= vectors; k += ELEMENT_VECTORS)
    element_store(to + 16 * (size_t)k * element_bytes(f->type), v + k, f->type);
}

/* Whether everything about sums of this type is in float32. */
INLINE bool finish_is_plain(const product_finish *f, element_type type) {
  return type == ELEMENT_F32 && f->type == ELEMENT_F32 && !f->scale &&
         (!f->other || f->other_type == ELEMENT_F32);
}

/* The sums of rows `row` and so on, `count` times `vectors`, both constants. What is usual stays in
 * registers. */
INLINE void finish_rows(const product_finish *f, size_t row, v16 sums[PRODUCT_ROWS][VECTORS],
                        int count, int vectors, element_type type) {
  if (!finish_is_plain(f, type)) {
    v16 kept[PRODUCT_ROWS][VECTORS];
#pragma GCC unroll 6
    for (int r = 0; r < count; r++)
      for (int k = 0; k < vectors; k++) kept[r][k] = sums[r][k];
    for (int r = 0; r < count; r++) finish_row(f, row + (size_t)r, kept[r], vectors, type);
    return;
  }
  const v16 least = v16_all(f->relu ? 0 : -INFINITY);
  v16 bias[VECTORS];
  for (int k = 0; k < vectors; k++) bias[k] = f->bias ? v16_load(f->bias + 16 * k) : v16_zero();
#pragma GCC unroll 6
  for (int r = 0; r < count; r++) {
    float *to = (float *)f->to[row + (size_t)r] + f->first;
    for (int k = 0; k < vectors; k++) {
      v16 value = v16_add(sums[r][k], bias[k]);
      if (f->other)
        value =
            v16_add(value, v16_load((const float *)f->other[row + (size_t)r] + f->first + 16 * k));
      v16_store(to + 16 * k, v16_max(least, value));
    }
  }
}

#endif
