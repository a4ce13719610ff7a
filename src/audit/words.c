/* The findings as sentences, the gravest first. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "audit/steps.h"
#include "base/error.h"
#include "base/number.h"

static void say(audit *a, leuko_status *status, leuko_error *error, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

static void say(audit *a, leuko_status *status, leuko_error *error, const char *format, ...) {
  if (*status != LEUKO_OK) return;
  char **grown = realloc(a->findings, (a->finding_count + 1) * sizeof *grown);
  if (!grown) {
    *status = error_set_memory(error, (a->finding_count + 1) * sizeof *grown);
    return;
  }
  a->findings = grown;
  va_list arguments;
  va_start(arguments, format);
  locale_t before = number_point();
  const int length = vasprintf(&grown[a->finding_count], format, arguments);
  number_restore(before);
  va_end(arguments);
  if (length < 0) *status = error_set_memory(error, 256);
  else a->finding_count++;
}

static const char *plural(size_t count) {
  return count == 1 ? "" : "s";
}

static size_t pairs_across(const audit *a, int which) {
  size_t sum = 0;
  for (int k = 0; k < AUDIT_PAIR_KINDS; k++) sum += a->across[k][which];
  return sum;
}

static void say_split(audit *a, leuko_status *status, leuko_error *error) {
  if (!a->split) return;
  const size_t sides = pairs_across(a, 3);
  if (a->person_leaks)
    say(a, status, error,
        "The split leaks: of %zu subjects %zu have cells on both sides, under their own name or "
        "under that of a subject who shares cells with them.",
        a->leaks.subjects, a->person_leaks);
  if (sides)
    say(a, status, error,
        "The split leaks: %zu pair%s of identical or near-identical pictures "
        "lie%s across it.",
        sides, plural(sides), sides == 1 ? "s" : "");
  if (a->leaks.unknown)
    say(a, status, error,
        "%zu cells of the split are of unknown subjects: whether it leaks cannot be told.",
        a->leaks.unknown);
  if (!a->person_leaks && !sides && !a->leaks.unknown)
    say(a, status, error, "No leak of the split was found.");
}

static void say_clues(audit *a, leuko_status *status, leuko_error *error) {
  for (int i = 0; i < a->clue_count; i++) {
    const audit_clue *clue = &a->clues[i];
    if (clue->verdict == AUDIT_NAMED)
      say(a, status, error,
          "The class can be guessed from the %s alone: %.1f %% right (balanced %.1f %%, by chance "
          "%.0f %%; p %.4f).",
          clue->name, 100 * clue->score.accuracy, 100 * clue->score.balanced,
          100.0 / a->d->class_count, clue->score.p);
    if (clue->verdict == AUDIT_CONVENTION)
      say(a, status, error,
          "File names hold the class. That is a convention of such folders and no defect of the "
          "pixels; whatever reads names must not be given them.");
  }
}

static void say_pairs(audit *a, leuko_status *status, leuko_error *error) {
  size_t identical = 0;
  for (int k = 0; k < AUDIT_NEAR; k++) identical += a->pairs_of[k];
  const size_t contradicting = pairs_across(a, 2);
  if (contradicting)
    say(a, status, error, "%zu pair%s of pictures of the same cell %s labelled differently.",
        contradicting, plural(contradicting), contradicting == 1 ? "is" : "are");
  if (identical)
    say(a, status, error,
        "%zu file%s repeat%s another one: %zu to the byte, %zu to the pixel, %zu by the manifest.",
        identical, plural(identical), identical == 1 ? "s" : "", a->pairs_of[AUDIT_SAME_BYTES],
        a->pairs_of[AUDIT_SAME_PIXELS], a->pairs_of[AUDIT_SAME_ORIGINAL]);
  if (a->pairs_of[AUDIT_NEAR])
    say(a, status, error,
        "%zu pair%s of pictures look the same, turned or mirrored as need be; %zu across subjects, "
        "%zu across folds.",
        a->pairs_of[AUDIT_NEAR], plural(a->pairs_of[AUDIT_NEAR]), a->across[AUDIT_NEAR][0],
        a->across[AUDIT_NEAR][1]);
}

static void say_ties(audit *a, leuko_status *status, leuko_error *error) {
  size_t unknown = 0;
  char list[512] = "";
  for (size_t i = 0; i < a->tied_count; i++) {
    const audit_tie *tie = &a->tied[i];
    if (tie->known) continue;
    const size_t length = strlen(list);
    unknown++;
    snprintf(list + length, sizeof list - length, "%s%s and %s", length ? ", " : "", tie->a,
             tie->b);
  }
  if (a->persons < a->ties.subjects)
    say(a, status, error, "%zu subjects by name are at most %zu persons: names share cells.",
        a->ties.subjects, a->persons);
  if (unknown)
    say(a, status, error,
        "Subjects tied by near-identical pictures only, which a split by subject does not keep "
        "together: %s.",
        list);
}

static void say_cells(audit *a, leuko_status *status, leuko_error *error) {
  if (a->d->refused)
    say(a, status, error, "%zu file%s could not be read.", a->d->refused, plural(a->d->refused));
  for (int f = 0; f < AUDIT_FLAGS; f++)
    if (a->flagged[f])
      say(a, status, error, "%zu cell%s marked: %s.", a->flagged[f], plural(a->flagged[f]),
          audit_flag_name(f));
}

leuko_status audit_find_words(audit *a, leuko_error *error) {
  leuko_status status = LEUKO_OK;
  say_split(a, &status, error);
  say_clues(a, &status, error);
  say_ties(a, &status, error);
  say_pairs(a, &status, error);
  say_cells(a, &status, error);
  return status;
}
