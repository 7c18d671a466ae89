/* SPDX-License-Identifier: Apache-2.0 */
/* libFuzzer: an answer as a hostile server may send it to the client; in pieces of any size it means the
 * same. */
#include <stdlib.h>
#include <string.h>

#include "wire_room.h"

#define BODY 8192u

/* What the server "sends", in pieces. */
static struct {
	const uint8_t *at;
	size_t left, piece;
} sent;

enum wire_wait
wire_fill(struct wire *w, int64_t until)
{
	size_t n = sent.left < sent.piece ? sent.left : sent.piece;

	(void)until;
	if (w->len >= sizeof(w->buf))
		abort(); /* the reader promised room */
	n = n > sizeof(w->buf) - w->len ? sizeof(w->buf) - w->len : n;
	if (n == 0)
		return WIRE_ENDED;
	memcpy(w->buf + w->len, sent.at, n);
	w->len += n;
	sent.at += n;
	sent.left -= n;
	return WIRE_READY;
}

struct result {
	enum menedek_outcome outcome;
	struct wire_head head;
	size_t len;
	char body[BODY];
};

static void
read_answer(const uint8_t *p, size_t len, size_t piece, struct result *r)
{
	struct wire *w = calloc(1, sizeof(*w));
	size_t got;

	memset(r, 0, sizeof(*r));
	sent.at = p;
	sent.left = len;
	sent.piece = piece;
	r->outcome = w == NULL ? MENEDEK_MEMORY : wire_head_read(w, 0, &r->head);
	while (r->outcome == MENEDEK_OK && !r->head.is_done && r->len < BODY) {
		r->outcome = wire_body_read(w, &r->head, r->body + r->len, BODY - r->len, 0, &got);
		r->len += got;
	}
	free(w);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t len);

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t len)
{
	static struct result whole, parts;

	if (len < 2)
		return 0;
	read_answer(p + 1, len - 1, len, &whole);
	read_answer(p + 1, len - 1, (size_t)p[0] + 1, &parts);
	if (whole.outcome != parts.outcome || whole.len != parts.len ||
	    whole.head.status != parts.head.status || memcmp(whole.body, parts.body, whole.len) != 0)
		abort();
	return 0;
}
