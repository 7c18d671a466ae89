/* SPDX-License-Identifier: Apache-2.0 */
/* HTTP/1.1 answers (RFC 9112), as strictly as an answer of ours needs: one length or chunks, never both. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "wire_room.h"

#define LINE_MAX_LEN 256u /* of a chunk's size line */
#define MOST_INTERIM 8u   /* heads before the answer */

/* ---- lines ---- */

static void
compact(struct wire *w)
{
	memmove(w->buf, w->buf + w->at, w->len - w->at);
	w->len -= w->at;
	w->at = 0;
}

/* Digits only, no sign, no space, no overflow. */
static bool
read_number(const char *text, size_t len, unsigned base, uint64_t *out)
{
	static const char digits[] = "0123456789abcdef";
	uint64_t n = 0;

	for (size_t i = 0; i < len; i++) {
		const char c = text[i] >= 'A' && text[i] <= 'F' ? (char)(text[i] - 'A' + 'a') : text[i];
		const char *found = c == '\0' ? NULL : strchr(digits, c);
		if (found == NULL || (unsigned)(found - digits) >= base || n > (UINT64_MAX >> 5))
			return false;
		n = n * base + (uint64_t)(found - digits);
	}
	*out = n;
	return len > 0;
}

static bool
set_text(char *out, size_t cap, const char *value)
{
	const size_t len = strlen(value);

	if (len >= cap)
		return false;
	memcpy(out, value, len + 1);
	return true;
}

static bool
take_etag(struct wire_head *h, const char *value)
{
	return set_text(h->etag, sizeof(h->etag), value);
}

static bool
take_length(struct wire_head *h, const char *value)
{
	const bool is_second = h->has_length;

	h->has_length = true;
	return !is_second && read_number(value, strlen(value), 10, &h->left);
}

static bool
take_coding(struct wire_head *h, const char *value)
{
	const bool is_second = h->is_chunked;

	h->is_chunked = true;
	return !is_second && strcasecmp(value, "chunked") == 0;
}

static bool
take_connection(struct wire_head *h, const char *value)
{
	if (strcasecmp(value, "close") == 0)
		h->is_kept = false;
	return true;
}

/* A date would do, too (RFC 9110, 10.2.3); we take seconds, as the registry sends them. */
static bool
take_wait(struct wire_head *h, const char *value)
{
	uint64_t seconds;

	if (read_number(value, strlen(value), 10, &seconds))
		h->retry_after = seconds > 86400 ? 86400 : (unsigned)seconds;
	return true;
}

static const struct {
	const char *name;
	bool (*take)(struct wire_head *, const char *value);
} fields[] = {
	{ "ETag", take_etag },
	{ "Content-Length", take_length },
	{ "Transfer-Encoding", take_coding },
	{ "Connection", take_connection },
	{ "Retry-After", take_wait },
};

static bool
read_field(char *line, struct wire_head *h)
{
	char *colon = strchr(line, ':'), *value, *end;

	if (colon == NULL || colon == line || *line == ' ' || *line == '\t')
		return false;
	*colon = '\0';
	value = colon + 1 + strspn(colon + 1, " \t");
	for (end = value + strlen(value); end > value && (end[-1] == ' ' || end[-1] == '\t'); end--)
		end[-1] = '\0';
	for (unsigned i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
		if (strcasecmp(line, fields[i].name) == 0)
			return fields[i].take(h, value);
	return true;
}

static bool
read_status(const char *line, struct wire_head *h)
{
	uint64_t status;

	if (strncmp(line, "HTTP/1.1 ", 9) != 0 || strlen(line) < 12 || !read_number(line + 9, 3, 10, &status))
		return false;
	h->status = (int)status;
	return status >= 100 && status < 600 && (line[12] == ' ' || line[12] == '\0');
}

static bool
parse_head(char *text, size_t len, struct wire_head *h)
{
	char *line = text, *end;
	bool is_first = true;

	memset(h, 0, sizeof(*h));
	h->is_kept = true;
	if (memchr(text, '\0', len) != NULL)
		return false;
	text[len] = '\0';
	for (; *line != '\0'; line = end + 2) {
		if ((end = strstr(line, "\r\n")) == NULL)
			return false;
		*end = '\0';
		if (!(is_first ? read_status(line, h) : read_field(line, h)))
			return false;
		is_first = false;
	}
	return !(h->is_chunked && h->has_length);
}

/* The place of the empty line that ends a head, or NULL. */
static char *
find_end(struct wire *w)
{
	for (size_t i = w->at; i + 4 <= w->len; i++)
		if (memcmp(w->buf + i, "\r\n\r\n", 4) == 0)
			return w->buf + i;
	return NULL;
}

static enum menedek_outcome
as_outcome(enum wire_wait wait)
{
	return wait == WIRE_SHUT_OUT ? MENEDEK_TLS : MENEDEK_UNREACHABLE;
}

static enum menedek_outcome
read_one_head(struct wire *w, int64_t until, struct wire_head *out)
{
	enum wire_wait wait;
	char *end;
	size_t start;

	compact(w);
	while ((end = find_end(w)) == NULL) {
		if (w->len >= sizeof(w->buf) - 1)
			return MENEDEK_PROTOCOL;
		if ((wait = wire_fill(w, until)) != WIRE_READY)
			return as_outcome(wait);
	}
	start = w->at;
	w->at = (size_t)(end - w->buf) + 4;
	/* the last line keeps its end; the empty one gives its first byte to the NUL */
	return parse_head(w->buf + start, (size_t)(end - w->buf) + 2 - start, out) ? MENEDEK_OK
										   : MENEDEK_PROTOCOL;
}

enum menedek_outcome
wire_head_read(struct wire *w, int64_t until, struct wire_head *out)
{
	enum menedek_outcome outcome;
	unsigned heads = 0;

	do { /* "100 Continue" and its like precede the answer; without end they would be none */
		if ((outcome = read_one_head(w, until, out)) != MENEDEK_OK)
			return outcome;
		if (out->status < 200 && ++heads > MOST_INTERIM)
			return MENEDEK_PROTOCOL;
	} while (out->status < 200);
	if (out->status == 204 || out->status == 304 || (out->has_length && out->left == 0))
		out->is_done = true;
	else if (!out->has_length && !out->is_chunked) {
		out->left = UINT64_MAX; /* until it closes */
		out->is_kept = false;
	}
	return MENEDEK_OK;
}

/* ---- bodies ---- */

/* One line ended by CRLF from what is received; MENEDEK_OK with *line NULL: not whole yet. */
static enum menedek_outcome
next_line(struct wire *w, char **line, size_t *len)
{
	char *end = memchr(w->buf + w->at, '\n', w->len - w->at);

	*line = NULL;
	if (end == NULL)
		return w->len - w->at > LINE_MAX_LEN ? MENEDEK_PROTOCOL : MENEDEK_OK;
	*line = w->buf + w->at;
	*len = (size_t)(end - *line);
	w->at += *len + 1;
	/* too long is too long, in however many pieces it came */
	if (*len > LINE_MAX_LEN || *len == 0 || (*line)[*len - 1] != '\r')
		return MENEDEK_PROTOCOL;
	(*len)--;
	return MENEDEK_OK;
}

static enum menedek_outcome
size_of_chunk(const char *line, size_t len, uint64_t *size)
{
	const char *semicolon = memchr(line, ';', len);

	if (semicolon != NULL)
		len = (size_t)(semicolon - line);
	return read_number(line, len, 16, size) ? MENEDEK_OK : MENEDEK_PROTOCOL;
}

/* The empty line after a chunk's bytes. */
static enum menedek_outcome
end_chunk(struct wire *w, struct wire_head *h)
{
	enum menedek_outcome outcome;
	size_t len = 0;
	char *line;

	if ((outcome = next_line(w, &line, &len)) != MENEDEK_OK || line == NULL)
		return outcome;
	h->is_between = false;
	return len == 0 ? MENEDEK_OK : MENEDEK_PROTOCOL;
}

/* Go to the bytes of a chunk, or to the end; where neither changes more must be received first. */
static enum menedek_outcome
next_chunk(struct wire *w, struct wire_head *h)
{
	enum menedek_outcome outcome;
	size_t len = 0, start;
	char *line;

	if (h->is_between && ((outcome = end_chunk(w, h)) != MENEDEK_OK || h->is_between))
		return outcome;
	start = w->at;
	if ((outcome = next_line(w, &line, &len)) != MENEDEK_OK || line == NULL)
		return outcome;
	if ((outcome = size_of_chunk(line, len, &h->left)) != MENEDEK_OK || h->left > 0)
		return outcome;
	/* the last: we send no TE, so there are no trailers but the empty line */
	if ((outcome = next_line(w, &line, &len)) != MENEDEK_OK)
		return outcome;
	if (line == NULL) {
		w->at = start;
		return MENEDEK_OK;
	}
	h->is_done = true;
	return len == 0 ? MENEDEK_OK : MENEDEK_PROTOCOL;
}

static size_t
take_bytes(struct wire *w, struct wire_head *h, void *buf, size_t cap)
{
	size_t n = w->len - w->at;

	n = n > cap ? cap : n;
	n = n > h->left ? (size_t)h->left : n;
	memcpy(buf, w->buf + w->at, n);
	w->at += n;
	h->left -= n;
	h->is_between = h->left == 0 && h->is_chunked;
	h->is_done = h->left == 0 && !h->is_chunked;
	return n;
}

static bool
is_until_closed(const struct wire_head *h)
{
	return !h->is_chunked && !h->has_length;
}

enum menedek_outcome
wire_body_read(struct wire *w, struct wire_head *h, void *buf, size_t cap, int64_t until, size_t *got)
{
	enum menedek_outcome outcome;
	enum wire_wait wait;

	*got = 0;
	for (;;) {
		if (h->is_done)
			return MENEDEK_OK;
		if (h->is_chunked && h->left == 0 && (outcome = next_chunk(w, h)) != MENEDEK_OK)
			return outcome;
		if (h->is_done)
			return MENEDEK_OK;
		if (h->left > 0 && w->at < w->len) {
			*got = take_bytes(w, h, buf, cap);
			return MENEDEK_OK;
		}
		compact(w);
		if ((wait = wire_fill(w, until)) == WIRE_LATE)
			return MENEDEK_OK;
		if (wait == WIRE_ENDED && is_until_closed(h))
			h->is_done = true;
		else if (wait != WIRE_READY)
			return as_outcome(wait);
	}
}
