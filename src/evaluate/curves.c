/* roc.csv, pr.csv and calibration.csv. */
#include <math.h>

#include "base/error.h"
#include "base/file.h"
#include "evaluate/evaluate.h"
#include "stats/curves.h"

/* The threshold of a curve over logits as a probability; the first or last point's is infinite. */
static double as_probability(double logit) {
  return isfinite(logit) ? stats_sigmoid(logit) : logit;
}

static leuko_status write_curve(const char *folder, const char *name, const char *header,
                                const stats_curve *curve, leuko_error *error) {
  char path[1024];
  file_writer writer;
  leuko_status status = file_join(path, sizeof path, folder, name, error);
  if (status == LEUKO_OK) status = file_writer_open(&writer, path, error);
  if (status != LEUKO_OK) return status;
  file_printf(&writer, "%s\n", header);
  for (size_t i = 0; i < curve->n; i++)
    file_printf(&writer, "%.9g,%.9g,%.9g\n", as_probability(curve->threshold[i]), curve->x[i],
                curve->y[i]);
  return file_writer_commit(&writer, error);
}

static leuko_status write_calibration(const char *folder, const stats_reliability *r,
                                      leuko_error *error) {
  char path[1024];
  file_writer writer;
  leuko_status status = file_join(path, sizeof path, folder, "calibration.csv", error);
  if (status == LEUKO_OK) status = file_writer_open(&writer, path, error);
  if (status != LEUKO_OK) return status;
  file_printf(&writer, "bin,n,low,high,mean_p,share\n");
  for (size_t b = 0; b < r->bins; b++) {
    const stats_bin *bin = &r->bin[b];
    file_printf(&writer, "%zu,%zu,%.9g,%.9g,%.9g,%.9g\n", b + 1, bin->n, bin->low, bin->high,
                bin->mean_p, bin->share);
  }
  return file_writer_commit(&writer, error);
}

leuko_status evaluate_write_curves(const char *folder, const evaluation *e, leuko_error *error) {
  leuko_status status = write_calibration(folder, &e->reliability, error);
  if (status != LEUKO_OK || e->class_count != 2) return status;
  stats_curve curve;
  status = stats_roc(e->logits, e->labels, e->n, &curve, error);
  if (status == LEUKO_OK)
    status = write_curve(folder, "roc.csv", "threshold,false_positive_rate,true_positive_rate",
                         &curve, error);
  stats_curve_free(&curve);
  if (status == LEUKO_OK)
    status = stats_precision_recall(e->logits, e->labels, e->n, &curve, error);
  if (status == LEUKO_OK)
    status = write_curve(folder, "pr.csv", "threshold,recall,precision", &curve, error);
  stats_curve_free(&curve);
  return status;
}
