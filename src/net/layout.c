#include "net/layout.h"

#include <math.h>

#include "base/half.h"
#include "net/element.h"
#include "net/skip.h"

/* Strides in floats of one image: value (y, x, c) lies at base(c) + (y * w + x) * step. */
static inline size_t channel_base(net_layout layout, size_t pixels, size_t c, size_t *step,
                                  size_t channels) {
  switch (layout) {
  case NET_NHWC:
    *step = channels;
    return c;
  case NET_NCHW:
    *step = 1;
    return c * pixels;
  case NET_NCHW16C:
    *step = 16;
    return c / 16 * 16 * pixels + c % 16;
  default:
    break;
  }
  return 0;
}

/* Between NHWC and blocks of 16: whole vectors of 16 channels move together. */
static void move_blocks(const float *in, net_layout from, float *out, size_t pixels,
                        size_t channels) {
  for (size_t block = 0; block < channels / 16; block++)
    for (size_t p = 0; p < pixels; p++) {
      size_t flat = p * channels + block * 16, blocked = (block * pixels + p) * 16;
      if (from == NET_NHWC) memcpy(out + blocked, in + flat, 16 * sizeof *in);
      else memcpy(out + flat, in + blocked, 16 * sizeof *in);
    }
}

static void relayout_image(const float *in, net_layout from, float *out, net_layout to,
                           net_shape shape) {
  size_t channels = (size_t)shape.c, pixels = (size_t)shape.h * (size_t)shape.w;
  if (from != NET_NCHW && to != NET_NCHW && channels % 16 == 0) {
    move_blocks(in, from, out, pixels, channels);
    return;
  }
  for (size_t c = 0; c < channels; c++) {
    size_t in_step = 0, out_step = 0;
    size_t a = channel_base(from, pixels, c, &in_step, channels);
    size_t b = channel_base(to, pixels, c, &out_step, channels);
    for (size_t p = 0; p < pixels; p++) out[b + p * out_step] = in[a + p * in_step];
  }
}

uint16_t net_narrowed(float value, net_layout layout) {
  return layout == NET_NHWC_F16 ? half_from_float(value) : net_to_bf16(value);
}

float net_widened(uint16_t narrow, net_layout layout) {
  if (layout == NET_NHWC_F16) return half_to_float(narrow);
  const uint32_t bits = (uint32_t)narrow << 16;
  float value;
  memcpy(&value, &bits, sizeof value);
  return value;
}

/* An image to 16 bits, from any layout of float32. */
static void narrow(const float *in, net_layout from, uint16_t *out, net_layout to,
                   net_shape shape) {
  const size_t channels = (size_t)shape.c, pixels = (size_t)shape.h * (size_t)shape.w;
  if (from == NET_NHWC && to == NET_NHWC_BF16) {
    for (size_t i = 0; i < pixels * channels; i++) out[i] = net_to_bf16(in[i]);
    return;
  }
  for (size_t c = 0; c < channels; c++) {
    size_t step = 0, first = channel_base(from, pixels, c, &step, channels);
    for (size_t p = 0; p < pixels; p++)
      out[p * channels + c] = net_narrowed(in[first + p * step], to);
  }
}

/* And back. */
static void widen(const uint16_t *in, net_layout from, float *out, net_layout to, net_shape shape) {
  const size_t channels = (size_t)shape.c, pixels = (size_t)shape.h * (size_t)shape.w;
  if (from == NET_NHWC_BF16 && to == NET_NHWC) {
    for (size_t i = 0; i < pixels * channels; i++) out[i] = net_widened(in[i], NET_NHWC_BF16);
    return;
  }
  for (size_t c = 0; c < channels; c++) {
    size_t step = 0, first = channel_base(to, pixels, c, &step, channels);
    for (size_t p = 0; p < pixels; p++)
      out[first + p * step] = net_widened(in[p * channels + c], from);
  }
}

/* From one kind of 16 bits to the other. */
static void change(const uint16_t *in, net_layout from, uint16_t *out, net_layout to,
                   net_shape shape) {
  const size_t values = net_shape_size(shape);
  for (size_t i = 0; i < values; i++) out[i] = net_narrowed(net_widened(in[i], from), to);
}

void net_relayout(const void *in, net_layout from, void *out, net_layout to, int batch,
                  net_shape shape, int threads) {
  const size_t size = net_shape_size(shape);
#pragma omp parallel for num_threads(threads) schedule(static) if (batch > 1)
  for (int n = 0; n < batch; n++) {
    const void *source = (const char *)in + (size_t)n * size * net_layout_bytes(from);
    void *target = (char *)out + (size_t)n * size * net_layout_bytes(to);
    if (from == to) memcpy(target, source, size * net_layout_bytes(from));
    else if (net_layout_narrow(from) && net_layout_narrow(to))
      change(source, from, target, to, shape);
    else if (net_layout_narrow(from)) widen(source, from, target, to, shape);
    else if (net_layout_narrow(to)) narrow(source, from, target, to, shape);
    else relayout_image(source, from, target, to, shape);
  }
}

#ifdef VECTOR_NARROW
/* Of bfloat16, whose count is a multiple of 32. */
VECTOR static void accumulate_bf16(uint16_t *sum, const uint16_t *part, size_t count) {
  for (size_t i = 0; i < count; i += 32) {
    v16 both[2];
    for (size_t k = 0; k < 2; k++)
      both[k] = v16_add(element_load16(sum + i + 16 * k, ELEMENT_BF16),
                        element_load16(part + i + 16 * k, ELEMENT_BF16));
    element_store(sum + i, both, ELEMENT_BF16);
  }
}
#endif

/* As much as there are vectors for, a stretch of each thread; returns how much that was. */
static size_t accumulate_vectors(uint16_t *sum, const uint16_t *part, net_layout layout,
                                 size_t count, int threads) {
#ifdef VECTOR_NARROW
  const size_t share = count / (size_t)threads / 32 * 32;
  if (layout != NET_NHWC_BF16 || net_cpu() < NET_CPU_AVX512_BF16) return 0;
#pragma omp parallel for num_threads(threads) schedule(static, 1)
  for (int t = 0; t < threads; t++)
    accumulate_bf16(sum + (size_t)t * share, part + (size_t)t * share, share);
  return (size_t)threads * share;
#else
  return 0;
#endif
}

void net_accumulate(void *sum, const void *part, net_layout layout, size_t count, int threads) {
  float *wide = sum;
  const float *wide_part = part;
  uint16_t *narrow_sum = sum;
  const uint16_t *narrow_part = part;
  const size_t done = accumulate_vectors(sum, part, layout, count, threads);
#pragma omp parallel for num_threads(threads) schedule(static)
  for (size_t i = done; i < count; i++) {
    if (net_layout_narrow(layout))
      narrow_sum[i] = net_narrowed(
          net_widened(narrow_sum[i], layout) + net_widened(narrow_part[i], layout), layout);
    else wide[i] += wide_part[i];
  }
}

/* What becomes of a channel's value. */
static float scaled(const net_input_scaling *scaling, int channel, int value) {
  return ((float)value * scaling->scale - scaling->mean[channel]) / scaling->deviation[channel];
}

float net_input_largest(const net_input_scaling *scaling) {
  float largest = 0;
  for (int c = 0; c < 3; c++)
    for (int end = 0; end < 2; end++)
      largest = fmaxf(largest, fabsf(scaled(scaling, c, 255 * end)));
  return largest;
}

/* Every value that a channel can take, of the output's channels in turn. */
typedef struct {
  float of[3][256];
  int source[3]; /* which of a pixel's bytes it is made of */
} input_table;

static void convert_planes(const input_table *t, const uint8_t *pixels, size_t area, float *out) {
  for (size_t c = 0; c < 3; c++)
    for (size_t p = 0; p < area; p++)
      out[c * area + p] = t->of[c][pixels[3 * p + (size_t)t->source[c]]];
}

/* Pixel by pixel; groups of black ones are copied. */
static void convert_pixels(const input_table *t, const uint8_t *pixels, size_t area, float *out) {
  float black[3 * SKIP_GROUP];
  for (size_t i = 0; i < 3 * SKIP_GROUP; i++) black[i] = t->of[i % 3][0];
  for (size_t p = 0; p < area; p += SKIP_GROUP) {
    const size_t end = area - p < SKIP_GROUP ? area : p + SKIP_GROUP;
    if (end == p + SKIP_GROUP && skip_group_is_black(pixels + 3 * p)) {
      memcpy(out + 3 * p, black, sizeof black);
      continue;
    }
    for (size_t i = p; i < end; i++)
      for (size_t c = 0; c < 3; c++)
        out[3 * i + c] = t->of[c][pixels[3 * i + (size_t)t->source[c]]];
  }
}

void net_input_convert(const uint8_t *pixels, const net_input_scaling *scaling, float *out,
                       net_layout to, int batch, net_shape shape, int threads) {
  const size_t area = (size_t)shape.h * (size_t)shape.w;
  input_table table;
  for (int c = 0; c < 3; c++) {
    table.source[c] = scaling->reverse ? 2 - c : c;
    for (int v = 0; v < 256; v++) table.of[c][v] = scaled(scaling, c, v);
  }
#pragma omp parallel for num_threads(threads) schedule(static) if (batch > 1)
  for (int n = 0; n < batch; n++) {
    const uint8_t *source = pixels + (size_t)n * area * 3;
    float *target = out + (size_t)n * area * 3;
    if (to == NET_NCHW) convert_planes(&table, source, area, target);
    else convert_pixels(&table, source, area, target);
  }
}
