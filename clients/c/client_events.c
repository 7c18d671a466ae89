/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading live events (server-sent events, as HTML's specification has them, less what the registry does not
 * send) and going on where it stopped.  The stream has a connection of its own, so that the token can be
 * renewed beside it.
 */
#include <stdlib.h>
#include <string.h>

#include "client_room.h"

#define LINE      1024u
#define SLICE_MS  2000  /* how long nothing may happen before the caller is asked */
#define SILENT_MS 45000 /* three of the registry's pings: the connection is dead */
#define FIRST_MS  500
#define LAST_MS   30000

struct reader {
	struct menedek *m;
	bool (*each)(void *arg, const struct menedek_event *e);
	void *arg;
	struct menedek_event event; /* being read */
	char data[LINE];
	char line[LINE];
	size_t len;
	bool is_stopped, is_ended, has_data;
	char mark[MENEDEK_MARK]; /* after the last event that was given */
};

/* ---- lines ---- */

static void
keep(char *out, size_t cap, const char *value)
{
	const size_t len = strlen(value);

	*out = '\0';
	if (len < cap)
		memcpy(out, value, len + 1);
}

static void
give(struct reader *r)
{
	cJSON *json;

	if (r->event.kind[0] == '\0' || !r->has_data)
		return;
	if (strcmp(r->event.kind, "ended") == 0) { /* shut out: the next call is told why */
		r->is_ended = true;
		return;
	}
	json = cJSON_Parse(r->data);
	(void)client_text(json, "subject", r->event.subject, sizeof(r->event.subject));
	(void)client_text(json, "at", r->event.at, sizeof(r->event.at));
	cJSON_Delete(json);
	r->is_stopped = !r->each(r->arg, &r->event);
	if (r->event.mark[0] != '\0')
		memcpy(r->mark, r->event.mark, sizeof(r->mark));
}

static void
end_line(struct reader *r)
{
	char *value = r->line;
	size_t name;

	r->line[r->len] = '\0';
	if (r->len > 0 && r->line[r->len - 1] == '\r')
		r->line[--r->len] = '\0';
	if (r->len == 0) {
		give(r);
		memset(&r->event, 0, sizeof(r->event));
		r->has_data = false;
		return;
	}
	name = strcspn(r->line, ":");
	value += name + (r->line[name] == ':');
	value += *value == ' ';
	if (name == 2 && strncmp(r->line, "id", 2) == 0)
		keep(r->event.mark, sizeof(r->event.mark), value);
	else if (name == 5 && strncmp(r->line, "event", 5) == 0)
		keep(r->event.kind, sizeof(r->event.kind), value);
	else if (name == 4 && strncmp(r->line, "data", 4) == 0) {
		keep(r->data, sizeof(r->data), value);
		r->has_data = true;
	}
}

/* False: the bytes are no stream of ours. */
static bool
feed(struct reader *r, const char *buf, size_t len)
{
	for (size_t i = 0; i < len && !r->is_stopped && !r->is_ended; i++) {
		if (buf[i] == '\n') {
			end_line(r);
			r->len = 0;
		} else if (r->len + 1 < sizeof(r->line)) {
			r->line[r->len++] = buf[i];
		} else {
			return false;
		}
	}
	return true;
}

/* ---- one stream ---- */

static bool
is_alone(struct reader *r)
{
	static const struct menedek_event nothing = { .kind = "" };

	client_renew(r->m);
	r->is_stopped = !r->each(r->arg, &nothing);
	return !r->is_stopped;
}

/* Not in one: the caller may want to stop, and the registry may have said "tomorrow". */
static bool
rest(struct reader *r, int64_t ms)
{
	const int64_t until = wire_now() + ms;

	do {
		if (!is_alone(r))
			return false;
		client_rest(SLICE_MS, until);
	} while (wire_now() < until);
	return true;
}

/* Until it ends by itself (MENEDEK_OK: come again), or for good. */
static enum menedek_outcome
read_stream(struct reader *r, struct wire *w, struct wire_head *head, struct menedek_problem *problem)
{
	int64_t heard = wire_now();
	enum menedek_outcome outcome;
	char buf[4096];
	size_t got;

	while (!head->is_done && !r->is_ended) {
		outcome = wire_body_read(w, head, buf, sizeof(buf), wire_now() + SLICE_MS, &got);
		if (outcome == MENEDEK_PROTOCOL || !feed(r, buf, got))
			return wire_problem(
			    problem, MENEDEK_PROTOCOL, "the registry's events cannot be read");
		if (r->is_stopped || (got == 0 && !is_alone(r)))
			return wire_problem(problem, MENEDEK_STOPPED, "stopped");
		if (got > 0) {
			client_renew(r->m); /* is_alone does where it is quiet */
			heard = wire_now();
		}
		if (outcome != MENEDEK_OK || wire_now() - heard > SILENT_MS)
			break;
	}
	return MENEDEK_OK;
}

static enum menedek_outcome
refused(struct wire *w, struct wire_head *head, unsigned *wait_s, struct menedek_problem *problem)
{
	char *body = NULL;
	size_t len;
	enum menedek_outcome outcome = client_body(w, head, wire_now() + SLICE_MS, &body, &len);

	*wait_s = head->retry_after;
	if (outcome == MENEDEK_OK)
		outcome = client_judge(head, body, problem);
	free(body);
	return outcome;
}

static enum menedek_outcome
stream(struct reader *r, unsigned *wait_s, bool *was_open, struct menedek_problem *problem)
{
	struct client_call call = {
		.method = "GET", .path = "/v1/events", .accept = "text/event-stream", .mark = r->mark
	};
	struct wire_head head = { 0 };
	struct wire *w = NULL;
	enum menedek_outcome outcome =
	    wire_open(r->m->identity, &r->m->address, wire_now() + r->m->timeout_ms, &w, problem);

	*wait_s = 0;
	*was_open = false;
	r->len = 0;
	r->is_ended = r->has_data = false;
	memset(&r->event, 0, sizeof(r->event));
	if (outcome != MENEDEK_OK)
		return outcome;
	outcome = client_ask(r->m, w, &call, &head);
	if (outcome == MENEDEK_TLS)
		(void)wire_problem(problem, outcome, "%s does not let this device in", r->m->address.host);
	else if (outcome != MENEDEK_OK)
		(void)wire_problem(problem, outcome, "the connection was lost");
	else if (head.status != 200)
		outcome = refused(w, &head, wait_s, problem);
	else {
		*was_open = true;
		outcome = read_stream(r, w, &head, problem);
	}
	wire_close(w);
	return outcome;
}

static bool
may_come_again(enum menedek_outcome outcome)
{
	return outcome == MENEDEK_OK || outcome == MENEDEK_UNREACHABLE || outcome == MENEDEK_BUSY ||
	    outcome == MENEDEK_UNKNOWN;
}

enum menedek_outcome
menedek_watch(struct menedek *m, const char *mark, bool (*each)(void *arg, const struct menedek_event *e),
    void *arg, struct menedek_problem *problem)
{
	struct reader *r = calloc(1, sizeof(*r));
	int64_t pause = FIRST_MS;
	enum menedek_outcome outcome = MENEDEK_OK;

	if (r == NULL)
		return wire_problem(problem, MENEDEK_MEMORY, "no memory");
	*r = (struct reader){ .m = m, .each = each, .arg = arg };
	keep(r->mark, sizeof(r->mark), mark == NULL ? "" : mark);
	if (r->mark[0] != '\0' && !client_is_plain(r->mark, sizeof(r->mark)))
		outcome = wire_problem(problem, MENEDEK_ARGUMENT, "this is no mark of an event");
	while (may_come_again(outcome)) {
		bool was_open;
		unsigned wait_s;
		const int64_t own = pause;

		client_renew(m);
		outcome = stream(r, &wait_s, &was_open, problem);
		pause = was_open ? FIRST_MS : pause * 2 > LAST_MS ? LAST_MS : pause * 2;
		if (may_come_again(outcome) && !rest(r, wait_s > 0 ? (int64_t)wait_s * 1000 : own))
			outcome = wire_problem(problem, MENEDEK_STOPPED, "stopped");
	}
	free(r);
	return outcome;
}
