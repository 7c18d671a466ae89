/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Event streams: the daemon asks for bytes, the call has them or not.  With nothing to send the connection is
 * suspended until an event or, after LIMIT_PING_MS of silence, a comment: only a write notices that a client
 * is gone.
 */
#include "server/httpd_room.h"

#include <string.h>

#define READS 4u    /* times that a call may be woken while it says that it has nothing */
#define BLOCK 1024u /* the daemon wants a size; chunks are as large as its own buffer */

static const char ping[] = ": ping\n\n";

/* Bytes were written: the client has LIMIT_REQUEST_MS to take them. */
static ssize_t
sent(struct conn *conn, size_t len)
{
	due_set(&conn->due, &conn->home->due[DUE_ANSWER], conn->home->now_ms);
	return (ssize_t)len;
}

static ssize_t
stream_read(void *cls, uint64_t pos, char *buf, size_t cap)
{
	struct task *task = cls;
	struct conn *conn = task->conn;
	struct httpd *home = conn->home;

	(void)pos;
	for (unsigned i = 0; i < READS; i++) {
		int n;

		if (atomic_load(&home->is_draining))
			return MHD_CONTENT_READER_END_OF_STREAM;
		atomic_store(&task->turn, TURN_RUNNING);
		n = call_stream_read(task->call, buf, cap);
		if (n < 0)
			return MHD_CONTENT_READER_END_OF_STREAM;
		if (n > 0)
			return sent(conn, (size_t)n);
		if (task->wants_ping && cap >= sizeof(ping)) {
			task->wants_ping = false;
			memcpy(buf, ping, sizeof(ping) - 1);
			return sent(conn, sizeof(ping) - 1);
		}
		if (!task_park(task))
			continue;
		due_set(&conn->due, &home->due[DUE_PING], home->now_ms);
		task_suspend(task);
		return 0;
	}
	return 0; /* the daemon asks again at once */
}

enum MHD_Result
stream_open(struct task *task)
{
	const struct reply *reply = call_reply(task->call);
	enum MHD_Result result = MHD_NO;
	struct MHD_Response *response =
	    MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, BLOCK, stream_read, task, NULL);

	if (response == NULL)
		return MHD_NO;
	/* the last answer of its connection: what ends a stream is a revocation or our own end */
	if (reply_headers(response, task, reply, true)) {
		task->state = TASK_ANSWERED;
		task->is_stream = true;
		tally_add(task->conn->home->setup.tallies, TALLY_STREAMS, 1);
		reply_count(task, reply->status);
		(void)sent(task->conn, 0);
		result = MHD_queue_response(task->conn->mhd, reply->status, response);
	}
	MHD_destroy_response(response);
	return result;
}
