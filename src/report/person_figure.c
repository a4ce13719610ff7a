/* p of every cell, person by person. */
#include "base/error.h"
#include "report/figures.h"
#include "report/gnuplot.h"
#include "report/script.h"

/* Fixed heights within a line, so that equal p do not cover each other. */
static double offset_of(size_t i) {
  return ((double)(i * 7 % 11) / 10 - 0.5) * 0.56;
}

/* Lines: p, height, class. */
static void write_cells(file_writer *writer, const figure_person *persons, size_t count,
                        int label) {
  file_printf(writer, "$cells%d << END\n", label);
  size_t written = 0;
  for (size_t k = 0; k < count; k++) {
    const figure_person *one = &persons[k];
    const size_t drawn = one->n < FIGURES_STRIP_CELLS ? one->n : FIGURES_STRIP_CELLS;
    for (size_t i = 0; i < drawn; i++) {
      /* Evenly, with the first and the last. */
      const size_t at = drawn == one->n ? i : i * (one->n - 1) / (drawn - 1);
      if (one->labels[at] != label) continue;
      file_printf(writer, "%.4f %.3f\n", one->p[at], (double)(count - k) + offset_of(i));
      written++;
    }
  }
  if (written == 0) file_printf(writer, "NaN NaN\n");
  file_printf(writer, "END\n");
}

static void write_names(file_writer *writer, const figure_person *persons, size_t count) {
  file_printf(writer, "set ytics (");
  for (size_t k = 0; k < count; k++) {
    if (k) file_printf(writer, ", ");
    gnuplot_write_string(writer, persons[k].name);
    file_printf(writer, " %zu", count - k);
  }
  file_printf(writer, ") noenhanced scale 0 font ',10'\nset y2tics (");
  for (size_t k = 0; k < count; k++)
    file_printf(writer, "%s'%zu' %zu", k ? ", " : "", persons[k].n, count - k);
  file_printf(writer, ") scale 0 font ',10'\n");
}

leuko_status figures_persons(const char *folder, const char *title, const char *const names[2],
                             double threshold, const figure_person *persons, size_t count,
                             leuko_error *error) {
  if (count == 0) return error_set(error, LEUKO_NO_DATA, folder, NULL, "no person to draw");
  const int height = 116 + 16 * (int)count;
  figure_script script;
  leuko_status status = script_open(&script, folder, "persons", title, 400, height, error);
  if (status != LEUKO_OK) return status;
  file_writer *writer = &script.writer;
  write_cells(writer, persons, count, 0);
  write_cells(writer, persons, count, 1);
  file_printf(writer, "$means << END\n");
  for (size_t k = 0; k < count; k++) file_printf(writer, "%.4f %zu\n", persons[k].mean, count - k);
  file_printf(writer, "END\n");
  write_names(writer, persons, count);
  file_printf(writer,
              "set xrange [-0.02:1.02]\n"
              "set yrange [0.3:%zu.7]\n"
              "set y2range [0.3:%zu.7]\n"
              "set xtics 0.2\n"
              "set xlabel 'p('.",
              count, count);
  gnuplot_write_string(writer, names[1]);
  file_printf(writer,
              ".') of each cell' noenhanced\n"
              "set ylabel 'Subject'\n"
              "set y2label 'Cells'\n"
              "set grid y lc rgb '#EEEEEE' lw 0.5 lt 1\n"
              "set tmargin at screen %.4f\n"
              "set bmargin at screen %.4f\n"
              "set key at screen 0.06,%.4f left bottom vertical maxrows 2 Left reverse "
              "samplen 0.8 noenhanced\n"
              "set arrow from %.6f,graph 0 to %.6f,graph 1 nohead lc rgb '#777777' lw 1 dt "
              "(6,4) back\n"
              "plot $cells0 using 1:2 with points pt 7 ps 0.28 lc rgb '#700072B2' notitle, "
              "\\\n  $cells1 using 1:2 with points pt 7 ps 0.28 lc rgb '#70D55E00' notitle, "
              "\\\n  NaN with points pt 7 ps 0.6 lc rgb '#0072B2' title ",
              1 - (title && title[0] ? 34.0 : 10.0) / height, 94.0 / height, 4.0 / height,
              threshold, threshold);
  gnuplot_write_string(writer, names[0]);
  file_printf(writer, ".' cells', \\\n  NaN with points pt 7 ps 0.6 lc rgb '#D55E00' title ");
  gnuplot_write_string(writer, names[1]);
  file_printf(writer,
              ".' cells', \\\n  $means using 1:2 with points pt 5 ps 0.55 lc rgb 'black' "
              "title 'mean of the subject', \\\n"
              "  NaN with lines ls %d title 'threshold %.3f'\n",
              SCRIPT_GREY, threshold);
  return script_draw(&script, error);
}
