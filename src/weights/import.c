#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "weights/catalogue.h"
#include "weights/weights.h"

leuko_status weights_check(const char *path, weights_source *out, leuko_error *error) {
  zoo_options options;
  net_graph *graph = NULL;
  float *params = NULL;
  leuko_status status = weights_identify(path, NULL, NULL, out, error);
  if (status == LEUKO_OK) status = zoo_defaults(out->network, &options, error);
  if (status != LEUKO_OK) return status;
  options.form = out->form;
  if (out->epsilon > 0) options.epsilon = out->epsilon;
  status = zoo_build_base(&options, &graph, error);
  if (status == LEUKO_OK) {
    params = malloc(graph->param_floats * sizeof *params);
    if (!params) status = error_set_memory(error, graph->param_floats * sizeof *params);
  }
  if (status == LEUKO_OK) status = weights_load(path, graph, params, NULL, error);
  net_graph_free(graph);
  free(params);
  return status;
}

/* The name under which weights_find looks for it: the publisher's, or one with source and digest.
 */
static void write_name(const weights_source *source, char *out, size_t size) {
  const weights_entry *entry = source->official ? weights_entry_find(source->official) : NULL;
  const char *end = strcmp(source->container, "hdf5") == 0 ? "h5" : source->container;
  if (entry) snprintf(out, size, "%s", entry->file);
  else snprintf(out, size, "%s-%.8s.%s", source->name, source->sha256, end);
}

leuko_status weights_import(const char *path, const char *folder, weights_source *out,
                            char *path_out, size_t size, leuko_error *error) {
  char cache[1024], name[128];
  file_map map;
  leuko_status status = weights_check(path, out, error);
  if (status == LEUKO_OK && folder) status = file_make_folders(folder, error);
  else if (status == LEUKO_OK) status = catalogue_folder(cache, sizeof cache, error);
  if (status != LEUKO_OK) return status;
  write_name(out, name, sizeof name);
  status = file_join(path_out, size, folder ? folder : cache, name, error);
  if (status == LEUKO_OK) status = file_map_open(path, 0, &map, error);
  if (status != LEUKO_OK) return status;
  status = file_write_all(path_out, map.data, map.size, error);
  file_unmap(&map);
  return status;
}
