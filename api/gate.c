/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The only door.  match, limit, identify (certificate), authenticate (token), authorise, read, validate,
 * handle, record; then commit, and only then answer.  Invariants: G1 no handler runs without its row's
 * permission; G2 nothing that a transaction prepared leaves before its commit; G3 a refused or failed request
 * writes nothing; G4 what call_after asks for is done only when the transaction that recorded it is on disk.
 */
#include "gate.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "base/log.h"
#include "vault/grounds.h"

typedef enum rc gate_step_fn(struct call *c);

/* ---- identity, inside the transaction: a revocation that commits meanwhile makes this commit fail ---- */

static enum rc
identify(struct call *c)
{
	return principal_device(c->txn, c->head.fingerprint, c->ctx.now, &c->who);
}

static enum rc
read_token(struct call *c)
{
	static const char scheme[] = "Bearer ";
	const char *value = c->head.authorization;
	enum rc rc;

	if (c->has_claims)
		return RC_OK;
	if (!value)
		return RC_NO_TOKEN;
	if (strncasecmp(value, scheme, sizeof(scheme) - 1) != 0)
		return RC_BAD_TOKEN;
	value += sizeof(scheme) - 1;
	rc = auth_verify(c->api->parts->auth, bytes_str(value), c->head.fingerprint, c->ctx.now, &c->claims);
	if (rc == RC_BAD_TOKEN && c->api->parts->issuer != NULL)
		rc = issuer_verify(
		    c->api->parts->issuer, bytes_str(value), c->head.fingerprint, c->ctx.now, &c->claims);
	c->has_claims = rc == RC_OK;
	c->token = value;
	return rc;
}

static enum rc
authenticate(struct call *c)
{
	enum rc rc;

	if (c->route->permission == PERM_DEVICE)
		return RC_OK;
	if ((rc = read_token(c)) != RC_OK)
		return rc;
	return principal_person(c->txn, &c->claims, c->ctx.now, &c->who);
}

static enum rc
authorise(struct call *c)
{
	if (c->route->permission == PERM_DEVICE || policy_allows(c->who.roles, c->route->permission))
		return RC_OK;
	return RC_FORBIDDEN;
}

/* A first passphrase is known to who handed it over: nothing is done with it but changing it. */
static enum rc
admit(struct call *c)
{
	if (c->route->permission == PERM_DEVICE || (c->route->flags & R_EARLY))
		return RC_OK;
	if (c->who.user.must_change)
		return RC_MUST_CHANGE;
	if ((c->who.roles & c->api->parts->factor_roles) && !c->who.user.second_factor &&
	    !(c->route->flags & R_ENROL))
		return RC_FACTOR_REQUIRED;
	return RC_OK;
}

/* Once a call, a rerun being ours and not theirs, and before all else: slow work takes a place in a queue
 * that one device could fill for everybody, and a device that is refused is refused with an entry of the
 * trail. */
static enum rc
limit(struct call *c)
{
	enum rc rc;

	c->stage = STAGE_MEASURED;
	c->begun_ns = clock_mono_ns();
	rc = limiter_take(c);
	c->kept_headers = c->reply.header_count;
	return rc;
}

/* ---- the body ---- */

static enum rc
validate(struct call *c)
{
	const struct schema *schema = c->api->in[c->route_index];
	enum rc rc;

	if (c->body)
		return RC_OK; /* a rerun */
	if (!schema) {
		if (c->body_len == 0)
			return RC_OK;
		return fault_set(&c->fault, RC_MALFORMED, MSG_BODY_NOT_WANTED, "", 0, NULL);
	}
	rc = json_parse((struct bytes){ (const uint8_t *)c->body_buf, c->body_len }, &c->body, &c->fault);
	if (rc != RC_OK)
		return rc;
	if ((rc = schema_check(schema, c->body, &c->fault)) != RC_OK) {
		json_free(c->body);
		c->body = NULL;
	}
	return rc;
}

static enum rc
require_headers(struct call *c)
{
	if ((c->route->flags & R_MATCH) && !c->head.if_match)
		return RC_NEED_MATCH;
	return (c->route->flags & R_ONCE) && !c->head.idempotency_key ? RC_KEY_MISSING : RC_OK;
}

/* ---- audit ---- */

static void
start_audit(struct call *c)
{
	struct audit_entry *a = &c->ctx.audit;
	uint8_t salt[sizeof(a->salt)];

	memcpy(salt, a->salt, sizeof(salt)); /* the same in every run */
	memset(a, 0, sizeof(*a));
	memcpy(a->salt, salt, sizeof(salt));
	a->at = c->ctx.now;
	a->roles = c->who.roles;
	a->user = c->who.user.id;
	a->org = c->who.org.id;
	a->device = c->who.device.id;
	str_copy(a->action, sizeof(a->action), c->route->operation);
}

/* What was proposed unasked was proposed because the trail took entries then. */
static enum rc
record_soon(struct call *c)
{
	struct ledger *ledger = c->api->parts->ledger;

	return c->ctx.has_searched ? ledger_record_promised(ledger, &c->ctx.audit)
				   : ledger_record_later(ledger, &c->ctx.audit);
}

static enum rc
record(struct call *c)
{
	if (txn_is_writing(c->txn) || (c->route->flags & R_AUDIT))
		return ledger_record(c->txn, &c->ctx.audit);
	if (!(c->route->flags & R_LOOK) && !c->ctx.has_searched)
		return RC_OK;
	if (record_soon(c) == RC_OK)
		return RC_OK;
	return fault_set(&c->fault, RC_UNAVAILABLE, MSG_AUDIT_DOWN, NULL, 0, NULL);
}

static void
record_outcome(struct call *c, enum rc rc)
{
	c->ctx.audit.outcome = (uint16_t)rc;
	if (record_soon(c) == RC_OK)
		return;
	log_world("audit", "a refusal could not be recorded");
	if (c->ctx.has_searched)
		c->extra.len = 0; /* what was proposed is told only on record */
}

/* Refusals that tell of somebody trying doors; not typing mistakes, nor 429, or a flood would write the
 * trail. */
static void
record_refusal(struct call *c, enum rc rc)
{
	static const enum rc kept[] = { RC_FORBIDDEN, RC_BAD_LOGIN, RC_CODE_REQUIRED, RC_BAD_TOKEN,
		RC_NOT_FOUND, RC_DEVICE_REFUSED };

	if (c->ctx.has_searched) { /* a lost race that was answered with the next best */
		record_outcome(c, rc);
		return;
	}
	for (unsigned i = 0; i < COUNT_OF(kept); i++)
		if (kept[i] == rc)
			record_outcome(c, rc);
}

/* ---- unusual breadth ---- */

/* After the idempotent replay, which tells nothing new, and before the handler. */
static enum rc
slow_down(struct call *c)
{
	const enum breadth_class class = breadth_of_operation(c->route->operation);
	unsigned wait;
	enum rc rc;

	if (class == BREADTH_CLASSES || c->has_entered)
		return RC_OK;
	rc = breadth_watch_enter(
	    c->api->parts->breadth, &c->who.user.id, &c->who.org.id, class, c->ctx.now, &wait);
	if (rc == RC_TOO_BROAD) {
		snprintf(c->retry_after, sizeof(c->retry_after), "%u", wait);
		return fault_set(&c->fault, rc, MSG_BREADTH_WAIT, NULL, wait, NULL);
	}
	if (rc != RC_OK)
		return rc;
	c->entered_user = c->who.user.id;
	c->entered = class;
	c->has_entered = true;
	return RC_OK;
}

void
gate_leave(struct call *c)
{
	if (c->has_entered)
		breadth_watch_leave(c->api->parts->breadth, &c->entered_user, c->entered);
	c->has_entered = false;
}

/* ---- one run ---- */

static enum rc
handle(struct call *c)
{
	bool replayed = false;
	enum rc rc;

	if ((c->route->flags & R_ONCE) && (rc = idem_find(c, &replayed)) != RC_OK)
		return rc;
	if (replayed && !(c->route->flags & R_VAULT))
		return RC_OK;
	if ((rc = slow_down(c)) != RC_OK)
		return rc;
	if ((rc = c->route->handler(c)) != RC_OK)
		return rc;
	c->ctx.audit.outcome = (uint16_t)c->ctx.refused;
	if (c->ctx.refused != RC_OK)
		return ledger_record(c->txn, &c->ctx.audit);
	if ((c->route->flags & R_ONCE) && !replayed && (rc = idem_store(c)) != RC_OK)
		return rc;
	return record(c); /* last: the entry tells of all that is written */
}

static enum rc
run_once(struct call *c)
{
	static gate_step_fn *const steps[] = { identify, authenticate, authorise, admit, require_headers,
		validate, handle };
	enum rc rc;

	fault_clear(&c->fault);
	c->ctx.ids_used = 0;
	c->ctx.refused = RC_OK;
	c->ctx.has_searched = false;
	c->ctx.retry_after = 0;
	c->extra.len = 0;
	c->kept.len = 0;
	c->reply.header_count = c->kept_headers;
	c->reply.body.len = 0;
	c->reply.content_type = NULL;
	c->after = NULL;
	memset(&c->who, 0, sizeof(c->who));
	start_audit(c);
	for (unsigned i = 0; i < COUNT_OF(steps); i++) {
		if ((rc = steps[i](c)) != RC_OK)
			return rc;
		if (steps[i] == authorise)
			start_audit(c); /* now that it is known who */
	}
	return RC_OK;
}

/* Every run starts from an empty transaction and the memory it had before the first. */
static enum rc
open_txn(struct call *c)
{
	enum rc rc;

	if (c->txn) {
		txn_end(c->txn);
		c->txn = NULL;
		arena_rewind(c->arena, c->mark);
	}
	c->mark = arena_mark(c->arena);
	rc = txn_begin(c->api->parts->store, c->arena, &c->txn);
	c->ctx.txn = c->txn;
	return rc;
}

static void
count(struct call *c)
{
	const unsigned class = c->reply.status / 100;
	const uint64_t us = (uint64_t)(clock_mono_ns() - c->begun_ns) / 1000;
	struct took *took;

	if (class < 1 || class > 5)
		return;
	took = &c->api->took[c->route_index];
	atomic_fetch_add_explicit(&c->api->served[c->route_index * 5 + class - 1], 1, memory_order_relaxed);
	atomic_fetch_add_explicit(&took->in[spread_step(&spread_times, us)], 1, memory_order_relaxed);
	atomic_fetch_add_explicit(&took->sum, us, memory_order_relaxed);
}

/*
 * What is not there and what is another's take one time.  To find, open and read another's record costs a
 * microsecond or two more than to find nothing, and a thousand pairs of requests show that.  The thread waits
 * awake: a sleep is longer than what there is to hide, and its length would depend on what it sleeps beside.
 */
static void
even_out(const struct call *c, enum rc rc)
{
	if (rc != RC_NOT_FOUND && !(c->route->flags & R_EVEN))
		return;
	while (clock_mono_ns() - c->begun_ns < LIMIT_EVEN_NS) {
	}
}

static enum call_step
finish(struct call *c, enum rc rc)
{
	txn_end(c->txn);
	c->txn = NULL;
	c->stage = STAGE_DONE;
	gate_leave(c);
	if (rc != RC_OK) {
		record_refusal(c, rc);
		problem_write(c, rc);
	} else if (c->ctx.refused != RC_OK) { /* it stands in the trail with what it wrote */
		problem_write(c, c->ctx.refused);
	} else if (c->subscription) {
		c->stage = STAGE_STREAM;
	}
	count(c);
	even_out(c, rc);
	return c->stage == STAGE_STREAM ? CALL_STREAM : CALL_DONE;
}

static void
committed(void *arg, enum rc rc)
{
	struct call *c = arg;

	c->commit_rc = rc;
	c->wake(c->wake_arg);
}

/* A conflict is nobody's fault: decide again on what is true now. */
static bool
wants_rerun(const struct call *c, enum rc rc)
{
	return rc == RC_CONFLICT && c->runs < LIMIT_RETRIES;
}

static enum rc
final_rc(enum rc rc)
{
	return rc == RC_CONFLICT ? RC_BUSY : rc == RC_TOO_BIG ? RC_INTERNAL : rc;
}

/* The record's time may be that of most nodes, or of another, and the vault goes by this machine's clock.
 * What it would not tell for that is not recorded as told either: it would count, and a break-glass tells
 * once. */
static bool
is_timely(const struct call *c)
{
	const int64_t own = clock_now();

	if (grounds_is_timely(c->after_at, own))
		return true;
	log_world("clock_withholds",
	    "seconds=%" PRId64 ": from the record's time to this machine's, so no location is told",
	    own - c->after_at);
	return false;
}

/* A call is of the time of its first run: its body may have come slowly, and a thread late, and what others
 * decided meanwhile would be younger than what is decided after it. */
static void
begin(struct call *c)
{
	c->begun_ns = clock_mono_ns();
	c->ctx.now = store_now(c->api->parts->store);
	c->ctx.sure = store_sure_now(c->api->parts->store);
	c->ctx.common = store_common_now(c->api->parts->store);
}

static enum call_step
run_and_commit(struct call *c, enum call_pace pace)
{
	enum rc rc;

	if (c->runs == 0)
		begin(c);
	if ((rc = open_txn(c)) != RC_OK)
		return finish(c, rc);
	c->runs++;
	rc = run_once(c);
	if (rc == RC_OK && c->after && !txn_is_writing(c->txn)) {
		log_bug("after_nothing", "operation=%s", call_operation(c));
		rc = RC_INTERNAL;
	}
	if (rc == RC_OK && c->after && !is_timely(c))
		rc = RC_WITHHELD;
	if (rc != RC_OK || !txn_is_writing(c->txn))
		return finish(c, final_rc(rc));
	c->stage = STAGE_COMMITTING;
	/* from here on another thread may own the call */
	(pace == CALL_BRIEF ? txn_commit : txn_commit_here)(c->txn, committed, c);
	return CALL_WAIT;
}

/* The trail already says that it was done; that it was not comes after it. */
static enum call_step
run_after(struct call *c)
{
	enum rc rc = c->after(c, c->after_arg);

	if (rc == RC_UNAVAILABLE)
		rc = RC_WITHHELD; /* "nothing was changed" is not true any more: what was not told counts */
	if (rc != RC_OK) {
		random_fill(c->ctx.audit.salt, sizeof(c->ctx.audit.salt));
		record_outcome(c, rc);
	}
	return finish(c, rc);
}

void
call_after(struct call *c, int64_t at, after_fn *fn, void *arg)
{
	c->after_at = at;
	c->after = fn;
	c->after_arg = arg;
}

enum call_step
call_run(struct call *c, enum call_pace pace)
{
	enum rc rc;

	if (c->stage == STAGE_DONE)
		return CALL_DONE;
	if (c->stage == STAGE_NEW && (rc = limit(c)) != RC_OK)
		return finish(c, rc);
	if (c->stage == STAGE_COMMITTING && c->commit_rc == RC_OK && c->after)
		c->stage = STAGE_AFTER;
	if (c->stage == STAGE_AFTER)
		return pace == CALL_SLOW ? run_after(c) : CALL_TELL;
	if (c->stage == STAGE_COMMITTING && !wants_rerun(c, c->commit_rc))
		return finish(c, final_rc(c->commit_rc));
	if ((c->route->flags & (R_SLOW | R_WALK)) && pace != CALL_SLOW)
		return CALL_OFFLOAD;
	return run_and_commit(c, pace);
}
