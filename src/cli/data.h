/* What the subcommands of `leuko data` share. */
#ifndef CLI_DATA_H
#define CLI_DATA_H

#include "cli/cli.h"
#include "dataset/dataset.h"

int data_scan(int argc, char **argv);
int data_verify(int argc, char **argv);
int data_split(int argc, char **argv);
int data_synth(int argc, char **argv);

/* One subject's cells. */
typedef struct {
  const char *name; /* owned by the data set */
  int group;
  size_t cells[LEUKO_MAX_CLASSES]; /* of each class */
  size_t all;                      /* unlabelled ones, too */
  size_t tied;                     /* how many other subjects are tied to it */
  int fold;                        /* -1 without one, -2 in several */
} data_subject;

/* The subjects of the cells that are of `part` (DATASET_NONE: of all cells), refused ones left out,
 * in natural order. Freed by the caller; NULL without memory. */
data_subject *data_subjects(const dataset *d, dataset_part part, size_t *count);

/* Names every refused file and every folder that was not entered on stderr. Returns the exit code:
 * 0 if nothing was refused, 4 if something was, 3 if all was. */
int data_report_refused(const dataset *d);

/* Both as JSON: an array of {path, status}. */
json_t *data_refused_json(const dataset *d);
json_t *data_folders_json(const dataset *d);

/* Sets a member whose name may be any bytes, such as that of a class. */
void data_set_json(json_t *object, const char *name, json_t *value);

/* The manifest to use: `given`, else the one found beside the data, into out [size]; NULL if there
 * is none. */
const char *data_manifest(const dataset *d, const char *given, char *out, size_t size);

#endif
