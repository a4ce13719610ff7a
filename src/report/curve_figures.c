/* ROC and precision-recall curves, of one model or several. */
#include <math.h>

#include "base/error.h"
#include "report/figures.h"
#include "report/gnuplot.h"
#include "report/script.h"

/* Okabe and Ito's colours, the dark ones first; behind the last they begin anew, dashed. */
static const char *const colours[] = {"#0072B2", "#D55E00", "#009E73", "#CC79A7",
                                      "#E69F00", "#56B4E9", "#000000"};
#define COLOURS (sizeof colours / sizeof *colours)

static leuko_status check(const char *folder, const figure_curve *curves, size_t count,
                          leuko_error *error) {
  if (count == 0) return error_set(error, LEUKO_NO_DATA, folder, NULL, "no curve to draw");
  for (size_t c = 0; c < count; c++) {
    if (curves[c].n < 2)
      return error_set(error, LEUKO_NO_DATA, folder, NULL, "a curve of %zu points", curves[c].n);
    for (size_t i = 0; i < curves[c].n; i++)
      if (!isfinite(curves[c].x[i]) || !isfinite(curves[c].y[i]))
        return error_set(error, LEUKO_BAD_DATA, folder, "a curve needs cells of both classes",
                         "point %zu of the curve is not finite", i);
  }
  return LEUKO_OK;
}

/* Whether point i lies on the straight line, along an axis, from the point before to the next. */
static bool is_between(const figure_curve *c, size_t i) {
  if (i == 0 || i + 1 == c->n) return false;
  const bool upright = c->x[i - 1] <= c->x[i] && c->x[i] <= c->x[i - 1] && c->x[i] <= c->x[i + 1] &&
                       c->x[i + 1] <= c->x[i];
  const bool level = c->y[i - 1] <= c->y[i] && c->y[i] <= c->y[i - 1] && c->y[i] <= c->y[i + 1] &&
                     c->y[i + 1] <= c->y[i];
  return upright || level;
}

/* Blocks $curve0, $curve1, ... */
static void write_points(file_writer *writer, const figure_curve *curves, size_t count) {
  for (size_t c = 0; c < count; c++) {
    file_printf(writer, "$curve%zu << END\n", c);
    for (size_t i = 0; i < curves[c].n; i++)
      if (!is_between(&curves[c], i))
        file_printf(writer, "%.9g %.9g\n", curves[c].x[i], curves[c].y[i]);
    file_printf(writer, "END\n");
  }
}

/* The legend has a row for each curve and one for chance. */
static leuko_status open_curves(figure_script *script, const char *folder, const char *name,
                                const char *title, size_t count, leuko_error *error) {
  const int legend = 16 * (int)(count + 1);
  leuko_status status = script_open(script, folder, name, title, 340, 342 + legend, error);
  if (status == LEUKO_OK) script_unit_square(script, title, legend + 60, count + 1);
  return status;
}

static void write_plot(file_writer *writer, const figure_curve *curves, size_t count,
                       const char *area) {
  for (size_t c = 0; c < count; c++) {
    file_printf(writer, ", \\\n  $curve%zu using 1:2 with lines lc rgb '%s' lw 1.6 dt %s title ", c,
                colours[c % COLOURS], c < COLOURS ? "1" : "(6,3)");
    char entry[128];
    snprintf(entry, sizeof entry, "%.100s", curves[c].name);
    gnuplot_write_string(writer, entry);
    file_printf(writer, ".sprintf(' (%s %%.3f)', %.6f) noenhanced", area, curves[c].area);
  }
  file_printf(writer, "\n");
}

leuko_status figures_roc(const char *folder, const char *title, const figure_curve *curves,
                         size_t count, leuko_error *error) {
  figure_script script;
  leuko_status status = check(folder, curves, count, error);
  if (status == LEUKO_OK) status = open_curves(&script, folder, "roc", title, count, error);
  if (status != LEUKO_OK) return status;
  file_writer *writer = &script.writer;
  write_points(writer, curves, count);
  file_printf(writer,
              "set xlabel 'False positive rate (1 − specificity)'\n"
              "set ylabel 'True positive rate (sensitivity)'\n"
              "plot x with lines ls %d title 'chance (AUC 0.5)'",
              SCRIPT_GREY);
  write_plot(writer, curves, count, "AUC");
  return script_draw(&script, error);
}

leuko_status figures_precision_recall(const char *folder, const char *title,
                                      const figure_curve *curves, size_t count, double share,
                                      leuko_error *error) {
  figure_script script;
  leuko_status status = check(folder, curves, count, error);
  if (status == LEUKO_OK)
    status = open_curves(&script, folder, "precision_recall", title, count, error);
  if (status != LEUKO_OK) return status;
  file_writer *writer = &script.writer;
  write_points(writer, curves, count);
  file_printf(writer,
              "set xlabel 'Recall (sensitivity)'\n"
              "set ylabel 'Precision (share of right positive answers)'\n"
              "plot %.6f with lines ls %d title 'chance (%.3f)'",
              share, SCRIPT_GREY, share);
  write_plot(writer, curves, count, "area");
  return script_draw(&script, error);
}
