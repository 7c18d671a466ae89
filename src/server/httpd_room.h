/* SPDX-License-Identifier: Apache-2.0 */
/* What the httpd_*.c files share and nobody else sees: a loop, its connections, and the request of each. */
#ifndef MENEDEK_HTTPD_ROOM_H
#define MENEDEK_HTTPD_ROOM_H

#include <stdatomic.h>

#include <microhttpd.h>

#include "base/id.h"
#include "base/limits.h"
#include "server/httpd.h"
#include "server/loop.h"

/* What a connection waits for.  It is in one list, or in none while a call has it. */
enum {
	DUE_STRANGER, /* its certificate */
	DUE_REQUEST,  /* the rest of a request */
	DUE_ANSWER,   /* that the client takes the answer */
	DUE_IDLE,     /* the next request */
	DUE_PING,     /* an event, or time for a sign of life */
	DUE_LISTS
};

struct httpd {
	struct httpd_setup setup;
	struct MHD_Daemon *daemon;
	pthread_t thread;
	struct inbox inbox;
	_Atomic unsigned load;
	atomic_bool is_draining;
	/* the rest belongs to the loop's thread, and to its joiner after it */
	int64_t now_ms;
	struct due_list due[DUE_LISTS];
	uint64_t generation; /* of trust, when the streams were last told */
	unsigned parked;     /* suspended connections: the daemon cannot be stopped before they are resumed */
	bool has_moved;      /* since the last turn began: bytes, connections or letters came or went */
	bool has_waited;     /* in this turn, for a commit */
	bool has_started_one; /* did the daemon take the socket it was just given? */
};

struct conn {
	struct due due; /* first: a due is its conn */
	struct httpd *home;
	struct MHD_Connection *mhd;
	struct tls_peer *peer;
	struct task *task; /* the request under way, or NULL */
	int fd;
	bool is_counted; /* in the crowd */
};

/*
 * Who may go on with a call.  Its thread leaves it PARKED when the call waits; a wake makes it WOKEN, and
 * only the wake that finds it PARKED posts the letter, so that it is resumed exactly once, and never while it
 * is still running.
 */
enum turn { TURN_RUNNING, TURN_PARKED, TURN_WOKEN };

struct task {
	struct letter letter; /* first: "resume me" */
	struct pool_job job;
	struct conn *conn;
	struct call *call;
	struct call_head head;
	_Atomic int turn;
	enum { TASK_HEAD, TASK_BODY, TASK_OVERFLOW, TASK_CALL, TASK_ANSWERED } state;
	enum call_step step; /* what the last run said; CALL_WAIT before the first */
	bool wants_ping;
	bool is_stream;
	size_t discarded;
	char request_id[ID_TEXT + 1]; /* of a refusal without a call */
	char target[];
};

/* The task's part of the daemon (httpd_task.c); ${cls} is the struct httpd. */
void *task_begin(void *cls, const char *uri, struct MHD_Connection *mhd);
enum MHD_Result task_handle(void *cls, struct MHD_Connection *mhd, const char *url, const char *method,
    const char *version, const char *data, size_t *size, void **context);
void task_end(void *cls, struct MHD_Connection *mhd, void **context, enum MHD_RequestTerminationCode code);

/** Leave the call to whoever wakes it.  False if it was woken already: then go on. */
MUST_USE bool task_park(struct task *task);

/** Suspend the connection; its letter resumes it. */
void task_suspend(struct task *task);

/** Resume a suspended task that nobody has woken yet.  For the loop's thread. */
void task_rouse(struct task *task);

/** Queue ${reply} and the headers that every answer has; its memory must live until the task ends. */
MUST_USE enum MHD_Result reply_queue(struct task *task, const struct reply *reply, bool is_last);

/** Queue the head of a stream whose body is read from the call as it comes (httpd_stream.c). */
MUST_USE enum MHD_Result stream_open(struct task *task);

/** The headers of ${reply} on ${response}; false without memory (httpd_reply.c). */
MUST_USE bool reply_headers(
    struct MHD_Response *response, const struct task *task, const struct reply *reply, bool is_last);

/** Count an answer with ${status}. */
void reply_count(struct task *task, unsigned status);

#endif
