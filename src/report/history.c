#include "report/history.h"

#include <math.h>
#include <stdlib.h>

#include "base/csv.h"
#include "base/error.h"
#include "base/number.h"

static const char *const column_names[CURVES] = {"loss",         "accuracy", "val_loss",
                                                 "val_accuracy", "val_auc",  "seconds"};

void history_free(history *h) {
  free(h->epoch);
  *h = (history){0};
}

/* An empty field is NaN; anything else has to be a number. */
static bool read_number(const char *field, double *out) {
  char *end;
  *out = field[0] ? number_read(field, &end) : NAN;
  return !field[0] || *end == 0;
}

static leuko_status read_rows(const char *path, const csv *table, history *h, leuko_error *error) {
  int epoch = csv_column(table, "epoch"), columns[CURVES];
  for (int c = 0; c < CURVES; c++) columns[c] = csv_column(table, column_names[c]);
  if (epoch < 0 || columns[LOSS] < 0 || columns[ACCURACY] < 0)
    return error_set(error, LEUKO_BAD_CSV, path, "see docs/formats.md",
                     "the columns epoch, loss and accuracy are needed");
  for (size_t row = 0; row < table->rows; row++) {
    bool read = read_number(csv_field(table, row, epoch), &h->epoch[row]);
    for (int c = 0; c < CURVES; c++) {
      const char *field = columns[c] < 0 ? "" : csv_field(table, row, columns[c]);
      read = read && read_number(field, &h->curves[c][row]);
    }
    if (!read || !isfinite(h->epoch[row]))
      return error_set(error, LEUKO_BAD_CSV, path, "see docs/formats.md",
                       "row %zu holds a field that is not a number", row + 1);
  }
  return LEUKO_OK;
}

static void find_marks(history *h) {
  for (size_t row = 0; row < h->epochs; row++) {
    double loss = h->curves[VAL_LOSS][row], accuracy = h->curves[VAL_ACCURACY][row];
    if (!isfinite(loss) || !isfinite(accuracy)) continue;
    if (!h->validated || accuracy > h->curves[VAL_ACCURACY][h->best_accuracy])
      h->best_accuracy = row;
    if (!h->validated || loss < h->curves[VAL_LOSS][h->lowest_loss]) h->lowest_loss = row;
    h->validated = true;
  }
}

leuko_status history_read(const char *path, history *h, leuko_error *error) {
  *h = (history){0};
  csv table;
  leuko_status status = csv_read(path, ',', &table, error);
  if (status != LEUKO_OK) return status;
  h->epochs = table.rows;
  /* One block: the epochs' numbers, then the curves. */
  if (table.rows == 0)
    status = error_set(error, LEUKO_NO_DATA, path, "train for an epoch first", "no epoch in it");
  else if (!(h->epoch = calloc(table.rows, (CURVES + 1) * sizeof(double))))
    status = error_set_memory(error, table.rows * (CURVES + 1) * sizeof(double));
  if (status == LEUKO_OK) {
    for (int c = 0; c < CURVES; c++) h->curves[c] = h->epoch + (size_t)(c + 1) * table.rows;
    status = read_rows(path, &table, h, error);
  }
  csv_free(&table);
  if (status == LEUKO_OK) find_marks(h);
  else history_free(h);
  return status;
}
