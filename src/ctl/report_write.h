/* SPDX-License-Identifier: Apache-2.0 */
/* The two forms of the yearly report.  Pure: equal reports, equal bytes; no clock, no randomness. */
#ifndef MENEDEK_REPORT_WRITE_H
#define MENEDEK_REPORT_WRITE_H

#include "base/textbuf.h"
#include "service/report.h"

/** RFC 4180: year, section, row, column, measure, value, withheld; codes, not labels. */
void report_csv(const struct report *r, struct textbuf *t);

/** One page to print, with pictures drawn in it; it loads nothing and runs nothing. */
void report_html(const struct report *r, enum lang lang, struct textbuf *t);

#endif
