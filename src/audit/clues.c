/* What the class can be guessed from without looking at a cell: format, size, name, position, and
 * the traces of how a file was made. */
#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "audit/content.h"
#include "audit/steps.h"
#include "base/error.h"
#include "base/number.h"
#include "dataset/names.h"

#define BINS 10      /* of numbers, */
#define BIN_CELLS 15 /* with at least so many cells each, but two bins */
#define SEED 1
#define ENOUGH_LABELLINGS 9.9 /* logarithm of the ways to label the units: 20,000 */
#define TOLD 0.95             /* share of names that hold their own class */

/* The labelled usable cells. */
typedef struct {
  audit *a;
  size_t count;
  size_t *sample;          /* [count] */
  const audit_cell **cell; /* [count] */
  int *label;              /* [count] */
  size_t *unit;            /* [count] */
  size_t units;
  bool by_subject;
  bool cell_names;               /* all are C-NMC's: UID_<subject>_<picture>_<cell>_<class> */
  int *value;                    /* [count], of the clue at hand */
  double *number;                /* [count] */
  char (*text)[ENCODING_LENGTH]; /* [count] */
} cases;

static void cases_free(cases *c) {
  free(c->sample);
  free(c->cell);
  free(c->label);
  free(c->unit);
  free(c->value);
  free(c->number);
  free(c->text);
}

typedef struct {
  int person, label;
  size_t at;
} unit_key;

static int compare_units(const void *left, const void *right) {
  const unit_key *a = left, *b = right;
  if (a->person != b->person) return a->person < b->person ? -1 : 1;
  if (a->label != b->label) return a->label < b->label ? -1 : 1;
  return (a->at > b->at) - (a->at < b->at);
}

/* The cells of one person and class are a unit; true if these are enough for a test, that is if
 * there are thousands of ways to label them. */
static bool number_units(cases *c, unit_key *keys) {
  size_t of_class[LEUKO_MAX_CLASSES] = {0};
  for (size_t i = 0; i < c->count; i++)
    keys[i] = (unit_key){c->a->person[c->sample[i]], c->label[i], i};
  if (c->count) qsort(keys, c->count, sizeof *keys, compare_units);
  c->units = 0;
  for (size_t i = 0; i < c->count; i++) {
    if (i == 0 || keys[i].person != keys[i - 1].person || keys[i].label != keys[i - 1].label) {
      c->units++;
      of_class[keys[i].label]++;
    }
    c->unit[keys[i].at] = c->units - 1;
  }
  double ways = lgamma((double)c->units + 1);
  for (int k = 0; k < LEUKO_MAX_CLASSES; k++) ways -= lgamma((double)of_class[k] + 1);
  return ways >= ENOUGH_LABELLINGS;
}

static leuko_status cases_make(audit *a, cases *c, leuko_error *error) {
  const size_t n = a->d->count + 1;
  *c = (cases){.a = a,
               .sample = malloc(n * sizeof *c->sample),
               .cell = malloc(n * sizeof *c->cell),
               .label = malloc(n * sizeof *c->label),
               .unit = malloc(n * sizeof *c->unit),
               .value = malloc(n * sizeof *c->value),
               .number = malloc(n * sizeof *c->number),
               .text = malloc(n * sizeof *c->text)};
  unit_key *keys = malloc(n * sizeof *keys);
  if (!c->sample || !c->cell || !c->label || !c->unit || !c->value || !c->number || !c->text ||
      !keys) {
    free(keys);
    cases_free(c);
    return error_set_memory(error, n * ENCODING_LENGTH);
  }
  bool subjects = false;
  c->cell_names = true;
  for (size_t i = 0; i < a->d->count; i++) {
    const dataset_sample *s = &a->d->samples[i];
    if (!a->cells[i].usable || s->label < 0) continue;
    cell_name name;
    subjects |= s->subject[0] != 0;
    c->cell_names &= names_parse_cell(s->path, &name);
    c->sample[c->count] = i;
    c->cell[c->count] = &a->cells[i];
    c->label[c->count++] = s->label;
  }
  c->by_subject = subjects;
  if (!number_units(c, keys)) { /* too few subjects: cells are all there is to count */
    c->by_subject = false;
    for (size_t i = 0; i < c->count; i++) c->unit[i] = i;
    c->units = c->count;
  }
  free(keys);
  return LEUKO_OK;
}

static audit_clue *add_clue(cases *c, const char *name, const char *about) {
  audit_clue *clue = &c->a->clues[c->a->clue_count++];
  *clue = (audit_clue){.name = name, .about = about, .by_subject = c->by_subject};
  return clue;
}

/* Guesses from c->value; the verdict is given later, when all clues are counted. */
static leuko_status try_clue(cases *c, audit_clue *clue, int values, leuko_error *error) {
  clue->values = values;
  size_t of_class[LEUKO_MAX_CLASSES] = {0};
  int classes = 0;
  for (size_t i = 0; i < c->count; i++) classes += of_class[c->label[i]]++ == 0;
  clue->verdict = values < 2 ? AUDIT_CONSTANT : classes < 2 ? AUDIT_UNTESTED : AUDIT_SILENT;
  if (clue->verdict != AUDIT_SILENT) return LEUKO_OK;
  const guess_problem problem = {.count = c->count,
                                 .value = c->value,
                                 .values = values,
                                 .label = c->label,
                                 .classes = c->a->d->class_count,
                                 .unit = c->unit,
                                 .units = c->units};
  return guess_class(&problem, AUDIT_ROUNDS, SEED, &clue->score, error);
}

typedef struct {
  const char *text;
  size_t at;
} keyed;

static int compare_keyed(const void *left, const void *right) {
  const keyed *a = left, *b = right;
  const int order = strcmp(a->text, b->text);
  return order ? order : (a->at > b->at) - (a->at < b->at);
}

static size_t cells_of(const audit_value *v) {
  size_t sum = 0;
  for (int k = 0; k < LEUKO_MAX_CLASSES; k++) sum += v->cells[k];
  return sum;
}

/* Puts a value among the listed ones, the most frequent first. */
static void list_value(audit_clue *clue, const audit_value *v) {
  int at = clue->listed_count;
  while (at > 0 && cells_of(&clue->listed[at - 1]) < cells_of(v)) at--;
  if (at == AUDIT_VALUES) return;
  if (clue->listed_count < AUDIT_VALUES) clue->listed_count++;
  for (int i = clue->listed_count - 1; i > at; i--) clue->listed[i] = clue->listed[i - 1];
  clue->listed[at] = *v;
}

/* A clue from c->text: every text is a value. */
static leuko_status try_texts(cases *c, audit_clue *clue, leuko_error *error) {
  keyed *keys = malloc((c->count + 1) * sizeof *keys);
  if (!keys) return error_set_memory(error, (c->count + 1) * sizeof *keys);
  for (size_t i = 0; i < c->count; i++) keys[i] = (keyed){c->text[i], i};
  if (c->count) qsort(keys, c->count, sizeof *keys, compare_keyed);
  int values = 0;
  audit_value v = {.text = ""};
  for (size_t i = 0; i < c->count; i++) {
    if (i == 0 || strcmp(keys[i].text, keys[i - 1].text) != 0) {
      if (i > 0) list_value(clue, &v);
      v = (audit_value){.text = ""};
      memcpy(v.text, keys[i].text, ENCODING_LENGTH);
      values++;
    }
    c->value[keys[i].at] = values - 1;
    v.cells[c->label[keys[i].at]]++;
  }
  if (c->count) list_value(clue, &v);
  free(keys);
  return try_clue(c, clue, values, error);
}

/* A clue from c->number, in bins of equally many cells. */
static leuko_status try_numbers(cases *c, audit_clue *clue, leuko_error *error) {
  const int most = c->count < 2 * BIN_CELLS      ? 2
                   : c->count > BINS * BIN_CELLS ? BINS
                                                 : (int)(c->count / BIN_CELLS);
  const int bins = guess_bins(c->number, c->count, most, c->value);
  if (bins == 0) return error_set_memory(error, c->count * sizeof(double));
  for (int b = 0; b < bins && b < AUDIT_VALUES; b++) {
    audit_value *v = &clue->listed[clue->listed_count++];
    double low = INFINITY, high = -INFINITY;
    for (size_t i = 0; i < c->count; i++) {
      if (c->value[i] != b) continue;
      v->cells[c->label[i]]++;
      low = fmin(low, c->number[i]);
      high = fmax(high, c->number[i]);
    }
    if (low > high) strcpy(v->text, "none");
    else if (low == high) number_print(v->text, sizeof v->text, "%.4g", low);
    else number_print(v->text, sizeof v->text, "%.4g to %.4g", low, high);
  }
  return try_clue(c, clue, bins, error);
}

static leuko_status try_format(cases *c, leuko_error *error) {
  audit_clue *clue = add_clue(c, "file format", "by the file's first bytes");
  for (size_t i = 0; i < c->count; i++)
    snprintf(c->text[i], ENCODING_LENGTH, "%s", c->a->d->samples[c->sample[i]].format);
  return try_texts(c, clue, error);
}

static leuko_status try_encoding(cases *c, leuko_error *error) {
  audit_clue *clue = add_clue(c, "encoding", "format with quality and kind of its compression");
  for (size_t i = 0; i < c->count; i++) memcpy(c->text[i], c->cell[i]->encoding, ENCODING_LENGTH);
  return try_texts(c, clue, error);
}

static leuko_status try_picture_size(cases *c, leuko_error *error) {
  audit_clue *clue = add_clue(c, "picture size", "width and height in pixels");
  for (size_t i = 0; i < c->count; i++)
    snprintf(c->text[i], ENCODING_LENGTH, "%d x %d", c->cell[i]->width, c->cell[i]->height);
  leuko_status status = try_texts(c, clue, error);
  if (status != LEUKO_OK || clue->values <= 2 * BINS) return status;
  /* Nearly every picture has a size of its own: only small and large can be told. */
  *clue = (audit_clue){
      .name = clue->name, .about = "pixels of the picture", .by_subject = clue->by_subject};
  for (size_t i = 0; i < c->count; i++)
    c->number[i] = (double)c->cell[i]->width * c->cell[i]->height;
  return try_numbers(c, clue, error);
}

/* Subtracts from every number the mean of those of its text. */
static void remove_text_means(cases *c, const keyed *keys) {
  for (size_t i = 0, end; i < c->count; i = end) {
    double sum = 0, n = 0;
    for (end = i; end < c->count && strcmp(keys[end].text, keys[i].text) == 0; end++)
      if (isfinite(c->number[keys[end].at])) {
        sum += c->number[keys[end].at];
        n++;
      }
    for (size_t j = i; j < end; j++) c->number[keys[j].at] -= n > 0 ? sum / n : 0;
  }
}

static leuko_status try_bytes(cases *c, leuko_error *error) {
  audit_clue *clue = add_clue(c, "file size",
                              "logarithm of the bytes, less what encoding, area, colours and "
                              "sharpness of the cell explain");
  keyed *keys = malloc((c->count + 1) * sizeof *keys);
  if (!keys) return error_set_memory(error, (c->count + 1) * sizeof *keys);
  for (size_t i = 0; i < c->count; i++) {
    keys[i] = (keyed){c->cell[i]->encoding, i};
    c->number[i] = log((double)c->cell[i]->bytes);
  }
  if (c->count) qsort(keys, c->count, sizeof *keys, compare_keyed);
  remove_text_means(c, keys);
  free(keys);
  clue->less_cell = true;
  leuko_status status = content_remove(c->number, c->cell, c->count, error);
  for (size_t i = 0; i < c->count; i++) c->number[i] = round(c->number[i] * 1e6) / 1e6;
  return status == LEUKO_OK ? try_numbers(c, clue, error) : status;
}

static leuko_status try_blocks(cases *c, leuko_error *error) {
  audit_clue *clue = add_clue(c, "blocks of 8 x 8",
                              "how much more often steps across the borders of JPEG's blocks stand "
                              "out, less what the cell explains");
  for (size_t i = 0; i < c->count; i++) c->number[i] = c->cell[i]->blocks;
  clue->less_cell = true;
  leuko_status status = content_remove(c->number, c->cell, c->count, error);
  return status == LEUKO_OK ? try_numbers(c, clue, error) : status;
}

static leuko_status try_background(cases *c, leuko_error *error) {
  static const char *const names[] = {"0, 0, 0", "nearly black, as JPEG leaves it", "not black"};
  audit_clue *clue = add_clue(c, "background", "what lies around the cell");
  for (size_t i = 0; i < c->count; i++) strcpy(c->text[i], names[c->cell[i]->background]);
  return try_texts(c, clue, error);
}

static leuko_status try_position(cases *c, bool vertical, leuko_error *error) {
  audit_clue *clue =
      vertical
          ? add_clue(c, "vertical position", "of the cell's centre, from the picture's, pixels")
          : add_clue(c, "horizontal position", "of the cell's centre, from the picture's, pixels");
  for (size_t i = 0; i < c->count; i++) {
    const audit_cell *k = c->cell[i];
    const double at =
        vertical ? k->cell.y - (k->height - 1) / 2.0 : k->cell.x - (k->width - 1) / 2.0;
    c->number[i] = k->cell.area > 0 ? at : NAN;
  }
  return try_numbers(c, clue, error);
}

/* Which class's name the file's name holds, that of the own class looked for first; -1: none. */
static int class_in_name(const cases *c, size_t i, const char **where) {
  const dataset *d = c->a->d;
  const char *base = names_base(d->samples[c->sample[i]].path);
  for (int k = 0; k < d->class_count; k++) {
    const int class = (c->label[i] + k) % d->class_count;
    const char *at = strcasestr(base, d->classes[class]);
    if (!at) continue;
    *where = at;
    return class;
  }
  return -1;
}

/* The name's letters with # for every number; what names the class is left out. In C-NMC's own
 * names, what stands behind them. */
static void name_pattern(const cases *c, size_t i, char out[ENCODING_LENGTH]) {
  const dataset *d = c->a->d;
  const char *base = names_base(d->samples[c->sample[i]].path), *where = NULL;
  const char *end = base + names_stem_length(base), *at = base;
  cell_name cell;
  const int named = class_in_name(c, i, &where);
  const size_t length = named >= 0 ? strlen(d->classes[named]) : 0;
  if (names_parse_cell(base, &cell)) {
    for (int parts = 0; parts < 4; at++) parts += *at == '_';
    at += 3;
    where = NULL;
  }
  size_t n = 0;
  while (at < end && n + 2 < ENCODING_LENGTH) {
    if (at == where) {
      at += length;
    } else if (isdigit((unsigned char)*at)) {
      while (at < end && isdigit((unsigned char)*at)) at++;
      out[n++] = '#';
    } else {
      out[n++] = *at++;
    }
  }
  memset(out + n, 0, ENCODING_LENGTH - n);
}

static leuko_status try_name(cases *c, leuko_error *error) {
  audit_clue *told = add_clue(c, "class in the name", "the file's name holds the name of a class");
  const dataset *d = c->a->d;
  size_t own = 0;
  for (size_t i = 0; i < c->count; i++) {
    const char *where;
    const int named = class_in_name(c, i, &where);
    own += named == c->label[i];
    snprintf(c->text[i], ENCODING_LENGTH, "%.60s", named < 0 ? "none" : d->classes[named]);
  }
  leuko_status status = try_texts(c, told, error);
  if (told->verdict == AUDIT_SILENT && (double)own >= TOLD * (double)c->count)
    told->verdict = AUDIT_CONVENTION;
  if (status != LEUKO_OK) return status;
  audit_clue *rest = add_clue(c, "rest of the name",
                              "without what names class, subject, picture and cell; # for numbers");
  for (size_t i = 0; i < c->count; i++) name_pattern(c, i, c->text[i]);
  return try_texts(c, rest, error);
}

/* The last number in a file's name, or of a C-NMC name the one behind its `part`th underline; NaN
 * without it. */
static double number_in_name(const char *path, int part) {
  const char *base = names_base(path), *at = base + names_stem_length(base);
  if (part > 0) {
    for (at = base; part > 0; at++) part -= *at == '_';
    return number_read(at, NULL);
  }
  while (at > base && !isdigit((unsigned char)at[-1])) at--;
  const char *end = at;
  while (at > base && isdigit((unsigned char)at[-1])) at--;
  return at < end && end - at <= 15 ? number_read(at, NULL) : NAN;
}

static leuko_status try_number(cases *c, const char *name, const char *about, int part,
                               leuko_error *error) {
  audit_clue *clue = add_clue(c, name, about);
  for (size_t i = 0; i < c->count; i++)
    c->number[i] = number_in_name(c->a->d->samples[c->sample[i]].path, part);
  return try_numbers(c, clue, error);
}

static leuko_status try_numbers_in_names(cases *c, leuko_error *error) {
  if (!c->cell_names)
    return try_number(c, "number in the name", "the last one in the file's name", 0, error);
  leuko_status status = try_number(c, "picture number",
                                   "in the file's name: which picture of the "
                                   "slide the cell was cut out of",
                                   2, error);
  if (status != LEUKO_OK) return status;
  return try_number(c, "cell number", "in the file's name: which cell of the picture", 3, error);
}

double audit_sure(int classes, bool less_cell) {
  const double chance = 1.0 / (classes > 0 ? classes : 1);
  return chance + ((less_cell ? AUDIT_SURE_LESS : AUDIT_SURE) - 0.5) * 2 * (1 - chance);
}

/* A clue is named if shuffled labels hardly ever do as well, all clues counted, and it helps. */
static void judge(audit *a) {
  int tested = 0;
  for (int i = 0; i < a->clue_count; i++) tested += a->clues[i].verdict == AUDIT_SILENT;
  for (int i = 0; i < a->clue_count; i++) {
    audit_clue *clue = &a->clues[i];
    if (clue->verdict == AUDIT_SILENT && clue->score.p <= AUDIT_LEVEL / tested &&
        clue->score.balanced >= audit_sure(a->d->class_count, clue->less_cell))
      clue->verdict = AUDIT_NAMED;
  }
}

leuko_status audit_find_clues(audit *a, leuko_error *error) {
  size_t of_class[LEUKO_MAX_CLASSES] = {0};
  cases c;
  leuko_status status = cases_make(a, &c, error);
  if (status != LEUKO_OK) return status;
  a->labelled = c.count;
  for (size_t i = 0; i < c.count; i++) of_class[c.label[i]]++;
  for (int k = 0; k < LEUKO_MAX_CLASSES; k++)
    if (of_class[k] > a->majority_cells) a->majority_cells = of_class[k];
  status = try_format(&c, error);
  if (status == LEUKO_OK) status = try_encoding(&c, error);
  if (status == LEUKO_OK) status = try_picture_size(&c, error);
  if (status == LEUKO_OK) status = try_bytes(&c, error);
  if (status == LEUKO_OK) status = try_blocks(&c, error);
  if (status == LEUKO_OK) status = try_background(&c, error);
  if (status == LEUKO_OK) status = try_position(&c, false, error);
  if (status == LEUKO_OK) status = try_position(&c, true, error);
  if (status == LEUKO_OK) status = try_name(&c, error);
  if (status == LEUKO_OK) status = try_numbers_in_names(&c, error);
  if (status == LEUKO_OK) judge(a);
  cases_free(&c);
  return status;
}

const char *audit_verdict_name(audit_verdict verdict) {
  static const char *const names[] = {"chance", "named", "convention", "constant", "untested"};
  return names[verdict];
}
