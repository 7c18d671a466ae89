/* SPDX-License-Identifier: Apache-2.0 */
/* The sentences of msg.def and how their places are filled.  Knows no HTTP and no problem document. */
#include "base/fault.h"

#include <stdio.h>
#include <string.h>

#include "base/bytes.h"

static const char *const texts[MSG_COUNT][LANG_COUNT] = {
	[MSG_NONE] = { "", "" },
#define M(name, hu, en) [MSG_##name] = { hu, en },
#include "base/msg.def"
#undef M
};

static const enum msg titles[RC_COUNT] = {
#define X(name, http, retry, code) [RC_##name] = MSG_##name,
#include "base/rc.def"
#undef X
};

void
fault_clear(struct fault *f)
{
	f->rc = RC_OK;
	f->count = 0;
}

/* Copy what fits, whole characters only; a missing text is an empty one. */
static void
copy_cut(char *dst, size_t cap, const char *src)
{
	size_t len = src == NULL ? 0 : strnlen(src, cap);

	if (len == cap)
		len = utf8_prefix(src, cap - 1);
	if (len > 0)
		memcpy(dst, src, len);
	dst[len] = '\0';
}

enum rc
fault_set(struct fault *f, enum rc rc, enum msg msg, const char *pointer, long number, const char *word)
{
	struct fault_item *item;

	if (f == NULL)
		return rc;
	if (f->rc != rc)
		fault_clear(f);
	f->rc = rc;
	if (f->count >= LIMIT_FAULTS)
		return rc;
	item = &f->item[f->count++];
	item->msg = msg;
	item->number = number;
	copy_cut(item->word, sizeof(item->word), word);
	copy_cut(item->pointer, sizeof(item->pointer), pointer);
	return rc;
}

struct sentence {
	char *out;
	size_t len, room;
	bool is_cut;
};

static void
append(struct sentence *s, const char *text, size_t len)
{
	size_t fits = len;

	if (s->is_cut)
		return;
	if (len > s->room - s->len) {
		s->is_cut = true;
		fits = utf8_prefix(text, s->room - s->len);
	}
	memcpy(s->out + s->len, text, fits);
	s->len += fits;
}

char *
fault_text(const struct fault_item *item, enum lang lang, char *out, size_t cap)
{
	struct sentence s = { .out = out, .room = cap - 1 };
	const char *text = msg_text(item->msg, lang);
	char number[24];

	if (cap == 0)
		return out;
	(void)snprintf(number, sizeof(number), "%ld", item->number);
	while (*text != '\0') {
		size_t plain = strcspn(text, "{");

		append(&s, text, plain);
		text += plain;
		if (strncmp(text, "{n}", 3) == 0)
			append(&s, number, strlen(number));
		else if (strncmp(text, "{s}", 3) == 0)
			append(&s, item->word, strlen(item->word));
		else
			append(&s, text, strnlen(text, 3));
		text += strnlen(text, 3);
	}
	out[s.len] = '\0';
	return out;
}

const char *
rc_title(enum rc rc, enum lang lang)
{
	return msg_text(titles[rc], lang);
}

const char *
msg_text(enum msg msg, enum lang lang)
{
	return texts[msg][lang];
}
