#include "explain/output.h"

#include "base/file.h"
#include "base/number.h"

leuko_status explain_write_csv(const explain_map *map, explain_region region, const char *path,
                               leuko_error *error) {
  file_writer w;
  leuko_status status = file_writer_open(&w, path, error);
  if (status != LEUKO_OK) return status;
  const locale_t before = number_point();
  file_printf(&w, "row,column,x,y,value\n");
  for (int i = 0; i < map->side; i++)
    for (int j = 0; j < map->side; j++)
      file_printf(&w, "%d,%d,%.2f,%.2f,%.9g\n", i, j,
                  region.left + (map->first + j * map->step) * region.width,
                  region.top + (map->first + i * map->step) * region.height,
                  (double)map->values[(size_t)i * (size_t)map->side + (size_t)j]);
  number_restore(before);
  return file_writer_commit(&w, error);
}
