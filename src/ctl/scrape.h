/* SPDX-License-Identifier: Apache-2.0 */
/* The operators' numbers, read as anybody who watches reads them: over the health listener (base/expose.h
 * writes what is read here). */
#ifndef MENEDEK_SCRAPE_H
#define MENEDEK_SCRAPE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/attr.h"
#include "base/rc.h"

/** One line of the text; both are views of it. */
struct sample {
	const char *name;
	const char *labels; /* what stands between the braces, "" without any */
	double value;
};

struct scrape {
	char *text;
	struct sample *samples;
	unsigned count;
};

/**
 * Ask the listener at ${where}, ADDRESS:PORT of this machine or the path of a Unix socket, waiting seconds at
 * most.  RC_NOT_FOUND: nobody listens; RC_FORBIDDEN: it is another user's; RC_INVALID: no such address;
 * RC_UNKNOWN: what came was no such text.
 */
MUST_USE enum rc scrape_get(const char *where, struct scrape *out);

/** Read ${text}, which is changed and taken: malloc'd, ending with a NUL. */
MUST_USE enum rc scrape_read(char *text, struct scrape *out);
void scrape_free(struct scrape *s); /* also a zero one */

/** The sample of ${name} with exactly ${labels} ("" for none), or 0. */
double scrape_value(const struct scrape *s, const char *name, const char *labels);

/** The value of ${label} in ${labels} into ${out}.  False when there is none, or it does not fit. */
MUST_USE bool scrape_label(const char *labels, const char *label, char *out, size_t cap);

#endif
