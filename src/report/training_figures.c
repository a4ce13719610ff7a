/* Training curves out of a run's history.csv. */
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/csv.h"
#include "base/error.h"
#include "report/figures.h"
#include "report/gnuplot.h"
#include "report/script.h"

enum { LOSS, ACCURACY, VAL_LOSS, VAL_ACCURACY, CURVES };

static const char *const column_names[CURVES] = {"loss", "accuracy", "val_loss", "val_accuracy"};

typedef struct {
  size_t epochs;
  double *epoch;          /* [epochs] */
  double *curves[CURVES]; /* [epochs] each; NaN where the field is empty */
  bool validated;         /* some epoch has both validation values */
  size_t best_accuracy;   /* row of the highest validation accuracy, the first of equals */
  size_t lowest_loss;     /* row of the lowest validation loss */
} history;

static void history_free(history *h) {
  free(h->epoch);
  *h = (history){0};
}

/* An empty field is NaN; anything else has to be a number. */
static bool read_number(const char *field, double *out) {
  char *end;
  *out = field[0] ? strtod(field, &end) : NAN;
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

static leuko_status read_history(const char *path, history *h, leuko_error *error) {
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

/* Lines alone vanish where there is one epoch, points crowd where there are many. */
static bool few_epochs(const history *h) {
  return h->epochs <= 12;
}

/* The data, and axes that all three figures share. */
static void write_history(file_writer *writer, const history *h) {
  file_printf(writer, "# epoch loss accuracy val_loss val_accuracy\n$history << END\n");
  for (size_t row = 0; row < h->epochs; row++) {
    file_printf(writer, "%g", h->epoch[row]);
    for (int c = 0; c < CURVES; c++) {
      if (isfinite(h->curves[c][row])) file_printf(writer, " %.9g", h->curves[c][row]);
      else file_printf(writer, " NaN");
    }
    file_printf(writer, "\n");
  }
  /* Half an epoch of room on each side, so that a single epoch has a range too. */
  file_printf(writer,
              "END\n"
              "set xlabel 'Epoch'\n"
              "set xrange [%g:%g]\n"
              "set offsets 0,0,graph 0.04,0\n"
              "set grid y lc rgb '#DDDDDD' lw 0.5 lt 1\n"
              "set key left bottom vertical Left reverse samplen 1.6 width -2\n",
              h->epoch[0] - 0.5, h->epoch[h->epochs - 1] + 0.5);
  if (few_epochs(h)) file_printf(writer, "set xtics 1\n");
}

static void write_curve(file_writer *writer, const history *h, int curve, int style,
                        const char *extra, const char *title) {
  file_printf(writer, "  $history using 1:%d with %s ls %d %s title '%s', \\\n", curve + 2,
              few_epochs(h) ? "linespoints" : "lines", style, extra, title);
}

/* An open circle at one row; `options` are its axes and title. */
static void write_mark(file_writer *writer, const history *h, int curve, size_t row, int style,
                       const char *options) {
  file_printf(writer, "  '+' using (%g):(%.9g) every ::0::0 with points ls %d pt 6 ps 1.1 %s, \\\n",
              h->epoch[row], h->curves[curve][row], style, options);
}

/* Training and validation of one quantity on one axis. */
static leuko_status draw_pair(const char *folder, const char *name, const char *title,
                              const history *h, int curve, leuko_error *error) {
  bool loss = curve == LOSS;
  int validation = loss ? VAL_LOSS : VAL_ACCURACY;
  size_t best = loss ? h->lowest_loss : h->best_accuracy;
  figure_script script;
  leuko_status status = script_open(&script, folder, name, title, 340, 270, error);
  if (status != LEUKO_OK) return status;
  file_writer *writer = &script.writer;
  write_history(writer, h);
  if (loss) file_printf(writer, "set ylabel 'Loss (cross-entropy, nats)'\nset yrange [0:*]\n");
  else
    file_printf(
        writer,
        "set ylabel 'Accuracy (share of cells)'\nset yrange [*:*<1]\nset format y '%%.2f'\n");
  file_printf(writer, "set key at screen 0.1,0.02 maxrows 2\nset bmargin at screen 0.3\nplot \\\n");
  write_curve(writer, h, curve, SCRIPT_BLUE, "", "training");
  if (h->validated) {
    char label[96];
    snprintf(label, sizeof label, "validation (circle: %s %.4f, epoch %g)",
             loss ? "lowest" : "highest", h->curves[validation][best], h->epoch[best]);
    write_curve(writer, h, validation, SCRIPT_VERMILION, "", label);
    write_mark(writer, h, validation, best, SCRIPT_VERMILION, "notitle");
  }
  file_printf(writer, "  NaN notitle\n");
  return script_draw(&script, error);
}

/* The circle's entry in the legend, with its value and epoch. */
static void write_titled_mark(file_writer *writer, const history *h, int curve, size_t row,
                              int style, const char *axes, const char *what) {
  char options[96];
  snprintf(options, sizeof options, "%s title '%s %.4f (epoch %g)'", axes, what,
           h->curves[curve][row], h->epoch[row]);
  write_mark(writer, h, curve, row, style, options);
}

/* Both quantities: colour tells the quantity, dashes tell training from validation. */
static leuko_status draw_both(const char *folder, const char *title, const history *h,
                              leuko_error *error) {
  figure_script script;
  leuko_status status = script_open(&script, folder, "loss_accuracy", title, 400, 320, error);
  if (status != LEUKO_OK) return status;
  file_writer *writer = &script.writer;
  write_history(writer, h);
  /* Three rows: the legend's left column is the loss, the right one the accuracy. */
  file_printf(writer,
              "set ylabel 'Loss (cross-entropy, nats)'\n"
              "set yrange [0:*]\n"
              "set y2label 'Accuracy (share of cells)'\n"
              "set y2range [*:*<1]\n"
              "set y2tics\n"
              "set format y2 '%%.2f'\n"
              "set key at screen 0.04,0.02 maxrows %d\n"
              "set bmargin at screen 0.32\n"
              "plot \\\n",
              h->validated ? 3 : 1);
  write_curve(writer, h, LOSS, SCRIPT_VERMILION, "dt (5,3)", "loss, training");
  if (h->validated) {
    write_curve(writer, h, VAL_LOSS, SCRIPT_VERMILION, "", "loss, validation");
    write_titled_mark(writer, h, VAL_LOSS, h->lowest_loss, SCRIPT_VERMILION, "", "lowest");
  }
  write_curve(writer, h, ACCURACY, SCRIPT_BLUE, "dt (5,3) axes x1y2", "accuracy, training");
  if (h->validated) {
    write_curve(writer, h, VAL_ACCURACY, SCRIPT_BLUE, "axes x1y2", "accuracy, validation");
    write_titled_mark(writer, h, VAL_ACCURACY, h->best_accuracy, SCRIPT_BLUE, "axes x1y2",
                      "highest");
  }
  file_printf(writer, "  NaN notitle\n");
  return script_draw(&script, error);
}

leuko_status figures_training(const char *run_folder, const char *title, leuko_error *error) {
  char path[1024], folder[1024];
  history h;
  leuko_status status = file_join(path, sizeof path, run_folder, "history.csv", error);
  if (status == LEUKO_OK) status = file_join(folder, sizeof folder, run_folder, "figures", error);
  if (status == LEUKO_OK) status = read_history(path, &h, error);
  if (status != LEUKO_OK) return status;
  status = draw_pair(folder, "accuracy", title, &h, ACCURACY, error);
  if (status == LEUKO_OK) status = draw_pair(folder, "loss", title, &h, LOSS, error);
  if (status == LEUKO_OK) status = draw_both(folder, title, &h, error);
  history_free(&h);
  return status;
}
