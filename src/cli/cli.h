/* What the commands share: one function per command, errors and progress on stderr. */
#ifndef CLI_CLI_H
#define CLI_CLI_H

#include <argp.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

#include "base/progress.h"
#include "leuko.h"

/* A command gets argv from its own name on ("leuko train DIR" -> argv[0] = "train") and returns the
 * exit code. */
int command_data(int argc, char **argv);
int command_train(int argc, char **argv);
int command_evaluate(int argc, char **argv);
int command_compare(int argc, char **argv);
int command_quantize(int argc, char **argv);
int command_predict(int argc, char **argv);
int command_explain(int argc, char **argv);
int command_shrink(int argc, char **argv);
int command_stress(int argc, char **argv);
int command_report(int argc, char **argv);
int command_features(int argc, char **argv);
int command_reproduce(int argc, char **argv);
int command_info(int argc, char **argv);
int command_bench(int argc, char **argv);
int command_weights(int argc, char **argv);

/* A command among others: its name, what does it, one line about it. */
typedef struct {
  const char *name;
  int (*run)(int argc, char **argv);
  const char *about;
} cli_command;

/* Prints a row for each of the commands. */
void cli_list_commands(FILE *out, const cli_command *commands, size_t count);
/* Runs the command that argv[1] names, which is then called "PARENT NAME"; `print_help` is for
 * those who ask for it, and for those who name none or another. Returns the exit code. */
int cli_run_command(const char *parent, const cli_command *commands, size_t count,
                    void (*print_help)(FILE *out), int argc, char **argv);

/* Prints "leuko: FILE: message (NAME)" and the remedy on stderr; returns the exit code. */
int cli_fail(const leuko_error *error);

/* A bar with the time left on stderr where that is a terminal; elsewhere a line at the end of every
 * phase. Its callback answers "stop" once SIGINT or SIGTERM has come (see cli_catch_signals). */
progress cli_progress(void);
/* Ends an open progress line. */
void cli_progress_end(void);
/* Prints a line on stderr, above an open bar, which goes on below it. */
void cli_progress_line(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* From now on SIGINT and SIGTERM ask the running call to stop; a second one ends the program. */
void cli_catch_signals(void);

/* Prints a JSON value on stdout with a newline and releases it (NULL: it could not be made).
 * Returns 0, or 1 on failure; what a buffer still holds, main writes. */
int cli_print_json(json_t *value);

/* Prints a field of a CSV on stdout, between quotes where it needs them. */
void cli_print_csv_field(const char *text);

/* Parses a whole number within [low, high] or ends the parser with a message naming the option. */
long cli_number(struct argp_state *state, const char *option, const char *text, long low,
                long high);
double cli_real(struct argp_state *state, const char *option, const char *text, double low,
                double high);

/* The most memory that this process has held so far, mapped cache files included. */
double cli_peak_megabytes(void);

#endif
