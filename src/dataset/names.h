/* What the names of files and folders say. */
#ifndef DATASET_NAMES_H
#define DATASET_NAMES_H

#include <stdbool.h>
#include <stddef.h>

/* The folders of the challenge's two test phases, whose files are numbered. */
#define NAMES_PRELIMINARY "C-NMC_test_prelim_phase_data"
#define NAMES_FINAL "C-NMC_test_final_phase_data"

/* UID_<subject>_<image>_<cell>_<all|hem>, in any case, with anything behind that. */
typedef struct {
  char subject[16]; /* "17", "H3": digits, for healthy persons behind a capital H */
  bool blast;       /* all, not hem */
} cell_name;

/* Reads the last part of `path` as a C-NMC name; false if it is none. */
bool names_parse_cell(const char *path, cell_name *out);

/* The last part of a path. */
const char *names_base(const char *path);
/* Length of a file name without its last extension. */
size_t names_stem_length(const char *base);
/* The extension with its point, or "". */
const char *names_extension(const char *path);
/* True for the extensions of BMP, PNG, JPEG, TIFF, WebP and GIF (which is then refused by name). */
bool names_is_image(const char *path);

/* The folder that holds `path`, counted `up` folders above its file (0: the one it lies in), as a
 * piece of `path`: its start, with its length in *length. NULL where the path has no such folder.
 */
const char *names_folder(const char *path, size_t up, size_t *length);
/* True if the folder that holds `path` has that name; in `root` itself the root's own name counts.
 */
bool names_lies_in(const char *root, const char *path, const char *folder);

/* N of the innermost folder fold_N, else -1. */
int names_fold(const char *path);
/* 1 or 0 by the innermost folder named all or hem, in any case; -1 without one. */
int names_class_folder(const char *path);

#endif
