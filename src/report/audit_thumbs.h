/* Thumbnails of audited files within the page. */
#ifndef REPORT_AUDIT_THUMBS_H
#define REPORT_AUDIT_THUMBS_H

#include "audit/audit.h"
#include "base/file.h"

/* Writes sample `index` as a picture of its cell, shown under `symmetry` (image_symmetry's; 0: as
 * it is). A file that can no longer be read becomes a dash. */
void audit_thumb(file_writer *writer, const audit *a, size_t index, int symmetry);

/* Figures of files that show the same cell, side by side: the most telling ones first, across
 * classes, then one for each two subjects, then those least alike. */
leuko_status audit_thumbs_pairs(file_writer *writer, const audit *a, leuko_error *error);

/* Figures of the cells with mark `flag`, the worst first. */
leuko_status audit_thumbs_flagged(file_writer *writer, const audit *a, int flag,
                                  leuko_error *error);

#endif
