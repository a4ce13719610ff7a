#include <math.h>

#include "net/infer/winograd_parts.h"
#include "net/winograd/transforms_half.h"

#ifdef VECTOR_HALF

/* How far below 1 the kernel has to be for products in half precision to stay within what that
 * holds. A tile is below 16; the transforms make that (1 + B^2 + A + B)^2 = 29.4 times as large,
 * and products (1 + 2 (A^3 + B^3))^2 = 69.6 times. The kernel is rounded before and while it is
 * transformed, which may enlarge it by some thousandths. */
static int bits_below(int channels) {
  return (int)ceil(log2(1.01 * 16 * 29.4 * 69.6 * channels / 65504));
}

/* Transforms `channels` channels of a packed chunk, nine of whose values lie `from_stride` bytes
 * apart, to 36 `stride` bytes apart: in float32, sixteen places at a time, row by row, so that all
 * stays in registers. */
HALF static void expand(const char *g, size_t from_stride, size_t channels, size_t width, char *u,
                        size_t stride) {
  for (size_t at = 0; at < channels * width * 2; at += 32) {
    v16 half[6][3];
    for (size_t j = 0; j < 3; j++) {
      v16 column[3], o[6];
      for (size_t i = 0; i < 3; i++)
        column[i] = element_from_f16(g + (3 * i + j) * from_stride + at);
      kernel_1d(column, o);
      for (size_t i = 0; i < 6; i++) half[i][j] = o[i];
    }
    for (size_t i = 0; i < 6; i++) {
      v16 o[6];
      kernel_1d(half[i], o);
      for (size_t j = 0; j < 6; j++)
        _mm256_storeu_si256((void *)(u + (6 * i + j) * stride + at), element_to_f16(o[j]));
    }
  }
}

static int width_of(const infer_winograd *w, int chunk) {
  const int left = w->s.plain.c - chunk;
  return left < PRODUCT_WIDTH ? left : PRODUCT_WIDTH;
}

/* Where the kernel of a chunk lies. */
static char *chunk_at(const infer_winograd *w, int chunk) {
  const size_t values = w->compact ? 9 : WINOGRAD_POSITIONS;
  return (char *)w->u + values * (size_t)w->s.in.c * (size_t)chunk * 2;
}

void winograd_half_pack(infer_winograd *w, const float *kernel, int first, float *u) {
  const size_t channels = (size_t)w->s.in.c, width = (size_t)width_of(w, first);
  const size_t stride = channels * width * 2;
  float factors[PRODUCT_WIDTH];
  char *to = chunk_at(w, first), *packed = w->compact ? to : (char *)u;
  product_half_units(u, width, WINOGRAD_POSITIONS * channels, width, bits_below((int)channels),
                     factors, w->units + first);
  /* Channels are even: pairs of them do not reach from one tap into the next. */
  product_half_pack(kernel + first, (size_t)w->s.plain.c, factors, 9 * channels, width, packed);
  if (!w->compact) expand(packed, stride, channels, width, to, stride);
}

/* v of one tile in half precision; *unit becomes what one of it counts. */
HALF_INLINE void transform_input_half(const infer_winograd *w, const net_call *call, infer_place at,
                                      char *v, size_t stride, float *unit, element_type type) {
  const size_t step = 32 * element_bytes(type), pixel = (size_t)w->s.in.c * element_bytes(type);
  const char *from[36];
  winograd_point_at(w, call, at, from);
  __m512i largest = _mm512_setzero_si512();
  for (size_t c = 0; c < pixel; c += step)
    for (int i = 0; i < 36; i++) largest = half_larger(largest, from[i] + c, type);
  const half_scale by = half_scale_of(half_exponent(largest, type), unit);
  for (size_t c = 0; c < pixel; c += step, v += 64) {
    __m512h d[6][6], o[6][6];
    for (int i = 0; i < 6; i++)
      for (int j = 0; j < 6; j++)
        d[i][j] = _mm512_castsi512_ph(half_load(from[i * 6 + j] + c, &by, type));
    input_2d_half(d, o);
    for (int i = 0; i < 6; i++)
      for (int j = 0; j < 6; j++)
        _mm512_storeu_si512(v + (size_t)(i * 6 + j) * stride, _mm512_castph_si512(o[i][j]));
  }
}

HALF void winograd_half_input(const infer_winograd *w, const net_call *call,
                              const infer_place *tiles, size_t count, char *v, size_t stride,
                              float *units) {
  const size_t row = (size_t)w->s.in.c * winograd_v_value(w);
  for (size_t t = 0; t < count; t++) {
    char *to = v + t * row;
    if (w->s.in_type == ELEMENT_F16)
      transform_input_half(w, call, tiles[t], to, stride, units + t, ELEMENT_F16);
    else transform_input_half(w, call, tiles[t], to, stride, units + t, ELEMENT_F32);
  }
}

/* Thirty-two filters of a pixel in half precision, in numbers, + bias, relu, to where they go. */
HALF_INLINE void store_half(const infer_winograd *w, __m512h sums, const v16 one[2],
                            const v16 offset[2], int filter, char *to) {
  const infer_shape *s = &w->s;
  v16 value[2];
  half_widen(sums, &value[0], &value[1]);
  for (int part = 0; part < 2; part++) {
    value[part] = v16_fma(value[part], one[part], offset[part]);
    if (s->relu) value[part] = v16_relu(value[part]);
    if (s->out_type == ELEMENT_U8)
      value[part] = v16_mul(value[part], v16_load(s->out_units + filter + 16 * part));
  }
  if (s->out_type == ELEMENT_U8) element_store(to, value, ELEMENT_U8);
  else if (s->out_type == ELEMENT_F16) element_store(to, value, ELEMENT_F16);
  else element_store(to, value, ELEMENT_F32);
}

/* Thirty-two filters of one tile: At m A, pooled where the step pools. A unit is positive and
 * rounding monotone, so that the largest may be taken first. */
HALF_INLINE void finish_tile_half(const infer_winograd *w, const net_call *call, infer_place at,
                                  const char *m, float unit, int filter) {
  const infer_shape *s = &w->s;
  __m512h p[6][6], o[4][4];
  for (int i = 0; i < 6; i++)
    for (int j = 0; j < 6; j++)
      p[i][j] =
          _mm512_castsi512_ph(_mm512_loadu_si512(m + (size_t)(i * 6 + j) * winograd_m_stride(w)));
  output_2d_half(p, o);
  const float *bias = call->params[1] ? call->params[1] + filter : NULL;
  v16 one[2], offset[2];
  for (int part = 0; part < 2; part++) {
    one[part] = v16_mul(v16_load(w->units + filter + 16 * part), v16_all(unit));
    offset[part] = bias ? v16_load(bias + 16 * part) : v16_zero();
  }
  const int side = winograd_tile_side(w);
  const size_t bytes = element_bytes(s->out_type), pixel = (size_t)s->out.c * bytes;
  char *image = (char *)call->y + (size_t)at.image * (size_t)s->out.h * (size_t)s->out.w * pixel +
                (size_t)filter * bytes;
  for (int i = 0; i < side && at.y * side + i < s->out.h; i++)
    for (int j = 0; j < side && at.x * side + j < s->out.w; j++) {
      const size_t place = (size_t)(at.y * side + i) * (size_t)s->out.w + (size_t)(at.x * side + j);
      const __m512h sums =
          s->pool ? _mm512_max_ph(_mm512_max_ph(o[2 * i][2 * j], o[2 * i][2 * j + 1]),
                                  _mm512_max_ph(o[2 * i + 1][2 * j], o[2 * i + 1][2 * j + 1]))
                  : o[i][j];
      store_half(w, sums, one, offset, filter, image + place * pixel);
    }
}

/* m of one chunk of filters: in parts of the depth, whose transformed kernel stays in a core's
 * second-level cache, where the kernel is compact. */
HALF static void multiply_chunk(const infer_winograd *w, size_t count, const char *v, size_t stride,
                                int chunk, char *m) {
  const size_t depth = (size_t)w->s.in.c, width = (size_t)width_of(w, chunk);
  const size_t most = w->compact && depth > PRODUCT_HALF_DEPTH ? PRODUCT_HALF_DEPTH : depth;
  const char *kernel = chunk_at(w, chunk);
  char *part = m + WINOGRAD_POSITIONS * winograd_m_stride(w);
  for (size_t first = 0; first < depth; first += most) {
    const size_t now = depth - first < most ? depth - first : most;
    const size_t u_stride = w->compact ? winograd_part_stride(now, width) : depth * width * 2;
    if (w->compact)
      expand(kernel + first * width * 2, depth * width * 2, now, width, part, u_stride);
    const char *u = w->compact ? part : kernel;
    for (size_t p = 0; p < WINOGRAD_POSITIONS; p++)
      product_half_rows(v + p * stride + first * 2, depth, u + p * u_stride,
                        m + p * winograd_m_stride(w), count, now, (int)width, first > 0);
  }
}

/* One chunk of filters for `count` tiles, transformed in half precision. */
HALF void winograd_half_multiply(const infer_winograd *w, const net_call *call,
                                 const infer_place *tiles, size_t count, const char *v,
                                 size_t stride, const float *units, int chunk, char *m) {
  const int width = width_of(w, chunk);
  multiply_chunk(w, count, v, stride, chunk, m);
  for (size_t t = 0; t < count; t++)
    for (int f = 0; f < width; f += 32)
      finish_tile_half(w, call, tiles[t], m + (t * (size_t)width + (size_t)f) * 2, units[t],
                       chunk + f);
}

#endif
