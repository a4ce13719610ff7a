/* index.html: what explains the answers for some pictures, on one page. */
#ifndef REPORT_EXPLAIN_PAGE_H
#define REPORT_EXPLAIN_PAGE_H

#include "explain/cascade.h"
#include "explain/region.h"

/* A picture that was explained, or refused. */
typedef struct {
  const char *path;
  leuko_answer answer;
  char overlay[128];                    /* file beside the page; "" for a refused picture */
  explain_share share[EXPLAIN_METHODS]; /* of each of the methods, in their order */
  double completeness[EXPLAIN_METHODS]; /* integrated gradients: by how much their sum misses the
                                           logit's change, relative to it; else NaN */
} explained;

typedef struct {
  const model *m;
  int models; /* that answer as one; maps are means of theirs */
  const char *layer;
  const explain_method *methods; /* [method_count] */
  size_t method_count;
  const explained *pictures; /* [count] */
  size_t count;
  /* For each of the methods [stage_count], or NULL where no picture was there to be checked. */
  explain_likeness *likeness[EXPLAIN_METHODS];
  size_t draws[EXPLAIN_METHODS]; /* of random weights */
  char (*stages)[48];            /* names [stage_count] */
  size_t stage_count;
} explanation;

/* What a check says in one sentence, into out [size]: of method number `index`. */
void explain_words_random(const explanation *x, size_t index, char *out, size_t size);
void explain_words_cell(const explanation *x, size_t index, char *out, size_t size);
/* Mean share on the cell and of its area over the pictures that have a map. */
explain_share explain_mean_share(const explanation *x, size_t index);

/* Writes the page to `path`. Errors: those of writing. */
leuko_status explain_page_write(const explanation *x, const char *path, leuko_error *error);

#endif
