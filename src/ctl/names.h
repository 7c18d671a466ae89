/* SPDX-License-Identifier: Apache-2.0 */
/* Names that people use on the command line and in CSV files, and the ids behind them. */
#ifndef MENEDEK_NAMES_H
#define MENEDEK_NAMES_H

#include "ctl/talk.h"
#include "service/access.h"

struct name_row {
	char name[LIMIT_NAME];
	struct id id;
	struct id org; /* of a house; zero for an organisation */
	uint8_t kind;  /* enum org_kind or enum shelter_type */
	unsigned line; /* of a file, 0 = from the store */
};

struct names {
	struct name_row *rows;
	size_t count, cap;
	bool sorted;
};

/** Add all organisations (KIND_ORG) or houses (KIND_SHELTER) of the store that are not retired. */
MUST_USE enum rc names_load(struct ctx *c, enum kind kind, struct names *names);
MUST_USE enum rc names_add(struct names *names, const struct name_row *row);

/**
 * Tell of each of ${houses} whose code name sounds on the telephone like that of one before it, and of that
 * one: the house of the lowest line, one of the store first.
 */
MUST_USE enum rc names_alike(const struct names *houses,
    void (*tell)(void *arg, const struct name_row *house, const struct name_row *other), void *arg);

/** NULL when there is none.  Of equal names the one that was added first. */
const struct name_row *names_find(struct names *names, const char *name);
void names_free(struct names *names);

/** Take the next part of a comma-separated list into ${part}; false at its end. */
bool names_next(const char **list, char *part, size_t cap);

/** Roles of a comma-separated list as bits, added to ${out}.  Says which role there is not. */
MUST_USE enum status names_roles(const char *list, uint32_t *out);

#endif
