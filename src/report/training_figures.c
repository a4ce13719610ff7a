/* Training curves out of a run's history.csv. */
#include <math.h>
#include <stdbool.h>

#include "base/number.h"
#include "report/figures.h"
#include "report/gnuplot.h"
#include "report/history.h"
#include "report/script.h"

#define DRAWN (VAL_ACCURACY + 1) /* columns that the scripts hold */

/* Lines alone vanish where there is one epoch, points crowd where there are many. */
static bool few_epochs(const history *h) {
  return h->epochs <= 12;
}

/* The data, and axes that all three figures share. */
static void write_history(file_writer *writer, const history *h) {
  file_printf(writer, "# epoch loss accuracy val_loss val_accuracy\n$history << END\n");
  for (size_t row = 0; row < h->epochs; row++) {
    file_printf(writer, "%g", h->epoch[row]);
    for (int c = 0; c < DRAWN; c++) {
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

/* The range of accuracy on axis "y" or "y2": never so small that its ticks become equal. */
static void write_accuracy_range(file_writer *writer, const history *h, const char *axis) {
  double low = 1, high = 0;
  for (size_t row = 0; row < h->epochs; row++) {
    low = fmin(low, fmin(h->curves[ACCURACY][row], h->curves[VAL_ACCURACY][row]));
    high = fmax(high, fmax(h->curves[ACCURACY][row], h->curves[VAL_ACCURACY][row]));
  }
  double middle = fmin((low + high) / 2, 0.96);
  file_printf(writer, "set %srange [*<%.4f:%.4f<*<1]\nset format %s '%%.2f'\n", axis, middle - 0.04,
              middle + 0.04, axis);
}

/* Training and validation of one quantity on one axis. */
static leuko_status draw_pair(const char *folder, const char *prefix, const char *title,
                              const history *h, int curve, leuko_error *error) {
  bool loss = curve == LOSS;
  int validation = loss ? VAL_LOSS : VAL_ACCURACY;
  size_t best = loss ? h->lowest_loss : h->best_accuracy;
  char name[64];
  snprintf(name, sizeof name, "%s%s", prefix, loss ? "loss" : "accuracy");
  figure_script script;
  leuko_status status = script_open(&script, folder, name, title, 340, 270, error);
  if (status != LEUKO_OK) return status;
  file_writer *writer = &script.writer;
  write_history(writer, h);
  if (loss) {
    file_printf(writer, "set ylabel 'Loss (cross-entropy, nats)'\nset yrange [0:*]\n");
  } else {
    file_printf(writer, "set ylabel 'Accuracy (share of cells)'\n");
    write_accuracy_range(writer, h, "y");
  }
  file_printf(writer, "set key at screen 0.1,0.02 maxrows 2\nset bmargin at screen 0.3\nplot \\\n");
  write_curve(writer, h, curve, SCRIPT_BLUE, "", "training");
  if (h->validated) {
    char label[96];
    number_print(label, sizeof label, "validation (circle: %s %.4f, epoch %g)",
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
  number_print(options, sizeof options, "%s title '%s %.4f (epoch %g)'", axes, what,
               h->curves[curve][row], h->epoch[row]);
  write_mark(writer, h, curve, row, style, options);
}

/* Both quantities: colour tells the quantity, dashes tell training from validation. */
static leuko_status draw_both(const char *folder, const char *prefix, const char *title,
                              const history *h, leuko_error *error) {
  char name[64];
  snprintf(name, sizeof name, "%sloss_accuracy", prefix);
  figure_script script;
  leuko_status status = script_open(&script, folder, name, title, 400, 320, error);
  if (status != LEUKO_OK) return status;
  file_writer *writer = &script.writer;
  write_history(writer, h);
  write_accuracy_range(writer, h, "y2");
  /* Three rows: the legend's left column is the loss, the right one the accuracy. */
  file_printf(writer,
              "set ylabel 'Loss (cross-entropy, nats)'\n"
              "set yrange [0:*]\n"
              "set y2label 'Accuracy (share of cells)'\n"
              "set y2tics\n"
              "set key at screen 0.02,0.02 maxrows %d samplen 1.6 font ',10'\n"
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

leuko_status figures_curves(const char *run_folder, const char *folder, const char *prefix,
                            const char *title, leuko_error *error) {
  char path[1024];
  history h;
  leuko_status status = file_join(path, sizeof path, run_folder, "history.csv", error);
  if (status == LEUKO_OK) status = history_read(path, &h, error);
  if (status != LEUKO_OK) return status;
  status = draw_pair(folder, prefix, title, &h, ACCURACY, error);
  if (status == LEUKO_OK) status = draw_pair(folder, prefix, title, &h, LOSS, error);
  if (status == LEUKO_OK) status = draw_both(folder, prefix, title, &h, error);
  history_free(&h);
  return status;
}

leuko_status figures_training(const char *run_folder, const char *title, leuko_error *error) {
  char folder[1024];
  leuko_status status = file_join(folder, sizeof folder, run_folder, "figures", error);
  return status == LEUKO_OK ? figures_curves(run_folder, folder, "", title, error) : status;
}
