#include "report/stress_figure.h"

#include "report/gnuplot.h"
#include "report/script.h"

/* gnuplot's multiplot cannot be drawn a second time for the PNG: the panels lie in one plot, side
 * by side in units of a step and of a share. */
#define COLUMNS 4
#define ACROSS 7.4 /* from panel to panel, steps */
#define DOWN 1.75  /* shares */

static void write_point(file_writer *writer, double x, double y, const stress_count *count) {
  const double n = count->n > 0 ? (double)count->n : 1;
  file_printf(writer, "%.2f %.4f %.4f %.4f %.4f\n", x, y + (double)count->positive / n,
              y + (double)count->changed / n, y + (double)count->silent / n,
              y + (double)count->rejected / n);
}

static double left_of(int panel) {
  return panel % COLUMNS * ACROSS;
}

static double bottom_of(int panel) {
  const int row = panel / COLUMNS;
  return -DOWN * row;
}

/* A corruption of one step is no curve. */
static bool has_curve(int which) {
  return image_corruption_of((image_corruption)which)->amounts[1] > 0;
}

/* Data blocks: curves (x positive changed silent rejected), lines (x y length 0), texts (x y text).
 */
static int write_panels(file_writer *writer, const stress *s) {
  int panels = 0;
  file_printf(writer, "# x positive changed silent rejected\n$curves << END\n");
  for (int k = 0; k < IMAGE_CORRUPTIONS; k++) {
    if (!has_curve(k)) continue;
    const double x = left_of(panels), y = bottom_of(panels);
    write_point(writer, x, y, &s->clean);
    for (int step = 0; step < IMAGE_CORRUPT_STEPS; step++)
      write_point(writer, x + step + 1, y, &s->corrupted[k][step]);
    file_printf(writer, "\n");
    panels++;
  }
  file_printf(writer, "END\n# x y length\n$lines << END\n");
  for (int p = 0; p < panels; p++)
    for (int half = 0; half < 3; half++)
      file_printf(writer, "%.2f %.2f %d\n", left_of(p) - 0.3, bottom_of(p) + 0.5 * half,
                  IMAGE_CORRUPT_STEPS + 1);
  file_printf(writer, "END\n");
  return panels;
}

static void write_texts(file_writer *writer) {
  file_printf(writer, "# x y text\n$amounts << END\n");
  int panel = 0;
  for (int k = 0; k < IMAGE_CORRUPTIONS; k++) {
    if (!has_curve(k)) continue;
    const image_corruption_kind *kind = image_corruption_of((image_corruption)k);
    for (int step = 0; step < IMAGE_CORRUPT_STEPS; step++)
      file_printf(writer, "%.2f %.2f \"%g\"\n", left_of(panel) + step + 1, bottom_of(panel) - 0.17,
                  kind->amounts[step]);
    for (int half = 0; panel % COLUMNS == 0 && half < 3; half++)
      file_printf(writer, "%.2f %.2f \"%g\"\n", left_of(panel) - 0.8, bottom_of(panel) + 0.5 * half,
                  0.5 * half);
    panel++;
  }
  file_printf(writer, "END\n$titles << END\n");
  panel = 0;
  for (int k = 0; k < IMAGE_CORRUPTIONS; k++) {
    if (!has_curve(k)) continue;
    const image_corruption_kind *kind = image_corruption_of((image_corruption)k);
    file_printf(writer, "%.2f %.2f \"%s, %s\"\n", left_of(panel) - 0.3, bottom_of(panel) + 1.2,
                kind->name, kind->unit);
    panel++;
  }
  file_printf(writer, "END\n");
}

leuko_status stress_figure(const char *folder, const stress *s, leuko_error *error) {
  int panels = 0;
  for (int k = 0; k < IMAGE_CORRUPTIONS; k++) panels += has_curve(k);
  const int rows = (panels + COLUMNS - 1) / COLUMNS, height = 34 + 126 * rows;
  figure_script script;
  leuko_status status = script_open(&script, folder, "stress", NULL, 760, height, error);
  if (status != LEUKO_OK) return status;
  file_writer *writer = &script.writer;
  write_panels(writer, s);
  write_texts(writer);
  file_printf(writer,
              "unset border\nunset tics\n"
              "set lmargin at screen 0.01\nset rmargin at screen 0.99\n"
              "set tmargin at screen 0.99\nset bmargin at screen %.4f\n"
              "set xrange [-1.2:%.2f]\nset yrange [%.2f:1.4]\n"
              "set key at screen 0.04,%.4f left bottom horizontal maxrows 1 Left reverse samplen "
              "1.2\n"
              "plot $lines using 1:2:3:(0) with vectors nohead lc rgb '#DDDDDD' lw 0.8 notitle, "
              "\\\n  $curves using 1:2 with linespoints ls %d pt 7 ps 0.45 title ",
              32.0 / height, COLUMNS * ACROSS - 1, -DOWN * (rows - 1) - 0.35, 6.0 / height,
              SCRIPT_BLUE);
  char title[64];
  snprintf(title, sizeof title, "answered '%s'", s->classes[s->positive]);
  gnuplot_write_string(writer, title);
  file_printf(writer,
              ", \\\n  '' using 1:3 with linespoints ls %d pt 4 ps 0.4 title 'another class than "
              "before', \\\n  '' using 1:4 with linespoints ls %d pt 5 ps 0.45 title 'of these: "
              "answered', \\\n  '' using 1:5 with linespoints lc rgb '#000000' lw 1.4 pt 9 ps 0.55 "
              "title 'rejected', \\\n  $amounts using 1:2:3 with labels notitle, \\\n"
              "  $titles using 1:2:3 with labels left notitle\n",
              SCRIPT_GREY, SCRIPT_VERMILION);
  return script_draw(&script, error);
}
