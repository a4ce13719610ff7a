#include "report/gnuplot.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.h"

extern char **environ;

void gnuplot_write_string(file_writer *writer, const char *text) {
  file_write(writer, "'", 1);
  for (const char *c = text ? text : ""; *c; c++) {
    if (*c == '\'') file_write(writer, "'", 1);
    file_write(writer, (unsigned char)*c < ' ' || *c == 127 ? " " : c, 1);
  }
  file_write(writer, "'", 1);
}

/* Starts gnuplot with its working folder in `folder` and its messages into `said`. */
static int spawn_gnuplot(const char *folder, char *script, int said, pid_t *child) {
  posix_spawn_file_actions_t actions;
  int failure = posix_spawn_file_actions_init(&actions);
  if (failure) return failure;
  failure = posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  if (!failure)
    failure = posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
  if (!failure) failure = posix_spawn_file_actions_adddup2(&actions, said, STDERR_FILENO);
  if (!failure) failure = posix_spawn_file_actions_addchdir_np(&actions, folder);
  char program[] = "gnuplot", defaults[] = "-d";
  char *arguments[] = {program, defaults, script, NULL};
  if (!failure) failure = posix_spawnp(child, program, &actions, NULL, arguments, environ);
  posix_spawn_file_actions_destroy(&actions);
  return failure;
}

/* Reads until the child closes its end, keeping the last that fits as one line of text: gnuplot
 * first repeats the command, then says what is wrong with it. */
static void read_messages(int from, char *text, size_t size) {
  size_t used = 0;
  char block[512];
  for (;;) {
    ssize_t got = read(from, block, sizeof block);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;
    for (ssize_t i = 0; i < got; i++) {
      if (used + 1 == size) {
        used -= size / 2;
        memmove(text, text + size / 2, used);
      }
      bool space = (unsigned char)block[i] <= ' ';
      if (!space) text[used++] = block[i];
      else if (used > 0 && text[used - 1] != ' ') text[used++] = ' ';
    }
  }
  text[used] = 0;
}

static leuko_status run_script(const char *folder, char *script, leuko_error *error) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return error_set_errno(error, folder, "open a pipe");
  pid_t child = 0;
  int failure = spawn_gnuplot(folder, script, ends[1], &child);
  close(ends[1]);
  if (failure) {
    close(ends[0]);
    if (failure == ENOENT && file_is_folder(folder))
      return error_set(error, LEUKO_NOT_FOUND, folder, "install gnuplot-nox",
                       "gnuplot, which draws the figures, is not installed");
    errno = failure;
    return error_set_errno(error, folder, "start gnuplot");
  }
  char said[240];
  read_messages(ends[0], said, sizeof said);
  close(ends[0]);
  int ended = 0;
  while (waitpid(child, &ended, 0) < 0)
    if (errno != EINTR) return error_set_errno(error, folder, "wait for gnuplot");
  if (WIFEXITED(ended) && WEXITSTATUS(ended) == 0) return LEUKO_OK;
  return error_set(error, LEUKO_BACKEND, folder, "run `gnuplot` on the script in that folder",
                   "gnuplot failed on %s: %s", script, said);
}

/* Whether a figure has its end: gnuplot does not notice a full disk. */
static bool is_whole(const char *path) {
  char tail[16] = {0};
  FILE *file = fopen(path, "rbe");
  if (!file) return false;
  size_t got = fseek(file, -(long)(sizeof tail - 1), SEEK_END) == 0
                   ? fread(tail, 1, sizeof tail - 1, file)
                   : 0;
  fclose(file);
  return memmem(tail, got, "</svg>", 6) || memmem(tail, got, "IEND", 4);
}

leuko_status gnuplot_run(const char *folder, const char *name, leuko_error *error) {
  static const char *const endings[] = {"svg", "png"};
  char script[64], path[1024];
  snprintf(script, sizeof script, "%s.gp", name);
  leuko_status status = run_script(folder, script, error);
  for (size_t i = 0; i < 2; i++) {
    char output[64];
    snprintf(output, sizeof output, "%s.%s", name, endings[i]);
    leuko_status joined = file_join(path, sizeof path, folder, output, NULL);
    if (status != LEUKO_OK || joined != LEUKO_OK) continue;
    if (!file_exists(path))
      status = error_set(error, LEUKO_BACKEND, path, NULL, "gnuplot did not write the figure");
    else if (!is_whole(path))
      status = error_set(error, LEUKO_IO, path, "see whether the disk is full",
                         "gnuplot did not write the whole figure");
  }
  if (status == LEUKO_OK) return LEUKO_OK;
  for (size_t i = 0; i < 2; i++) {
    char output[64];
    snprintf(output, sizeof output, "%s.%s", name, endings[i]);
    if (file_join(path, sizeof path, folder, output, NULL) == LEUKO_OK) unlink(path);
  }
  return status;
}
