/* SPDX-License-Identifier: Apache-2.0 */
/* Paging over a kind whose key is the record's id, and over index rows. */
#include "service/scan.h"

#include <stdlib.h>
#include <string.h>

struct page {
	struct ctx *c;
	enum kind kind;
	size_t size;
	const struct id *after;
	scan_filter_fn *filter;
	uint8_t *out;
	unsigned limit, count;
	enum rc rc;
};

static bool
take_one(void *arg, const struct key *key, struct bytes value, uint64_t rev)
{
	struct page *p = arg;
	void *slot = p->out + p->count * p->size;
	struct id id;

	(void)key;
	(void)rev;
	if ((p->rc = record_decode(p->kind, value, slot)) != RC_OK)
		return false;
	memcpy(&id, slot, sizeof(id));
	if (memcmp(id.b, p->after->b, ID_BYTES) > 0 && p->filter(p->c, slot))
		p->count++;
	return p->count < p->limit;
}

enum rc
scan_page(struct ctx *c, enum kind kind, size_t size, const struct id *after, scan_filter_fn *filter,
    unsigned limit, void *out, unsigned *count)
{
	struct page p = { .c = c,
		.kind = kind,
		.size = size,
		.after = after,
		.filter = filter,
		.out = out,
		.limit = limit };
	struct key from = record_key(kind, after), prefix = key_kind(from.b[0]);
	enum rc rc = txn_scan(c->txn, &prefix, &from, take_one, &p);

	*count = p.count;
	return rc == RC_OK ? p.rc : rc;
}

struct rows {
	enum kind kind;
	const struct id *after;
	struct id *ids;
	unsigned count, end;
	enum rc rc;
};

static bool
take_row(void *arg, const struct key *key, struct bytes value, uint64_t rev)
{
	struct rows *r = arg;
	struct reference row;

	(void)key;
	(void)rev;
	if ((r->rc = record_decode(r->kind, value, &row)) != RC_OK)
		return false;
	if (memcmp(row.id.b, r->after->b, ID_BYTES) > 0)
		r->ids[r->count++] = row.id;
	return r->count < r->end;
}

static int
compare_ids(const void *a, const void *b)
{
	return memcmp(a, b, ID_BYTES);
}

/* The first ${limit} of each owner hold the first ${limit} of all. */
static enum rc
collect_rows(struct ctx *c, const struct id *owners, unsigned owner_count, unsigned limit, struct rows *r)
{
	enum rc rc = RC_OK;

	for (unsigned i = 0; i < owner_count && rc == RC_OK; i++) {
		struct key prefix = record_key(r->kind, &owners[i]);
		struct key from = record_key2(r->kind, &owners[i], r->after);
		r->end = r->count + limit;
		if ((rc = txn_scan(c->txn, &prefix, &from, take_row, r)) == RC_OK)
			rc = r->rc;
	}
	return rc;
}

enum rc
scan_rows(struct ctx *c, enum kind rows, const struct id *owners, unsigned owner_count,
    const struct id *after, unsigned limit, struct id *out, unsigned *count)
{
	struct rows r = { .kind = rows, .after = after };
	enum rc rc;

	*count = 0;
	r.ids = arena_calloc(c->arena, (size_t)owner_count * limit, sizeof(*r.ids));
	if (!r.ids)
		return RC_UNAVAILABLE;
	if ((rc = collect_rows(c, owners, owner_count, limit, &r)) != RC_OK)
		return rc;
	qsort(r.ids, r.count, sizeof(*r.ids), compare_ids);
	for (unsigned i = 0; i < r.count && *count < limit; i++)
		if (*count == 0 || !id_equal(&r.ids[i], &out[*count - 1]))
			out[(*count)++] = r.ids[i];
	return RC_OK;
}
