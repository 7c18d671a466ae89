/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One request: from the daemon's callbacks to the steps of its call.  All of it runs on the loop's thread but
 * task_wake (any thread) and task_work (the pool).
 */
#include "server/httpd_room.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "server/guard.h"

static struct conn *
conn_of(struct MHD_Connection *mhd)
{
	const union MHD_ConnectionInfo *info =
	    MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT);

	return info == NULL ? NULL : info->socket_context;
}

bool
task_park(struct task *task)
{
	int running = TURN_RUNNING;

	return atomic_compare_exchange_strong(&task->turn, &running, TURN_PARKED);
}

void
task_suspend(struct task *task)
{
	struct httpd *home = task->conn->home;

	home->parked++;
	tally_add(home->setup.tallies, TALLY_WAITING, 1);
	MHD_suspend_connection(task->conn->mhd);
}

static void
resume(struct letter *letter)
{
	struct task *task = (struct task *)letter;
	struct httpd *home = task->conn->home;

	home->parked--;
	tally_add(home->setup.tallies, TALLY_WAITING, -1);
	MHD_resume_connection(task->conn->mhd);
}

void
task_rouse(struct task *task)
{
	if (atomic_exchange(&task->turn, TURN_WOKEN) == TURN_PARKED)
		resume(&task->letter);
}

/* The call's wake: on any thread, perhaps before the run that made the call wait has returned. */
static void
task_wake(void *arg)
{
	struct task *task = arg;

	if (atomic_exchange(&task->turn, TURN_WOKEN) == TURN_PARKED)
		inbox_post(&task->conn->home->inbox, &task->letter);
}

/* On a thread of the pool.  The connection is suspended, so the loop leaves the task alone until its letter.
 */
static void
task_work(struct pool_job *job)
{
	struct task *task = (struct task *)((char *)job - offsetof(struct task, job));

	do {
		atomic_store(&task->turn, TURN_RUNNING);
		task->step = call_run(task->call, CALL_SLOW);
	} while (task->step == CALL_OFFLOAD);
	/* once parked, a wake may have it finished and freed */
	if (task->step == CALL_WAIT && task_park(task))
		return;
	inbox_post(&task->conn->home->inbox, &task->letter);
}

void *
task_begin(void *cls, const char *uri, struct MHD_Connection *mhd)
{
	const size_t len = uri == NULL ? 0 : strlen(uri);
	struct httpd *home = cls;
	struct conn *conn = conn_of(mhd);
	struct task *task;

	if (conn == NULL || (task = calloc(1, sizeof(*task) + len + 1)) == NULL)
		return NULL;
	if (len > 0)
		memcpy(task->target, uri, len);
	task->letter.deliver = resume;
	task->job.run = task_work;
	task->conn = conn;
	task->step = CALL_WAIT;
	atomic_init(&task->turn, TURN_RUNNING);
	conn->task = task;
	due_set(&conn->due, &home->due[DUE_REQUEST], home->now_ms);
	return task;
}

void
task_end(void *cls, struct MHD_Connection *mhd, void **context, enum MHD_RequestTerminationCode code)
{
	struct httpd *home = cls;
	struct task *task = *context;
	struct conn *conn;

	(void)mhd;
	(void)code;
	if (task == NULL)
		return;
	*context = NULL;
	conn = task->conn;
	/* Never between a letter and its delivery: until then the connection is suspended, and the daemon
	 * ends no request of a suspended connection. */
	if (task->call != NULL)
		call_free(task->call);
	if (task->is_stream)
		tally_add(home->setup.tallies, TALLY_STREAMS, -1);
	free(task);
	conn->task = NULL;
	due_set(&conn->due, &home->due[DUE_IDLE], home->now_ms);
	tls_peer_rest(conn->peer);
}

/* Answer what no call answers, and close.  Who asks about the id of the answer (the call's, where there is
 * one) finds ${why} in the log. */
static enum MHD_Result
refuse(struct task *task, enum rc rc, const char *why)
{
	const bool is_ours = rc_http(rc) >= 500;
	const struct id id = id_new();
	struct reply reply = { 0 };

	call_problem_static(rc, &reply);
	id_format(&id, task->request_id);
	log_line(is_ours ? LOG_WORLD : LOG_PEER, is_ours ? "request_dropped" : "request_malformed",
	    "request=%s flaw=%s", task->call == NULL ? task->request_id : call_request_id(task->call), why);
	return reply_queue(task, &reply, true);
}

struct head_fields {
	struct guard_field field[LIMIT_HEADERS];
	size_t count;
};

/* Name and value lie in the buffer as they came; where the library has moved one of them, because it joined
 * folded lines, their distance is far from one space. */
static size_t
spaces_before(const char *value, const char *name, size_t name_len)
{
	return value == NULL ? 0 : (size_t)((uintptr_t)value - (uintptr_t)name) - name_len - 1;
}

static enum MHD_Result
collect(void *cls, enum MHD_ValueKind kind, const char *name, size_t name_len, const char *value,
    size_t value_len)
{
	struct head_fields *fields = cls;

	(void)kind;
	if (fields->count < LIMIT_HEADERS)
		fields->field[fields->count] = (struct guard_field){ name, value == NULL ? "" : value,
			name_len, value_len, spaces_before(value, name, name_len) };
	fields->count++;
	return MHD_YES;
}

static enum guard_flaw
guard(struct task *task, const char *method, const char *version)
{
	struct MHD_Connection *mhd = task->conn->mhd;
	const union MHD_ConnectionInfo *info =
	    MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);
	struct head_fields fields = { .count = 0 };
	struct guard_request request = { .method = method, .version = version, .target = task->target };

	(void)MHD_get_connection_values_n(mhd, MHD_HEADER_KIND, collect, &fields);
	request.fields = fields.field;
	request.count = fields.count;
	request.head_bytes = info == NULL ? 0 : info->header_size;
	return guard_check(&request, &task->head);
}

/* The head is complete: guard it and make the call. */
static enum MHD_Result
open_call(struct task *task, const uint8_t *fingerprint, const char *method, const char *version)
{
	const struct httpd_setup *setup = &task->conn->home->setup;
	enum guard_flaw flaw;

	tally_add(setup->tallies, TALLY_HEADS, 1);
	if ((flaw = guard(task, method, version)) != GUARD_FINE) {
		tally_add(setup->tallies, TALLY_MALFORMED, 1);
		return refuse(task, guard_rc(flaw), guard_name(flaw));
	}
	memcpy(task->head.fingerprint, fingerprint, sizeof(task->head.fingerprint));
	task->call = call_new(setup->api, &task->head, task_wake, task);
	if (task->call == NULL)
		return refuse(task, RC_BUSY, "no_memory");
	task->state = TASK_BODY;
	/* with a body to come the connection cannot be kept: nobody would know where the next request begins
	 */
	if (task->head.content_length != 0 && call_is_refused(task->call))
		return reply_queue(task, call_reply(task->call), true);
	return MHD_YES;
}

/* A piece of the body.  The daemon takes no answer here: what is too much is thrown away until its end. */
static enum MHD_Result
take_body(struct task *task, const char *data, size_t *size)
{
	const struct bytes piece = { (const uint8_t *)data, *size };

	*size = 0;
	if (task->state == TASK_BODY && !call_body(task->call, piece))
		task->state = TASK_OVERFLOW;
	if (task->state != TASK_OVERFLOW)
		return MHD_YES;
	task->discarded += piece.len;
	return task->discarded <= LIMIT_DISCARD ? MHD_YES : MHD_NO;
}

static enum MHD_Result
answer(struct task *task)
{
	const struct httpd *home = task->conn->home;
	const bool is_trusted = trust_lookup(home->setup.trust, task->head.fingerprint) == TRUST_ACTIVE;
	const bool is_last = task->state == TASK_OVERFLOW || !is_trusted || atomic_load(&home->is_draining);

	return reply_queue(task, call_reply(task->call), is_last);
}

/* The first change of a turn may be committed on the spot; others that are due in it wait no longer than for
 * one commit, and go down together. */
static enum call_step
run(struct task *task)
{
	struct httpd *home = task->conn->home;
	const enum call_step step = call_run(task->call, home->has_waited ? CALL_BRIEF : CALL_LONE);

	home->has_waited = home->has_waited || step == CALL_WAIT;
	return step;
}

/* Hand the call to a thread that may be slow.  A location whose telling is on record must not wait behind
 * everybody's passphrases, nor be refused for them: it has been counted. */
static bool
submit(struct task *task)
{
	struct pool *pool = task->conn->home->setup.pool;
	const bool is_due = task->step == CALL_TELL;

	task->step = CALL_WAIT;
	return is_due ? pool_submit_due(pool, &task->job) : pool_submit(pool, &task->job);
}

/* The request is complete, or its call was woken: run it as far as it goes on this thread. */
static enum MHD_Result
proceed(struct task *task)
{
	if (task->state == TASK_OVERFLOW || (task->state == TASK_BODY && call_is_refused(task->call)))
		return answer(task);
	task->state = TASK_CALL;
	due_clear(&task->conn->due);
	while (task->step == CALL_WAIT) {
		atomic_store(&task->turn, TURN_RUNNING);
		task->step = run(task);
		if (task->step == CALL_WAIT && task_park(task)) {
			task_suspend(task);
			return MHD_YES;
		}
	}
	if (task->step == CALL_STREAM)
		return stream_open(task);
	if (task->step == CALL_DONE)
		return answer(task);
	if (!submit(task))
		return refuse(task, RC_BUSY, "no_thread");
	task_suspend(task); /* its letter, if it is already there, is delivered by this very thread, later */
	return MHD_YES;
}

enum MHD_Result
task_handle(void *cls, struct MHD_Connection *mhd, const char *url, const char *method, const char *version,
    const char *data, size_t *size, void **context)
{
	struct task *task = *context;
	const uint8_t *fingerprint;

	(void)cls;
	(void)mhd;
	(void)url; /* it ends at a NUL; the raw target was kept */
	if (task == NULL)
		return MHD_NO;
	fingerprint = tls_peer_fingerprint(task->conn->peer);
	if (fingerprint == NULL) {
		log_bug("stranger_in_http", "a request came before a certificate");
		return MHD_NO;
	}
	if (task->state == TASK_HEAD)
		return open_call(task, fingerprint, method, version);
	if (*size > 0)
		return take_body(task, data, size);
	return proceed(task);
}
