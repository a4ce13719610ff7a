#include "cli/training.h"

leuko_status training_find_weights(training *t, const char *place, leuko_error *error) {
  if (!zoo_has_base(&t->train.net)) return LEUKO_OK;
  const char *network = t->train.net.name;
  leuko_status status =
      weights_find(network, place, t->weights_path, sizeof t->weights_path, error);
  if (status == LEUKO_OK)
    status = weights_identify(t->weights_path, network, NULL, &t->source, error);
  if (status != LEUKO_OK) return status;
  t->train.weights = t->weights_path;
  t->train.weights_sha256 = t->source.sha256;
  return LEUKO_OK;
}

void training_take_teacher(training *t, int fold) {
  if (t->taught_by) t->train.teacher = teacher_of(t->taught_by, fold);
}

leuko_status training_run(training *t, const train_data *data, const progress *p,
                          train_result *result, evaluation *scores, leuko_error *error) {
  if (data->set.class_count > 2) t->train.net.outputs = data->set.class_count;
  leuko_status status = train_run(data, &t->data, &t->train, p, result, error);
  if (status != LEUKO_OK) return status;
  status = outputs_write(data, &t->data, &t->train, p, scores, error);
  if (status != LEUKO_OK) train_result_free(result);
  return status;
}
