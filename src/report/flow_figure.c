/* Where the cells came from and went to, box by box. */
#include <string.h>

#include "report/figures.h"
#include "report/gnuplot.h"
#include "report/script.h"

#define WIDTH 372
#define LINE 15  /* of text */
#define MARGIN 8 /* around it, within a box */
#define ARROW 22 /* between boxes */

/* A box being placed: its centre and top; 1/96 inch from the figure's upper left corner. */
typedef struct {
  double x, top, width, bottom;
} box;

static int lines_of(const char *text) {
  int lines = 1;
  for (const char *c = text; *c; c++) lines += *c == '\n';
  return lines;
}

static double height_of(const char *text) {
  return text ? 2 * MARGIN + LINE * lines_of(text) : 0;
}

/* Draws the box with its text, the first line bold; `x` is its centre. */
static box write_box(file_writer *writer, const char *text, double x, double top, double width) {
  const box out = {x, top, width, top + height_of(text)};
  file_printf(writer,
              "set object rectangle from %g,%g to %g,%g fs empty border lc rgb '#555555' lw 0.8\n",
              x - width / 2, top, x + width / 2, out.bottom);
  int line_number = 0;
  for (const char *at = text, *end; at; at = *end ? end + 1 : NULL, line_number++) {
    char line[128];
    const double y = top + MARGIN + LINE * (line_number + 0.5);
    end = strchrnul(at, '\n');
    snprintf(line, sizeof line, "%.*s", (int)(end - at), at);
    file_printf(writer, "set label ");
    gnuplot_write_string(writer, line);
    file_printf(writer, " at %g,%g center noenhanced font '%s,%s'\n", x, y,
                at == text ? "Helvetica Bold" : "Helvetica", at == text ? "10.5" : "10");
  }
  return out;
}

static void write_arrow(file_writer *writer, double x, double y, double to_x, double to_y,
                        bool head) {
  file_printf(writer, "set arrow from %g,%g to %g,%g %s lc rgb '#555555' lw 0.8\n", x, y, to_x,
              to_y, head ? "head filled size screen 0.012,18" : "nohead");
}

static double larger(double a, double b) {
  return a > b ? a : b;
}

/* From below a box to the tops of two others, which stand side by side. */
static void write_fork(file_writer *writer, const box *from, double left, double right,
                       double top) {
  const double middle = top - ARROW / 2.0 - 2;
  write_arrow(writer, from->x, from->bottom, from->x, middle, false);
  write_arrow(writer, left, middle, right, middle, false);
  write_arrow(writer, left, middle, left, top, true);
  write_arrow(writer, right, middle, right, top, true);
}

/* The figure's height. */
static double total_height(const figure_flow *f) {
  double height = 2;
  if (f->found) height += larger(height_of(f->found), height_of(f->left_out)) + ARROW;
  if (f->usable) height += height_of(f->usable) + ARROW + 6;
  double train = height_of(f->train) + (f->kept ? ARROW + height_of(f->kept) : 0);
  double test = height_of(f->test) + (f->answered ? ARROW + height_of(f->answered) : 0);
  height += larger(train, test);
  if (f->outcomes[0])
    height += ARROW + 6 + larger(height_of(f->outcomes[0]), height_of(f->outcomes[1]));
  return height + 3;
}

static void write_boxes(file_writer *writer, const figure_flow *f) {
  const double left = 88, right = 283, wide = 173, middle = (left + right) / 2;
  double top = 2;
  box above = {middle, top, 0, top};
  if (f->found) {
    above = write_box(writer, f->found, left, top, wide);
    if (f->left_out) {
      const double y = top + height_of(f->found) / 2;
      const box out = write_box(writer, f->left_out, right, top, wide);
      write_arrow(writer, above.x + above.width / 2, y, out.x - out.width / 2, y, true);
      above.bottom = larger(above.bottom, out.bottom);
    }
    top = above.bottom + ARROW;
  }
  if (f->usable) {
    if (f->found) write_arrow(writer, above.x, 2 + height_of(f->found), above.x, top, true);
    above = write_box(writer, f->usable, f->found ? left : middle, top, wide);
    top = above.bottom + ARROW + 6;
  }
  box train = {0}, test = {0};
  if (f->train) train = write_box(writer, f->train, left, top, wide);
  if (f->test)
    test = write_box(writer, f->test, f->train ? right : f->usable ? above.x : middle, top, wide);
  if (f->usable && f->train && f->test) write_fork(writer, &above, left, right, top);
  else if (f->usable) write_arrow(writer, above.x, above.bottom, test.x, top, true);
  if (f->kept) {
    write_arrow(writer, train.x, train.bottom, train.x, train.bottom + ARROW, true);
    train = write_box(writer, f->kept, train.x, train.bottom + ARROW, wide);
  }
  if (f->answered) {
    write_arrow(writer, test.x, test.bottom, test.x, test.bottom + ARROW, true);
    test = write_box(writer, f->answered, test.x, test.bottom + ARROW, wide);
  }
  if (!f->outcomes[0]) return;
  /* Below both columns, so that the fork does not run through the training's. */
  const box from = {test.x, 0, 0, test.bottom};
  top = larger(train.bottom, test.bottom) + ARROW + 6;
  write_fork(writer, &from, left, right, top);
  for (int i = 0; i < 2; i++) write_box(writer, f->outcomes[i], i ? right : left, top, wide);
}

leuko_status figures_flow(const char *folder, const char *title, const figure_flow *flow,
                          leuko_error *error) {
  const int height = (int)total_height(flow) + 1;
  figure_script script;
  leuko_status status = script_open(&script, folder, "flow", title, WIDTH, height, error);
  if (status != LEUKO_OK) return status;
  file_writer *writer = &script.writer;
  file_printf(writer,
              "unset border\nunset tics\nunset key\n"
              "set lmargin at screen 0\nset rmargin at screen 1\n"
              "set tmargin at screen 1\nset bmargin at screen 0\n"
              "set xrange [0:%d]\nset yrange [%d:0]\n",
              WIDTH, height);
  write_boxes(writer, flow);
  file_printf(writer, "plot NaN notitle\n");
  return script_draw(&script, error);
}
