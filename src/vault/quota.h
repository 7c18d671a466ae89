/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How many locations the vault opens in any hour, however good the records look: the bound on what whoever
 * controls the service, its keys and its store can learn.  Every opening is written to a sealed file, synced,
 * before the location leaves; a file that is missing, damaged or of another registry counts as a spent hour,
 * so deleting it gains nothing.  It also remembers the disclosures of that hour, so none is told twice, not
 * even across a restart.  Belongs to the vault's process, one thread.
 */
#ifndef MENEDEK_QUOTA_H
#define MENEDEK_QUOTA_H

#include "base/fault.h"
#include "base/id.h"
#include "crypto/vaultring.h"

#define QUOTA_HOUR    3600
#define QUOTA_ENTRIES 4096u /* of all limits together: 164 KiB of file */

enum quota_class { QUOTA_DESK, QUOTA_OWN, QUOTA_CLASSES };

/** An hour's limits; rows of limits.csv (name, per_hour) replace them one by one. */
struct quota_limits {
	uint32_t desk;      /* tellings to desks */
	uint32_t own;       /* houses' looks at their own, all houses together */
	uint32_t own_house; /* one house's looks at its own */
};
extern const struct quota_limits QUOTA_DEFAULT;

/** Replace rows of ${out} by those of ${text}.  RC_INVALID for a name that is none, or too much in all. */
MUST_USE enum rc quota_read_limits(struct bytes text, struct quota_limits *out, struct fault *f);

struct quota;

/** The owner under which the ring seals the file: of no house, and none of the vault's questions may name it.
 */
extern const struct id quota_owner;

/** Write a file with nothing spent: for `init` only. */
MUST_USE enum rc quota_create(const char *path, struct vaultring *ring, struct fault *f);

/** Read ${path}; one that is not good is written anew as spent at ${now}.  ${ring} outlives the quota. */
MUST_USE enum rc quota_open(const char *path, struct vaultring *ring, const struct quota_limits *limits,
    int64_t now, struct quota **out, struct fault *f);
void quota_free(struct quota *q); /* NULL-safe */

/** Was ${disclosure} opened within the hour? */
bool quota_has(const struct quota *q, const struct id *disclosure);

/**
 * Take one: RC_OK when it is on disk and the location may be opened, RC_SLOW_DOWN when the hour is spent,
 * RC_UNAVAILABLE when it could not be written: then the location stays closed, and one was taken at most.
 */
MUST_USE enum rc quota_take(struct quota *q, int64_t now, enum quota_class class, const struct id *house,
    const struct id *disclosure);

/** After vaultring_renew: seal the file under its new key and destroy the old one. */
MUST_USE enum rc quota_renew(struct quota *q);

/** Taken in the hour before ${now}, or by a clock that was ahead of it and was put back within the last hour;
 * all of the limit while the hour counts as spent. */
uint32_t quota_used(struct quota *q, int64_t now, enum quota_class class);
const struct quota_limits *quota_limits(const struct quota *q);

#endif
