/* A folder of cells: what is in it, of which class and of which subject.
 *
 * A scan lists every image file below a folder, sorted by path, each with the SHA-256 of its bytes
 * and of its pixels, and never drops one silently: a file that cannot be used carries its reason.
 * See docs/formats.md for the folders and files that are understood. */
#ifndef DATASET_DATASET_H
#define DATASET_DATASET_H

#include <stdbool.h>
#include <stddef.h>

#include "base/hash.h"
#include "base/progress.h"
#include "leuko.h"

/* The side of a split on which a cell lies. */
typedef enum { DATASET_NONE, DATASET_TRAIN, DATASET_TEST } dataset_part;

typedef struct {
  char *path;            /* relative to the root, parts joined by '/' */
  char sha256[HASH_HEX]; /* of the file's bytes; "" if they could not be read */
  char pixels[HASH_HEX]; /* of the decoded pixels; "" if refused or not asked for */
  char format[8];        /* "bmp", "png", "jpeg", "tiff", "webp" by content; "" if none of them */
  int width, height;     /* pixels; 0 if refused or not decoded */
  char *subject;         /* "" if unknown; C-NMC's names in capitals (h3 is H3) */
  int label;             /* index into classes; -1 if unlabelled */
  int fold;              /* of a folder fold_N; -1 without one */
  int held_out;          /* the fold of a cross-validation in which it is tested, from 0; -1: it
                            takes no part (dataset_deal, dataset_read_folds) */
  bool preliminary;      /* of the challenge's preliminary phase, which has its own label CSV */
  int group;             /* equal for cells whose subjects are tied (dataset_tie); -1 before */
  int twin;              /* equal for identical cells only (dataset_tie); -1 before */
  dataset_part part;     /* set by dataset_split or dataset_read_split */
  leuko_status status;   /* LEUKO_OK, or why the file was refused */
} dataset_sample;

/* A folder that was not entered. */
typedef struct {
  char *path;          /* relative to the root; "" for the root itself */
  leuko_status status; /* UNREADABLE, ...; OK: it was entered already, this is a second way to it */
} dataset_folder;

typedef struct {
  char *root; /* absolute, links resolved */
  dataset_sample *samples;
  size_t count;
  size_t refused;          /* samples whose status is not LEUKO_OK */
  dataset_folder *folders; /* those that were not entered */
  size_t folder_count;
  char *classes[LEUKO_MAX_CLASSES]; /* two: the negative one first; more: alphabetical */
  int class_count;                  /* 0 if nothing is labelled, else at least 2 */
  int positive;                     /* 1 with two classes; -1 otherwise */
  size_t ignored;                   /* visible files that are no images by name and by content */
  bool official;    /* subjects and labels come from C-NMC names, and the cells are real */
  bool synthetic;   /* a file SYNTHETIC.txt in the root or above it says that the cells are drawn */
  size_t indexed;   /* samples taken unread from the index of an earlier scan */
  char remark[320]; /* why nothing is labelled, or ""; one sentence */
} dataset;

/* Zero in every field gives the defaults. */
typedef struct {
  const char *positive; /* class whose probability is given; NULL: "all", else the last by name */
  const char *subjects; /* CSV `path,subject`; NULL: from C-NMC names */
  int threads;          /* 0: all processors */
  bool skip_pixels;     /* do not decode: no pixel hashes, damaged images are not noticed */
} dataset_options;

/* Lists the folder `root`. `options` and `p` may be NULL. On success, also if files were refused,
 * *out is owned by the caller (dataset_free); otherwise it is zeroed. Files that have not changed
 * since an earlier scan are taken from an index in the cache folder.
 * Errors: NOT_FOUND, UNREADABLE, NO_DATA (no image file), ARGUMENT (no such positive class),
 * BAD_CSV (a label or subjects CSV), INTERRUPTED, NO_MEMORY. */
leuko_status dataset_scan(const char *root, const dataset_options *options, const progress *p,
                          dataset *out, leuko_error *error);
void dataset_free(dataset *d);

/* What dataset_tie found. */
typedef struct {
  size_t subjects;      /* subjects by name */
  size_t tied_subjects; /* subjects that share cells with another name */
  size_t persons;       /* subjects, tied ones counted once */
  size_t twins;         /* cells of which an identical one is present */
  size_t contradicting; /* cells labelled otherwise than an identical one */
  size_t matched;       /* cells found in the manifest */
} dataset_ties;

/* Finds out which cells and subjects must stay together and sets `group` and `twin`: cells with the
 * same bytes, the same pixels or, by the manifest, the same original; subjects that share such
 * cells, in the folder or in the manifest; and those known of C-NMC 2019, manifest or not.
 * Cells without a known subject form a group each. `manifest` and `ties` may be NULL.
 * Errors: those of reading the manifest, NO_MEMORY. */
leuko_status dataset_tie(dataset *d, const char *manifest, dataset_ties *ties, leuko_error *error);

/* The name of the person that a C-NMC subject is known to be: of its tied names the first in
 * natural order ("1" of "20"), else `subject` itself. A constant, or `subject`. */
const char *dataset_person(const char *subject);

/* The manifest that belongs to the data: cnmc2019-manifest.tsv in the folder `root` or in the one
 * that holds it, into out [size]. False if there is none. */
bool dataset_find_manifest(const char *root, char *out, size_t size);

/* The file of a sample, root and path joined, into out [size]. Errors: TOO_LARGE. */
leuko_status dataset_sample_file(const dataset *d, size_t index, char *out, size_t size,
                                 leuko_error *error);

#endif
