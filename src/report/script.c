#include "report/script.h"

#include "report/gnuplot.h"

leuko_status script_open(figure_script *script, const char *folder, const char *name,
                         const char *title, int width, int height, leuko_error *error) {
  *script = (figure_script){.folder = folder, .name = name, .width = width, .height = height};
  file_writer *writer = &script->writer;
  char path[1024], file[64];
  snprintf(file, sizeof file, "%s.gp", name);
  leuko_status status = file_make_folders(folder, error);
  if (status == LEUKO_OK) status = file_join(path, sizeof path, folder, file, error);
  if (status == LEUKO_OK) status = file_writer_open(writer, path, error);
  if (status != LEUKO_OK) return status;
  file_printf(writer, "# Drawn by leuko %s. To restyle it, edit this file and run: gnuplot %s\n",
              leuko_version(), file);
  file_printf(writer,
              "set encoding utf8\n"
              "set terminal svg size %d,%d font 'Helvetica,11' background 'white'\n"
              "set output '%s.svg'\n",
              width, height, name);
  file_printf(writer, "set style line %d lc rgb '#0072B2' lw 1.6 pt 7 ps 0.4\n", SCRIPT_BLUE);
  file_printf(writer, "set style line %d lc rgb '#D55E00' lw 1.6 pt 7 ps 0.4\n", SCRIPT_VERMILION);
  file_printf(writer, "set style line %d lc rgb '#777777' lw 1 dt (6,4)\n", SCRIPT_GREY);
  file_printf(writer, "set border lw 0.8\n"
                      "set tics nomirror out scale 0.6\n");
  if (title && title[0]) {
    file_printf(writer, "set title ");
    gnuplot_write_string(writer, title);
    file_printf(writer, " noenhanced offset 0,-0.5\n");
  }
  return LEUKO_OK;
}

void script_unit_square(figure_script *script, const char *title, int below, size_t rows) {
  const double height = script->height;
  file_printf(&script->writer,
              "set xrange [0:1]\n"
              "set yrange [0:1]\n"
              "set xtics 0.2\n"
              "set ytics 0.2\n"
              "set grid lc rgb '#DDDDDD' lw 0.5 lt 1\n"
              "set lmargin at screen 0.2\n"
              "set rmargin at screen 0.96\n"
              "set tmargin at screen %.4f\n"
              "set bmargin at screen %.4f\n"
              "set key at screen 0.06,%.4f left bottom vertical maxrows %zu Left reverse "
              "samplen 1.6\n",
              1 - (title && title[0] ? 34 : 14) / height, below / height, 4 / height, rows);
}

leuko_status script_draw(figure_script *script, leuko_error *error) {
  /* pngcairo counts fonts in points of 4/3 dots, and lines in dots: three times is four times. The
   * factor holds for labels with a size of their own, too. */
  file_printf(
      &script->writer,
      "set terminal pngcairo size %d,%d font 'Helvetica,11' fontscale 3 linewidth 4 pointscale 4\n"
      "set output '%s.png'\n"
      "replot\n"
      "unset output\n",
      4 * script->width, 4 * script->height, script->name);
  leuko_status status = file_writer_commit(&script->writer, error);
  return status == LEUKO_OK ? gnuplot_run(script->folder, script->name, error) : status;
}
