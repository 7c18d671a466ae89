/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inside of the api: the route table, the call, and what handlers may use.  A handler is short: read, one
 * service call, answer.  It runs inside a transaction and may run again; what it answers leaves only after
 * the commit.
 */
#ifndef MENEDEK_GATE_H
#define MENEDEK_GATE_H

#include "base/expose.h"
#include "call.h"
#include "console.h"
#include "domain/policy.h"
#include "model/bodies.h"

enum verb { GET, POST, PUT, PATCH, DELETE, VERB_COUNT };

enum route_flags {
	R_ONCE = 1,   /* needs an Idempotency-Key */
	R_MATCH = 2,  /* needs If-Match */
	R_SLOW = 4,   /* memory-hard or waiting work: not on an HTTP thread */
	R_LOOK = 8,   /* audited though it changes nothing, soon after */
	R_AUDIT = 16, /* audited though it changes nothing, before the answer */
	R_VAULT = 32, /* the answer holds a location: never kept for replays */
	R_STREAM = 64,
	R_EARLY = 128, /* works before a first passphrase has been changed */
	R_EVEN = 256,  /* its answers take one time, whatever had to be read for them; so does every 404 */
	R_ENROL = 512, /* works before a second factor that the role needs */
	R_WALK = 1024  /* reads thousands of records for one answer: not on an HTTP thread either */
};

typedef enum rc handler_fn(struct call *c);

#define ROUTE_PARAMS 2u

struct route {
	enum verb verb;
	const char *path;
	const char *operation;
	handler_fn *handler;
	enum permission permission;
	const char *body_in, *body_out;
	unsigned flags;
};

extern const struct route routes[];
extern const unsigned route_count;

/** Find the route of ${path} and ${verb}: RC_OK, RC_NOT_FOUND, RC_BAD_METHOD (${allow}: verbs of that path as
 * bits). */
MUST_USE enum rc route_match(const char *path, const char *verb, const struct route **out,
    struct id params[ROUTE_PARAMS], unsigned *allow);
const char *verb_name(enum verb verb);

/* ---- one process ---- */

struct limiter;

/* How long answers took, in microseconds from their first run: spread_times. */
struct took {
	_Atomic uint64_t in[SPREAD_STEPS + 1], sum;
};

struct api {
	struct parts *parts;
	const struct schema **in; /* per route, NULL without a body */
	const struct view **out;
	const struct view *candidate_view;
	struct limiter *limiter;
	struct console *console;
	struct capacity_cache *capacity;
	_Atomic uint64_t *served; /* per route and status class: 5 counters each */
	struct took *took;        /* per route */
	int64_t started_at;
	int64_t swept_at;
};

/* ---- one call ---- */

enum call_stage { STAGE_NEW, STAGE_MEASURED, STAGE_COMMITTING, STAGE_AFTER, STAGE_DONE, STAGE_STREAM };

/** What is done for a call once its transaction is durable; it has no transaction then.  Answers, or says why
 * not. */
typedef enum rc after_fn(struct call *c, void *arg);

#define RATE_FIELD 64u

struct call {
	struct api *api;
	const struct route *route; /* NULL when none matched */
	unsigned route_index;
	struct arena *arena;
	size_t mark; /* what a new run of the transaction goes back to */
	struct call_head head;
	struct id params[ROUTE_PARAMS];
	enum lang lang;
	char request_id[ID_TEXT + 1];

	char *body_buf;
	size_t body_len, body_cap;
	json *body;

	struct principal who;
	const char *token; /* in head.authorization; good if has_claims */
	struct claims claims;
	bool has_claims;
	struct ctx ctx;
	struct fault fault;
	struct txn *txn;
	unsigned runs;
	int64_t begun_ns; /* of the first run */
	enum call_stage stage;
	enum rc commit_rc;
	after_fn *after; /* set by the handler's last run; NULL: the handler has answered */
	void *after_arg;
	int64_t after_at; /* the time of what was recorded for it */
	void (*wake)(void *);
	void *wake_arg;

	uint8_t idem_hash[32];
	struct key idem_key;
	struct bytes kept; /* what a replay answers instead; empty: the answer itself */

	struct bytes extra;     /* JSON for the problem's extension member */
	const char *extra_name; /* "next" or "current" */
	struct reply reply;
	char rate[RATE_FIELD];        /* the RateLimit field */
	char rate_policy[RATE_FIELD]; /* and RateLimit-Policy */
	unsigned kept_headers;        /* those that stay on a problem and on a new run: the limiter's */

	struct id entered_user; /* whose operation of ${entered} is under way (breadth_watch.h) */
	enum breadth_class entered;
	bool has_entered;
	char retry_after[12]; /* seconds, when this person was slowed down */

	struct subscription *subscription;
	uint64_t generation; /* of trust, when the stream was last checked */
	bool is_ended;       /* the stream has said its last */
};

/* ---- for handlers ---- */

/** Read the validated body over ${obj}. */
MUST_USE enum rc call_read(struct call *c, const struct model *m, void *obj);

/** Answer ${status} with ${obj} under the route's response schema. */
MUST_USE enum rc call_answer(struct call *c, unsigned status, const struct model *m, const void *obj);

/** After call_answer: a replay (R_ONCE) answers ${obj} instead, and only that is kept.  For answers that hold
 * a secret. */
MUST_USE enum rc call_keep(struct call *c, const struct model *m, const void *obj);

/**
 * The answer needs what may only happen after the commit: ${fn} runs once, on a thread that may wait, after
 * the transaction that the handler is in is on disk, and answers in the handler's place.  ${arg} is in the
 * call's arena.  The transaction must write: what is told must have been recorded (G4).  When ${fn} fails,
 * what was committed stands, and its outcome gets an entry of its own in the trail; its RC_UNAVAILABLE, which
 * would say that nothing was changed, is answered RC_WITHHELD.  So is, and nothing is written, what the vault
 * would refuse because ${at}, the record's time, is too far from this machine's clock.
 */
void call_after(struct call *c, int64_t at, after_fn *fn, void *arg);

/** A handler's end when its use case may have refused with ctx_refuse: then there is nothing to answer. */
bool call_is_answerable(const struct call *c, enum rc rc);

/** Answer without a body. */
MUST_USE enum rc call_answer_empty(struct call *c, unsigned status);

/** Answer with ready bytes. */
MUST_USE enum rc call_answer_raw(struct call *c, const char *content_type, struct bytes body);

/** Add a response header; both in the arena or static. */
void call_header(struct call *c, const char *name, const char *value);

/** Set the ETag of ${id} at ${version}. */
MUST_USE enum rc call_etag(struct call *c, const struct id *id, uint64_t version);

/**
 * Check If-Match against the present version: RC_OK or RC_STALE, then with the present state, written by ${m}
 * under the route's response schema, in the problem's "current".
 */
MUST_USE enum rc call_match(
    struct call *c, const struct id *id, uint64_t version, const struct model *m, const void *current);

/** If-None-Match names the present version: the handler answers 304. */
bool call_not_modified(const struct call *c, const struct id *id, uint64_t version);

/** Put ${obj} under ${name} into the problem that follows. */
void call_extra(
    struct call *c, const char *name, const struct model *m, const void *obj, const struct view *view);

/** The path's n-th id. */
const struct id *call_param(const struct call *c, unsigned n);

/** Value of query parameter ${name}, or NULL if it is not there; "" for one of more than [A-Za-z0-9_.-]. */
const char *call_query(struct call *c, const char *name);

struct page_request {
	struct id after;
	uint64_t number;
	unsigned limit;
};

/** "limit" and "cursor" of the query; RC_MALFORMED for a bad one. */
MUST_USE enum rc call_page(struct call *c, struct page_request *out);

/** Answer a page of ${count} items of ${m}'s list; ${last} is the last item's id when there may be more, else
 * NULL. */
MUST_USE enum rc call_answer_page(struct call *c, const struct model *m, const void *data, unsigned count,
    const struct page_request *page, const struct id *last, uint64_t number);

/** What lists share: a use case that fills structs beginning with their id, after an id, at most ${limit}. */
typedef enum rc page_fn(struct ctx *c, const struct id *after, unsigned limit, void *out, unsigned *count);
MUST_USE enum rc call_list(struct call *c, const struct model *list, size_t size, page_fn *fn);

/** The same for what is numbered, newest first: ${before} 0 for the newest; ${next} 0 when there is no more.
 */
typedef enum rc numbered_fn(
    struct ctx *c, uint64_t before, unsigned limit, void *out, unsigned *count, uint64_t *next);
MUST_USE enum rc call_list_numbered(struct call *c, const struct model *list, size_t size, numbered_fn *fn);

/* ---- parts of the gate ---- */
void problem_write(struct call *c, enum rc rc);
MUST_USE enum rc reply_render(struct call *c, unsigned status, const struct model *m, const void *obj,
    const struct view *view, struct bytes *out);

MUST_USE enum rc idem_find(struct call *c, bool *found); /* fills the reply when found; RC_KEY_REUSED */
MUST_USE enum rc idem_store(struct call *c);
void idem_sweep(struct parts *parts, int64_t now);

MUST_USE enum rc limiter_new(struct limiter **out);
void limiter_free(struct limiter *l);
MUST_USE enum rc limiter_take(struct call *c); /* RC_SLOW_DOWN; sets RateLimit headers */

void gate_leave(struct call *c); /* what was entered is over; more than once does no harm */

MUST_USE enum rc cursor_make(struct call *c, const struct id *last, uint64_t number, char *out, size_t cap);
MUST_USE enum rc cursor_open(struct call *c, const char *text, struct id *last, uint64_t *number);

/* handlers, one for each row */
#define ROUTE(verb, path, handler, permission, in, out, flags) enum rc handler(struct call *c);
#include "routes.def"
#undef ROUTE

#endif
