#include "base/threads.h"

#include <sched.h>

int threads_count(int wanted) {
  if (wanted > 0) return wanted;
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) != 0) return 1;
  int count = CPU_COUNT(&set);
  return count > 0 ? count : 1;
}
