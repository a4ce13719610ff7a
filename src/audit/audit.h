/* What is wrong, or at least to be known, about a folder of cells before anything is trained on it.
 */
#ifndef AUDIT_AUDIT_H
#define AUDIT_AUDIT_H

#include <jansson.h>

#include "audit/encoding.h"
#include "audit/guess.h"
#include "dataset/split.h"
#include "image/mask.h"

/* Thumbnails correlate by at least this where two pictures count as near-duplicates. On C-NMC pairs
 * are rarest there: beneath are ever more that are unlike, above ever more copies. */
#define AUDIT_CORRELATION 0.92
#define AUDIT_OUTLIER 3.5    /* robust z */
#define AUDIT_CLIPPED 0.01   /* share of a cell's pixels with a channel at 255 */
#define AUDIT_LEVEL 0.01     /* of significance, shared by all clues */
#define AUDIT_SURE 0.6       /* balanced accuracy from which on a clue is named (two classes) */
#define AUDIT_SURE_LESS 0.65 /* the same of what a regression on the cell has left */
#define AUDIT_ROUNDS 1999    /* shuffles a clue */

/* What a cell's robust z is given of: (x - median) / (1.4826 median absolute deviation). */
typedef enum {
  AUDIT_AREA,      /* logarithm of the area */
  AUDIT_SHARPNESS, /* logarithm of the sharpness */
  AUDIT_RED,       /* means over the cell */
  AUDIT_GREEN,
  AUDIT_BLUE,
  AUDIT_SATURATION,
  AUDIT_MEASURES
} audit_measure;

/* What a cell is marked with: bits. */
typedef enum {
  AUDIT_NO_CELL = 1,      /* the mask is empty */
  AUDIT_SEVERAL = 2,      /* several pieces */
  AUDIT_ON_BORDER = 4,    /* the cell touches the picture's border */
  AUDIT_ODD_SIZE = 8,     /* area an outlier */
  AUDIT_BLURRED = 16,     /* sharpness an outlier downwards */
  AUDIT_OVEREXPOSED = 32, /* more than AUDIT_CLIPPED of the cell */
  AUDIT_ODD_COLOUR = 64,  /* red, green, blue or saturation an outlier */
  AUDIT_NOT_CUT_OUT = 128 /* the background is not black where that of most is */
} audit_flag;
#define AUDIT_FLAGS 8

typedef enum {
  AUDIT_BACKGROUND_BLACK,  /* every pixel outside the cell is 0, 0, 0 */
  AUDIT_BACKGROUND_TRACES, /* black to the eye, not to the byte, as JPEG leaves it */
  AUDIT_BACKGROUND_OTHER   /* not black */
} audit_background;

typedef struct {
  bool usable; /* the file was read; else all is zero */
  uint64_t bytes;
  char encoding[ENCODING_LENGTH];
  image_cell cell;
  int width, height; /* of the picture */
  audit_background background;
  double blocks; /* how much more often a step across the border of 8 x 8 blocks is larger than its
                    neighbours than one elsewhere is; 1: no blocks; NaN without a cell or steps */
  double detail; /* bits that the cell's pixels need after PNG's Paeth prediction: nearly what any
                    lossless file of them takes; 0 without a cell */
  double z[AUDIT_MEASURES]; /* NaN without a cell */
  unsigned flags;
} audit_cell;

/* How two files are the same. */
typedef enum {
  AUDIT_SAME_BYTES,
  AUDIT_SAME_PIXELS,
  AUDIT_SAME_ORIGINAL, /* by the manifest */
  AUDIT_NEAR,          /* they look the same */
  AUDIT_PAIR_KINDS
} audit_pair_kind;

/* Two files that show the same cell. Of n identical ones n - 1 pairs are listed, each with the
 * first; near ones are looked for among the first of the identical ones only. */
typedef struct {
  size_t a, b; /* samples, a < b */
  audit_pair_kind kind;
  int symmetry;       /* by which b looks like a; 0 of identical ones */
  double correlation; /* of the thumbnails; 1 of identical ones */
} audit_pair;

/* What a pair lies across: bits. */
enum { ACROSS_SUBJECTS = 1, ACROSS_FOLDS = 2, ACROSS_CLASSES = 4, ACROSS_SIDES = 8 };

/* Two subjects who share cells. */
typedef struct {
  const char *a, *b;              /* names, owned by the data set */
  size_t originals;               /* identical originals in the manifest */
  size_t originals_here;          /* of them, those that are here under both names */
  size_t pairs[AUDIT_PAIR_KINDS]; /* of files here */
  bool known; /* tied by dataset_tie: every split of leuko keeps the two together */
} audit_tie;

/* What a single value gives away of the class. */
typedef enum {
  AUDIT_SILENT,     /* no more than chance */
  AUDIT_NAMED,      /* the class can be guessed from it: whatever learns from these files may */
  AUDIT_CONVENTION, /* it holds the class by the data set's own convention; no pixel shows it */
  AUDIT_CONSTANT,   /* the same everywhere */
  AUDIT_UNTESTED    /* too few subjects, or nothing to compare with */
} audit_verdict;

/* Cells of each class in which a value occurs. */
typedef struct {
  char text[ENCODING_LENGTH];
  size_t cells[LEUKO_MAX_CLASSES];
} audit_value;
#define AUDIT_VALUES 10 /* listed of one clue */

typedef struct {
  const char *name;  /* "file format" */
  const char *about; /* one sentence; HTML-free */
  audit_verdict verdict;
  guess_score score; /* without a meaning if constant or untested */
  bool less_cell;    /* what the cell explains was subtracted, as well as that goes */
  bool by_subject;   /* subjects are guessed from other subjects; else cells from other cells */
  int values;        /* that occur, bins of numbers counted */
  audit_value listed[AUDIT_VALUES]; /* the most frequent first, or bins from low to high */
  int listed_count;
} audit_clue;
#define AUDIT_CLUES 16

typedef struct {
  const dataset *d; /* borrowed */
  char *manifest;   /* NULL: none */
  char *split;      /* NULL: none was given */
  dataset_ties ties;
  audit_cell *cells; /* [d->count] */
  size_t usable;
  size_t flagged[AUDIT_FLAGS];
  double median[AUDIT_MEASURES], spread[AUDIT_MEASURES]; /* of all cells; spread: of z */
  audit_pair *pairs; /* sorted: identical ones first, then near ones, the most alike first */
  size_t pair_count;
  size_t pairs_of[AUDIT_PAIR_KINDS];
  size_t across[AUDIT_PAIR_KINDS][4]; /* subjects, folds, classes, sides */
  audit_tie *tied;                    /* sorted by names */
  size_t tied_count;
  size_t persons; /* subjects, counted once if tied by identical or near cells */
  int *person;    /* [d->count]: equal for cells of subjects so tied */
  audit_clue clues[AUDIT_CLUES];
  int clue_count;
  size_t majority_cells; /* of the most frequent class, among labelled usable cells */
  size_t labelled;
  split_leaks leaks; /* of the split */
  size_t split_cells[2];
  const char **leaking; /* [person_leaks] their names, owned by the data set, sorted */
  size_t person_leaks;  /* subjects with a tied one (near-duplicates too) on the other side */
  char **findings;      /* [finding_count] sentences, the gravest first */
  size_t finding_count;
} audit;

typedef struct {
  const char *manifest; /* NULL: none */
  const char *split;    /* NULL: none */
  int threads;          /* 0: all processors */
} audit_options;

/* Looks at every usable sample of `d`, a scan with pixels; reads options->split into it, and ties
 * it. The caller ends with audit_free and keeps `d` until then. Errors: NO_DATA (no usable file),
 * those of reading manifest and split, INTERRUPTED, NO_MEMORY. */
leuko_status audit_run(dataset *d, const audit_options *options, const progress *p, audit *out,
                       leuko_error *error);
void audit_free(audit *a);

/* The balanced accuracy from which on a clue is named: as far above chance, with that many classes,
 * as AUDIT_SURE is with two (AUDIT_SURE_LESS where what the cell explains was subtracted). */
double audit_sure(int classes, bool less_cell);

/* What a pair lies across. */
unsigned audit_across(const dataset *d, const audit_pair *pair);

/* "same bytes", "same pixels", "same original", "near". */
const char *audit_pair_name(audit_pair_kind kind);
/* "no cell", "several pieces", ... of bit number `index`. */
const char *audit_flag_name(int index);
/* "area", "sharpness", "red", ... */
const char *audit_measure_name(audit_measure measure);
/* "named", "chance", "convention", "constant", "untested". */
const char *audit_verdict_name(audit_verdict verdict);

/* The result as JSON; NULL without memory. */
json_t *audit_json(const audit *a);
/* Writes folder/cells.csv, folder/pairs.csv and folder/audit.json; see docs/formats.md.
 * Errors: those of writing, NO_MEMORY. */
leuko_status audit_write(const audit *a, const char *folder, leuko_error *error);

#endif
