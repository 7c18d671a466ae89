/* SPDX-License-Identifier: Apache-2.0 */
/* Paging over a kind whose key is the record's id. */
#include "service/scan.h"

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
