#include <leuko.h>
#include <stdio.h>

int main(int argc, char **argv) {
  if (argc != 3) {
    fprintf(stderr, "usage: classify MODEL.safetensors IMAGE\n");
    return 2;
  }
  leuko_error error = {0};
  leuko_predictor *predictor = NULL;
  leuko_status status = leuko_predictor_open(argv[1], NULL, &predictor, &error);
  leuko_answer answer = {0};
  if (status == LEUKO_OK) status = leuko_predict_file(predictor, argv[2], &answer, &error);
  if (status == LEUKO_OK)
    printf("%s: p(%s) = %.4f, answered %s\n", argv[2], leuko_predictor_positive(predictor),
           answer.p, answer.label);
  else
    fprintf(stderr, "%s: %s: %s\n%s\n", error.file, leuko_status_name(status), error.message,
            error.remedy);
  leuko_predictor_close(predictor);
  return leuko_status_exit_code(status);
}
