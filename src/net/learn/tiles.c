#include "net/learn/learn.h"

learn_tiles learn_tiles_listed(net_shape stored, int side, int batch, const uint8_t *computed,
                               uint32_t *list) {
  const int rows = (stored.h + side - 1) / side, columns = (stored.w + side - 1) / side;
  learn_tiles tiles = {.count = (size_t)batch * (size_t)rows * (size_t)columns};
  if (!computed) return tiles;
  tiles = (learn_tiles){.list = list};
  uint32_t number = 0;
  for (int n = 0; n < batch; n++, computed += stored.h * stored.w)
    for (int y = 0; y < rows; y++)
      for (int x = 0; x < columns; x++, number++)
        if (skip_any(computed, stored, side, y, x)) list[tiles.count++] = number;
  return tiles;
}
