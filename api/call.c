/* SPDX-License-Identifier: Apache-2.0 */
/* The call's life outside the transaction: made from the head, fed with the body, freed. */
#include "gate.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static enum lang
choose_lang(const char *accept)
{
	if (!accept)
		return LANG_HU;
	const char *hu = strstr(accept, "hu"), *en = strstr(accept, "en");

	return en && (!hu || en < hu) ? LANG_EN : LANG_HU;
}

static void
refuse(struct call *c, enum rc rc)
{
	problem_write(c, rc);
	c->stage = STAGE_DONE;
}

static bool
is_json(const char *content_type)
{
	static const char json_type[] = "application/json";
	size_t len = sizeof(json_type) - 1;

	if (!content_type || strncasecmp(content_type, json_type, len) != 0)
		return false;
	content_type += len;
	content_type += strspn(content_type, " \t");
	return *content_type == '\0' || strncasecmp(content_type, "; charset=utf-8", 15) == 0 ||
	    strncasecmp(content_type, ";charset=utf-8", 14) == 0;
}

static void
allow_header(struct call *c, unsigned allow)
{
	char *text = arena_alloc(c->arena, 40);
	size_t len = 0;

	for (unsigned v = 0; text && v < VERB_COUNT; v++)
		if (allow >> v & 1)
			len += (size_t)snprintf(
			    text + len, 40 - len, "%s%s", len ? ", " : "", verb_name((enum verb)v));
	if (text)
		call_header(c, "Allow", text);
}

static enum rc
check_head(struct call *c)
{
	unsigned allow;
	enum rc rc = route_match(c->head.path, c->head.method, &c->route, c->params, &allow);

	if (rc == RC_BAD_METHOD) {
		allow_header(c, allow);
		c->kept_headers = c->reply.header_count;
	}
	if (rc != RC_OK)
		return rc;
	c->route_index = (unsigned)(c->route - routes);
	if (c->head.content_length > (int64_t)LIMIT_BODY)
		return RC_TOO_LARGE;
	if (c->api->in[c->route_index] && !is_json(c->head.content_type))
		return RC_MEDIA_TYPE;
	return RC_OK;
}

static enum rc
let_in(struct txn *t, void *arg)
{
	struct call *c = arg;
	struct principal device;

	return principal_device(t, c->head.fingerprint, store_now(c->api->parts->store), &device);
}

/* The handshake knew the device, but a kept connection outlives a revocation: a page that loads as if all was
 * well would make its person type a passphrase into it. */
static bool
find_file(struct call *c)
{
	enum rc rc;

	if (!console_find(c->api->console, &c->head, &c->reply))
		return false;
	c->stage = STAGE_DONE;
	rc = store_view(c->api->parts->store, c->arena, let_in, c);
	if (rc == RC_DEVICE_REFUSED)
		console_refuse(c->api->console, &c->head, &c->reply);
	else if (rc != RC_OK)
		refuse(c, rc);
	return true;
}

struct call *
call_new(struct api *api, const struct call_head *head, void (*wake)(void *), void *arg)
{
	struct arena *arena = arena_new(LIMIT_ARENA);
	struct call *c = arena ? arena_alloc(arena, sizeof(*c)) : NULL;
	struct id request;
	enum rc rc;

	if (!c) {
		arena_free(arena);
		return NULL;
	}
	c->api = api;
	c->arena = arena;
	c->head = *head;
	c->wake = wake;
	c->wake_arg = arg;
	c->lang = choose_lang(head->accept_language);
	request = id_new();
	id_format(&request, c->request_id);
	c->ctx = (struct ctx){
		.parts = api->parts,
		.arena = arena,
		.who = &c->who,
	};
	c->ctx.fault = &c->fault;
	random_fill(c->ctx.audit.salt, sizeof(c->ctx.audit.salt));
	if (!find_file(c) && (rc = check_head(c)) != RC_OK)
		refuse(c, rc);
	return c;
}

void
call_free(struct call *c)
{
	if (!c)
		return;
	gate_leave(c);
	feed_unsubscribe(c->subscription);
	txn_end(c->txn);
	json_free(c->body);
	if (c->body_buf)
		wipe(c->body_buf, c->body_cap);
	free(c->body_buf);
	arena_free(c->arena);
}

bool
call_is_refused(const struct call *c)
{
	return c->stage == STAGE_DONE;
}

bool
call_body(struct call *c, struct bytes piece)
{
	size_t need = c->body_len + piece.len;

	if (c->stage == STAGE_DONE)
		return false;
	if (need > LIMIT_BODY) {
		refuse(c, RC_TOO_LARGE);
		return false;
	}
	if (need > c->body_cap) {
		size_t cap = need < 2048 ? 2048 : LIMIT_BODY;
		char *grown = calloc(1, cap); /* not realloc: the old copy must be wiped */
		if (!grown) {
			refuse(c, RC_UNAVAILABLE);
			return false;
		}
		if (c->body_buf) {
			memcpy(grown, c->body_buf, c->body_len);
			wipe(c->body_buf, c->body_cap);
			free(c->body_buf);
		}
		c->body_buf = grown;
		c->body_cap = cap;
	}
	memcpy(c->body_buf + c->body_len, piece.p, piece.len);
	c->body_len = need;
	return true;
}

const struct reply *
call_reply(const struct call *c)
{
	return &c->reply;
}

const char *
call_operation(const struct call *c)
{
	return c->route ? c->route->operation : "none";
}

const char *
call_request_id(const struct call *c)
{
	return c->request_id;
}
