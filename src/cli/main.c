#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"

static const cli_command commands[] = {
    {"data", command_data, "scan, verify and split a folder of cells, or draw synthetic ones"},
    {"train", command_train, "train a network; a killed run goes on with --resume"},
    {"evaluate", command_evaluate, "score a model on labelled cells"},
    {"compare", command_compare, "models against each other on the cells that all answered"},
    {"report", command_report, "a page on runs: set-up, scores, figures, limits, provenance"},
    {"predict", command_predict, "answer for image files"},
    {"quantize", command_quantize, "ready a model for answers in 8 bits"},
    {"shrink", command_shrink, "half the bytes of a model file: kernels in half precision"},
    {"explain", command_explain, "where in a picture an answer comes from: maps and checks"},
    {"stress", command_stress, "what a model makes of corrupted cells and of what is no cell"},
    {"reproduce", command_reproduce, "the paper's experiment, from cells to the report"},
    {"features", command_features, "what a network's head sees of image files, for other tools"},
    {"info", command_info, "what a model file holds, and its self-check"},
    {"weights", command_weights, "ImageNet weights of VGG16 and ResNet-50: list, pull, import"},
    {"bench", command_bench, "images a second on this machine"},
};

#define COMMANDS (sizeof commands / sizeof *commands)

static void print_help(FILE *out) {
  fprintf(out, "leuko %s: leukemic blasts (ALL) or healthy cells (HEM)\n\n", leuko_version());
  fprintf(out, "usage: leuko COMMAND ...\n\n");
  cli_list_commands(out, commands, COMMANDS);
  fprintf(out,
          "\n'leuko COMMAND --help' explains a command. Exit codes: 0 done; 1 failed; 2 wrong\n"
          "call; 3 input refused; 4 some inputs refused, the rest answered.\n"
          "Research use only: no answer of leuko is a diagnosis.\n");
}

/* A caller may have closed some of the three streams. Without this the first file that is opened
 * would take the free place, and messages or answers would be written into it. */
static void keep_streams_apart(void) {
  for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
    if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY) != fd)
      return;
}

/* An answer that did not get out is none. */
static int finish(int code) {
  if (fflush(stdout) == 0 && !ferror(stdout)) return code;
  fprintf(stderr, "leuko: the answer could not be written\n");
  return leuko_status_exit_code(LEUKO_IO);
}

int main(int argc, char **argv) {
  keep_streams_apart();
  if (argc > 1 && strcmp(argv[1], "--version") == 0) {
    printf("leuko %s\n", leuko_version());
    return finish(0);
  }
  argp_err_exit_status = 2;
  return finish(cli_run_command("leuko", commands, COMMANDS, print_help, argc, argv));
}
