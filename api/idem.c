/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Idempotency keys: the first answer is kept with a digest of the request in the same transaction as the
 * change, read first and written last, for 24 hours.  Scoped to device and operation.  Two requests with one
 * key at the same moment: the loser's read of the key conflicts, runs again and finds the first one's answer.
 */
#include "gate.h"

#include <string.h>

#include "base/log.h"
#include "crypto/digest.h"

#define IDEM_KIND 'i'
#define HEAD      (8 + 32 + 2 + 32) /* time, digest, status, etag */

static bool
is_good_key(const char *key)
{
	size_t len = strlen(key);

	if (len == 0 || len > LIMIT_IDEM_KEY)
		return false;
	for (size_t i = 0; i < len; i++)
		if (key[i] < 0x21 || key[i] > 0x7e)
			return false;
	return true;
}

static void
make_key(struct call *c)
{
	const char *path = c->head.path;
	struct bytes scope[] = { BYTES_OF(c->who.device.id.b), BYTES_OF(c->who.user.id.b),
		{ (const uint8_t *)c->route->operation, strlen(c->route->operation) + 1 },
		bytes_str(c->head.idempotency_key) };
	struct bytes request[] = { { (const uint8_t *)path, strlen(path) + 1 },
		{ (const uint8_t *)c->body_buf, c->body_len } };
	uint8_t name[DIGEST_BYTES];

	digest_parts(scope, COUNT_OF(scope), name);
	digest_parts(request, COUNT_OF(request), c->idem_hash);
	c->idem_key = key_kind(IDEM_KIND);
	key_add_bytes(&c->idem_key, name, sizeof(name));
}

/* The kept form: time, digest of the request, status, ETag, body. */
static void
restore(struct call *c, struct bytes kept)
{
	char *etag =
	    arena_strndup(c->arena, (const char *)kept.p + 42, strnlen((const char *)kept.p + 42, 32));

	c->reply.status = (unsigned)(kept.p[40] << 8 | kept.p[41]);
	c->reply.body = (struct bytes){ kept.p + HEAD, kept.len - HEAD };
	c->reply.content_type = c->reply.body.len > 0 ? "application/json" : NULL;
	if (etag && etag[0] != '\0')
		call_header(c, "ETag", etag);
	call_header(c, "Idempotency-Replayed", "true");
}

enum rc
idem_find(struct call *c, bool *found)
{
	struct bytes kept;
	enum rc rc;

	*found = false;
	if (!is_good_key(c->head.idempotency_key))
		return fault_set(&c->fault, RC_MALFORMED, MSG_FIELD_LONG, NULL, LIMIT_IDEM_KEY, NULL);
	make_key(c);
	if ((rc = txn_get(c->txn, &c->idem_key, &kept)) == RC_NOT_FOUND)
		return RC_OK;
	if (rc != RC_OK)
		return rc;
	if (kept.len < HEAD)
		return RC_CORRUPT;
	if ((int64_t)get_u64(kept.p) + LIMIT_IDEM_KEEP <= ctx_sure(&c->ctx))
		return RC_OK; /* spent; it will be overwritten */
	if (memcmp(kept.p + 8, c->idem_hash, 32) != 0)
		return RC_KEY_REUSED;
	*found = true;
	if (c->route->flags & R_VAULT)
		call_header(c, "Idempotency-Replayed", "true");
	else
		restore(c, kept);
	return RC_OK;
}

static const char *
reply_etag(const struct call *c)
{
	for (unsigned i = 0; i < c->reply.header_count; i++)
		if (strcmp(c->reply.header[i].name, "ETag") == 0)
			return c->reply.header[i].value;
	return "";
}

enum rc
idem_store(struct call *c)
{
	struct bytes answer = c->kept.len > 0 ? c->kept : c->reply.body;
	size_t body = c->route->flags & R_VAULT ? 0 : answer.len;
	uint8_t *kept = arena_alloc(c->arena, HEAD + body);

	if (!kept)
		return RC_UNAVAILABLE;
	put_u64(kept, (uint64_t)c->ctx.now);
	memcpy(kept + 8, c->idem_hash, 32);
	kept[40] = (uint8_t)(c->reply.status >> 8);
	kept[41] = (uint8_t)c->reply.status;
	str_copy((char *)kept + 42, 32, reply_etag(c));
	if (body > 0)
		memcpy(kept + HEAD, answer.p, body);
	return txn_put(c->txn, &c->idem_key, KEY_DETAIL, (struct bytes){ kept, HEAD + body });
}

/* ---- removing spent keys ---- */

#define SWEEP_MAX   64u
#define SWEEP_BYTES (LIMIT_ARENA / 4) /* each is opened twice, in one arena */

struct spent {
	int64_t now;
	struct audit_entry audit;
	struct key keys[SWEEP_MAX];
	unsigned count;
	size_t bytes;
	bool has_more;
};

static bool
collect(void *arg, const struct key *key, struct bytes value, uint64_t rev)
{
	struct spent *s = arg;

	(void)rev;
	if (value.len < 8 || (int64_t)get_u64(value.p) + LIMIT_IDEM_KEEP > s->now)
		return true;
	s->keys[s->count++] = *key;
	s->bytes += value.len;
	s->has_more = s->count == SWEEP_MAX || s->bytes >= SWEEP_BYTES;
	return !s->has_more;
}

/* Each is read again, so that it is in the read set: who has taken the key anew meanwhile keeps the answer,
 * and of several nodes that sweep one tells of it. */
static enum rc
remove_spent(struct txn *t, void *arg)
{
	struct spent *s = arg;
	struct key prefix = key_kind(IDEM_KIND);
	struct bytes value;
	enum rc rc;

	s->count = 0;
	s->bytes = 0;
	s->has_more = false;
	/* What is hurt stays where it is, for menedek check to name, and keeps nothing after it from being
	 * removed. */
	if ((rc = txn_scan_past(t, &prefix, NULL, collect, txn_pass_by, s)) != RC_OK)
		return rc;
	for (unsigned i = 0; i < s->count; i++)
		if ((rc = txn_get(t, &s->keys[i], &value)) != RC_OK ||
		    (rc = txn_delete(t, &s->keys[i])) != RC_OK)
			return rc;
	return s->count == 0 ? RC_OK : ledger_record(t, &s->audit);
}

void
idem_sweep(struct parts *parts, int64_t now)
{
	struct arena *arena = arena_new(LIMIT_ARENA);
	struct spent s = { .now = now, .audit = { .at = now, .action = "clock_forget_answers" } };
	enum rc rc;

	if (!arena)
		return;
	do {
		random_fill(s.audit.salt, sizeof(s.audit.salt));
		if ((rc = store_update(parts->store, arena, remove_spent, &s)) != RC_OK) {
			log_world("idem_sweep", "rc=%s", rc_code(rc));
			break;
		}
		arena_rewind(arena, 0);
	} while (s.has_more);
	arena_free(arena);
}
