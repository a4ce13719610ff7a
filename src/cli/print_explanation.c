#include "cli/print_explanation.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/number.h"
#include "base/text.h"

static json_t *picture_json(const explanation *x, const explained *one) {
  const leuko_answer *a = &one->answer;
  const bool good = a->status == LEUKO_OK;
  json_t *row = json_pack("{s:o,s:s,s:s}", "path", text_json(one->path), "sha256", a->sha256,
                          "status", leuko_status_name(a->status));
  if (!good) {
    json_object_set_new(row, "message", text_json(a->message));
    return row;
  }
  json_object_set_new(row, "p", json_real(a->p));
  json_object_set_new(row, "p_raw", json_real(a->p_raw));
  json_object_set_new(row, "logit", json_real(a->logit));
  json_object_set_new(row, "label", json_string(a->label));
  json_object_set_new(row, "overlay", json_string(one->overlay));
  json_t *maps = json_object();
  for (size_t k = 0; k < x->method_count; k++) {
    char file[160];
    snprintf(file, sizeof file, "%.*s.%s.csv", (int)strlen(one->overlay) - 4, one->overlay,
             explain_method_name(x->methods[k]));
    json_t *map =
        json_pack("{s:s,s:o,s:o}", "file", file, "on_cell", number_json(one->share[k].inside),
                  "cell_area", number_json(one->share[k].area));
    if (x->methods[k] == EXPLAIN_GRADIENTS)
      json_object_set_new(map, "completeness_error", number_json(one->completeness[k]));
    json_object_set_new(maps, explain_method_name(x->methods[k]), map);
  }
  json_object_set_new(row, "maps", maps);
  return row;
}

static json_t *checks_json(const explanation *x) {
  json_t *checks = json_object();
  for (size_t k = 0; k < x->method_count; k++) {
    char random[512], on_cell[512];
    explain_words_random(x, k, random, sizeof random);
    explain_words_cell(x, k, on_cell, sizeof on_cell);
    const explain_share mean = explain_mean_share(x, k);
    json_t *rows = json_array();
    for (size_t s = 0; x->likeness[k] && s < x->stage_count; s++)
      json_array_append_new(rows, json_pack("{s:s,s:f,s:f}", "random_up_to", x->stages[s],
                                            "correlation", x->likeness[k][s].whole,
                                            "correlation_on_cell", x->likeness[k][s].cell));
    json_object_set_new(checks, explain_method_name(x->methods[k]),
                        json_pack("{s:{s:i,s:o,s:s},s:{s:o,s:o,s:s}}", "random_weights", "draws",
                                  (int)x->draws[k], "stages", rows, "words", random, "cell",
                                  "share", number_json(mean.inside), "area", number_json(mean.area),
                                  "words", on_cell));
  }
  return checks;
}

json_t *explanation_json(const explanation *x, const char *out) {
  json_t *pictures = json_array();
  for (size_t i = 0; i < x->count; i++)
    json_array_append_new(pictures, picture_json(x, &x->pictures[i]));
  return json_pack("{s:o,s:s,s:i,s:s,s:s,s:o,s:o}", "out", text_json(out), "network",
                   x->m->net.name, "models", x->models, "layer", x->layer, "precision", "f32",
                   "checks", checks_json(x), "pictures", pictures);
}

void explanation_print(const explanation *x, const char *out) {
  const char *positive = x->m->positive >= 0 ? x->m->classes[x->m->positive] : "";
  char head[48], text[512];
  snprintf(head, sizeof head, *positive ? "p(%.40s)" : "p", positive);
  printf("%-8s  %-8s  ", head, "answer");
  for (size_t k = 0; k < x->method_count; k++)
    printf("%-10s  ", explain_method_name(x->methods[k]));
  printf("file  (of each map: share on the cell)\n");
  for (size_t i = 0; i < x->count; i++) {
    const explained *one = &x->pictures[i];
    const bool good = one->answer.status == LEUKO_OK;
    if (good) printf("%-8.4f  %-8s  ", one->answer.p, one->answer.label);
    else printf("%-8s  %-8s  ", "-", "refused");
    for (size_t k = 0; k < x->method_count; k++)
      if (good && isfinite(one->share[k].inside)) printf("%-10.3f  ", one->share[k].inside);
      else printf("%-10s  ", "-");
    printf("%s\n", one->path);
  }
  printf("\n");
  for (size_t k = 0; k < x->method_count; k++) {
    explain_words_random(x, k, text, sizeof text);
    printf("%s\n", text);
    explain_words_cell(x, k, text, sizeof text);
    printf("%s\n", text);
    double worst = NAN;
    for (size_t i = 0; i < x->count; i++) worst = fmax(worst, x->pictures[i].completeness[k]);
    if (isfinite(worst))
      printf("%s: their sums miss the logits' change from a black picture by at most %.1f %%.\n",
             explain_method_title(x->methods[k]), 100 * worst);
  }
  printf("%s/index.html shows all pictures.\n", out);
}
