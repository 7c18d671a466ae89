/* SPDX-License-Identifier: Apache-2.0 */
/* Errors as application/problem+json (RFC 9457): the only place that turns an enum rc into a status. */
#include "gate.h"

#include <stdio.h>
#include <string.h>

#include "base/log.h"

#define TYPE_PREFIX "/docs/problems#"
#define SENTENCE    256u /* of a fault, with its end */

/* A fault names what was sent, which may be nothing but characters that JSON writes with six. */
#define FAULT_ROOM (6 * (FAULT_POINTER + SENTENCE) + 64)

static const struct {
	enum rc rc;
	const char *seconds;
} retry_after[] = {
	{ RC_SLOW_DOWN, "2" },
	{ RC_IN_FLIGHT, "1" },
	{ RC_BUSY, "1" },
	{ RC_UNAVAILABLE, "5" },
	{ RC_UNKNOWN, "1" },
	{ RC_WITHHELD, "60" },
};

static void
write_errors(struct call *c, struct jw *w)
{
	char text[SENTENCE];

	jw_name(w, "errors");
	jw_open(w, '[');
	for (unsigned i = 0; i < c->fault.count; i++) {
		jw_open(w, '{');
		jw_field_string(w, "pointer", c->fault.item[i].pointer);
		jw_field_string(w, "detail", fault_text(&c->fault.item[i], c->lang, text, sizeof(text)));
		jw_close(w, '}');
	}
	jw_close(w, ']');
}

static void
write_problem(struct call *c, enum rc rc, struct jw *w)
{
	/* no reason with "not found": it would tell what is another's from what is not there */
	bool has_reason = rc != RC_NOT_FOUND && c->fault.rc == rc && c->fault.count > 0;
	bool is_list = has_reason && (rc == RC_INVALID || rc == RC_MALFORMED || rc == RC_TAKEN);
	char type[96], text[SENTENCE];

	snprintf(type, sizeof(type), TYPE_PREFIX "%s", rc_code(rc));
	jw_open(w, '{');
	jw_field_string(w, "type", type);
	jw_field_string(w, "title", rc_title(rc, c->lang));
	jw_field_int(w, "status", rc_http(rc));
	if (has_reason)
		jw_field_string(w, "detail", fault_text(&c->fault.item[0], c->lang, text, sizeof(text)));
	jw_field_string(w, "instance", c->request_id);
	jw_field_string(w, "code", rc_code(rc));
	if (is_list)
		write_errors(c, w);
	if (c->extra.len > 0) {
		jw_name(w, c->extra_name);
		jw_raw(w, (const char *)c->extra.p, c->extra.len);
	}
	jw_field_string(w, "request_id", c->request_id);
	jw_close(w, '}');
}

static void
add_usual_wait(struct call *c, enum rc rc)
{
	for (unsigned i = 0; i < COUNT_OF(retry_after); i++)
		if (retry_after[i].rc == rc)
			call_header(c, "Retry-After", retry_after[i].seconds);
}

/* A use case knows how long. */
static void
add_wait(struct call *c)
{
	char *text = arena_alloc(c->arena, 12);

	if (!text)
		return;
	snprintf(text, 12, "%u", c->ctx.retry_after);
	call_header(c, "Retry-After", text);
}

static void
add_headers(struct call *c, enum rc rc)
{
	if (rc == RC_SLOW_DOWN && c->ctx.retry_after > 0)
		add_wait(c);
	else
		add_usual_wait(c, rc);
	if (rc == RC_TOO_BROAD)
		call_header(c, "Retry-After", c->retry_after);
	if (rc == RC_NO_TOKEN)
		call_header(c, "WWW-Authenticate", "Bearer realm=\"menedek\"");
	if (rc == RC_BAD_TOKEN)
		call_header(c, "WWW-Authenticate", "Bearer realm=\"menedek\", error=\"invalid_token\"");
}

/* The id is in the answer's Request-Id too, so who calls with it is found here.  Nothing else of the request
 * is written: the operation's name holds no id, and the trail says who it was. */
static void
log_problem(const struct call *c, enum rc rc)
{
	const enum log_level level = rc_http(rc) >= 500 ? LOG_WORLD : LOG_PEER;

	log_line(level, level == LOG_WORLD ? "answer_failed" : "answer_refused",
	    "request=%s operation=%s status=%u code=%s runs=%u", c->request_id, call_operation(c),
	    rc_http(rc), rc_code(rc), c->runs);
}

void
problem_write(struct call *c, enum rc rc)
{
	static const char last_resort[] = "{\"type\":\"/docs/problems#unavailable\",\"status\":503,"
					  "\"code\":\"unavailable\"}";
	size_t cap = 4096 + c->fault.count * FAULT_ROOM + c->extra.len;
	char *buf = arena_alloc(c->arena, cap);
	struct jw w;

	log_problem(c, rc);
	c->reply.header_count = c->kept_headers;
	c->reply.status = rc_http(rc);
	c->reply.content_type = "application/problem+json";
	add_headers(c, rc);
	if (buf) {
		jw_init(&w, buf, cap);
		write_problem(c, rc, &w);
		if (!w.overflow) {
			c->reply.body = (struct bytes){ (const uint8_t *)buf, w.len };
			return;
		}
	}
	c->reply.status = 503;
	c->reply.body = bytes_str(last_resort);
}

/* Before a call exists: the guard's refusals and lack of memory.  Both languages' readers get the code. */
void
call_problem_static(enum rc rc, struct reply *out)
{
	static const struct {
		enum rc rc;
		const char *body;
	} rows[] = {
		{ RC_MALFORMED,
		    "{\"type\":\"/docs/problems#malformed\",\"title\":\"A kérés nem olvasható\","
		    "\"status\":400,\"code\":\"malformed\"}" },
		{ RC_HEADERS_TOO_LARGE,
		    "{\"type\":\"/docs/problems#headers_too_large\","
		    "\"title\":\"A kérés fejléce túl nagy\",\"status\":431,"
		    "\"code\":\"headers_too_large\"}" },
		{ RC_BUSY,
		    "{\"type\":\"/docs/problems#busy\",\"title\":\"Most sok a kérés, próbálja újra\","
		    "\"status\":503,\"code\":\"busy\"}" },
	};
	unsigned i = 0;

	while (i < COUNT_OF(rows) - 1 && rows[i].rc != rc)
		i++;
	memset(out, 0, sizeof(*out));
	out->status = rc_http(rows[i].rc);
	out->content_type = "application/problem+json";
	out->body = bytes_str(rows[i].body);
	if (rows[i].rc == RC_BUSY) {
		out->header[0].name = "Retry-After";
		out->header[0].value = "1";
		out->header_count = 1;
	}
}
