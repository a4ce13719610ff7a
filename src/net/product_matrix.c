#include "net/product_matrix.h"

#include <string.h>

#include "net/product_finish.h"

#ifdef VECTOR_MATRIX

#define MATRIX                                                                                     \
  __attribute__((target("avx512f,avx512bw,avx512bf16,avx512vnni,amx-tile,amx-int8,amx-bf16")))
#define MATRIX_INLINE static inline __attribute__((always_inline)) MATRIX

/* The compiler does not know that the unit reads memory. */
#define FENCE __asm__ volatile("" ::: "memory")

#define SUMS_ROW (PRODUCT_WIDTH * sizeof(float))

MATRIX void matrix_begin(void) {
  struct {
    uint8_t palette, start, reserved[14];
    uint16_t row_bytes[16];
    uint8_t rows[16];
  } shapes;
  memset(&shapes, 0, sizeof shapes);
  shapes.palette = 1;
  for (int i = 0; i < 8; i++) {
    shapes.row_bytes[i] = MATRIX_BYTES;
    shapes.rows[i] = MATRIX_ROWS;
  }
  __asm__ volatile("" ::"r"(&shapes) : "memory"); /* all of it is read, not its first word alone */
  _tile_loadconfig(&shapes);
}

MATRIX void matrix_end(void) {
  _tile_release();
}

/* Register `to` += `a` times `b`, all three literals. */
#define ADD_PRODUCT(to, a, b)                                                                      \
  do {                                                                                             \
    if (bytes) _tile_dpbusd(to, a, b);                                                             \
    else _tile_dpbf16ps(to, a, b);                                                                 \
  } while (0)

/* Registers 0 to 3 become the sums of one or two groups of rows and of two of filters. */
MATRIX_INLINE void multiply(const char *const *a, int groups, const matrix_rows *rows,
                            const char *u, char *m, bool bytes) {
  const size_t steps = rows->steps, stride = rows->stride;
  const uint32_t *offsets = rows->offsets;
  const char *first = a[0], *second = groups > 1 ? a[1] : a[0];
  const char *left = u, *right = u + steps * MATRIX_REGISTER;
  _tile_zero(0);
  _tile_zero(1);
  _tile_zero(2);
  _tile_zero(3);
  for (size_t k = 0; k < steps; k++, left += MATRIX_REGISTER, right += MATRIX_REGISTER) {
    _tile_loadd(4, first + offsets[k], stride);
    _tile_loadd(6, left, MATRIX_BYTES);
    ADD_PRODUCT(0, 4, 6);
    _tile_loadd(7, right, MATRIX_BYTES);
    ADD_PRODUCT(1, 4, 7);
    if (groups == 1) continue;
    _tile_loadd(5, second + offsets[k], stride);
    ADD_PRODUCT(2, 5, 6);
    ADD_PRODUCT(3, 5, 7);
  }
  _tile_stored(0, m, SUMS_ROW);
  _tile_stored(1, m + MATRIX_BYTES, SUMS_ROW);
  if (groups == 1) return;
  _tile_stored(2, m + MATRIX_ROWS * SUMS_ROW, SUMS_ROW);
  _tile_stored(3, m + MATRIX_ROWS * SUMS_ROW + MATRIX_BYTES, SUMS_ROW);
}

MATRIX void matrix_multiply(const char *const *a, int groups, const matrix_rows *rows,
                            const char *u, void *m, int width, element_type type) {
  FENCE;
  for (int f = 0; f < width; f += 2 * MATRIX_COLUMNS) {
    const char *factors = u + (size_t)f / MATRIX_COLUMNS * rows->steps * MATRIX_REGISTER;
    char *to = (char *)m + (size_t)f * sizeof(float);
    if (type == ELEMENT_U8 && groups > 1) multiply(a, 2, rows, factors, to, true);
    else if (type == ELEMENT_U8) multiply(a, 1, rows, factors, to, true);
    else if (groups > 1) multiply(a, 2, rows, factors, to, false);
    else multiply(a, 1, rows, factors, to, false);
  }
  FENCE;
}

MATRIX void matrix_outer(const char *x, size_t x_stride, const char *dy, size_t dy_stride,
                         const uint32_t *list, size_t count, float *sums) {
  const size_t row = 2 * MATRIX_BYTES;
  char *above = (char *)sums, *below = above + MATRIX_ROWS * row;
  FENCE;
  _tile_loadd(0, above, row);
  _tile_loadd(1, above + MATRIX_BYTES, row);
  _tile_loadd(2, below, row);
  _tile_loadd(3, below + MATRIX_BYTES, row);
  for (size_t k = 0; k < count; k++) {
    const char *a = x + (size_t)list[k] * MATRIX_BYTES, *b = dy + (size_t)list[k] * MATRIX_REGISTER;
    _tile_loadd(4, a, x_stride);
    _tile_loadd(6, b, MATRIX_BYTES);
    _tile_dpbf16ps(0, 4, 6);
    _tile_loadd(7, b + dy_stride, MATRIX_BYTES);
    _tile_dpbf16ps(1, 4, 7);
    _tile_loadd(5, a + MATRIX_ROWS * x_stride, x_stride);
    _tile_dpbf16ps(2, 5, 6);
    _tile_dpbf16ps(3, 5, 7);
  }
  _tile_stored(0, above, row);
  _tile_stored(1, above + MATRIX_BYTES, row);
  _tile_stored(2, below, row);
  _tile_stored(3, below + MATRIX_BYTES, row);
  FENCE;
}

/* Row r as vectors; with `pooled` the largest of its square. */
INLINE void sums_of(const float *m, size_t r, v16 *sums, int vectors, element_type type,
                    bool pooled) {
  const float *at = m + (pooled ? 2 : 1) * r * PRODUCT_WIDTH;
  for (int k = 0; k < vectors; k++, at += 16) {
    sums[k] = v16_load(at);
    for (size_t i = 1; pooled && i < 4; i++) {
      const size_t row = i % 2 + i / 2 * MATRIX_ROWS;
      const v16 value = v16_load(at + row * PRODUCT_WIDTH);
      if (type == ELEMENT_U8)
        sums[k] = _mm512_castsi512_ps(
            _mm512_max_epi32(_mm512_castps_si512(sums[k]), _mm512_castps_si512(value)));
      else sums[k] = v16_max(sums[k], value);
    }
  }
}

/* Rows of m that are finished. */
typedef struct {
  const float *m;
  const product_finish *finish;
  const uint32_t *number;
  const void *const *other;
  size_t count;
  char *y;
  size_t pixel;
} finishing;

/* Sums in registers, with something of one type added or nothing. Bytes are not negative, which
 * rounding to them sees to: of them a relu is not asked for. */
INLINE void finish_fast(const finishing *w, int vectors, element_type type, element_type to_type,
                        bool adds, element_type other_type, bool pooled) {
  const product_finish *f = w->finish;
  const size_t other_at = f->first * element_bytes(other_type);
  const v16 floor = v16_all(f->relu ? 0 : -INFINITY);
  v16 scale[VECTORS], bias[VECTORS], other_scale[VECTORS];
  for (int k = 0; k < vectors; k++) {
    scale[k] = v16_load(f->scale + 16 * k);
    bias[k] = v16_load(f->bias + 16 * k);
    other_scale[k] = v16_load(f->other_scale + 16 * k);
  }
  for (size_t r = 0; r < w->count; r++) {
    if (w->number[r] == MATRIX_NOBODY) continue;
    v16 v[VECTORS];
    sums_of(w->m, r, v, vectors, type, pooled);
    for (int k = 0; k < vectors; k++) v[k] = v16_fma(numbers(v[k], type), scale[k], bias[k]);
    for (int k = 0; adds && k < vectors; k++) {
      const char *other =
          (const char *)w->other[r] + other_at + 16 * (size_t)k * element_bytes(other_type);
      v[k] = v16_fma(element_load16(other, other_type), other_scale[k], v[k]);
    }
    char *to = w->y + w->number[r] * w->pixel + f->first * element_bytes(to_type);
    if (to_type == ELEMENT_U8 && vectors == 4) {
      _mm512_storeu_si512(to, element_to_u8(v[0], v[1], v[2], v[3]));
      continue;
    }
    for (int k = 0; k < vectors; k += 2) {
      if (to_type != ELEMENT_U8)
        for (int i = k; i < k + 2; i++) v[i] = v16_max(floor, v[i]);
      element_store(to + 16 * (size_t)k * element_bytes(to_type), v + k, to_type);
    }
  }
}

/* Whatever else. */
INLINE void finish_any(const finishing *w, int vectors, element_type type, bool pooled) {
  product_finish f = *w->finish;
  for (size_t r = 0; r < w->count; r++) {
    if (w->number[r] == MATRIX_NOBODY) continue;
    void *to = w->y + w->number[r] * w->pixel;
    const void *added = w->other ? w->other[r] : NULL;
    v16 sums[VECTORS];
    f.to = &to;
    f.other = w->other ? &added : NULL;
    sums_of(w->m, r, sums, vectors, type, pooled);
    finish_row(&f, 0, sums, vectors, type);
  }
}

/* What is usual, with a branch of one of two types or none. */
INLINE bool finish_usual(const finishing *w, int vectors, element_type type, element_type to,
                         element_type other, bool pooled) {
  if (!w->other) finish_fast(w, vectors, type, to, false, other, pooled);
  else if (w->finish->other_type == other) finish_fast(w, vectors, type, to, true, other, pooled);
  else if (type == ELEMENT_U8 && w->finish->other_type == ELEMENT_F16)
    finish_fast(w, vectors, type, to, true, ELEMENT_F16, pooled);
  else return false;
  return true;
}

INLINE void finish_width(const finishing *w, int vectors, element_type type, bool pooled) {
  const product_finish *f = w->finish;
  bool usual;
  if (type != ELEMENT_U8) {
    usual = f->type == ELEMENT_BF16 &&
            finish_usual(w, vectors, ELEMENT_BF16, ELEMENT_BF16, ELEMENT_BF16, pooled);
    if (!usual) finish_any(w, vectors, ELEMENT_BF16, pooled);
    return;
  }
  usual = (f->type == ELEMENT_U8 && f->relu &&
           finish_usual(w, vectors, ELEMENT_U8, ELEMENT_U8, ELEMENT_U8, pooled)) ||
          (f->type == ELEMENT_F16 &&
           finish_usual(w, vectors, ELEMENT_U8, ELEMENT_F16, ELEMENT_U8, pooled));
  if (!usual) finish_any(w, vectors, ELEMENT_U8, pooled);
}

PRODUCT void matrix_finish(const void *m, const product_finish *finish, const uint32_t *number,
                           const void *const *other, size_t count, void *y, size_t pixel, int width,
                           element_type type) {
  const finishing w = {m, finish, number, other, count, y, pixel};
  if (width == 64) finish_width(&w, 4, type, false);
  else finish_width(&w, 2, type, false);
}

PRODUCT void matrix_finish_pooled(const void *m, const product_finish *finish,
                                  const uint32_t *number, size_t count, void *y, size_t pixel,
                                  int width, element_type type) {
  const finishing w = {m, finish, number, NULL, count, y, pixel};
  if (width == 64) finish_width(&w, 4, type, true);
  else finish_width(&w, 2, type, true);
}

#endif
