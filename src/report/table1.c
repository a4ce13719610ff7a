#include "report/table1.h"

#include <math.h>
#include <string.h>

#include "base/file.h"

static const int columns[] = {ACCURACY, LOSS, VAL_ACCURACY, VAL_LOSS, VAL_AUC};

static leuko_status write_csv(const experiment *e, leuko_error *error) {
  char path[1024];
  file_writer writer;
  leuko_status status = file_join(path, sizeof path, e->folder, "table1.csv", error);
  if (status == LEUKO_OK) status = file_writer_open(&writer, path, error);
  if (status != LEUKO_OK) return status;
  file_printf(&writer, "model,preprocess,split,acc,loss,val_acc,val_loss,val_auc,"
                       "paper_acc,paper_loss,paper_val_acc,paper_val_loss\n");
  for (size_t i = 0; i < e->count; i++) {
    const experiment_run *run = &e->runs[i];
    const experiment_paper *paper = experiment_paper_of(run->job->model);
    file_printf(&writer, "%s,%s,%s", run->job->model, run->job->preprocess, run->job->split);
    for (size_t c = 0; c < sizeof columns / sizeof *columns; c++) {
      double value = experiment_last(run, columns[c]);
      if (isfinite(value)) file_printf(&writer, ",%.6f", value);
      else file_printf(&writer, ",");
    }
    file_printf(&writer, ",%.4f,%.4f,%.4f,%.4f\n", paper->accuracy, paper->loss,
                paper->val_accuracy, paper->val_loss);
  }
  return file_writer_commit(&writer, error);
}

static leuko_status write_markdown(const experiment *e, leuko_error *error) {
  char path[1024];
  file_writer writer;
  leuko_status status = file_join(path, sizeof path, e->folder, "table1.md", error);
  if (status == LEUKO_OK) status = file_writer_open(&writer, path, error);
  if (status != LEUKO_OK) return status;
  file_printf(&writer,
              "| network | preprocessing | split | training accuracy (share of cells) | training "
              "loss (nats) | validation accuracy (share of cells) | validation loss (nats) | "
              "validation AUC |\n|---|---|---|---|---|---|---|---|\n");
  for (size_t i = 0; i < e->count; i++) {
    const experiment_run *run = &e->runs[i];
    const experiment_paper *paper = experiment_paper_of(run->job->model);
    /* The paper's row above the first of its network. */
    if (i == 0 || strcmp(run->job->model, e->runs[i - 1].job->model) != 0)
      file_printf(&writer, "| %s, the paper | | image | %.4f | %.4f | %.4f | %.4f | |\n",
                  paper->title, paper->accuracy, paper->loss, paper->val_accuracy, paper->val_loss);
    file_printf(&writer, "| %s | %s | %s |", paper->title,
                strcmp(run->job->preprocess, "paper") == 0 ? "divided by 255" : "as its weights",
                run->job->split);
    for (size_t c = 0; c < sizeof columns / sizeof *columns; c++) {
      double value = experiment_last(run, columns[c]);
      if (isfinite(value)) file_printf(&writer, " %.4f |", value);
      else file_printf(&writer, " |");
    }
    file_printf(&writer, "\n");
  }
  return file_writer_commit(&writer, error);
}

leuko_status table1_write(const experiment *e, leuko_error *error) {
  leuko_status status = write_csv(e, error);
  return status == LEUKO_OK ? write_markdown(e, error) : status;
}
