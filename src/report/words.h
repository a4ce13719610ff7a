/* Numbers of an evaluation as a paper's text has them. */
#ifndef REPORT_WORDS_H
#define REPORT_WORDS_H

#include "evaluate/evaluate.h"

#define WORDS_NUMBER 32
/* "2,832" into out [WORDS_NUMBER], which is returned. */
const char *words_count(size_t count, char out[WORDS_NUMBER]);

/* The value of one of the scores that have intervals (STATS_AUC, ...); NaN where it has none. */
double words_score(const evaluation *e, int score);

/* "Area under the ROC curve" and the like, of the same scores. */
const char *words_score_name(int score);

#define WORDS_INTERVAL 112
/* "0.881 (0.719 to 0.955)" into out [WORDS_INTERVAL], which is returned; without an interval the
 * value alone, and a dash where the value is not defined. */
const char *words_interval(double value, stats_interval interval, char out[WORDS_INTERVAL]);
/* "+0.098" or "−0.098" into out [WORDS_NUMBER], which is returned. */
const char *words_signed(double value, char out[WORDS_NUMBER]);
/* The same as words_interval with signs, for differences. */
const char *words_difference(double value, stats_interval interval, char out[WORDS_INTERVAL]);

/* Appends to the text in out [size], cut where it is full; numbers have points. */
void words_add(char *out, size_t size, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* "ResNet-50", "VGG16", "CNN" for the zoo's names; others as they are. */
const char *words_network(const char *name);

#endif
