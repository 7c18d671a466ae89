/* SPDX-License-Identifier: Apache-2.0 */
/* Handlers: capacity, audit trail, statistics, code lists, the contract itself. */
#include "gate.h"

#include <stdio.h>
#include <string.h>

#include "service/alerts.h"
#include "service/audits.h"
#include "service/capacity.h"
#include "service/statistics.h"

enum rc
capacity_read(struct call *c)
{
	struct capacity_reply out;
	enum rc rc = capacity_read_table(&c->ctx, c->api->capacity, &out);

	return rc == RC_OK ? call_answer(c, 200, &model_capacity_reply, &out) : rc;
}

enum rc
audit_list(struct call *c)
{
	return call_list_numbered(c, &model_audit_list, sizeof(struct audit_row), audit_page);
}

enum rc
alerts_list(struct call *c)
{
	struct alert_row *rows = arena_calloc(c->arena, LIMIT_PAGE, sizeof(*rows));
	struct page_request page;
	unsigned n;
	enum rc rc;

	if (!rows)
		return RC_UNAVAILABLE;
	if ((rc = call_page(c, &page)) != RC_OK)
		return rc;
	if ((rc = alert_page(&c->ctx, page.limit, rows, &n)) != RC_OK)
		return rc;
	return call_answer_page(c, &model_alert_list, rows, n, &page, NULL, 0);
}

static enum rc
answer_csv(struct call *c, const struct statistics_reply *t)
{
	size_t cap = 64 + (size_t)t->count * 96, len;
	char *buf = arena_alloc(c->arena, cap);

	if (!buf)
		return RC_UNAVAILABLE;
	len = (size_t)snprintf(buf, cap, "row,column,value\r\n");
	for (uint32_t i = 0; i < t->count; i++) {
		const struct statistics_row *r = &t->rows[i];
		char value[16] = "withheld";
		if (!r->withheld)
			snprintf(value, sizeof(value), "%u", r->value);
		len += (size_t)snprintf(buf + len, cap - len, "%s,%s,%s\r\n", r->key, r->column, value);
	}
	return call_answer_raw(c, "text/csv; charset=utf-8", (struct bytes){ (const uint8_t *)buf, len });
}

enum rc
statistics_read(struct call *c)
{
	const char *table = call_query(c, "table"), *format = call_query(c, "format");
	struct statistics_reply out;
	enum rc rc;

	rc = statistics_table(&c->ctx, table ? table : "placements", call_query(c, "period"), &out);
	if (rc != RC_OK)
		return rc;
	if (format && strcmp(format, "csv") == 0)
		return answer_csv(c, &out);
	if (format && strcmp(format, "json") != 0)
		return fault_set(&c->fault, RC_MALFORMED, MSG_FIELD_ENUM, "/format", 0, NULL);
	return call_answer(c, 200, &model_statistics_reply, &out);
}

static void
write_list(struct jw *w, const struct code_list *list)
{
	jw_name(w, list->name);
	jw_open(w, '[');
	for (unsigned i = 0; i < list->count; i++) {
		jw_open(w, '{');
		jw_field_string(w, "code", list->rows[i].code);
		jw_field_string(w, "hu", list->rows[i].label[LANG_HU]);
		jw_field_string(w, "en", list->rows[i].label[LANG_EN]);
		jw_close(w, '}');
	}
	jw_close(w, ']');
}

enum rc
codes_read(struct call *c)
{
	size_t cap = 64 * 1024;
	char *buf = arena_alloc(c->arena, cap);
	struct jw w;

	if (!buf)
		return RC_UNAVAILABLE;
	jw_init(&w, buf, cap);
	jw_open(&w, '{');
	for (unsigned i = 0; code_lists[i]->name; i++)
		write_list(&w, code_lists[i]);
	jw_close(&w, '}');
	if (w.overflow)
		return RC_INTERNAL;
	return call_answer_raw(c, "application/json", (struct bytes){ (const uint8_t *)buf, w.len });
}

enum rc
openapi_read(struct call *c)
{
	const struct bytes *text = embedded_file("openapi.yaml");

	/* YAML 1.2 as it is kept in the tree; a JSON rendering would be a second copy of the contract */
	return text ? call_answer_raw(c, "application/yaml", *text) : RC_NOT_FOUND;
}
