/* SPDX-License-Identifier: Apache-2.0 */
/* Heads as a library would hand them over, each with one flaw. */
#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <stdlib.h>
#include <string.h>

#include "server/guard.h"

struct row {
	char method[16], target[320], version[16];
	char fields[16][2][64]; /* name, value; the first empty name ends them */
	int surplus;            /* bytes that the library swallowed */
	enum guard_flaw flaw;
};

#define HOST_LINE                 \
	{                         \
		"Host", "menedek" \
	}
#define GET_ROW(flaw, ...)                                            \
	{                                                             \
		"GET", "/v1/me", "HTTP/1.1", { __VA_ARGS__ }, 0, flaw \
	}
#define POST_ROW(flaw, ...)                                                       \
	{                                                                         \
		"POST", "/v1/me", "HTTP/1.1", { HOST_LINE, __VA_ARGS__ }, 0, flaw \
	}
#define PATH_ROW(target, flaw)                                    \
	{                                                         \
		"GET", target, "HTTP/1.1", { HOST_LINE }, 0, flaw \
	}

/* Run the guard over ${row} as if every header had one space after its colon. */
static enum guard_flaw
check(const struct row *row, struct call_head *head, char *target)
{
	struct guard_field fields[16];
	struct guard_request r = {
		.method = row->method, .version = row->version, .target = target, .fields = fields
	};
	size_t bytes = strlen(row->method) + strlen(row->target) + strlen(row->version) + 6;

	strncpy(target, row->target, 320);
	while (r.count < 16 && (row->fields[r.count][0][0] != '\0' || row->fields[r.count][1][0] != '\0')) {
		const char *name = row->fields[r.count][0], *value = row->fields[r.count][1];

		fields[r.count++] = (struct guard_field){ name, value, strlen(name), strlen(value), 1 };
		bytes += strlen(name) + strlen(value) + 4;
	}
	r.head_bytes = (size_t)((long)bytes + row->surplus);
	return guard_check(&r, head);
}

ParameterizedTestParameters(guard, each_flaw_is_named)
{
	static struct row rows[] = {
		GET_ROW(GUARD_FINE, HOST_LINE),
		GET_ROW(GUARD_FINE, HOST_LINE, { "X", "" }),
		GET_ROW(GUARD_HOST, { "Accept", "*/*" }),
		GET_ROW(GUARD_HOST, { "Host", "" }),
		GET_ROW(GUARD_REPEATED, HOST_LINE, { "hOST", "other" }),
		GET_ROW(GUARD_REPEATED, HOST_LINE, { "Authorization", "a" }, { "authorization", "a" }),
		GET_ROW(GUARD_REPEATED, HOST_LINE, { "If-Match", "a" }, { "If-Match", "b" }),
		GET_ROW(GUARD_REPEATED, HOST_LINE, { "Idempotency-Key", "a" }, { "Idempotency-Key", "a" }),
		GET_ROW(GUARD_FINE, HOST_LINE, { "Cookie", "a" }, { "Cookie", "b" }),
		GET_ROW(GUARD_FIELD, HOST_LINE, { "X Y", "a" }),
		GET_ROW(GUARD_FIELD, HOST_LINE, { "Content-Length ", "5" }),
		GET_ROW(GUARD_FIELD, HOST_LINE, { "", "a" }),
		GET_ROW(GUARD_FIELD, HOST_LINE, { "X", "a\rb" }),
		GET_ROW(GUARD_FIELD, HOST_LINE, { "X", "a\tb" }),
		GET_ROW(GUARD_FIELD, HOST_LINE, { "X", "\x7f" }),
		GET_ROW(GUARD_FIELD, HOST_LINE, { "X", "\xc3\xa1" }),
		GET_ROW(GUARD_BODY, HOST_LINE, { "Content-Length", "5" }),
		GET_ROW(GUARD_FINE, HOST_LINE, { "Content-Length", "0" }),
		GET_ROW(GUARD_BODY, HOST_LINE, { "Transfer-Encoding", "chunked" }),
		POST_ROW(GUARD_FINE, { "Content-Length", "5" }),
		POST_ROW(GUARD_FINE, { "Transfer-Encoding", "Chunked" }),
		POST_ROW(GUARD_REPEATED, { "Content-Length", "5" }, { "Content-Length", "5" }),
		POST_ROW(GUARD_LENGTH, { "Content-Length", "+5" }),
		POST_ROW(GUARD_LENGTH, { "Content-Length", "-1" }),
		POST_ROW(GUARD_LENGTH, { "Content-Length", "0x5" }),
		POST_ROW(GUARD_LENGTH, { "Content-Length", "5 " }),
		POST_ROW(GUARD_LENGTH, { "Content-Length", "5, 5" }),
		POST_ROW(GUARD_LENGTH, { "Content-Length", "" }),
		POST_ROW(GUARD_LENGTH, { "Content-Length", "9223372036854775808" }),
		POST_ROW(GUARD_CODING, { "Content-Length", "5" }, { "Transfer-Encoding", "chunked" }),
		POST_ROW(GUARD_CODING, { "Transfer-Encoding", "xchunked" }),
		POST_ROW(GUARD_CODING, { "Transfer-Encoding", "gzip, chunked" }),
		POST_ROW(GUARD_CODING, { "Transfer-Encoding", "identity" }),
		POST_ROW(
		    GUARD_REPEATED, { "Transfer-Encoding", "chunked" }, { "Transfer-Encoding", "chunked" }),
		PATH_ROW("/v1/me?limit=5&cursor=a%3D", GUARD_FINE),
		PATH_ROW("/v1/me%00x", GUARD_TARGET),
		PATH_ROW("/v1/%2e%2e/me", GUARD_TARGET),
		PATH_ROW("http://menedek/v1/me", GUARD_TARGET),
		PATH_ROW("*", GUARD_TARGET),
		PATH_ROW("", GUARD_TARGET),
		PATH_ROW("/v1/me\\x", GUARD_TARGET),
		PATH_ROW("/v1/ me", GUARD_TARGET),
		PATH_ROW("/v1/me?a=\"", GUARD_TARGET),
		PATH_ROW("/v1/me?a?b", GUARD_FINE),
		{ "GET", "/v1/me", "HTTP/1.0", { HOST_LINE }, 0, GUARD_VERSION },
		{ "GET", "/v1/me", "HTTP/1.9", { HOST_LINE }, 0, GUARD_VERSION },
		{ "GET", "/v1/me", "http/1.1", { HOST_LINE }, 0, GUARD_VERSION },
		{ "GET", "/v1/me", "", { HOST_LINE }, 0, GUARD_VERSION },
		{ "CONNECT", "/v1/me", "HTTP/1.1", { HOST_LINE }, 0, GUARD_METHOD },
		{ "TRACE", "/v1/me", "HTTP/1.1", { HOST_LINE }, 0, GUARD_METHOD },
		{ "get", "/v1/me", "HTTP/1.1", { HOST_LINE }, 0, GUARD_METHOD },
		{ "GET", "/v1/me", "HTTP/1.1", { HOST_LINE }, 3, GUARD_BYTES },
		{ "GET", "/v1/me", "HTTP/1.1", { HOST_LINE }, -1, GUARD_BYTES },
		{ "GET", "/v1/me", "HTTP/1.1", { HOST_LINE }, -2, GUARD_BYTES },
	};

	return cr_make_param_array(struct row, rows, sizeof(rows) / sizeof(rows[0]));
}

ParameterizedTest(struct row *row, guard, each_flaw_is_named)
{
	struct call_head head = { 0 };
	char target[320];
	enum guard_flaw flaw = check(row, &head, target);

	cr_assert_eq(flaw, row->flaw, "%s %s: %s, wanted %s", row->method, row->target, guard_name(flaw),
	    guard_name(row->flaw));
}

Test(guard, target_is_cut_at_its_first_question_mark)
{
	static const struct row row = PATH_ROW("/v1/events?after=7?x", GUARD_FINE);
	struct call_head head = { 0 };
	char target[320];

	cr_assert_eq(check(&row, &head, target), GUARD_FINE);
	cr_assert_str_eq(head.path, "/v1/events");
	cr_assert_str_eq(head.query, "after=7?x");
}

Test(guard, path_of_the_limit_passes_and_one_byte_more_does_not)
{
	struct row row = PATH_ROW("", GUARD_FINE);
	struct call_head head = { 0 };
	char target[320];

	memset(row.target, 'a', LIMIT_PATH);
	row.target[0] = '/';
	cr_assert_eq(check(&row, &head, target), GUARD_FINE);
	row.target[LIMIT_PATH] = 'a';
	cr_assert_eq(check(&row, &head, target), GUARD_TARGET);
}

Test(guard, head_carries_what_the_call_reads_and_nothing_that_was_not_sent)
{
	static const struct row row = POST_ROW(GUARD_FINE, { "content-length", "12" },
	    { "AUTHORIZATION", "Bearer x" }, { "Last-Event-ID", "17" });
	struct call_head head = { 0 };
	char target[320];

	cr_assert_eq(check(&row, &head, target), GUARD_FINE);
	cr_assert_str_eq(head.method, "POST");
	cr_assert_eq(head.content_length, 12);
	cr_assert_str_eq(head.authorization, "Bearer x");
	cr_assert_str_eq(head.last_event_id, "17");
	cr_assert_null(head.if_match);
	cr_assert_null(head.content_type);
	cr_assert_null(head.query);
}

Test(guard, chunked_body_has_no_length)
{
	static const struct row row = POST_ROW(GUARD_FINE, { "Transfer-Encoding", "chunked" });
	struct call_head head = { 0 };
	char target[320];

	cr_assert_eq(check(&row, &head, target), GUARD_FINE);
	cr_assert_eq(head.content_length, -1);
}

Test(guard, a_missing_space_does_not_make_up_for_a_missing_line_end)
{
	char target[] = "/v1/me";
	struct guard_field fields[] = { { "Host", "x", 4, 1, 0 }, { "X", "a", 1, 1, 1 } };
	struct guard_request r = {
		.method = "GET", .version = "HTTP/1.1", .target = target, .fields = fields, .count = 2
	};
	struct call_head head;

	r.head_bytes = strlen("GET /v1/me HTTP/1.1\r\nHost:x\r\nX: a\r\n\r\n");
	cr_assert_eq(guard_check(&r, &head), GUARD_FINE);
	r.head_bytes--;
	cr_assert_eq(guard_check(&r, &head), GUARD_BYTES);
	r.head_bytes++;
	fields[1].spaces = 2;
	cr_assert_eq(guard_check(&r, &head), GUARD_BYTES);
}

Test(guard, more_fields_than_the_limit_are_refused_unread)
{
	char target[] = "/v1/me";
	struct guard_request r = {
		.method = "GET", .version = "HTTP/1.1", .target = target, .count = LIMIT_HEADERS + 1
	};
	struct call_head head;

	cr_assert_eq(guard_check(&r, &head), GUARD_COUNT);
}

Test(guard, every_flaw_is_answered_with_a_client_error)
{
	for (enum guard_flaw flaw = GUARD_FINE + 1; flaw < GUARD_FLAW_COUNT; flaw++)
		cr_assert(
		    rc_http(guard_rc(flaw)) >= 400 && rc_http(guard_rc(flaw)) < 500, "%s", guard_name(flaw));
}
