/* What a model makes of cells that something has happened to, and of pictures that are no cells. */
#ifndef EVALUATE_STRESS_H
#define EVALUATE_STRESS_H

#include <jansson.h>

#include "base/progress.h"
#include "image/corrupt.h"
#include "image/foreign.h"
#include "predict/ensemble.h"

#define STRESS_GROUPS (IMAGE_FOREIGN_KINDS + 1) /* of foreign pictures: drawn ones, and files */

/* What is asked. All pointers are borrowed. */
typedef struct {
  const char *const *files; /* [count] cells */
  const int *labels;        /* [count]: classes of the model */
  const int *models;        /* [count]: which of the models is shown it; those of one model stand
                               together */
  size_t count;
  const char *const
      *foreign; /* [foreign_count] files that show no cell of that kind; may be NULL */
  size_t foreign_count;
  int drawn; /* pictures of each drawn kind */
  int threads;
  uint64_t seed;
} stress_input;

/* Pictures that the model was shown, and what it said. */
typedef struct {
  size_t n;                             /* that could be read */
  size_t positive;                      /* answered positive */
  size_t changed;                       /* of cells: whose class is another than that of the cell as
                                           it was, rejected or not */
  size_t silent;                        /* of these: those that are answered all the same */
  size_t rejected;                      /* not answered */
  size_t by_reason[LEUKO_REASON_COUNT]; /* of these */
  size_t kept[2][2];                    /* of cells: [true][answered] of what is answered */
} stress_count;

/* Scores by which pictures could be rejected; higher is less like a cell. */
typedef enum { STRESS_DISTANCE, STRESS_PROBABILITY, STRESS_ENERGY, STRESS_SCORES } stress_score;

/* Whether the models had been trained on the cells, or on other cells of their persons. */
typedef enum { STRESS_UNKNOWN, STRESS_HELD_OUT, STRESS_TRAINED_ON, STRESS_SEEN } stress_seen;

typedef struct {
  /* What was shown to what, for those who read the result: set by the caller. */
  char folder[1024]; /* of the cells */
  size_t persons;    /* of whom they are; 0: not known */
  stress_seen seen;
  int model_count;                 /* more than one: each answered a part of all */
  int members;                     /* files of a model; more than one: they answered as one */
  char weights[ENSEMBLE_MOST][65]; /* [model_count * members], SHA-256 of the models' files */
  int positive;
  char classes[2][32]; /* of the model */
  stress_count clean;  /* the cells as they are */
  stress_count corrupted[IMAGE_CORRUPTIONS][IMAGE_CORRUPT_STEPS];
  stress_count foreign[STRESS_GROUPS]; /* by kind; the last: files */
  bool scored[STRESS_SCORES];          /* the distance: if the model holds it */
  double auc[STRESS_SCORES];           /* cells against all foreign pictures; of several models the
                                          mean, since their scores have scales of their own */
  double share[STRESS_SCORES]
              [STRESS_GROUPS]; /* rejected if 95 % of each model's cells are kept; NaN: none */
  double share_all[STRESS_SCORES];
} stress;

/* Shows each [model_count], of equally many members and of the same two classes, the cells as they
 * are, corrupted, and what is foreign, which is dealt to them in turn. Files that cannot be read
 * are left out. Errors: ARGUMENT (more classes), NO_DATA (no cell can be read), NO_MEMORY, BACKEND,
 * INTERRUPTED. */
leuko_status stress_run(ensemble *each, int model_count, const stress_input *input,
                        const progress *p, stress *out, leuko_error *error);

/* Mean of the shares of each class that are answered right, of what is answered; NaN without. */
double stress_balanced_accuracy(const stress_count *count);
/* 100 * part / n; 0 of nothing. */
double stress_percent(size_t part, size_t n);
/* The three most frequent reasons with their shares in per cent, "stain 40, blurred 2"; cut off at
 * `size`. */
void stress_reasons(const stress_count *count, char *out, size_t size);
/* "drawn blanks", ..., "foreign files"; a constant string. */
const char *stress_group_name(int group);
/* "Mahalanobis distance", ...; a constant string. */
const char *stress_score_name(stress_score score);

/* "held_out", ...; a constant string. */
const char *stress_seen_name(stress_seen seen);

/* As docs/formats.md describes stress.json: a new reference, NULL without memory. */
json_t *stress_json(const stress *s);
/* Writes stress.json and stress.csv into a folder. Errors: those of writing, NO_MEMORY. */
leuko_status stress_write(const char *folder, const stress *s, leuko_error *error);

/* Reads stress.json back. Errors: those of reading, BAD_DATA (also what was made with other
 * corruptions than this program has). */
leuko_status stress_read(const char *path, stress *out, leuko_error *error);

#endif
