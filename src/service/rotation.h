/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rotation of keys while the registry serves: new data keys for every use, every record and every location
 * sealed anew, then those old keys destroyed that nothing needs any more.  The keys of the append-only logs
 * stay as long as an entry is under them.
 */
#ifndef MENEDEK_ROTATION_H
#define MENEDEK_ROTATION_H

#include "service/upkeep.h"

/** What a rotation did, from its record; the last one's when none is under way. */
struct rotation_report {
	uint32_t run;
	uint64_t resealed, locations;
	unsigned retired, keys; /* destroyed; held afterwards */
	uint32_t interruptions; /* how often it was broken off and went on */
	int64_t started_at, finished_at;
};

/**
 * Rotate, or finish the rotation that was broken off.  RC_BUSY: it lost too many races and goes on when
 * called again; RC_UNAVAILABLE: told to stop, or the disk failed.
 */
MUST_USE enum rc rotation_run(struct upkeep *u, struct rotation_report *out);

/** Was one begun and not finished? */
MUST_USE enum rc rotation_is_unfinished(struct parts *parts, bool *out);

/** Write the report as the members of an open JSON object. */
void rotation_write(struct jw *w, const struct rotation_report *r);

#endif
