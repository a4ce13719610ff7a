/* What the subcommands of `leuko data` share. */
#ifndef CLI_DATA_H
#define CLI_DATA_H

#include "cli/cli.h"
#include "dataset/subjects.h"

int data_scan(int argc, char **argv);
int data_verify(int argc, char **argv);
int data_audit(int argc, char **argv);
int data_split(int argc, char **argv);
int data_synth(int argc, char **argv);

/* What scan, audit and split take alike. */
typedef struct {
  const char *folder, *manifest;
  dataset_options options;
  bool json;
} data_arguments;

/* The parser of these, for the `children` of a command's: on ARGP_KEY_INIT the command points
 * state->child_inputs[0] at its data_arguments, unless they are all that it takes. */
extern const struct argp_child data_shared[];

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
