#include "report/cell_map.h"

#include <stdlib.h>

#include "base/error.h"
#include "base/threads.h"
#include "explain/overlay.h"
#include "image/write.h"
#include "report/html.h"
#include "report/thumb.h"

leuko_status cell_map_open(const study_run *run, explainer **out, leuko_error *error) {
  *out = NULL;
  if (!run->has_model || run->m.class_count != 2) return LEUKO_OK;
  return explain_open(&run->m, threads_count(0), "onednn", out, error);
}

static leuko_status write_picture(page *p, const explain_map *map, explain_region region,
                                  const image *picture, explain_view view, leuko_error *error) {
  uint8_t pixels[THUMB_SIDE * THUMB_SIDE * 3], *png = NULL;
  const image painted = {THUMB_SIDE, THUMB_SIDE, pixels};
  double strongest = 0;
  size_t size = 0;
  leuko_status status = explain_strongest(map, &strongest, error);
  if (status == LEUKO_OK)
    status = explain_paint(picture, region, map, strongest, view, pixels, error);
  if (status == LEUKO_OK) status = image_encode(&painted, IMAGE_PNG, &png, &size, error);
  if (status == LEUKO_OK) html_png(p->w, png, size, "its Grad-CAM map");
  free(png);
  return status;
}

leuko_status cell_map_write(page *p, const study_run *run, explainer *e, const image *picture,
                            const image_cell *cell, int answer, leuko_error *error) {
  const model *m = &run->m;
  const size_t bytes = (size_t)m->net.size * (size_t)m->net.size * 3;
  uint8_t *pixels = malloc(bytes);
  if (!pixels) return error_set_memory(error, bytes);
  explain_map map = {0};
  leuko_status status = model_prepare(m, picture, pixels, NULL, error);
  if (status == LEUKO_OK)
    status = explain_run(e, EXPLAIN_GRADCAM, pixels, answer ? m->positive : 1 - m->positive, &map,
                         error);
  free(pixels);
  if (status != LEUKO_OK) return status;
  const thumb_square square = thumb_square_of(picture, cell);
  const explain_view view = {square.left, square.top, square.side, THUMB_SIDE};
  status = write_picture(p, &map, explain_region_of(picture, m->crop), picture, view, error);
  explain_map_free(&map);
  return status;
}
