/* SPDX-License-Identifier: Apache-2.0 */
/* What handlers use: reading the body, answering under the response schema, versions, pages. */
#include "gate.h"

#include <stdlib.h>
#include <string.h>

#include "service/etag.h"

const struct id *
call_param(const struct call *c, unsigned n)
{
	return &c->params[n];
}

enum rc
call_read(struct call *c, const struct model *m, void *obj)
{
	return model_read(m, c->body, obj, &c->fault);
}

void
call_header(struct call *c, const char *name, const char *value)
{
	if (c->reply.header_count == REPLY_HEADERS)
		return;
	c->reply.header[c->reply.header_count].name = name;
	c->reply.header[c->reply.header_count++].value = value;
}

/* Written once into the arena's rest: first a guess, then the cap. */
enum rc
reply_render(struct call *c, unsigned status, const struct model *m, const void *obj, const struct view *view,
    struct bytes *out)
{
	static const size_t sizes[] = { 8 * 1024, 128 * 1024, LIMIT_REPLY };
	size_t mark = arena_mark(c->arena);

	(void)status;
	for (unsigned i = 0; i < COUNT_OF(sizes); i++) {
		char *buf = arena_alloc(c->arena, sizes[i]);
		struct jw w;
		if (!buf)
			return RC_UNAVAILABLE;
		jw_init(&w, buf, sizes[i]);
		model_write(&w, m, obj, view, c->who.roles | VIEW_ANY);
		if (!w.overflow) {
			arena_trim(c->arena, sizes[i] - w.len); /* the writer only appends */
			*out = (struct bytes){ (const uint8_t *)buf, w.len };
			return RC_OK;
		}
		arena_rewind(c->arena, mark);
	}
	return RC_UNAVAILABLE;
}

enum rc
call_answer(struct call *c, unsigned status, const struct model *m, const void *obj)
{
	c->reply.status = status;
	c->reply.content_type = "application/json";
	return reply_render(c, status, m, obj, c->api->out[c->route_index], &c->reply.body);
}

enum rc
call_keep(struct call *c, const struct model *m, const void *obj)
{
	return reply_render(c, 0, m, obj, c->api->out[c->route_index], &c->kept);
}

bool
call_is_answerable(const struct call *c, enum rc rc)
{
	return rc == RC_OK && c->ctx.refused == RC_OK;
}

enum rc
call_answer_empty(struct call *c, unsigned status)
{
	c->reply.status = status;
	c->reply.content_type = NULL;
	c->reply.body = (struct bytes){ NULL, 0 };
	return RC_OK;
}

enum rc
call_answer_raw(struct call *c, const char *content_type, struct bytes body)
{
	c->reply.status = 200;
	c->reply.content_type = content_type;
	c->reply.body = body;
	return RC_OK;
}

enum rc
call_etag(struct call *c, const struct id *id, uint64_t version)
{
	char *text = arena_alloc(c->arena, ETAG_TEXT);

	if (!text)
		return RC_UNAVAILABLE;
	etag_make(c->api->parts, id, version, text);
	call_header(c, "ETag", text);
	return RC_OK;
}

void
call_extra(struct call *c, const char *name, const struct model *m, const void *obj, const struct view *view)
{
	c->extra_name = name;
	if (reply_render(c, 0, m, obj, view, &c->extra) != RC_OK)
		c->extra.len = 0;
}

enum rc
call_match(struct call *c, const struct id *id, uint64_t version, const struct model *m, const void *current)
{
	char etag[ETAG_TEXT];

	etag_make(c->api->parts, id, version, etag);
	if (!c->head.if_match || etag_matches(c->head.if_match, etag))
		return RC_OK;
	call_extra(c, "current", m, current, c->api->out[c->route_index]);
	return fault_set(&c->fault, RC_STALE, MSG_IF_MATCH_STALE, NULL, 0, NULL);
}

bool
call_not_modified(const struct call *c, const struct id *id, uint64_t version)
{
	char etag[ETAG_TEXT];

	if (!c->head.if_none_match)
		return false;
	etag_make(c->api->parts, id, version, etag);
	return etag_matches(c->head.if_none_match, etag);
}

static bool
is_plain(const char *s)
{
	return strspn(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-") == strlen(s);
}

const char *
call_query(struct call *c, const char *name)
{
	size_t len = strlen(name);

	for (const char *p = c->head.query; p && *p != '\0';) {
		size_t n = strcspn(p, "&");
		if (n > len && p[len] == '=' && memcmp(p, name, len) == 0) {
			const char *value = arena_strndup(c->arena, p + len + 1, n - len - 1);
			return value && !is_plain(value) ? "" : value; /* which every reader refuses */
		}
		p += n + (p[n] == '&');
	}
	return NULL;
}

enum rc
call_page(struct call *c, struct page_request *out)
{
	const char *limit = call_query(c, "limit"), *cursor = call_query(c, "cursor");

	memset(out, 0, sizeof(*out));
	out->limit = LIMIT_PAGE_DEFAULT;
	if (limit) {
		char *end;
		unsigned long n = strtoul(limit, &end, 10);
		if (*end != '\0' || n < 1 || n > LIMIT_PAGE)
			return fault_set(&c->fault, RC_MALFORMED, MSG_FIELD_MAX, "/limit", LIMIT_PAGE, NULL);
		out->limit = (unsigned)n;
	}
	return cursor ? cursor_open(c, cursor, &out->after, &out->number) : RC_OK;
}

enum rc
call_answer_page(struct call *c, const struct model *m, const void *data, unsigned n,
    const struct page_request *page, const struct id *last, uint64_t number)
{
	struct list_reply list = { .data = data, .count = n, .limit = (uint16_t)page->limit };
	enum rc rc;

	if (last || number) {
		rc = cursor_make(c, last, number, list.next_cursor, sizeof(list.next_cursor));
		if (rc != RC_OK)
			return rc;
	}
	return call_answer(c, 200, m, &list);
}

enum rc
call_list(struct call *c, const struct model *list, size_t size, page_fn *fn)
{
	uint8_t *rows = arena_calloc(c->arena, LIMIT_PAGE, size);
	struct page_request page;
	struct id last;
	unsigned n;
	enum rc rc;

	if (!rows)
		return RC_UNAVAILABLE;
	if ((rc = call_page(c, &page)) != RC_OK)
		return rc;
	if ((rc = fn(&c->ctx, &page.after, page.limit, rows, &n)) != RC_OK)
		return rc;
	if (n < page.limit)
		return call_answer_page(c, list, rows, n, &page, NULL, 0);
	memcpy(&last, rows + (n - 1) * size, sizeof(last));
	return call_answer_page(c, list, rows, n, &page, &last, 0);
}

enum rc
call_list_numbered(struct call *c, const struct model *list, size_t size, numbered_fn *fn)
{
	void *rows = arena_calloc(c->arena, LIMIT_PAGE, size);
	struct page_request page;
	uint64_t next;
	unsigned n;
	enum rc rc;

	if (!rows)
		return RC_UNAVAILABLE;
	if ((rc = call_page(c, &page)) != RC_OK)
		return rc;
	if ((rc = fn(&c->ctx, page.number, page.limit, rows, &n, &next)) != RC_OK)
		return rc;
	return call_answer_page(c, list, rows, n, &page, NULL, next);
}
