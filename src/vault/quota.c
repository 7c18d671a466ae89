/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The last hour's openings in a sealed file of their own:
 *   version 1 | spent until 8 | count 2 | count x (at 8, class 1, house 16, disclosure 16)      big-endian
 */
#include "vault/quota.h"

#include <stdlib.h>
#include <string.h>

#include "base/csv.h"
#include "base/file.h"
#include "base/log.h"

#define VERSION   1u
#define HEAD      (1u + 8u + 2u)
#define ROW       (8u + 1u + ID_BYTES + ID_BYTES)
#define FILE_MAX  (HEAD + QUOTA_ENTRIES * ROW + VAULT_OVERHEAD)
#define CSV_ARENA ((size_t)16 * 1024)

struct entry {
	int64_t at;
	int64_t back; /* since when ${at} is seen to lie in the future, 0: it does not; in memory only */
	bool is_over; /* an hour after that it still did */
	uint8_t class;
	struct id house, disclosure;
};

struct quota {
	char *path;
	struct vaultring *ring;
	struct quota_limits limits;
	struct entry spent; /* nothing is opened for an hour after */
	unsigned count;
	struct entry entries[QUOTA_ENTRIES];
	uint8_t plain[HEAD + QUOTA_ENTRIES * ROW];
	uint8_t sealed[FILE_MAX];
};

const struct quota_limits QUOTA_DEFAULT = { .desk = 60, .own = 12, .own_house = 3 };

const struct id quota_owner = { "menedek quota 1" };

/* ---- limits ---- */

static const struct {
	const char *name;
	size_t offset;
} limit_rows[] = {
	{ "desk", offsetof(struct quota_limits, desk) },
	{ "own", offsetof(struct quota_limits, own) },
	{ "own_house", offsetof(struct quota_limits, own_house) },
};

static enum rc
take_limit(const struct csv *csv, struct quota_limits *out, struct fault *f)
{
	const char *name = csv_cell(csv, "name"), *value = csv_cell(csv, "per_hour");

	for (unsigned i = 0; name != NULL && value != NULL && i < COUNT_OF(limit_rows); i++) {
		uint32_t *to = (uint32_t *)(void *)((char *)out + limit_rows[i].offset);

		if (strcmp(limit_rows[i].name, name) == 0 && csv_number(value, QUOTA_ENTRIES, to))
			return RC_OK;
	}
	return fault_set(f, RC_INVALID, MSG_VAULT_LIMITS, NULL, (long)csv->line, NULL);
}

enum rc
quota_read_limits(struct bytes text, struct quota_limits *out, struct fault *f)
{
	struct arena *arena = arena_new(CSV_ARENA);
	struct quota_limits read = *out;
	struct csv csv;
	enum rc rc;

	if (arena == NULL)
		return fault_set(f, RC_UNAVAILABLE, MSG_NO_MEMORY, NULL, 0, NULL);
	rc = csv_open(&csv, text, arena, f);
	while (rc == RC_OK && (rc = csv_row(&csv, f)) == RC_OK)
		rc = take_limit(&csv, &read, f);
	if (rc == RC_NOT_FOUND)
		rc = read.desk + read.own <= QUOTA_ENTRIES
		    ? RC_OK
		    : fault_set(f, RC_INVALID, MSG_VAULT_LIMITS, NULL, 0, NULL);
	arena_free(arena);
	if (rc == RC_OK)
		*out = read;
	return rc;
}

/* ---- the file ---- */

static enum rc
save(struct quota *q, struct fault *f)
{
	size_t len = HEAD;
	enum rc rc;

	q->plain[0] = VERSION;
	put_u64(q->plain + 1, (uint64_t)(q->spent.at + QUOTA_HOUR));
	q->plain[9] = (uint8_t)(q->count >> 8);
	q->plain[10] = (uint8_t)q->count;
	for (unsigned i = 0; i < q->count; i++) {
		uint8_t *p = q->plain + len;

		put_u64(p, (uint64_t)q->entries[i].at);
		p[8] = q->entries[i].class;
		memcpy(p + 9, q->entries[i].house.b, ID_BYTES);
		memcpy(p + 9 + ID_BYTES, q->entries[i].disclosure.b, ID_BYTES);
		len += ROW;
	}
	if ((rc = vaultring_seal(q->ring, &quota_owner, (struct bytes){ q->plain, len }, q->sealed)) != RC_OK)
		return fault_set(f, rc, MSG_FILE_WRITE, NULL, 0, "quota");
	return file_write(q->path, (struct bytes){ q->sealed, len + VAULT_OVERHEAD }, 0600, f);
}

static bool
parse(struct quota *q, size_t len)
{
	const uint8_t *p = q->plain + HEAD;

	if (len < HEAD || q->plain[0] != VERSION)
		return false;
	q->spent.at = (int64_t)get_u64(q->plain + 1) - QUOTA_HOUR;
	q->count = (unsigned)(q->plain[9] << 8 | q->plain[10]);
	if (q->count > QUOTA_ENTRIES || len != HEAD + q->count * ROW)
		return false;
	for (unsigned i = 0; i < q->count; i++, p += ROW) {
		q->entries[i].at = (int64_t)get_u64(p);
		q->entries[i].class = p[8];
		memcpy(q->entries[i].house.b, p + 9, ID_BYTES);
		memcpy(q->entries[i].disclosure.b, p + 9 + ID_BYTES, ID_BYTES);
	}
	return true;
}

static bool
load(struct quota *q)
{
	char *raw = NULL;
	size_t len = 0, plain = 0;
	bool is_good = file_read(q->path, FILE_MAX, &raw, &len, NULL) == RC_OK &&
	    vaultring_unseal(q->ring, &quota_owner, (struct bytes){ (const uint8_t *)raw, len }, q->plain,
		&plain) == RC_OK &&
	    parse(q, plain);

	free(raw);
	return is_good;
}

static struct quota *
make(const char *path, struct vaultring *ring, struct fault *f)
{
	struct quota *q = calloc(1, sizeof(*q));

	if (q != NULL && (q->path = strdup(path)) != NULL) {
		q->ring = ring;
		q->limits = QUOTA_DEFAULT;
		q->spent.at = -QUOTA_HOUR;
		return q;
	}
	free(q);
	(void)fault_set(f, RC_UNAVAILABLE, MSG_NO_MEMORY, NULL, 0, NULL);
	return NULL;
}

enum rc
quota_create(const char *path, struct vaultring *ring, struct fault *f)
{
	struct quota *q = make(path, ring, f);
	enum rc rc = q == NULL ? RC_UNAVAILABLE : save(q, f);

	quota_free(q);
	return rc;
}

enum rc
quota_open(const char *path, struct vaultring *ring, const struct quota_limits *limits, int64_t now,
    struct quota **out, struct fault *f)
{
	struct quota *q = make(path, ring, f);

	*out = q;
	if (q == NULL)
		return RC_UNAVAILABLE;
	q->limits = *limits;
	if (load(q))
		return RC_OK;
	log_world("quota_spent", "the file is missing or damaged: no location is told for an hour");
	q->count = 0;
	q->spent = (struct entry){ .at = now };
	if (save(q, f) !=
	    RC_OK) /* it counts as spent at the next start again; that it cannot be written, at each use */
		log_world("quota_unwritten", "no location can be told until it can be written");
	return RC_OK;
}

void
quota_free(struct quota *q)
{
	if (q == NULL)
		return;
	free(q->path);
	free(q);
}

/* ---- use ---- */

bool
quota_has(const struct quota *q, const struct id *disclosure)
{
	for (unsigned i = 0; i < q->count; i++)
		if (id_equal(&q->entries[i].disclosure, disclosure))
			return true;
	return false;
}

/* What lies in the future counts, for an hour: a clock that was set back must not open a new one, but nor may
 * one that ran ahead keep every location closed until its day has come. */
static bool
counts(const struct entry *e, int64_t now)
{
	return !e->is_over && e->at > now - QUOTA_HOUR;
}

static void
look_at_time(struct entry *e, int64_t now)
{
	if (e->at <= now) {
		e->back = 0; /* the next time that the clock is set back is another one */
		return;
	}
	if (e->back == 0 || e->back > now)
		e->back = now;
	e->is_over |= now - e->back >= QUOTA_HOUR;
}

static void
look_at_times(struct quota *q, int64_t now)
{
	look_at_time(&q->spent, now);
	for (unsigned i = 0; i < q->count; i++)
		look_at_time(&q->entries[i], now);
}

static uint32_t
limit_of(const struct quota *q, enum quota_class class)
{
	return class == QUOTA_DESK ? q->limits.desk : q->limits.own;
}

uint32_t
quota_used(struct quota *q, int64_t now, enum quota_class class)
{
	uint32_t used = 0;

	look_at_times(q, now);
	if (counts(&q->spent, now))
		return limit_of(q, class);
	for (unsigned i = 0; i < q->count; i++)
		used += q->entries[i].class == class && counts(&q->entries[i], now);
	return used;
}

const struct quota_limits *
quota_limits(const struct quota *q)
{
	return &q->limits;
}

static uint32_t
used_by_house(const struct quota *q, int64_t now, const struct id *house)
{
	uint32_t used = 0;

	for (unsigned i = 0; i < q->count; i++)
		used += q->entries[i].class == QUOTA_OWN && id_equal(&q->entries[i].house, house) &&
		    counts(&q->entries[i], now);
	return used;
}

/* What counts no more though it lies in the future stays while there is room: its disclosure is good again
 * once its time comes, and was told. */
static void
drop_old(struct quota *q, int64_t now)
{
	const bool is_full = q->count == QUOTA_ENTRIES;
	unsigned kept = 0;

	for (unsigned i = 0; i < q->count; i++)
		if (is_full ? counts(&q->entries[i], now) : q->entries[i].at > now - QUOTA_HOUR)
			q->entries[kept++] = q->entries[i];
	q->count = kept;
}

enum rc
quota_take(
    struct quota *q, int64_t now, enum quota_class class, const struct id *house, const struct id *disclosure)
{
	enum rc rc;

	look_at_times(q, now);
	drop_old(q, now);
	if (counts(&q->spent, now) || quota_used(q, now, class) >= limit_of(q, class) ||
	    q->count == QUOTA_ENTRIES)
		return RC_SLOW_DOWN;
	if (class == QUOTA_OWN && used_by_house(q, now, house) >= q->limits.own_house)
		return RC_SLOW_DOWN;
	q->entries[q->count++] =
	    (struct entry){ .at = now, .class = (uint8_t) class, .house = *house, .disclosure = *disclosure };
	if ((rc = save(q, NULL)) == RC_OK)
		return RC_OK;
	/* of an unknown outcome the file may hold it: only then it stays taken in memory, which rules until
	 * the next start */
	if (rc != RC_UNKNOWN)
		q->count--;
	return RC_UNAVAILABLE;
}

enum rc
quota_renew(struct quota *q)
{
	struct vaultring_use own = { .house = quota_owner };
	enum rc rc = save(q, NULL);

	if (rc != RC_OK)
		return rc;
	own.key = vault_sealed_id((struct bytes){ q->sealed, VAULT_OVERHEAD });
	return vaultring_prune(q->ring, &own, 1, NULL);
}
