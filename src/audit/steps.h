/* The steps of an audit, each filling its part of the result. */
#ifndef AUDIT_STEPS_H
#define AUDIT_STEPS_H

#include "audit/audit.h"
#include "audit/fingerprint.h"

/* Reads every usable sample: cells, and fingerprints `prints` [d->count] (unusable where the sample
 * is). Errors: INTERRUPTED, NO_MEMORY. */
leuko_status audit_read_cells(audit *a, fingerprint *prints, const fingerprint_tables *tables,
                              int threads, const progress *p, leuko_error *error);
/* Robust z and flags. Errors: NO_MEMORY. */
leuko_status audit_mark_cells(audit *a, leuko_error *error);
/* Identical and near files, persons; `prints` of further identical files become unusable. Errors:
 * NO_MEMORY. */
leuko_status audit_find_pairs(audit *a, fingerprint *prints, const fingerprint_tables *tables,
                              int threads, leuko_error *error);
/* Subjects who share cells. Errors: those of reading the manifest, NO_MEMORY. */
leuko_status audit_find_ties(audit *a, leuko_error *error);
/* What the class can be guessed from. Errors: NO_MEMORY. */
leuko_status audit_find_clues(audit *a, leuko_error *error);
/* What the split gives away. Errors: NO_MEMORY. */
leuko_status audit_find_leaks(audit *a, leuko_error *error);
/* The sentences. Errors: NO_MEMORY. */
leuko_status audit_find_words(audit *a, leuko_error *error);

#endif
