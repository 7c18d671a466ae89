/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What others' systems can read of our places: one table of formats, all of them fed from the one inventory
 * (service/inventory.h), in which what may not leave is no longer there.  No writer here reads the store.
 */
#ifndef MENEDEK_EXPORT_H
#define MENEDEK_EXPORT_H

#include "base/jw.h"
#include "service/inventory.h"

/** Write all that ${inv} shows into ${buf}; false when it does not fit.  Pure: equal inventories, equal
 * bytes. */
typedef bool export_fn(const struct inventory *inv, char *buf, size_t cap, size_t *len);

struct export_format {
	const char *name, *what;
	export_fn *write;
};

/** All formats, ended by one without a name. */
extern const struct export_format export_formats[];

export_fn export_hsds, export_hmis, export_fhir;

#define EXPORT_UUID 37u

/**
 * A name-based UUID (RFC 9562, version 8: SHA-256) of ${what} in a county and a type: stable from export to
 * export, so that who reads the next one knows again what it is about.
 */
void export_uuid(const char *what, unsigned county, unsigned type, char out[EXPORT_UUID]);

/** Does the cell stand for houses that may be told of? */
bool export_shows(const struct inventory *inv, unsigned county, unsigned type);

/** The beginning of the inventory's day, UTC. */
int64_t export_time(const struct inventory *inv);

#endif
