/* How far answers can be trusted: reliability diagram and intervals. */
#include <math.h>

#include "base/error.h"
#include "report/figures.h"
#include "report/gnuplot.h"
#include "report/script.h"

static void write_bins(file_writer *writer, const char *block, const stats_reliability *r) {
  file_printf(writer, "# mean_p share n\n$%s << END\n", block);
  for (size_t b = 0; b < r->bins; b++)
    file_printf(writer, "%.9g %.9g %zu\n", r->bin[b].mean_p, r->bin[b].share, r->bin[b].n);
  file_printf(writer, "END\n");
}

leuko_status figures_calibration(const char *folder, const char *title, const char *positive,
                                 const stats_reliability *bins, const stats_reliability *before,
                                 leuko_error *error) {
  const int height = before ? 394 : 378;
  figure_script script;
  leuko_status status = script_open(&script, folder, "calibration", title, 340, height, error);
  if (status != LEUKO_OK) return status;
  file_writer *writer = &script.writer;
  write_bins(writer, "bins", bins);
  if (before) write_bins(writer, "before", before);
  script_unit_square(&script, title, height - 268, 3);
  file_printf(writer, "set xlabel 'Probability given (mean of the bin)'\n"
                      "set ylabel 'Share of '.");
  gnuplot_write_string(writer, positive);
  file_printf(writer, ".' among them' noenhanced\nplot x with lines ls %d title 'as it should be'",
              SCRIPT_GREY);
  if (before)
    file_printf(writer,
                ", \\\n  $before using 1:2 with linespoints lc rgb '#999999' lw 1 pt 6 ps "
                "0.6 title 'before the temperature (error %.3f)'",
                before->error);
  file_printf(writer,
              ", \\\n  $bins using 1:2 with linespoints ls %d pt 7 ps 0.7 title 'as it is "
              "(error %.3f)'\n",
              SCRIPT_BLUE, bins->error);
  return script_draw(&script, error);
}

static void write_bound(file_writer *writer, double value) {
  if (isfinite(value)) file_printf(writer, " %.6f", value);
  else file_printf(writer, " NaN");
}

/* The axis: from 0 at the least to 1 at the most, with so few numbers that they have room beside
 * long names. */
static void write_range(file_writer *writer, const figure_interval *rows, size_t count) {
  double low = rows[0].value, high = rows[0].value;
  for (size_t r = 0; r < count; r++) {
    low = fmin(fmin(low, rows[r].value), fmin(rows[r].by_subject.low, rows[r].by_image.low));
    high = fmax(fmax(high, rows[r].value), fmax(rows[r].by_subject.high, rows[r].by_image.high));
  }
  const double width = high - low, step = width > 0.5   ? 0.2
                                          : width > 0.2 ? 0.1
                                          : width > 0.1 ? 0.05
                                                        : 0.02;
  low = fmax(0, step * floor(low / step));
  high = fmax(fmin(1, step * ceil(high / step)), low + step);
  const double beside = 0.03 * (high - low);
  file_printf(writer, "set xrange [%g:%g]\nset xtics %g\n", low - beside, high + beside, step);
}

leuko_status figures_intervals(const char *folder, const char *title, const char *axis,
                               const figure_interval *rows, size_t count, leuko_error *error) {
  if (count == 0) return error_set(error, LEUKO_NO_DATA, folder, NULL, "no score to draw");
  const int height = 96 + 30 * (int)count;
  bool by_image = false;
  figure_script script;
  leuko_status status = script_open(&script, folder, "intervals", title, 420, height, error);
  if (status != LEUKO_OK) return status;
  file_writer *writer = &script.writer;
  file_printf(writer, "# row value low high image_low image_high name\n$rows << END\n");
  for (size_t r = 0; r < count; r++) {
    file_printf(writer, "%zu %.6f", count - r, rows[r].value);
    write_bound(writer, rows[r].by_subject.low);
    write_bound(writer, rows[r].by_subject.high);
    write_bound(writer, rows[r].by_image.low);
    write_bound(writer, rows[r].by_image.high);
    by_image |= isfinite(rows[r].by_image.low) != 0;
    file_printf(writer, "\n");
  }
  file_printf(writer, "END\nset ytics (");
  for (size_t r = 0; r < count; r++) {
    if (r) file_printf(writer, ", ");
    gnuplot_write_string(writer, rows[r].name);
    file_printf(writer, " %zu", count - r);
  }
  file_printf(writer,
              ") noenhanced scale 0\n"
              "set yrange [0.4:%zu.6]\n",
              count);
  write_range(writer, rows, count);
  file_printf(writer, "set xlabel ");
  gnuplot_write_string(writer, axis);
  file_printf(
      writer,
      "\n"
      "set format x '%%.2f'\n"
      "set grid x lc rgb '#DDDDDD' lw 0.5 lt 1\n"
      "set bmargin at screen %.4f\n"
      "set key at screen 0.04,%.4f left bottom vertical maxrows 1 Left reverse samplen 1.2\n"
      "plot ",
      72.0 / height, 4.0 / height);
  if (by_image)
    file_printf(writer, "$rows using 2:($1-0.18):5:6 with xerrorbars lc rgb '#999999' lw 1.2 pt 7 "
                        "ps 0.4 title '95 %% by cell', \\\n  ");
  file_printf(writer,
              "$rows using 2:($1+%s):3:4 with xerrorbars ls %d lw 1.8 pt 7 ps 0.7 title '95 %% by "
              "person'\n",
              by_image ? "0.1" : "0", SCRIPT_BLUE);
  return script_draw(&script, error);
}
