/* audit.html: what an audit found, with pictures, on one page. */
#ifndef REPORT_AUDIT_PAGE_H
#define REPORT_AUDIT_PAGE_H

#include "audit/audit.h"

/* Writes the page to `path`; it needs nothing else. Errors: those of writing, NO_MEMORY. */
leuko_status audit_page_write(const audit *a, const char *path, leuko_error *error);

#endif
