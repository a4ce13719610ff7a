#include "report/cell_map.h"

#include <stdlib.h>

#include "base/error.h"
#include "base/file.h"
#include "base/threads.h"
#include "explain/overlay.h"
#include "image/write.h"
#include "report/html.h"
#include "report/thumb.h"

struct cell_maps {
  const study_run *run;
  int fold; /* whose model it is; that of the run stands for the first one */
  model m;  /* of another fold */
  bool loaded;
  explainer *e;
};

static const model *model_of(const cell_maps *maps) {
  return maps->loaded ? &maps->m : &maps->run->m;
}

static void leave_fold(cell_maps *maps) {
  explain_close(maps->e);
  maps->e = NULL;
  if (maps->loaded) model_free(&maps->m);
  maps->loaded = false;
}

/* One model at a time: those of a cross-validation may be large. */
static leuko_status enter_fold(cell_maps *maps, int fold, leuko_error *error) {
  leave_fold(maps);
  leuko_status status = LEUKO_OK;
  if (fold > 0) {
    char name[64], path[1024];
    snprintf(name, sizeof name, "fold-%d/best.safetensors", fold + 1);
    status = file_join(path, sizeof path, maps->run->folder, name, error);
    if (status == LEUKO_OK) status = model_load(path, &maps->m, error);
    maps->loaded = status == LEUKO_OK;
  }
  maps->fold = fold;
  if (status != LEUKO_OK) return status;
  return explain_open(model_of(maps), threads_count(0), "onednn", &maps->e, error);
}

leuko_status cell_maps_open(const study_run *run, cell_maps **out, leuko_error *error) {
  *out = NULL;
  if (!run->has_model || run->m.class_count != 2) return LEUKO_OK;
  for (int f = 0; f < run->folds; f++)
    if (!run->each[f].weights[0]) return LEUKO_OK;
  cell_maps *maps = calloc(1, sizeof *maps);
  if (!maps) return error_set_memory(error, sizeof *maps);
  maps->run = run;
  leuko_status status = enter_fold(maps, 0, error);
  if (status == LEUKO_OK) *out = maps;
  else cell_maps_close(maps);
  return status;
}

void cell_maps_close(cell_maps *maps) {
  if (!maps) return;
  leave_fold(maps);
  free(maps);
}

const char *cell_maps_layer(const cell_maps *maps) {
  return explain_layer(maps->e);
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

leuko_status cell_map_write(page *p, cell_maps *maps, size_t sample, const image *picture,
                            const image_cell *cell, int answer, leuko_error *error) {
  const int fold = maps->run->held_out ? maps->run->held_out[sample] : 0;
  if (fold != maps->fold) {
    leuko_status entered = enter_fold(maps, fold, error);
    if (entered != LEUKO_OK) return entered;
  }
  const model *m = model_of(maps);
  const size_t bytes = (size_t)m->net.size * (size_t)m->net.size * 3;
  uint8_t *pixels = malloc(bytes);
  if (!pixels) return error_set_memory(error, bytes);
  explain_map map = {0};
  leuko_status status = model_prepare(m, picture, pixels, NULL, error);
  if (status == LEUKO_OK)
    status = explain_run(maps->e, EXPLAIN_GRADCAM, pixels, answer ? m->positive : 1 - m->positive,
                         &map, error);
  free(pixels);
  if (status != LEUKO_OK) return status;
  const thumb_square square = thumb_square_of(picture, cell);
  const explain_view view = {square.left, square.top, square.side, THUMB_SIDE};
  status = write_picture(p, &map, explain_region_of(picture, m->crop), picture, view, error);
  explain_map_free(&map);
  return status;
}
