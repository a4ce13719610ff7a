/* The confusion matrix. */
#include "report/figures.h"

#include "base/error.h"
#include "report/gnuplot.h"
#include "report/script.h"
#include "report/words.h"

leuko_status figures_confusion(const char *folder, const char *title, const char *const names[2],
                               const size_t counts[2][2], leuko_error *error) {
  size_t totals[2] = {counts[0][0] + counts[0][1], counts[1][0] + counts[1][1]};
  if (totals[0] + totals[1] == 0)
    return error_set(error, LEUKO_NO_DATA, folder, NULL, "the confusion matrix is empty");
  figure_script script;
  leuko_status status = script_open(&script, folder, "confusion", title, 340, 280, error);
  if (status != LEUKO_OK) return status;
  file_writer *writer = &script.writer;
  /* Columns: answered, true, share of the row in per cent, count, as it is shown. */
  file_printf(writer, "$cells << END\n");
  for (int truth = 0; truth < 2; truth++)
    for (int answer = 0; answer < 2; answer++) {
      double share =
          totals[truth] ? 100 * (double)counts[truth][answer] / (double)totals[truth] : 0;
      char number[WORDS_NUMBER];
      file_printf(writer, "%d %d %.9g \"%s\"\n", answer, truth, share,
                  words_count(counts[truth][answer], number));
    }
  file_printf(writer, "END\n");
  static const char *const axes[] = {"x", "y"};
  for (int axis = 0; axis < 2; axis++) {
    file_printf(writer, "set %stics (", axes[axis]);
    for (int c = 0; c < 2; c++) {
      gnuplot_write_string(writer, names[c]);
      file_printf(writer, " %d%s", c, c == 0 ? ", " : ") noenhanced scale 0\n");
    }
  }
  file_printf(
      writer,
      "set size square\n"
      "set xrange [-0.5:1.5]\n"
      "set yrange [1.5:-0.5]\n"
      "set xlabel 'Answered'\n"
      "set ylabel 'True class'\n"
      "set cbrange [0:100]\n"
      "set cblabel 'Share of the true class (%%)'\n"
      "set palette defined (0 '#F7FBFF', 50 '#6BAED6', 100 '#08519C')\n"
      "set colorbox noborder\n"
      "unset key\n"
      /* White on the dark half of the palette, black on the light one. */
      "ink(share) = share > 55 ? 0xFFFFFF : 0x000000\n"
      "plot $cells using 1:2:3 with image pixels, \\\n"
      "  '' using 1:2:(sprintf(\"%%s\\n%%.1f %%%%\", strcol(4), $3)):(ink($3)) with labels \\\n"
      "    tc rgb variable\n");
  return script_draw(&script, error);
}
