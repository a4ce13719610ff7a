/* One file of weights, whatever it holds: opened, listed, and every tensor read that says of itself
 * that it is small. The bytes go through a file in memory, so that all of the reading is run. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "weights/tensors.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_all(tensor_file *file) {
  enum { MOST = 4096 };
  float values[MOST];
  size_t count;
  const tensor *list = tensor_file_list(file, &count);
  for (size_t i = 0; i < count && i < 64; i++) {
    size_t product = 1;
    bool small = list[i].rank <= TENSORS_MAX_RANK;
    for (int d = 0; small && d < list[i].rank; d++)
      small = !__builtin_mul_overflow(product, list[i].dims[d], &product) && product <= MOST;
    leuko_error error = {0};
    if (small) tensor_file_read(file, list[i].name, list[i].rank, list[i].dims, values, &error);
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  char path[64];
  int fd = memfd_create("weights", MFD_CLOEXEC);
  snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
  tensor_file *file = NULL;
  leuko_error error = {0};
  if (fd >= 0 && write(fd, data, size) == (ssize_t)size &&
      tensor_file_open(path, &file, &error) == LEUKO_OK) {
    read_all(file);
    tensor_file_close(file);
  }
  if (fd >= 0) close(fd);
  return 0;
}
