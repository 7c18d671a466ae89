/* SPDX-License-Identifier: Apache-2.0 */
/* Live events: who may listen to what, and closing at once when device, person or token is revoked or runs
 * out. */
#include "gate.h"

#include <stdio.h>
#include <string.h>

enum rc
events_stream(struct call *c)
{
	const struct user *person = &c->who.user;
	bool desk = (c->who.roles & (ROLE_BIT(ROLE_COUNSELLOR) | ROLE_BIT(ROLE_SHIFT_LEAD))) != 0;
	struct feed_scope scope = { .shelter_count = person->shelter_count, .opened_for_all = desk };
	uint64_t last = 0;
	int64_t at = 0;

	memcpy(scope.shelters, person->shelters, sizeof(scope.shelters));
	if (desk)
		scope.desk_org = c->who.org.id;
	if (c->who.roles & (ROLE_BIT(ROLE_SHIFT_LEAD) | ROLE_BIT(ROLE_SHELTER_MANAGER)))
		scope.lead_org = c->who.org.id;
	scope.reader = (struct mark_reader){ c->api->parts->keyring, c->who.user.id, c->who.device.id };
	if (c->head.last_event_id &&
	    (!mark_open(&scope.reader, c->head.last_event_id, c->ctx.now, &last, &at) ||
		!feed_may_be(c->api->parts->feed, last, at)))
		last =
		    FEED_LOST; /* another's, altered, too old or of before a restore: one answer, a reset */
	c->generation =
	    0; /* the first read looks again: what was revoked since this snapshot must not be missed */
	c->reply.status = 200;
	c->reply.content_type = "text/event-stream";
	return feed_subscribe(c->api->parts->feed, &scope, last, c->wake, c->wake_arg, &c->subscription);
}

/* Ours are signed by one key for as long as the process lives; an outside issuer's may be withdrawn. */
static enum rc
signed_still(const struct call *c, int64_t now)
{
	struct claims claims;

	return issuer_verify(c->api->parts->issuer, bytes_str(c->token), c->head.fingerprint, now, &claims);
}

static enum rc
still_welcome(struct txn *t, void *arg)
{
	struct call *c = arg;
	const int64_t now = store_now(c->api->parts->store);
	struct principal who = { 0 };
	enum rc rc;

	if (c->claims.is_outside && (rc = signed_still(c, now)) != RC_OK)
		return rc;
	if ((rc = principal_device(t, c->head.fingerprint, now, &who)) != RC_OK)
		return rc;
	if ((rc = principal_person(t, &c->claims, now, &who)) != RC_OK)
		return rc;
	return who.roles == c->who.roles ? RC_OK : RC_BAD_TOKEN;
}

/* Looked at whenever a revocation happened anywhere, and at each event; cheap enough to be asked always. */
static enum rc
look_again(struct call *c)
{
	uint64_t generation = trust_generation(c->api->parts->trust);
	struct arena *arena;
	enum rc rc;

	if (generation == c->generation)
		return RC_OK;
	c->generation = generation;
	if (!(arena = arena_new(LIMIT_ARENA)))
		return RC_UNAVAILABLE;
	rc = store_view(c->api->parts->store, arena, still_welcome, c);
	arena_free(arena);
	return rc;
}

int
call_stream_read(struct call *c, char *buf, size_t cap)
{
	static const char ended[] = "event: ended\ndata: {\"code\":\"%s\"}\n\n";
	enum rc rc;
	int len;

	if (!c->subscription || c->is_ended || c->claims.expires_at <= store_now(c->api->parts->store))
		return -1; /* over by itself: the next token may be here already */
	if ((rc = look_again(c)) == RC_OK)
		return (int)feed_read(c->subscription, buf, cap);
	if (rc != RC_DEVICE_REFUSED && rc != RC_BAD_TOKEN)
		return -1; /* the store could not say: nobody was revoked */
	/* a revoked device cannot ask why: its next handshake fails as if there were no network */
	c->is_ended = true;
	len = snprintf(buf, cap, ended, rc_code(rc));
	return len > 0 && (size_t)len < cap ? len : -1;
}
