#include "image/foreign.h"

#include <math.h>
#include <stdlib.h>

#include "base/error.h"
#include "base/rng.h"

#define LATTICE 16 /* random values a side, repeating */
#define THINGS 12  /* in a scene */

typedef struct {
  double rgb[3];
} colour;

/* A thing in a picture: a disc, a square or a star, in units of the side. */
typedef struct {
  double x, y, size, turn;
  int points; /* 0: a disc; 4: a square; more: a star of so many points */
  colour fill;
} thing;

typedef struct {
  int side;
  rng random;
  colour a, b;
  double angle, scale;
  int pattern;
  double lattice[LATTICE][LATTICE];
  thing things[THINGS];
  int thing_count;
} canvas;

static colour any_colour(rng *r) {
  colour c;
  for (int k = 0; k < 3; k++) c.rgb[k] = rng_between(r, 0, 255);
  return c;
}

static colour mix(colour a, colour b, double share) {
  for (int k = 0; k < 3; k++) a.rgb[k] += share * (b.rgb[k] - a.rgb[k]);
  return a;
}

static double clouds(const canvas *c, double x, double y) {
  const double fx = floor(x), fy = floor(y), u = x - fx, v = y - fy;
  const size_t x0 = (size_t)fx % LATTICE, x1 = (x0 + 1) % LATTICE;
  const size_t y0 = (size_t)fy % LATTICE, y1 = (y0 + 1) % LATTICE;
  const double top = c->lattice[y0][x0] + u * (c->lattice[y0][x1] - c->lattice[y0][x0]);
  const double bottom = c->lattice[y1][x0] + u * (c->lattice[y1][x1] - c->lattice[y1][x0]);
  return top + v * (bottom - top);
}

/* 0 .. 1 at a place: clouds of three sizes, stripes or checks. */
static double texture(const canvas *c, double x, double y) {
  const double along = cos(c->angle) * x + sin(c->angle) * y;
  const double across = cos(c->angle) * y - sin(c->angle) * x;
  switch (c->pattern) {
  case 0:
    return 0.5 + 0.5 * sin(2 * M_PI * c->scale * along);
  case 1:
    return fmod(floor(c->scale * (along + 2)) + floor(c->scale * (across + 2)), 2);
  default:
    return 0.55 * clouds(c, c->scale * x, c->scale * y) +
           0.3 * clouds(c, 2.3 * c->scale * x, 2.3 * c->scale * y) +
           0.15 * clouds(c, 5.1 * c->scale * x, 5.1 * c->scale * y);
  }
}

/* How far inside the thing a place is, 0 at its edge and 1 in its middle; below 0 outside. */
static double inside(const thing *t, double x, double y) {
  const double dx = x - t->x, dy = y - t->y, far = sqrt(dx * dx + dy * dy) / t->size;
  const double angle = atan2(dy, dx) - t->turn;
  if (t->points == 0) return 1 - far;
  if (t->points == 4) return 1 - fmax(fabs(cos(angle)), fabs(sin(angle))) * far;
  return 1 - far / (0.65 + 0.35 * cos(t->points * angle));
}

static thing any_thing(rng *r) {
  static const int points[] = {0, 0, 4, 5, 7};
  thing t = {.x = rng_between(r, 0, 1),
             .y = rng_between(r, 0.2, 1),
             .size = rng_between(r, 0.03, 0.25),
             .turn = rng_between(r, 0, 2 * M_PI),
             .points = points[rng_below(r, 5)]};
  t.fill = any_colour(r);
  return t;
}

static void prepare(canvas *c, image_foreign kind, uint32_t index) {
  rng *r = &c->random;
  c->a = any_colour(r);
  c->b = any_colour(r);
  c->angle = rng_between(r, 0, 2 * M_PI);
  c->scale = rng_between(r, 3, 30);
  c->pattern = (int)rng_below(r, 4);
  for (int y = 0; y < LATTICE; y++)
    for (int x = 0; x < LATTICE; x++) c->lattice[y][x] = rng_uniform(r);
  for (int i = 0; i < THINGS; i++) c->things[i] = any_thing(r);
  if (kind == IMAGE_FOREIGN_SCENE) c->thing_count = 3 + (int)rng_below(r, THINGS - 2);
  if (kind == IMAGE_FOREIGN_SHAPE) {
    c->things[0].x = rng_between(r, 0.4, 0.6);
    c->things[0].y = rng_between(r, 0.4, 0.6);
    c->things[0].size = rng_between(r, 0.1, 0.4);
  }
  /* Black, white and grey are the blanks that one meets. */
  if (kind == IMAGE_FOREIGN_BLANK && index < 3)
    for (int k = 0; k < 3; k++) c->a.rgb[k] = 127.5 * index;
}

static colour scene_at(const canvas *c, double x, double y) {
  colour here = y < 0.5 ? mix(c->a, (colour){{235, 235, 245}}, 2 * y)
                        : mix(c->b, (colour){{40, 40, 30}}, texture(c, x, y) * 0.5);
  for (int i = 0; i < c->thing_count; i++) {
    const double depth = inside(&c->things[i], x, y);
    if (depth > 0) here = mix(c->things[i].fill, (colour){{0, 0, 0}}, 0.6 * (1 - depth));
  }
  return here;
}

static colour pixel(canvas *c, image_foreign kind, double x, double y) {
  switch (kind) {
  case IMAGE_FOREIGN_BLANK:
    return c->a;
  case IMAGE_FOREIGN_GRADIENT:
    return mix(c->a, c->b, 0.5 + 0.7 * (cos(c->angle) * (x - 0.5) + sin(c->angle) * (y - 0.5)));
  case IMAGE_FOREIGN_NOISE: {
    colour here = any_colour(&c->random);
    if (c->pattern < 2) here.rgb[1] = here.rgb[2] = here.rgb[0];
    return here;
  }
  case IMAGE_FOREIGN_TEXTURE:
    return mix(c->a, c->b, texture(c, x, y));
  case IMAGE_FOREIGN_SCENE: {
    colour here = scene_at(c, x, y);
    for (int k = 0; k < 3; k++) here.rgb[k] += 4 * rng_normal(&c->random);
    return here;
  }
  default:
    return inside(&c->things[0], x, y) > 0 ? mix(c->a, c->b, texture(c, x, y)) : (colour){{0}};
  }
}

leuko_status image_foreign_draw(image_foreign kind, uint64_t seed, uint32_t index, int side,
                                image *out, leuko_error *error) {
  const size_t bytes = 3 * (size_t)side * (size_t)side;
  *out = (image){0};
  uint8_t *rgb = malloc(bytes);
  if (!rgb) return error_set_memory(error, bytes);
  canvas c = {.side = side, .random = rng_open(seed, RNG_FOREIGN, (uint32_t)kind, index)};
  prepare(&c, kind, index);
  for (int y = 0; y < side; y++)
    for (int x = 0; x < side; x++) {
      const colour here = pixel(&c, kind, (x + 0.5) / side, (y + 0.5) / side);
      for (int k = 0; k < 3; k++)
        rgb[3 * ((size_t)y * (size_t)side + (size_t)x) + (size_t)k] =
            (uint8_t)fmin(255, fmax(0, here.rgb[k] + 0.5));
    }
  *out = (image){side, side, rgb};
  return LEUKO_OK;
}
