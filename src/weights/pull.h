/* The download of any entry, of the list or not. */
#ifndef WEIGHTS_PULL_H
#define WEIGHTS_PULL_H

#include "weights/weights.h"

/* weights_pull for an entry at hand. */
leuko_status pull_entry(const weights_entry *entry, const weights_pull_options *options,
                        const progress *watcher, char *path_out, size_t size, leuko_error *error);

#endif
