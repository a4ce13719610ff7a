#include "dataset/subjects.h"

#include <stdlib.h>
#include <string.h>

static int compare_names(const void *left, const void *right) {
  const dataset_sample *a, *b;
  memcpy(&a, left, sizeof a);
  memcpy(&b, right, sizeof b);
  return strverscmp(a->subject, b->subject);
}

dataset_subject *dataset_subjects(const dataset *d, dataset_part part, size_t *count) {
  *count = 0;
  const dataset_sample **sorted = malloc((d->count + 1) * sizeof *sorted);
  dataset_subject *subjects = calloc(d->count + 1, sizeof *subjects);
  size_t *in_group = calloc(d->count + 1, sizeof *in_group);
  if (!sorted || !subjects || !in_group) {
    free(sorted);
    free(subjects);
    free(in_group);
    return NULL;
  }
  size_t cells = 0;
  for (size_t i = 0; i < d->count; i++) {
    const dataset_sample *s = &d->samples[i];
    if (s->status != LEUKO_OK || !s->subject[0]) continue;
    if (part == DATASET_NONE || s->part == part) sorted[cells++] = s;
  }
  if (cells) qsort(sorted, cells, sizeof *sorted, compare_names);
  for (size_t i = 0; i < cells; i++) {
    const dataset_sample *s = sorted[i];
    dataset_subject *last = *count ? &subjects[*count - 1] : NULL;
    if (!last || strcmp(last->name, s->subject) != 0) {
      last = &subjects[(*count)++];
      *last = (dataset_subject){.name = s->subject, .group = s->group, .fold = s->fold};
    }
    if (s->fold != last->fold) last->fold = -2;
    if (s->label >= 0) last->cells[s->label]++;
    last->all++;
  }
  for (size_t i = 0; i < *count; i++) in_group[subjects[i].group]++;
  for (size_t i = 0; i < *count; i++) subjects[i].tied = in_group[subjects[i].group] - 1;
  free(sorted);
  free(in_group);
  return subjects;
}
