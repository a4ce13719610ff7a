/* The weight files that are known by their digests. weights.h declares the list itself. */
#ifndef WEIGHTS_CATALOGUE_H
#define WEIGHTS_CATALOGUE_H

#include "weights/weights.h"

/* The entry whose size and digest a file has, or NULL. `sha256` is the file's. */
const weights_entry *catalogue_recognise(const void *data, size_t size, const char *sha256);

/* The folder weights/ in leuko's cache folder, made if missing. */
leuko_status catalogue_folder(char *out, size_t size, leuko_error *error);

#endif
