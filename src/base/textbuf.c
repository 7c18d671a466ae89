/* SPDX-License-Identifier: Apache-2.0 */
/* vsnprintf with a memory. */
#include "base/textbuf.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void
textbuf_add(struct textbuf *t, const char *fmt, ...)
{
	const size_t left = t->cap - t->len;
	va_list ap;
	int n;

	if (t->overflow)
		return;
	va_start(ap, fmt);
	n = vsnprintf(t->buf + t->len, left, fmt, ap);
	va_end(ap);
	if (n < 0 || (size_t)n >= left)
		t->overflow = true;
	else
		t->len += (size_t)n;
}

void
textbuf_html(struct textbuf *t, const char *text)
{
	static const char special[] = "&<>\"'";
	static const char *const entity[] = { "&amp;", "&lt;", "&gt;", "&quot;", "&#39;" };

	while (*text != '\0') {
		const size_t plain = strcspn(text, special);

		textbuf_add(t, "%.*s", (int)plain, text);
		text += plain;
		if (*text != '\0')
			textbuf_add(t, "%s", entity[strchr(special, *text++) - special]);
	}
}
