/* The parts of study_add, for study.c. */
#ifndef REPORT_STUDY_PARTS_H
#define REPORT_STUDY_PARTS_H

#include "report/study.h"

/* Reads what a run's folder holds beside the answers: descriptions, model, curves, and the split's
 * two sides. Files that are not there are left out. Errors: those of reading what is there. */
leuko_status study_read_files(study_run *run, leuko_error *error);
/* Reads the answers of predictions.csv into run->input, two classes only; *found is false where the
 * file is not there. Errors: those of reading, BAD_CSV, BAD_DATA, NO_MEMORY. */
leuko_status study_read_answers(study_run *run, bool *found, leuko_error *error);
/* Answers the tested cells of run->set with the run's model into run->input. Errors: NO_DATA,
 * BAD_DATA (other classes), those of the predictor, NO_MEMORY. */
leuko_status study_make_answers(study_run *run, const leuko_options *how, const progress *p,
                                leuko_error *error);
/* study_folds.c: counts run->folds, where the folder is that of a cross-validation. Errors: those
 * of reading, NOT_FOUND (it is not finished). */
leuko_status study_find_folds(study_run *run, leuko_error *error);
/* Reads each fold's folder, and from folds.csv the flow. Classes are set. Errors: those of reading.
 */
leuko_status study_read_folds(study_run *run, leuko_error *error);
/* Scores the folds; run->scores stands. Errors: BAD_DATA (evaluation.json), those of
 * evaluate_pooled. */
leuko_status study_score_folds(study_run *run, leuko_error *error);
/* Counts the subjects who have cells, they or a tied one, in more than one fold. Errors: NO_MEMORY.
 */
leuko_status study_parted_subjects(const dataset *set, size_t *subjects, leuko_error *error);

/* Reads stress.json, if it is there, into run->stressed, or of several models that answered as one
 * into s->others; run->stress_remark tells where it is of other models than those in the folder, or
 * not to be read. Errors: TOO_LARGE, NO_MEMORY. */
leuko_status study_read_stress(study *s, study_run *run, leuko_error *error);

/* The folder's own name, with a number behind it where it is taken in the study, into out [size].
 */
void study_set_name(const study *s, const char *folder, char *out, size_t size);
/* The two classes of C-NMC as the field writes them: "all" is a word of the language, too. */
void study_name_classes(char (*classes)[32], int count);

/* A JSON object of a folder; *out stays NULL where the file is not there. Errors: those of reading,
 * BAD_DATA. */
leuko_status study_read_json(const char *folder, const char *name, json_t **out,
                             leuko_error *error);
/* A subject and the part of a cell of it: 0 trained on, 1 tested on, or the fold, from 1. */
typedef struct {
  const char *subject;
  int part;
} study_place;

/* Sorts places [count] and adds their subjects to the flow's: all, of each side, of several parts.
 * A fold counts as tested on. */
void study_count_subjects(study_place *places, size_t count, study_flow *flow);

/* A class by its name; -1 for others. */
int study_class(const study_run *run, const char *name);

/* Takes the baselines of metrics.json into run->scores, if it has them. */
void study_read_baselines(study_run *run);

#endif
