/* The answers of an evaluation, read from its files, for compare.c. */
#ifndef EVALUATE_ANSWERS_H
#define EVALUATE_ANSWERS_H

#include "evaluate/predictions.h"

/* A labelled cell that was answered; strings belong to what was read. */
typedef struct {
  const char *path, *sha256, *person;
  int label, answer; /* 1 = positive */
  double score;      /* the logit */
} answers_cell;

typedef struct {
  predictions said;
  answers_cell *cells; /* [count], by SHA-256, then by path */
  size_t count;
  bool persons;        /* the file tells which subjects are one person */
  char classes[2][32]; /* the positive one last */
} answers;

/* Reads predictions.csv and metrics.json of a folder. The caller ends with answers_close. Errors:
 * those of reading, BAD_CSV (a column is missing), BAD_DATA (not two classes, a class or number
 * that is none), NO_MEMORY. */
leuko_status answers_open(const char *folder, answers *out, leuko_error *error);
void answers_close(answers *a);

/* Puts the cells in the order that they are kept in. */
void answers_sort(answers *a);

#endif
