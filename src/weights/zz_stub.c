/* Temporary, not for commit: until the real ones are here. */
#include "weights/weights.h"
__attribute__((weak)) leuko_status weights_identify(const char *path, const char *network,
                                                    zoo_options *options, weights_source *out,
                                                    leuko_error *error) {
  (void)path;
  (void)network;
  (void)options;
  (void)out;
  (void)error;
  return LEUKO_NOT_FOUND;
}
__attribute__((weak)) leuko_status weights_load(const char *path, const net_graph *graph,
                                                float *params, weights_source *out,
                                                leuko_error *error) {
  (void)path;
  (void)graph;
  (void)params;
  (void)out;
  (void)error;
  return LEUKO_NOT_FOUND;
}
__attribute__((weak)) leuko_status weights_find(const char *network, const char *place,
                                                char *path_out, size_t size, leuko_error *error) {
  (void)network;
  (void)place;
  (void)path_out;
  (void)size;
  (void)error;
  return LEUKO_NOT_FOUND;
}
