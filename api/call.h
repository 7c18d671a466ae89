/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One request from its head to its reply, without any knowledge of HTTP libraries.  The server feeds it in
 * order: call_new, call_body (as it arrives), then call_run until it says CALL_DONE; in between the call may
 * ask to be run on another thread or wait for a commit.  A call is on one thread at a time.
 */
#ifndef MENEDEK_CALL_H
#define MENEDEK_CALL_H

#include "service/parts.h"

/** What the server knows of a request after its header guard.  Pointers are valid until call_free. NULL =
 * absent. */
struct call_head {
	const char *method, *path; /* path undecoded, checked for its alphabet by the guard */
	const char *query;         /* after '?', undecoded, or NULL */
	const char *authorization, *content_type, *accept_language, *accept_encoding, *idempotency_key,
	    *if_match, *if_none_match;
	const char *last_event_id;
	int64_t content_length;  /* -1: chunked; 0: none */
	uint8_t fingerprint[32]; /* of the certificate of this connection */
};

enum call_step {
	CALL_DONE, /* call_reply has the answer */
	CALL_WAIT, /* a commit is under way: wake(arg) will be called from another thread, then run again */
	CALL_OFFLOAD, /* slow work: run it again on a thread that may be slow */
	CALL_TELL,    /* the same, before all that is only slow, and never refused: it has been recorded */
	CALL_STREAM   /* an event stream: send the reply's head, then call_stream_read until it returns -1 */
};

#define REPLY_HEADERS 12u
struct reply {
	unsigned status;
	struct bytes body;
	const char *content_type; /* NULL without a body */
	unsigned header_count;
	struct {
		const char *name, *value;
	} header[REPLY_HEADERS]; /* in the call's arena or static */
};

struct api; /* compiled routes, views, limiter: one for the process */
MUST_USE enum rc api_new(struct parts *parts, struct api **out, struct fault *f);
void api_free(struct api *api);

struct call;

/** Match, limits by header (413, 415, 431), method.  NULL only without memory.  ${wake} may be called from
 * any thread. */
struct call *call_new(struct api *api, const struct call_head *head, void (*wake)(void *arg), void *arg);
void call_free(struct call *call); /* never between CALL_WAIT and its wake */

/** Does it already have its answer (a refusal by its head)?  The server then reads no body and closes. */
bool call_is_refused(const struct call *call);

/** A piece of the body; false when it grew over the route's limit: the call then has its answer (413). */
MUST_USE bool call_body(struct call *call, struct bytes piece);

/* What the thread that runs a call may do. */
enum call_pace {
	CALL_BRIEF, /* wait for nothing: others wait for this thread */
	CALL_LONE,  /* nothing else is known to be due on it: commit itself, where that is quick (store.h) */
	CALL_SLOW   /* that, hash passphrases, wait for the vault */
};

/** Do what can be done on this thread at ${pace}. */
enum call_step call_run(struct call *call, enum call_pace pace);

const struct reply *call_reply(const struct call *call);

/** For CALL_STREAM: bytes written to ${buf}, 0 = nothing now (wake will be called), -1 = over (revoked, too
 * slow). */
int call_stream_read(struct call *call, char *buf, size_t cap);

/** Operation name ("reservations_create" or "none"), for metrics and the log. */
const char *call_operation(const struct call *call);

/** Request id, 26 characters. */
const char *call_request_id(const struct call *call);

/** A ready problem reply for errors before any call exists (guard: 400, 503); ${out} points to static
 * storage. */
void call_problem_static(enum rc rc, struct reply *out);

/** Background work, called by the server about every second: expires holds and episodes, sweeps old rows. */
void api_tick(struct api *api, int64_t now);

/** Prometheus text of the api's own counters, written to ${buf}; returns the length, ${cap} when it does not
 * fit. */
size_t api_metrics(struct api *api, char *buf, size_t cap);

#endif
