/* A run's history.csv in memory. */
#ifndef REPORT_HISTORY_H
#define REPORT_HISTORY_H

#include <stdbool.h>
#include <stddef.h>

#include "leuko.h"

/* The columns behind `epoch`; the first four are those that are drawn. */
enum { LOSS, ACCURACY, VAL_LOSS, VAL_ACCURACY, VAL_AUC, SECONDS, CURVES };

typedef struct {
  size_t epochs;
  double *epoch;          /* [epochs] */
  double *curves[CURVES]; /* [epochs] each; NaN where the field is empty */
  bool validated;         /* some epoch has validation loss and accuracy */
  size_t best_accuracy;   /* row of the highest validation accuracy, the first of equals */
  size_t lowest_loss;     /* row of the lowest validation loss */
} history;

/* Reads a file with the columns epoch, loss and accuracy, and as many of the others as it has. The
 * caller ends with history_free. Errors: those of reading, BAD_CSV, NO_DATA (no epoch in it),
 * NO_MEMORY. */
leuko_status history_read(const char *path, history *h, leuko_error *error);
void history_free(history *h);

#endif
