#include "report/gap_figure.h"

#include <string.h>

#include "base/error.h"
#include "report/findings.h"
#include "report/script.h"

leuko_status gap_figure(const experiment *e, leuko_error *error) {
  char folder[1024];
  leuko_status status = file_join(folder, sizeof folder, e->folder, "figures", error);
  if (status != LEUKO_OK) return status;
  int pairs = 0;
  for (size_t i = 0; i < e->count; i++) {
    const experiment_job *job = e->runs[i].job;
    pairs += strcmp(job->split, "image") == 0 &&
             experiment_find(e, job->model, job->preprocess, "subject");
  }
  if (pairs == 0)
    return error_set(error, LEUKO_NO_DATA, folder, NULL, "no training is done on both splits");
  const int height = 124 + 34 * pairs;
  figure_script script;
  status = script_open(&script, folder, "gap", NULL, 420, height, error);
  if (status != LEUKO_OK) return status;
  file_writer *writer = &script.writer;
  file_printf(writer, "# row image subject paper baseline label\n$gap << END\n");
  int row = pairs;
  for (size_t i = 0; i < e->count; i++) {
    const experiment_run *image = &e->runs[i];
    const experiment_job *job = image->job;
    if (strcmp(job->split, "image") != 0) continue;
    const experiment_run *subject = experiment_find(e, job->model, job->preprocess, "subject");
    if (!subject) continue;
    const experiment_paper *paper = experiment_paper_of(job->model);
    char title[64];
    findings_title(image, title, sizeof title);
    file_printf(writer, "%d %.6f %.6f %.4f %.6f \"%s\"\n", row--,
                experiment_metric(image, "accuracy"), experiment_metric(subject, "accuracy"),
                paper->val_accuracy, experiment_metric(subject, "majority_accuracy"), title);
  }
  file_printf(
      writer,
      "END\n"
      "set yrange [0.5:%d.5]\n"
      "set xrange [*:*]\n"
      "set offsets graph 0.03,graph 0.03,0,0\n"
      "set xlabel 'Validation accuracy (share of cells)'\n"
      "set format x '%%.2f'\n"
      "set grid x lc rgb '#DDDDDD' lw 0.5 lt 1\n"
      "set bmargin at screen %.4f\n"
      "set key at screen 0.04,0.02 left bottom vertical maxrows 2 Left reverse samplen 1.2\n"
      "plot $gap using 2:1:($3-$2):(0) with vectors nohead lc rgb '#BBBBBB' lw 2 notitle, "
      "\\\n"
      "  '' using 3:1:ytic(6) with points ls %d pt 7 ps 1 title 'by subject', \\\n"
      "  '' using 2:1 with points ls %d pt 5 ps 0.9 title 'by image', \\\n"
      "  '' using 4:1 with points ls %d pt 4 ps 1 title 'the paper, by image', \\\n"
      "  '' using 5:1 with points ls %d pt 2 ps 0.7 title 'most frequent class'\n",
      pairs, 104.0 / height, SCRIPT_BLUE, SCRIPT_VERMILION, SCRIPT_VERMILION, SCRIPT_GREY);
  return script_draw(&script, error);
}
