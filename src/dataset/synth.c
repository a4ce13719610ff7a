#include "dataset/synth.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/rng.h"

#define ANGLES 512  /* of an outline */
#define LATTICE 64  /* random values a side, repeating */
#define MAX_SPOTS 6 /* nucleoli in one nucleus */

/* Streams of one series, told apart by the generator's epoch. */
enum { STREAM_CELL, STREAM_SUBJECT };

static double clamp(double x, double low, double high) {
  return x < low ? low : x > high ? high : x;
}

/* How the slides of one subject differ from those of others. */
typedef struct {
  double size;      /* factor on the radius */
  double lightness; /* of the stain, added */
  double hue;       /* -1 bluish .. 1 reddish */
  double contrast;  /* factor on the texture */
} subject_traits;

static subject_traits draw_subject(uint64_t seed, size_t subject) {
  rng r = rng_open(seed, RNG_SYNTH, STREAM_SUBJECT, (uint32_t)subject);
  return (subject_traits){.size = 1 + 0.03 * rng_normal(&r),
                          .lightness = clamp(0.05 * rng_normal(&r), -0.08, 0.12),
                          .hue = clamp(0.5 * rng_normal(&r), -1, 1),
                          .contrast = rng_between(&r, 0.8, 1.2)};
}

typedef struct {
  double x, y, radius, strength;
} spot;

/* What one cell looks like; lengths in pixels. The classes overlap in every single trait. */
typedef struct {
  double x, y;             /* centre */
  double radius[ANGLES];   /* of the outline */
  double share;            /* of the nucleus in the cell's radius */
  double shift_x, shift_y; /* the nucleus from the centre, as a part of the radius */
  double grain;            /* size of the chromatin's clumps */
  double clump;            /* 0: smooth and fine .. 1: hard-edged clumps */
  double contrast, lightness, hue;
  spot spots[MAX_SPOTS];
  int spot_count;
  double coarse[LATTICE * LATTICE], fine[LATTICE * LATTICE];
} cell;

static void draw_outline(cell *c, rng *r, double radius, double oval, double rough) {
  const double tilt = rng_between(r, 0, 2 * M_PI);
  double size[12], phase[12];
  for (int k = 2; k < 12; k++) {
    size[k] = rough * rng_normal(r) / (k * k) * (k == 2 ? 1 : 3);
    phase[k] = rng_between(r, 0, 2 * M_PI);
  }
  /* Here and there the cut-out follows a neighbour that touched the cell. */
  const double bite = rng_uniform(r) < 0.25 ? rng_between(r, 0.03, 0.12) : 0;
  const double bite_at = rng_between(r, 0, 2 * M_PI);
  for (int i = 0; i < ANGLES; i++) {
    const double angle = 2 * M_PI * i / ANGLES;
    double factor = 1 + oval * cos(2 * (angle - tilt));
    for (int k = 2; k < 12; k++) factor += size[k] * cos(k * angle + phase[k]);
    const double away = remainder(angle - bite_at, 2 * M_PI);
    factor -= bite * exp(-away * away / 0.08);
    c->radius[i] = radius * factor;
  }
}

static void draw_traits(cell *c, rng *r, bool blast, const subject_traits *subject) {
  c->x = SYNTH_SIDE / 2.0 + 3 * rng_normal(r);
  c->y = SYNTH_SIDE / 2.0 + 3 * rng_normal(r);
  double radius = (blast ? 102 : 82) * subject->size * (1 + 0.08 * rng_normal(r));
  double oval = (blast ? 0.06 : 0.04) + 0.025 * rng_normal(r);
  draw_outline(c, r, clamp(radius, 45, 150), clamp(oval, 0, 0.16), blast ? 0.06 : 0.045);
  c->share = clamp((blast ? 0.98 : 0.95) + 0.03 * rng_normal(r), 0.8, 1);
  const double toward = rng_between(r, 0, 2 * M_PI);
  c->shift_x = (1 - c->share) * cos(toward);
  c->shift_y = (1 - c->share) * sin(toward);
  c->grain = (blast ? 8.5 : 17) * exp(0.18 * rng_normal(r));
  c->clump = clamp((blast ? 0.3 : 0.6) + 0.2 * rng_normal(r), 0, 1);
  c->contrast = 0.14 * subject->contrast * exp(0.15 * rng_normal(r));
  c->lightness = 0.27 + subject->lightness + (blast ? 0.03 : -0.03) + 0.05 * rng_normal(r);
  c->hue = subject->hue + 0.2 * rng_normal(r);
  double expected = blast ? 2.2 : 0.7;
  for (int i = 0; i < MAX_SPOTS; i++) {
    /* All are drawn, so that what follows in the stream does not depend on how many are shown. */
    const double angle = rng_between(r, 0, 2 * M_PI), far = 0.75 * sqrt(rng_uniform(r));
    spot s = {.radius = rng_between(r, 5, 11), .strength = rng_between(r, 0.1, 0.35)};
    s.x = c->x + far * cos(angle) * radius;
    s.y = c->y + far * sin(angle) * radius;
    if (rng_uniform(r) < expected / MAX_SPOTS) c->spots[c->spot_count++] = s;
  }
  for (int i = 0; i < LATTICE * LATTICE; i++) c->coarse[i] = rng_normal(r);
  for (int i = 0; i < LATTICE * LATTICE; i++) c->fine[i] = rng_normal(r);
}

/* Smoothly interpolated lattice values. */
static double noise(const double *lattice, double x, double y) {
  const double fx = floor(x), fy = floor(y);
  double u = x - fx, v = y - fy;
  const size_t x0 = (size_t)((long)fx & (LATTICE - 1)), x1 = (x0 + 1) & (LATTICE - 1);
  const size_t y0 = (size_t)((long)fy & (LATTICE - 1)), y1 = (y0 + 1) & (LATTICE - 1);
  u = u * u * (3 - 2 * u);
  v = v * v * (3 - 2 * v);
  const double *upper = lattice + y0 * LATTICE, *lower = lattice + y1 * LATTICE;
  const double top = upper[x0] + u * (upper[x1] - upper[x0]);
  const double bottom = lower[x0] + u * (lower[x1] - lower[x0]);
  return top + v * (bottom - top);
}

/* How light the chromatin is at a place, around 0. */
static double chromatin(const cell *c, double x, double y) {
  const double bend = 0.5 * noise(c->fine, x / 31, y / 31);
  double clumps = noise(c->coarse, x / c->grain + bend, y / c->grain - bend);
  clumps = (1 - c->clump) * clumps + c->clump * 1.1 * tanh(2.2 * clumps);
  const double detail = noise(c->fine, 2.3 * x / c->grain + 17, 2.3 * y / c->grain + 5);
  const double slow = noise(c->coarse, x / 60 + 40, y / 60 + 40);
  return c->contrast * (0.6 * clumps + 0.35 * detail + 0.45 * slow);
}

static void put(uint8_t *rgb, double red, double green, double blue, rng *grit) {
  const double shot = 1.5 * (rng_uniform(grit) - 0.5);
  rgb[0] = (uint8_t)clamp(red + shot, 4, 255);
  rgb[1] = (uint8_t)clamp(green + shot, 2, 255);
  rgb[2] = (uint8_t)clamp(blue + shot, 4, 255);
}

/* One pixel, `inside` pixels from the outline, `depth` from the nucleus's edge (negative: in the
 * cytoplasm). */
static void paint(const cell *c, double x, double y, double inside, double depth, uint8_t *rgb,
                  rng *grit) {
  const double rim = exp(-inside / 5);
  if (depth < 0) {
    const double light = 1 + 0.06 * noise(c->fine, x / 14, y / 14);
    const double shade = (0.55 + c->lightness) * light * (1 - 0.25 * rim);
    put(rgb, 78 * shade + 5 * c->hue, 66 * shade, 104 * shade - 4 * c->hue, grit);
    return;
  }
  double light = c->lightness + chromatin(c, x, y);
  double warm = 0;
  for (int i = 0; i < c->spot_count; i++) {
    const spot *s = &c->spots[i];
    const double dx = (x - s->x) / s->radius, dy = (y - s->y) / s->radius;
    const double glow = s->strength * exp(-dx * dx - dy * dy);
    light += glow;
    warm += 20 * glow;
  }
  /* The membrane is darker and bluish. */
  light -= 0.12 * exp(-depth / 6);
  /* No pixel of a nucleus is as dark as the background. */
  light = light < 0.15 ? 0.15 * exp((light - 0.15) / 0.15) : light;
  light = clamp(light, 0, 1.2);
  put(rgb, 34 + 118 * light + 5 * c->hue + warm - 9 * rim, 8 + 82 * light + warm / 2 + 3 * rim,
      46 + 104 * light - 5 * c->hue + 7 * rim, grit);
}

static double outline_at(const cell *c, double dx, double dy) {
  const double turn = (atan2(dy, dx) / (2 * M_PI) + 1) * ANGLES;
  const int i = (int)turn;
  const double part = turn - i;
  return c->radius[i % ANGLES] * (1 - part) + c->radius[(i + 1) % ANGLES] * part;
}

leuko_status synth_cell(uint64_t seed, size_t index, int blast, size_t subject, image *out,
                        leuko_error *error) {
  *out = (image){0};
  const size_t bytes = (size_t)SYNTH_SIDE * SYNTH_SIDE * 3;
  cell *c = calloc(1, sizeof *c);
  uint8_t *rgb = calloc(1, bytes);
  if (!c || !rgb) {
    free(c);
    free(rgb);
    return error_set_memory(error, bytes + sizeof *c);
  }
  const subject_traits traits = draw_subject(seed, subject);
  rng r = rng_open(seed, RNG_SYNTH, STREAM_CELL, (uint32_t)index);
  draw_traits(c, &r, blast != 0, &traits);
  for (int y = 0; y < SYNTH_SIDE; y++)
    for (int x = 0; x < SYNTH_SIDE; x++) {
      const double dx = x - c->x, dy = y - c->y, far = sqrt(dx * dx + dy * dy);
      if (far > 200) continue;
      const double edge = outline_at(c, dx, dy), inside = edge - far;
      if (inside <= 0) continue;
      const double nx = dx - c->shift_x * edge, ny = dy - c->shift_y * edge;
      const double depth = c->share * outline_at(c, nx, ny) - sqrt(nx * nx + ny * ny);
      paint(c, x, y, inside, depth, rgb + ((size_t)y * SYNTH_SIDE + (size_t)x) * 3, &r);
    }
  free(c);
  *out = (image){SYNTH_SIDE, SYNTH_SIDE, rgb};
  return LEUKO_OK;
}
