#include "explain/overlay.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/number.h"
#include "base/sort.h"
#include "image/label.h"
#include "image/resize.h"

#define PANEL 336 /* pixels, side of a panel */
#define MARGIN 10
#define HEAD (IMAGE_LABEL_HEIGHT + MARGIN)
#define SCALE 12 /* height of a scale */
#define FOOT (2 * IMAGE_LABEL_HEIGHT + SCALE + MARGIN)
#define OPAQUE 0.75 /* of full strength */

static const uint8_t ink[3] = {230, 230, 230};

/* Okabe and Ito's yellow and vermilion, sky blue and blue: weak and strong. */
static const double colours[2][2][3] = {{{240, 228, 66}, {213, 94, 0}},
                                        {{86, 180, 233}, {0, 114, 178}}};

/* Puts a strength of -1 .. 1 over an RGB value. */
static void blend(double strength, uint8_t rgb[3]) {
  const int against = strength < 0;
  const double t = fmin(fabs(strength), 1), opacity = OPAQUE * t;
  for (int c = 0; c < 3; c++) {
    const double colour = (1 - t) * colours[against][0][c] + t * colours[against][1][c];
    rgb[c] = (uint8_t)lround((1 - opacity) * rgb[c] + opacity * colour);
  }
}

static void turn_grey(uint8_t *rgb, size_t pixels) {
  for (size_t i = 0; i < pixels; i++, rgb += 3)
    rgb[0] = rgb[1] = rgb[2] = (uint8_t)((299 * rgb[0] + 587 * rgb[1] + 114 * rgb[2] + 500) / 1000);
}

/* Where from `begin` on, `length` long, something of 0 .. side is. */
static void clip(int begin, int length, int side, int *first, int *end) {
  *first = begin > 0 ? begin : 0;
  *end = begin + length < side ? begin + length : side;
}

/* The view's pixels, resized, into out [side][side][3]. Only what there is of the picture is
 * resized: a square around a very long one would not fit into memory. */
static leuko_status show(const image *picture, explain_view view, uint8_t *out,
                         leuko_error *error) {
  int left, right, top, bottom;
  clip(view.left, view.length, picture->width, &left, &right);
  clip(view.top, view.length, picture->height, &top, &bottom);
  memset(out, 0, (size_t)view.side * (size_t)view.side * 3);
  if (right <= left || bottom <= top) return LEUKO_OK;
  const double scale = (double)view.side / view.length;
  const int x = (int)((left - view.left) * scale), y = (int)((top - view.top) * scale);
  const int width = (int)fmax(1, floor((right - left) * scale));
  const int height = (int)fmax(1, floor((bottom - top) * scale));
  const size_t row = (size_t)(right - left) * 3;
  image part = {right - left, bottom - top, malloc(row * (size_t)(bottom - top))};
  uint8_t *small = malloc((size_t)width * (size_t)height * 3);
  leuko_status status = LEUKO_OK;
  if (!part.rgb || !small) status = error_set_memory(error, row * (size_t)(bottom - top));
  for (int i = top; i < bottom && status == LEUKO_OK; i++)
    memcpy(part.rgb + (size_t)(i - top) * row,
           picture->rgb + ((size_t)i * (size_t)picture->width + (size_t)left) * 3, row);
  if (status == LEUKO_OK) status = image_resize(&part, width, height, small, error);
  for (int i = 0; i < height && y + i < view.side && status == LEUKO_OK; i++)
    memcpy(out + ((size_t)(y + i) * (size_t)view.side + (size_t)x) * 3,
           small + (size_t)i * (size_t)width * 3,
           (size_t)(x + width < view.side ? width : view.side - x) * 3);
  image_free(&part);
  free(small);
  return status;
}

leuko_status explain_paint(const image *picture, explain_region region, const explain_map *map,
                           double strongest, explain_view view, uint8_t *out, leuko_error *error) {
  leuko_status status = show(picture, view, out, error);
  if (status != LEUKO_OK) return status;
  turn_grey(out, (size_t)view.side * (size_t)view.side);
  if (!(strongest > 0)) return LEUKO_OK;
  const double scale = (double)view.length / view.side;
  for (int i = 0; i < view.side; i++)
    for (int j = 0; j < view.side; j++) {
      const double x = (view.left + (j + 0.5) * scale - region.left) / region.width;
      const double y = (view.top + (i + 0.5) * scale - region.top) / region.height;
      if (x < 0 || y < 0 || x > 1 || y > 1) continue;
      blend(explain_value(map, x, y) / strongest,
            out + ((size_t)i * (size_t)view.side + (size_t)j) * 3);
    }
  return LEUKO_OK;
}

leuko_status explain_strongest(const explain_map *map, double *out, leuko_error *error) {
  const size_t places = (size_t)map->side * (size_t)map->side;
  double *amounts = malloc(places * sizeof *amounts);
  *out = 0;
  if (!amounts) return error_set_memory(error, places * sizeof *amounts);
  size_t used = 0;
  for (size_t i = 0; i < places; i++)
    if (map->values[i] != 0) amounts[used++] = fabs((double)map->values[i]);
  sort_doubles(amounts, used);
  if (used > 0) *out = amounts[map->method == EXPLAIN_GRADIENTS ? (used - 1) * 99 / 100 : used - 1];
  free(amounts);
  return LEUKO_OK;
}

/* Copies a square of pixels [side][side][3] to (x, y). */
static void place(image *page, int x, int y, const uint8_t *pixels, int side) {
  for (int i = 0; i < side; i++)
    memcpy(page->rgb + ((size_t)(y + i) * (size_t)page->width + (size_t)x) * 3,
           pixels + (size_t)i * (size_t)side * 3, (size_t)side * 3);
}

static void mix(uint8_t *rgb, double light) {
  for (int c = 0; c < 3; c++) rgb[c] = (uint8_t)lround(rgb[c] + light * (255 - rgb[c]));
}

/* The border of what `inside` says of a panel's pixels, as a thin light line. */
typedef bool insider(const void *what, double x, double y);

static void outline(uint8_t *pixels, explain_view view, insider *inside, const void *what) {
  const double scale = (double)view.length / view.side;
  for (int i = 0; i < view.side; i++)
    for (int j = 0; j < view.side; j++) {
      const double x = view.left + (j + 0.5) * scale, y = view.top + (i + 0.5) * scale;
      if (!inside(what, x, y) || (inside(what, x - scale, y) && inside(what, x + scale, y) &&
                                  inside(what, x, y - scale) && inside(what, x, y + scale)))
        continue;
      mix(pixels + ((size_t)i * (size_t)view.side + (size_t)j) * 3, 0.6);
    }
}

typedef struct {
  const image *picture;
  const uint8_t *mask;
} masked;

static bool on_cell(const void *what, double x, double y) {
  const masked *m = what;
  const int column = (int)floor(x), row = (int)floor(y);
  return column >= 0 && row >= 0 && column < m->picture->width && row < m->picture->height &&
         m->mask[(size_t)row * (size_t)m->picture->width + (size_t)column];
}

static bool in_region(const void *what, double x, double y) {
  const explain_region *r = what;
  return x >= r->left && y >= r->top && x < r->left + r->width && y < r->top + r->height;
}

/* The colours from 0, or from full strength against the class, to full strength for it. */
static leuko_status draw_scale(image *page, int x, int y, const explain_map *map, double strongest,
                               leuko_error *error) {
  const bool both = explain_method_signed(map->method);
  for (int j = 0; j < PANEL; j++) {
    const double along = (j + 0.5) / PANEL;
    uint8_t rgb[3] = {110, 110, 110};
    blend(both ? 2 * along - 1 : along, rgb);
    for (int i = 0; i < SCALE; i++)
      memcpy(page->rgb + ((size_t)(y + i) * (size_t)page->width + (size_t)(x + j)) * 3, rgb, 3);
  }
  char low[32] = "0", high[32];
  number_print(high, sizeof high, "%.3g", strongest);
  if (both) number_print(low, sizeof low, "-%.3g", strongest);
  int width = 0;
  leuko_status status = image_label_width(high, &width, error);
  y += SCALE;
  if (status == LEUKO_OK) status = image_label(page, x, y, low, ink, error);
  if (status == LEUKO_OK && both) status = image_label(page, x + PANEL / 2, y, "0", ink, error);
  if (status == LEUKO_OK) status = image_label(page, x + PANEL - width, y, high, ink, error);
  return status;
}

static leuko_status draw_map(image *page, int x, const image *picture, const uint8_t *mask,
                             explain_region region, const explain_map *map, explain_view view,
                             uint8_t *panel, leuko_error *error) {
  double strongest = 0;
  const masked cell = {picture, mask};
  leuko_status status = explain_strongest(map, &strongest, error);
  if (status == LEUKO_OK)
    status = explain_paint(picture, region, map, strongest, view, panel, error);
  if (status != LEUKO_OK) return status;
  outline(panel, view, on_cell, &cell);
  place(page, x, HEAD, panel, PANEL);
  char title[64];
  snprintf(title, sizeof title, "%s%s", explain_method_title(map->method),
           !(strongest > 0)                   ? ": nothing speaks for the class"
           : map->method == EXPLAIN_GRADIENTS ? ", the strongest 1 % alike"
                                              : "");
  status = image_label(page, x, HEAD + PANEL, title, ink, error);
  if (status == LEUKO_OK && strongest > 0)
    status = draw_scale(page, x, HEAD + PANEL + IMAGE_LABEL_HEIGHT, map, strongest, error);
  return status;
}

/* The region with a little around it, so that its frame is seen. */
static explain_view view_of(explain_region region) {
  const int longest = (int)fmax(region.width, region.height), length = longest + longest / 8 + 2;
  return (explain_view){.left = (int)(region.left + (region.width - length) / 2),
                        .top = (int)(region.top + (region.height - length) / 2),
                        .length = length,
                        .side = PANEL};
}

leuko_status explain_overlay(const image *picture, const uint8_t *mask, explain_region region,
                             const explain_map *maps, size_t count, const char *head, image *out,
                             leuko_error *error) {
  const int width = (int)(count + 1) * (PANEL + MARGIN) + MARGIN, height = HEAD + PANEL + FOOT;
  const explain_view view = view_of(region);
  *out = (image){width, height, malloc((size_t)width * (size_t)height * 3)};
  uint8_t *panel = malloc((size_t)PANEL * PANEL * 3);
  leuko_status status = LEUKO_OK;
  if (!out->rgb || !panel) status = error_set_memory(error, (size_t)width * (size_t)height * 3);
  if (status == LEUKO_OK) {
    memset(out->rgb, 40, (size_t)width * (size_t)height * 3);
    status = show(picture, view, panel, error);
  }
  if (status == LEUKO_OK) {
    outline(panel, view, in_region, &region);
    place(out, MARGIN, HEAD, panel, PANEL);
    status = image_label(out, MARGIN, MARGIN / 2, head, ink, error);
  }
  if (status == LEUKO_OK)
    status =
        image_label(out, MARGIN, HEAD + PANEL, "The network sees what is in the frame", ink, error);
  for (size_t i = 0; i < count && status == LEUKO_OK; i++)
    status = draw_map(out, MARGIN + (int)(i + 1) * (PANEL + MARGIN), picture, mask, region,
                      &maps[i], view, panel, error);
  free(panel);
  if (status != LEUKO_OK) image_free(out);
  return status;
}
