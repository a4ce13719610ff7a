#include <stdlib.h>

#include "base/error.h"
#include "base/rng.h"
#include "train/data.h"

/* A cell and its turn: the how-manieth of its subject it is in random order. */
typedef struct {
  size_t sample, turn, lot;
  int group;
} ticket;

static int by_group(const void *a, const void *b) {
  const ticket *x = a, *y = b;
  if (x->group != y->group) return x->group < y->group ? -1 : 1;
  return (x->lot > y->lot) - (x->lot < y->lot);
}

static int by_turn(const void *a, const void *b) {
  const ticket *x = a, *y = b;
  if (x->turn != y->turn) return x->turn < y->turn ? -1 : 1;
  return (x->lot > y->lot) - (x->lot < y->lot);
}

/* Keeps `keep` of the `count` tickets, every subject's first before anybody's second. */
static void draw(dataset *set, ticket *tickets, size_t count, size_t keep, rng *r, size_t *lots) {
  for (size_t i = 0; i < count; i++) lots[i] = i;
  rng_shuffle(r, lots, count);
  for (size_t i = 0; i < count; i++) tickets[i].lot = lots[i];
  qsort(tickets, count, sizeof *tickets, by_group);
  for (size_t i = 0; i < count; i++)
    tickets[i].turn =
        i > 0 && tickets[i].group == tickets[i - 1].group ? tickets[i - 1].turn + 1 : 0;
  qsort(tickets, count, sizeof *tickets, by_turn);
  for (size_t i = keep; i < count; i++) set->samples[tickets[i].sample].part = DATASET_NONE;
}

leuko_status train_limit(dataset *set, size_t limit, uint64_t seed, leuko_error *error) {
  size_t total = 0;
  for (size_t i = 0; i < set->count; i++) total += set->samples[i].part != DATASET_NONE;
  if (limit == 0 || limit >= total) return LEUKO_OK;
  ticket *tickets = malloc(total * sizeof *tickets);
  size_t *lots = malloc(total * sizeof *lots);
  if (!tickets || !lots) {
    free(tickets);
    free(lots);
    return error_set_memory(error, total * sizeof *tickets);
  }
  for (int part = DATASET_TRAIN; part <= DATASET_TEST; part++)
    for (int label = 0; label < set->class_count; label++) {
      size_t count = 0;
      for (size_t i = 0; i < set->count; i++)
        if ((int)set->samples[i].part == part && set->samples[i].label == label)
          tickets[count++] = (ticket){.sample = i, .group = set->samples[i].group};
      size_t keep = (count * limit + total / 2) / total;
      if (keep == 0 && count > 0) keep = 1;
      rng r = rng_open(seed, RNG_SPLIT, 1, (uint32_t)(part * LEUKO_MAX_CLASSES + label));
      draw(set, tickets, count, keep, &r, lots);
    }
  free(tickets);
  free(lots);
  return LEUKO_OK;
}
