/* SPDX-License-Identifier: Apache-2.0 */
/* Names may come from outside: '~' and '/' are escaped, and a cut never splits a character. */
#include "model/pointer.h"

#include <stdio.h>
#include <string.h>

#include "base/bytes.h"

static void
append(struct pointer *p, const char *text, size_t len)
{
	const size_t room = sizeof(p->text) - 1 - p->len;

	if (len > room)
		len = utf8_prefix(text, room);
	memcpy(p->text + p->len, text, len);
	p->len += len;
	p->text[p->len] = '\0';
}

size_t
pointer_member(struct pointer *p, const char *name)
{
	const size_t mark = p->len;

	append(p, "/", 1);
	while (*name != '\0') {
		const size_t plain = strcspn(name, "~/");

		append(p, name, plain);
		name += plain;
		if (*name == '\0')
			break;
		append(p, *name == '~' ? "~0" : "~1", 2);
		name++;
	}
	return mark;
}

size_t
pointer_index(struct pointer *p, size_t index)
{
	const size_t mark = p->len;
	char text[24];
	const int len = snprintf(text, sizeof(text), "/%zu", index);

	append(p, text, (size_t)len);
	return mark;
}

void
pointer_cut(struct pointer *p, size_t mark)
{
	p->len = mark;
	p->text[mark] = '\0';
}
