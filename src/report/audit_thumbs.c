#include "report/audit_thumbs.h"

#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "dataset/names.h"
#include "report/html.h"
#include "report/thumb.h"

#define MOST_PAIRS 36  /* shown */
#define LEAST_ALIKE 6  /* of them */
#define MOST_FLAGGED 8 /* of each mark */

void audit_thumb(file_writer *writer, const audit *a, size_t index, int symmetry) {
  char path[PATH_MAX];
  image picture = {0};
  leuko_status status = dataset_sample_file(a->d, index, path, sizeof path, NULL);
  if (status == LEUKO_OK) status = image_read(path, &picture, NULL, NULL);
  if (status == LEUKO_OK)
    status = thumb_write(writer, &picture, &a->cells[index].cell, symmetry,
                         names_base(a->d->samples[index].path), NULL);
  image_free(&picture);
  if (status != LEUKO_OK) file_printf(writer, "&ndash;");
}

static void write_name(file_writer *writer, const audit *a, size_t index) {
  const dataset_sample *s = &a->d->samples[index];
  file_printf(writer, "<span title=\"");
  html_text(writer, s->path);
  file_printf(writer, "\">");
  html_text(writer, names_base(s->path));
  file_printf(writer, "</span>");
}

static void write_pair(file_writer *writer, const audit *a, const audit_pair *pair) {
  static const char *const across_words[] = {"subjects", "folds", "classes", "sides of the split"};
  const unsigned across = audit_across(a->d, pair);
  file_printf(writer, "<figure>");
  audit_thumb(writer, a, pair->a, 0);
  audit_thumb(writer, a, pair->b, pair->symmetry);
  file_printf(writer, "<figcaption>");
  write_name(writer, a, pair->a);
  file_printf(writer, "<br>");
  write_name(writer, a, pair->b);
  if (pair->kind == AUDIT_NEAR) file_printf(writer, "<br>correlation %.3f", pair->correlation);
  else file_printf(writer, "<br>%s", audit_pair_name(pair->kind));
  if (pair->symmetry) file_printf(writer, ", turned or mirrored");
  for (int k = 0, said = 0; k < 4; k++)
    if (across >> k & 1) file_printf(writer, "%s%s", said++ ? ", " : "; across ", across_words[k]);
  file_printf(writer, "</figcaption></figure>\n");
}

/* How much a pair tells, the larger the more. */
static int weight_of(const audit *a, const audit_pair *pair) {
  const unsigned across = audit_across(a->d, pair);
  return (across & ACROSS_CLASSES ? 8 : 0) + (across & ACROSS_SIDES ? 4 : 0) +
         (across & ACROSS_SUBJECTS ? 2 : 0) + (pair->kind == AUDIT_NEAR);
}

static bool same_subjects(const dataset *d, const audit_pair *x, const audit_pair *y) {
  const char *a = d->samples[x->a].subject, *b = d->samples[x->b].subject;
  const char *c = d->samples[y->a].subject, *e = d->samples[y->b].subject;
  return (strcmp(a, c) == 0 && strcmp(b, e) == 0) || (strcmp(a, e) == 0 && strcmp(b, c) == 0);
}

typedef struct {
  size_t pair;
  int weight;
} weighed;

static int compare_weighed(const void *left, const void *right) {
  const weighed *a = left, *b = right;
  if (a->weight != b->weight) return a->weight > b->weight ? -1 : 1;
  return (a->pair > b->pair) - (a->pair < b->pair);
}

/* Of two subjects, two pairs come first; the others follow when all have had theirs. */
static void spread_subjects(const audit *a, weighed *order) {
  for (size_t i = 0; i < a->pair_count && i < 5000; i++) {
    size_t before = 0;
    for (size_t j = 0; j < i && before < 2; j++)
      before += same_subjects(a->d, &a->pairs[order[j].pair], &a->pairs[order[i].pair]);
    if (before == 2) order[i].weight -= 16;
  }
}

leuko_status audit_thumbs_pairs(file_writer *writer, const audit *a, leuko_error *error) {
  weighed *order = malloc((a->pair_count + 1) * sizeof *order);
  if (!order) return error_set_memory(error, (a->pair_count + 1) * sizeof *order);
  for (size_t i = 0; i < a->pair_count; i++) order[i] = (weighed){i, weight_of(a, &a->pairs[i])};
  if (a->pair_count) qsort(order, a->pair_count, sizeof *order, compare_weighed);
  spread_subjects(a, order);
  if (a->pair_count) qsort(order, a->pair_count, sizeof *order, compare_weighed);
  const size_t room = MOST_PAIRS - LEAST_ALIKE;
  file_printf(writer, "<div class=\"pairs thumbs\">\n");
  for (size_t i = 0; i < a->pair_count && i < room; i++)
    write_pair(writer, a, &a->pairs[order[i].pair]);
  file_printf(writer, "</div>\n");
  if (a->pair_count > room && a->pairs_of[AUDIT_NEAR] > 0) {
    /* Pairs are sorted: the least alike are the last. */
    file_printf(writer, "<h3>The least alike of all that were found</h3>\n"
                        "<div class=\"pairs thumbs\">\n");
    for (size_t i = 0; i < LEAST_ALIKE && i < a->pairs_of[AUDIT_NEAR]; i++)
      write_pair(writer, a, &a->pairs[a->pair_count - 1 - i]);
    file_printf(writer, "</div>\n");
  }
  free(order);
  return LEUKO_OK;
}

/* How far a marked cell is off, in its mark's own measure. */
static double badness(const audit_cell *c, int flag) {
  switch ((audit_flag)(1 << flag)) {
  case AUDIT_SEVERAL:
    return (double)c->cell.parts;
  case AUDIT_ON_BORDER:
    return (double)c->cell.on_border;
  case AUDIT_ODD_SIZE:
    return fabs(c->z[AUDIT_AREA]);
  case AUDIT_BLURRED:
    return -c->z[AUDIT_SHARPNESS];
  case AUDIT_OVEREXPOSED:
    return c->cell.clipped;
  case AUDIT_ODD_COLOUR: {
    double worst = 0;
    for (int m = AUDIT_RED; m <= AUDIT_SATURATION; m++) worst = fmax(worst, fabs(c->z[m]));
    return worst;
  }
  default:
    return 0;
  }
}

static void write_flagged(file_writer *writer, const audit *a, size_t index, int flag) {
  const double off = badness(&a->cells[index], flag);
  file_printf(writer, "<figure>");
  audit_thumb(writer, a, index, 0);
  file_printf(writer, "<figcaption>");
  write_name(writer, a, index);
  switch ((audit_flag)(1 << flag)) {
  case AUDIT_SEVERAL:
    file_printf(writer, "<br>%.0f pieces", off);
    break;
  case AUDIT_ON_BORDER:
    file_printf(writer, "<br>%.0f pixels on the border", off);
    break;
  case AUDIT_ODD_SIZE:
    file_printf(writer, "<br>%zu pixels, z %.1f", a->cells[index].cell.area,
                a->cells[index].z[AUDIT_AREA]);
    break;
  case AUDIT_BLURRED:
    file_printf(writer, "<br>sharpness %.2f, z %.1f", a->cells[index].cell.sharpness, -off);
    break;
  case AUDIT_OVEREXPOSED:
    file_printf(writer, "<br>%.1f %% at 255", 100 * off);
    break;
  case AUDIT_ODD_COLOUR:
    file_printf(writer, "<br>z %.1f", off);
    break;
  default:
    break;
  }
  file_printf(writer, "</figcaption></figure>\n");
}

typedef struct {
  size_t sample;
  double off;
} ranked;

static int compare_ranked(const void *left, const void *right) {
  const ranked *a = left, *b = right;
  if (a->off != b->off) return a->off > b->off ? -1 : 1;
  return (a->sample > b->sample) - (a->sample < b->sample);
}

leuko_status audit_thumbs_flagged(file_writer *writer, const audit *a, int flag,
                                  leuko_error *error) {
  ranked *order = malloc((a->d->count + 1) * sizeof *order);
  if (!order) return error_set_memory(error, (a->d->count + 1) * sizeof *order);
  size_t count = 0;
  for (size_t i = 0; i < a->d->count; i++)
    if (a->cells[i].flags >> flag & 1) order[count++] = (ranked){i, badness(&a->cells[i], flag)};
  if (count) qsort(order, count, sizeof *order, compare_ranked);
  file_printf(writer, "<div class=\"thumbs\">\n");
  for (size_t i = 0; i < count && i < MOST_FLAGGED; i++)
    write_flagged(writer, a, order[i].sample, flag);
  file_printf(writer, "</div>\n");
  free(order);
  return LEUKO_OK;
}
