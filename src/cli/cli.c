#include "cli/cli.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"

void cli_list_commands(FILE *out, const cli_command *commands, size_t count) {
  for (size_t i = 0; i < count; i++)
    fprintf(out, "  %-10s %s\n", commands[i].name, commands[i].about);
}

int cli_run_command(const char *parent, const cli_command *commands, size_t count,
                    void (*print_help)(FILE *out), int argc, char **argv) {
  if (argc < 2) {
    print_help(stderr);
    return 2;
  }
  if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 ||
      strcmp(argv[1], "help") == 0) {
    print_help(stdout);
    return 0;
  }
  for (size_t i = 0; i < count; i++) {
    if (strcmp(argv[1], commands[i].name) != 0) continue;
    char name[64];
    snprintf(name, sizeof name, "%s %s", parent, commands[i].name);
    argv[1] = name;
    return commands[i].run(argc - 1, argv + 1);
  }
  fprintf(stderr, "%s: there is no command '%s'\n\n", parent, argv[1]);
  print_help(stderr);
  return 2;
}

int cli_fail(const leuko_error *error) {
  cli_progress_end();
  fprintf(stderr, "leuko: %s%s%s (%s)\n", error->file, error->file[0] ? ": " : "",
          error->message[0] ? error->message : leuko_status_message(error->status),
          leuko_status_name(error->status));
  if (error->remedy[0]) fprintf(stderr, "  -> %s\n", error->remedy);
  return leuko_status_exit_code(error->status);
}

static volatile sig_atomic_t stop_asked;

static void on_signal(int number) {
  (void)number;
  stop_asked = 1;
}

void cli_catch_signals(void) {
  /* SA_RESETHAND: a second signal of the kind acts as usual and ends the program. */
  struct sigaction action = {.sa_handler = on_signal, .sa_flags = (int)SA_RESETHAND | SA_RESTART};
  sigemptyset(&action.sa_mask);
  sigaction(SIGINT, &action, NULL);
  sigaction(SIGTERM, &action, NULL);
}

static struct {
  char phase[64];
  double started, drawn;
  size_t first;
  bool open, terminal;
} bar;

void cli_progress_end(void) {
  if (bar.open) fputc('\n', stderr);
  bar.open = false;
  bar.phase[0] = 0;
}

void cli_progress_line(const char *format, ...) {
  if (bar.open) fputs("\r\033[K", stderr);
  va_list arguments;
  va_start(arguments, format);
  vfprintf(stderr, format, arguments);
  va_end(arguments);
  fputc('\n', stderr);
  bar.open = false;
  bar.drawn = 0;
}

/* Columns of the terminal behind stderr, at least 20. */
static size_t columns(void) {
  struct winsize size;
  if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return 80;
  return size.ws_col < 20 ? 20 : size.ws_col;
}

/* One line, cut to the terminal's width: a longer one could not be drawn over. */
static void draw(const char *phase, size_t done, size_t total, const char *note, double at) {
  char cells[25], line[320], time[32] = "";
  size_t filled = total ? done * 24 / total : 0;
  for (size_t i = 0; i < 24; i++) cells[i] = i < filled ? '#' : '.';
  cells[24] = 0;
  double spent = at - bar.started;
  bool last = done >= total;
  if (last || done > bar.first) {
    double left = last ? 0 : spent * (double)(total - done) / (double)(done - bar.first);
    long seconds = (long)((last ? spent : left) + 0.5);
    snprintf(time, sizeof time, "  %ld:%02ld%s", seconds / 60, seconds % 60, last ? "" : " left");
  }
  int length = snprintf(line, sizeof line, "%-22s [%s] %zu/%zu%s  %s", phase, cells, done, total,
                        time, note ? note : "");
  size_t most = columns() - 1;
  if ((size_t)length > most && most < sizeof line) line[most] = 0;
  fprintf(stderr, "\r\033[K%s", line);
  bar.open = true;
  fflush(stderr);
}

static int report(void *context, const char *phase, size_t done, size_t total, const char *note) {
  (void)context;
  double at = clock_seconds();
  if (strncmp(bar.phase, phase, sizeof bar.phase - 1) != 0) {
    cli_progress_end();
    snprintf(bar.phase, sizeof bar.phase, "%s", phase);
    bar.started = at;
    bar.first = done;
    bar.drawn = 0;
  }
  bool last = done >= total;
  if (bar.terminal && (last || at - bar.drawn > 0.1)) {
    draw(phase, done, total, note, at);
    bar.drawn = at;
  } else if (!bar.terminal && last) {
    fprintf(stderr, "%s: %zu/%zu in %.1f s%s%s\n", phase, done, total, at - bar.started,
            note ? "  " : "", note ? note : "");
  }
  if (last) cli_progress_end();
  return stop_asked;
}

progress cli_progress(void) {
  bar.terminal = isatty(STDERR_FILENO) != 0;
  return (progress){.report = report, .context = NULL};
}

void cli_print_csv_field(const char *text) {
  if (!strpbrk(text, ",\"\r\n")) {
    fputs(text, stdout);
    return;
  }
  putchar('"');
  for (; *text; text++) {
    if (*text == '"') putchar('"');
    putchar(*text);
  }
  putchar('"');
}

int cli_print_json(json_t *value) {
  if (!value) {
    leuko_error error = {0};
    error_set_memory(&error, 0);
    return cli_fail(&error);
  }
  /* main tells of what could not be written. */
  int failed =
      json_dumpf(value, stdout, JSON_INDENT(2) | JSON_PRESERVE_ORDER) != 0 || putchar('\n') == EOF;
  json_decref(value);
  return failed;
}

long cli_number(struct argp_state *state, const char *option, const char *text, long low,
                long high) {
  char *end;
  errno = 0;
  long value = strtol(text, &end, 10);
  if (errno || end == text || *end || value < low || value > high)
    argp_error(state, "%s takes a whole number from %ld to %ld, not '%s'", option, low, high, text);
  return value;
}

double cli_real(struct argp_state *state, const char *option, const char *text, double low,
                double high) {
  char *end;
  errno = 0;
  double value = strtod(text, &end);
  if (errno || end == text || *end || !(value >= low && value <= high))
    argp_error(state, "%s takes a number from %g to %g, not '%s'", option, low, high, text);
  return value;
}

double cli_peak_megabytes(void) {
  struct rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  return (double)usage.ru_maxrss / 1024;
}
