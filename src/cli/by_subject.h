/* Answers subject by subject: `leuko predict --by`. */
#ifndef CLI_BY_SUBJECT_H
#define CLI_BY_SUBJECT_H

#include <jansson.h>
#include <stdbool.h>

#include "cli/inputs.h"
#include "model/model.h"
#include "stats/proportion.h"

/* One person's cells, or those of whom nothing is known. */
typedef struct {
  char *name;                         /* of the person; "": nothing tells whose these are; owned */
  size_t cells;                       /* answered */
  size_t positive;                    /* of them answered with the positive class */
  size_t refused;                     /* files that could not be read */
  size_t rejected;                    /* pictures that the model does not answer for */
  size_t reasons[LEUKO_REASON_COUNT]; /* of these */
  double share;                       /* positive of cells; NaN without cells */
  stats_interval interval;            /* of the share */
  double mean_p;                      /* of the positive class; NaN without cells */
} subject_answers;

typedef struct {
  subject_answers *items; /* by name, those of whom nothing is known last */
  size_t count;
  char positive[MODEL_CLASS_NAME];
} subject_list;

/* Gathers the answers [list->count] of a model of two classes: by the subject that a C-NMC name
 * tells, tied names being one person unless the cells are drawn, or by the folder that a file lies
 * in, as it was named. The caller ends with by_subject_free. Errors: ARGUMENT (more classes),
 * NO_MEMORY. */
leuko_status by_subject(const input_list *list, const leuko_answer *answers, const model *m,
                        bool by_folder, subject_list *out, leuko_error *error);
void by_subject_free(subject_list *list);

/* On stdout: a table, and a sentence for each person. */
void by_subject_print(const subject_list *list);
/* subject,cells,positive,share,low,high,mean_p,refused,rejected,reasons */
void by_subject_print_csv(const subject_list *list);
/* An array of the same, with the sentence: a new reference; NULL without memory. */
json_t *by_subject_json(const subject_list *list);

#endif
