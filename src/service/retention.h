/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The purge that carries out the schedule of retention (domain/schedule.def): what is due is counted for the
 * statistics and deleted in one transaction; what still lives is sealed anew under a fresh key; then every
 * older key of details is destroyed.  From then on what was deleted cannot be read again, neither in free
 * pages of the store, nor in a copy of it, nor in a backup opened with the keyring of today.
 */
#ifndef MENEDEK_RETENTION_H
#define MENEDEK_RETENTION_H

#include "service/upkeep.h"

struct purge_report {
	uint32_t run;
	uint64_t removed[RETAIN_COUNT]; /* by this call; a dry run: what would be */
	uint64_t carried;               /* live details sealed anew, since the run began */
	unsigned retired, kept;         /* keys destroyed; keys that stay, since something still needs them */
	uint32_t interruptions;
	int64_t started_at, finished_at;
	bool dry_run;
};

/** Purge, or only count what is due when ${dry_run}.  Goes on with one that was broken off; errors as
 * rotation_run's. */
MUST_USE enum rc retention_purge(struct upkeep *u, bool dry_run, struct purge_report *out);

/**
 * Is a purge to be made at ${now}: one was broken off, or details are under a key of an earlier UTC day?  The
 * day's first purge makes that false.
 */
MUST_USE enum rc retention_is_due(struct parts *parts, int64_t now, bool *out);

/** Write the report as members of an open JSON object. */
void retention_write(struct jw *w, const struct purge_report *r);

#endif
