/* SPDX-License-Identifier: Apache-2.0 */
/* Text written into a buffer of the caller's; what does not fit is remembered, and said once, at the end. */
#ifndef MENEDEK_TEXTBUF_H
#define MENEDEK_TEXTBUF_H

#include <stdbool.h>
#include <stddef.h>

#include "attr.h"

struct textbuf {
	char *buf;
	size_t cap, len;
	bool overflow;
};

void textbuf_add(struct textbuf *t, const char *fmt, ...) PRINTF_LIKE(2, 3);

/** ${text} as it stands between tags or in a quoted attribute of HTML. */
void textbuf_html(struct textbuf *t, const char *text);

#endif
