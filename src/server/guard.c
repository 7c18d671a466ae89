/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The library accepts several lengths, several hosts, codings it does not know, and drops bytes it does not
 * understand.  Each of these has been a way to smuggle a second request past a first reader.
 */
#include "server/guard.h"

#include <string.h>
#include <strings.h>

#define LENGTH_DIGITS 15u /* more than any body we could mean, less than 2^63 */

static const enum rc flaw_rcs[GUARD_FLAW_COUNT] = {
#define GUARD_RC(name, error, text) [name] = RC_##error,
	GUARD_FLAWS(GUARD_RC)
#undef GUARD_RC
};

static const char *const flaw_names[GUARD_FLAW_COUNT] = {
#define GUARD_TEXT(name, error, text) [name] = (text),
	GUARD_FLAWS(GUARD_TEXT)
#undef GUARD_TEXT
};

static const char token_marks[] = "!#$%&'*+-.^_`|~";      /* RFC 9110, 5.6.2 */
static const char path_marks[] = "/-._";                  /* what our routes are made of */
static const char query_marks[] = "-._~!$&'()*+,;=:@/?%"; /* RFC 3986, 3.4 */

static const struct {
	const char *name;
	bool may_have_body;
} methods[] = {
	{ "GET", false },
	{ "HEAD", false },
	{ "DELETE", false },
	{ "OPTIONS", false },
	{ "POST", true },
	{ "PUT", true },
	{ "PATCH", true },
};

/* The fields that anything here reads: at most one of each. */
enum known {
	HOST,
	CONTENT_LENGTH,
	TRANSFER_ENCODING,
	AUTHORIZATION,
	CONTENT_TYPE,
	ACCEPT_LANGUAGE,
	ACCEPT_ENCODING,
	IDEMPOTENCY_KEY,
	IF_MATCH,
	IF_NONE_MATCH,
	LAST_EVENT_ID,
	KNOWN
};

#define KNOWN_NAME(text)               \
	{                              \
		text, sizeof(text) - 1 \
	}
static const struct {
	const char *text;
	size_t len;
} known_names[KNOWN] = {
	[HOST] = KNOWN_NAME("host"),
	[CONTENT_LENGTH] = KNOWN_NAME("content-length"),
	[TRANSFER_ENCODING] = KNOWN_NAME("transfer-encoding"),
	[AUTHORIZATION] = KNOWN_NAME("authorization"),
	[CONTENT_TYPE] = KNOWN_NAME("content-type"),
	[ACCEPT_LANGUAGE] = KNOWN_NAME("accept-language"),
	[ACCEPT_ENCODING] = KNOWN_NAME("accept-encoding"),
	[IDEMPOTENCY_KEY] = KNOWN_NAME("idempotency-key"),
	[IF_MATCH] = KNOWN_NAME("if-match"),
	[IF_NONE_MATCH] = KNOWN_NAME("if-none-match"),
	[LAST_EVENT_ID] = KNOWN_NAME("last-event-id"),
};

enum rc
guard_rc(enum guard_flaw flaw)
{
	return flaw_rcs[flaw];
}

const char *
guard_name(enum guard_flaw flaw)
{
	return flaw_names[flaw];
}

static bool
is_alphanumeric(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/* Is every one of ${len} bytes alphanumeric or in ${marks}? */
static bool
is_made_of(const char *s, size_t len, const char *marks)
{
	for (size_t i = 0; i < len; i++) {
		if (!is_alphanumeric(s[i]) && (s[i] == '\0' || strchr(marks, s[i]) == NULL))
			return false;
	}
	return true;
}

/* Every byte of the head must be in what the library gave us: the request line, and for each field its name,
 * colon, at most one space, value and line end.  More: it swallowed a NUL with its tail or joined folded
 * lines.  Less: a line ended without its CR.  The spaces are counted, or one would make up for a CR. */
static bool
is_accounted_for(const struct guard_request *r)
{
	size_t bytes = strlen(r->method) + strlen(r->target) + strlen(r->version) + 6;

	for (size_t i = 0; i < r->count; i++) {
		if (r->fields[i].spaces > 1)
			return false;
		bytes += r->fields[i].name_len + r->fields[i].value_len + r->fields[i].spaces + 3;
	}
	return r->head_bytes == bytes;
}

/* Cut the target into path and query. */
static enum guard_flaw
check_target(char *target, struct call_head *head)
{
	char *mark = strchr(target, '?');
	size_t path_len = mark == NULL ? strlen(target) : (size_t)(mark - target);

	if (target[0] != '/' || path_len > LIMIT_PATH || !is_made_of(target, path_len, path_marks))
		return GUARD_TARGET;
	head->path = target;
	head->query = NULL;
	if (mark == NULL)
		return GUARD_FINE;
	*mark = '\0';
	head->query = mark + 1;
	if (strlen(head->query) > LIMIT_QUERY || !is_made_of(head->query, strlen(head->query), query_marks))
		return GUARD_TARGET;
	return GUARD_FINE;
}

/* Check one field and remember it in ${seen} if it is one that we read. */
static enum guard_flaw
check_field(const struct guard_field *field, const char *seen[KNOWN])
{
	if (field->name_len == 0 || !is_made_of(field->name, field->name_len, token_marks))
		return GUARD_FIELD;
	for (size_t i = 0; i < field->value_len; i++) {
		if (field->value[i] < 0x20 || field->value[i] > 0x7e)
			return GUARD_FIELD;
	}
	for (unsigned k = 0; k < KNOWN; k++) {
		if (field->name_len != known_names[k].len ||
		    strcasecmp(field->name, known_names[k].text) != 0)
			continue;
		if (seen[k] != NULL)
			return GUARD_REPEATED;
		seen[k] = field->value;
		return GUARD_FINE;
	}
	return GUARD_FINE;
}

/* How long is the body?  -1 for chunked. */
static enum guard_flaw
check_framing(const char *const seen[KNOWN], bool may_have_body, int64_t *length)
{
	const char *digits = seen[CONTENT_LENGTH];

	*length = 0;
	if (seen[TRANSFER_ENCODING] != NULL) {
		if (digits != NULL || strcasecmp(seen[TRANSFER_ENCODING], "chunked") != 0)
			return GUARD_CODING;
		*length = -1;
		return may_have_body ? GUARD_FINE : GUARD_BODY;
	}
	if (digits == NULL)
		return GUARD_FINE;
	if (*digits == '\0' || strlen(digits) > LENGTH_DIGITS || digits[strspn(digits, "0123456789")] != '\0')
		return GUARD_LENGTH;
	for (; *digits != '\0'; digits++)
		*length = *length * 10 + (*digits - '0');
	return *length == 0 || may_have_body ? GUARD_FINE : GUARD_BODY;
}

/* The place of ${method} in the table, or its end. */
static size_t
find_method(const char *method)
{
	size_t i = 0;

	while (i < COUNT_OF(methods) && strcmp(method, methods[i].name) != 0)
		i++;
	return i;
}

enum guard_flaw
guard_check(struct guard_request *r, struct call_head *head)
{
	const char *seen[KNOWN] = { NULL };
	const size_t method = find_method(r->method);
	enum guard_flaw flaw;

	if (strcmp(r->version, "HTTP/1.1") != 0)
		return GUARD_VERSION;
	if (method == COUNT_OF(methods))
		return GUARD_METHOD;
	if (r->count > LIMIT_HEADERS)
		return GUARD_COUNT;
	if (r->head_bytes != 0 && !is_accounted_for(r))
		return GUARD_BYTES;
	if ((flaw = check_target(r->target, head)) != GUARD_FINE)
		return flaw;
	for (size_t i = 0; i < r->count; i++) {
		if ((flaw = check_field(&r->fields[i], seen)) != GUARD_FINE)
			return flaw;
	}
	if (seen[HOST] == NULL || *seen[HOST] == '\0')
		return GUARD_HOST;
	head->method = r->method;
	head->authorization = seen[AUTHORIZATION];
	head->content_type = seen[CONTENT_TYPE];
	head->accept_language = seen[ACCEPT_LANGUAGE];
	head->accept_encoding = seen[ACCEPT_ENCODING];
	head->idempotency_key = seen[IDEMPOTENCY_KEY];
	head->if_match = seen[IF_MATCH];
	head->if_none_match = seen[IF_NONE_MATCH];
	head->last_event_id = seen[LAST_EVENT_ID];
	return check_framing(seen, methods[method].may_have_body, &head->content_length);
}
