/* SPDX-License-Identifier: Apache-2.0 */
/* From a reply to the daemon's response: the headers that every answer has, and how its body is sent. */
#include "server/httpd_room.h"

#include <string.h>
#include <strings.h>

/* Unless the reply has its own.  RFC 9111, 5.2.2.5; Fetch, 3.5; RFC 6797: two years. */
static const struct {
	const char *name, *value;
} always[] = {
	{ "Cache-Control", "no-store" },
	{ "X-Content-Type-Options", "nosniff" },
	{ "Strict-Transport-Security", "max-age=63072000" },
};

static bool
has_header(const struct reply *reply, const char *name)
{
	for (unsigned i = 0; i < reply->header_count; i++) {
		if (strcasecmp(reply->header[i].name, name) == 0)
			return true;
	}
	return false;
}

static bool
add(struct MHD_Response *response, const char *name, const char *value)
{
	return MHD_add_response_header(response, name, value) == MHD_YES;
}

bool
reply_headers(struct MHD_Response *response, const struct task *task, const struct reply *reply, bool is_last)
{
	const char *id = task->call == NULL ? task->request_id : call_request_id(task->call);
	bool is_fine = add(response, "Request-Id", id);

	for (size_t i = 0; i < COUNT_OF(always); i++)
		is_fine = is_fine &&
		    (has_header(reply, always[i].name) || add(response, always[i].name, always[i].value));
	for (unsigned i = 0; i < reply->header_count; i++)
		is_fine = is_fine && add(response, reply->header[i].name, reply->header[i].value);
	if (reply->content_type != NULL)
		is_fine = is_fine && add(response, "Content-Type", reply->content_type);
	if (is_last)
		is_fine = is_fine && add(response, "Connection", "close");
	return is_fine;
}

void
reply_count(struct task *task, unsigned status)
{
	const enum tally class = status >= 500 ? TALLY_ANSWERS_5XX
	    : status >= 400                    ? TALLY_ANSWERS_4XX
					       : TALLY_ANSWERS_2XX;

	tally_add(task->conn->home->setup.tallies, class, 1);
}

/* Will the daemon send a body after the head?  RFC 9110, 6.4.1. */
static bool
has_body(const struct task *task, const struct reply *reply)
{
	return reply->body.len > 0 && reply->status != 204 && reply->status != 304 &&
	    (task->head.method == NULL || strcmp(task->head.method, "HEAD") != 0);
}

/* The daemon never writes through the pointer that it takes without const. */
static void *
body_of(const struct reply *reply)
{
	union {
		const void *from;
		void *to;
	} body = { .from = reply->body.len == 0 ? (const void *)"" : reply->body.p };

	return body.to;
}

enum MHD_Result
reply_queue(struct task *task, const struct reply *reply, bool is_last)
{
	struct conn *conn = task->conn;
	enum MHD_Result result = MHD_NO;
	struct MHD_Response *response =
	    MHD_create_response_from_buffer(reply->body.len, body_of(reply), MHD_RESPMEM_PERSISTENT);

	if (response == NULL)
		return MHD_NO;
	if (reply_headers(response, task, reply, is_last)) {
		task->state = TASK_ANSWERED;
		due_set(&conn->due, &conn->home->due[DUE_ANSWER], conn->home->now_ms);
		reply_count(task, reply->status);
		if (has_body(task, reply))
			tls_peer_join(conn->peer);
		result = MHD_queue_response(conn->mhd, reply->status, response);
	}
	MHD_destroy_response(response);
	return result;
}
