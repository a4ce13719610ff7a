/* What the experiment has found, in words that follow from its numbers. Everything is HTML. */
#ifndef REPORT_FINDINGS_H
#define REPORT_FINDINGS_H

#include "base/file.h"
#include "report/experiment.h"

/* "ResNet-50, divided by 255", "VGG16" into out [size]: network and, where it has a choice,
 * preprocessing. */
void findings_title(const experiment_run *run, char *out, size_t size);

/* The answer in a few lines: a list. */
void findings_summary(const experiment *e, file_writer *writer);
/* The two splits: table and text. */
void findings_split(const experiment *e, file_writer *writer);
/* ResNet-50 with both preprocessings: text. */
void findings_preprocess(const experiment *e, file_writer *writer);
/* What the paper's Table I says, and whether it holds here: a table. */
void findings_conclusions(const experiment *e, file_writer *writer);

#endif
