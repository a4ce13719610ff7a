/* Running tests once for each level of instructions that this processor has. */
#ifndef TESTS_EACH_LEVEL_H
#define TESTS_EACH_LEVEL_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "net/cpu.h"
#include "net/levels.h"

#define EACH_LEVEL_MOST 16 /* tests */

static inline int each_level_set(void **state) {
  return setenv("LEUKO_CPU", *state, 1);
}

/* `count` tests at all levels from `first` on, as far as the processor has them, net_cpu() giving
 * each in turn. They may not ask oneDNN, which keeps to the first level that it sees. Gives what
 * cmocka_run_group_tests gives. */
static inline int each_level_run(const struct CMUnitTest *tests, size_t count,
                                 net_cpu_level first) {
  struct CMUnitTest all[NET_LEVELS * EACH_LEVEL_MOST];
  char names[NET_LEVELS * EACH_LEVEL_MOST][96];
  const int most = (int)net_cpu();
  size_t used = 0;
  if (count > EACH_LEVEL_MOST) return 1;
  for (int level = (int)first < most ? (int)first : most; level <= most; level++)
    for (size_t i = 0; i < count; i++, used++) {
      const char *level_name = net_cpu_name((net_cpu_level)level);
      snprintf(names[used], sizeof names[used], "%s: %s", level_name, tests[i].name);
      all[used] = (struct CMUnitTest){.name = names[used],
                                      .test_func = tests[i].test_func,
                                      .setup_func = each_level_set,
                                      .initial_state = (void *)(uintptr_t)level_name};
    }
  return _cmocka_run_group_tests("at each level", all, used, NULL, NULL);
}

#endif
