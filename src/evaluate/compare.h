/* Several models on the cells that all of them answered: are they different, or is it the patients?
 * From the files of evaluations (predictions.csv and metrics.json of a run folder or of `leuko
 * evaluate --out`), with two classes. */
#ifndef EVALUATE_COMPARE_H
#define EVALUATE_COMPARE_H

#include <jansson.h>

#include "evaluate/answers.h"
#include "stats/delong.h"
#include "stats/uncertainty.h"

#define COMPARE_MOST 16 /* runs */

typedef struct {
  const char *folder; /* borrowed */
  size_t own;         /* labelled cells that it answered */
  double scores[STATS_SCORES];
  stats_interval by_subject[STATS_SCORES];
} compare_run;

/* Run `first` and run `second`. */
typedef struct {
  size_t first, second;
  double differences[STATS_SCORES]; /* scores of the first minus those of the second */
  stats_interval by_subject[STATS_SCORES];
  stats_delong_test delong; /* of the areas; cells taken as independent */
} compare_pair;

typedef struct {
  char positive[32];
  size_t n;       /* cells that all answered */
  size_t persons; /* 0 where no subject is known: intervals are then by cell */
  compare_run runs[COMPARE_MOST];
  size_t run_count;
  compare_pair *pairs; /* every two runs, owned */
  size_t pair_count;
} comparison;

/* Compares `count` (2 .. COMPARE_MOST) folders; cells are the same where the bytes of their files
 * are. Who is one person, the first file that says so decides. The caller ends with compare_free.
 * Errors: those of reading, ARGUMENT (count), BAD_CSV, BAD_DATA (more than two classes, other
 * classes than the first run's, a cell labelled differently), NO_DATA (no cell is common),
 * NO_MEMORY. */
leuko_status compare_runs(const char *const *folders, size_t count, comparison *out,
                          leuko_error *error);
/* The same for answers in memory, run r called names[r] (borrowed by *out). The cells of each are
 * sorted as answers.h says; they and their tables are closed by this call, also on failure. */
leuko_status compare_answers(answers *runs, const char *const *names, size_t count, comparison *out,
                             leuko_error *error);
void compare_free(comparison *c);

/* As docs/formats.md describes it, a new reference owned by the caller; NULL without memory. */
json_t *compare_json(const comparison *c);

#endif
