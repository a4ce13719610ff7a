/* The command that trains a run again. */
#ifndef REPORT_REPEAT_H
#define REPORT_REPEAT_H

#include "report/study.h"

/* `leuko train ...` from run.json into out [size]; false where there is none. */
bool repeat_command(const study_run *run, char *out, size_t size);

#endif
