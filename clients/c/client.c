/* SPDX-License-Identifier: Apache-2.0 */
/* A session: whom we call, who is signed in, and sending a call until it is answered or time is over. */
#include "client_room.h"

#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define TIMEOUT_MS   15000
#define PATIENCE_MS  30000
#define REQUEST_MAX  (CLIENT_TOKEN + 4096u)
#define BODY_MAX     (1024u * 1024) /* the largest answer is a tenth of it */
#define FIRST_REST   200            /* ms; doubled with each repeat */
#define LAST_REST    5000
#define SIGN_IN_BODY 2048

static const char *const names[] = {
	[MENEDEK_OK] = "ok",
	[MENEDEK_ARGUMENT] = "argument",
	[MENEDEK_MEMORY] = "memory",
	[MENEDEK_FILE] = "file",
	[MENEDEK_UNREACHABLE] = "unreachable",
	[MENEDEK_TLS] = "tls",
	[MENEDEK_SIGN_IN] = "sign_in",
	[MENEDEK_NOT_FOUND] = "not_found",
	[MENEDEK_CONFLICT] = "conflict",
	[MENEDEK_REFUSED] = "refused",
	[MENEDEK_BUSY] = "busy",
	[MENEDEK_UNKNOWN] = "unknown",
	[MENEDEK_PROTOCOL] = "protocol",
	[MENEDEK_STOPPED] = "stopped",
};

const char *
menedek_outcome_name(enum menedek_outcome outcome)
{
	return (unsigned)outcome < sizeof(names) / sizeof(names[0]) ? names[outcome] : "unknown";
}

enum menedek_outcome
menedek_new(const struct menedek_options *options, struct menedek **out, struct menedek_problem *problem)
{
	struct menedek *m = calloc(1, sizeof(*m));
	enum menedek_outcome outcome;

	*out = NULL;
	if (m == NULL)
		return wire_problem(problem, MENEDEK_MEMORY, "no memory");
	m->timeout_ms = options->timeout_ms > 0 ? options->timeout_ms : TIMEOUT_MS;
	m->patience_ms = options->patience_ms > 0 ? options->patience_ms : PATIENCE_MS;
	memcpy(
	    m->language, options->language != NULL && strcmp(options->language, "hu") == 0 ? "hu" : "en", 3);
	if (!wire_address_parse(options->server, &m->address, NULL))
		outcome = wire_problem(problem, MENEDEK_ARGUMENT, "the server is named as https://HOST:PORT");
	else
		outcome = wire_identity_new(options, &m->identity, problem);
	if (outcome == MENEDEK_OK)
		*out = m;
	else
		menedek_free(m);
	return outcome;
}

static void
drop(struct menedek *m)
{
	wire_close(m->wire);
	m->wire = NULL;
}

void
menedek_free(struct menedek *m)
{
	if (m == NULL)
		return;
	drop(m);
	wire_identity_free(m->identity);
	OPENSSL_cleanse(m, sizeof(*m));
	free(m);
}

/* ---- small things ---- */

bool
client_is_plain(const char *text, size_t most)
{
	size_t len = 0;

	for (; text[len] != '\0'; len++)
		if (len >= most || text[len] <= ' ' || text[len] > '~' ||
		    strchr("\"<>\\^`{|}#", text[len]) != NULL)
			return false;
	return len > 0;
}

bool
client_text(const cJSON *object, const char *name, char *out, size_t cap)
{
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, name);
	const size_t len = cJSON_IsString(item) ? strlen(item->valuestring) : cap;

	*out = '\0';
	if (len >= cap)
		return false;
	memcpy(out, item->valuestring, len + 1);
	return true;
}

unsigned
client_number(const cJSON *object, const char *name)
{
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, name);

	return cJSON_IsNumber(item) && item->valuedouble >= 0 && item->valuedouble <= 65535
	    ? (unsigned)item->valuedouble
	    : 0;
}

void
client_rest(int64_t ms, int64_t until)
{
	const int64_t left = until - wire_now();
	struct timespec t;

	ms = ms > left ? left : ms;
	if (ms <= 0)
		return;
	t.tv_sec = (time_t)(ms / 1000);
	t.tv_nsec = (long)(ms % 1000) * 1000000;
	(void)nanosleep(&t, NULL);
}

/* ---- one call ---- */

static size_t
add(char *buf, size_t at, const char *name, const char *value)
{
	int n;

	if (value == NULL || *value == '\0' || at >= REQUEST_MAX)
		return at;
	n = snprintf(buf + at, REQUEST_MAX - at, "%s%s\r\n", name, value);
	return n < 0 ? REQUEST_MAX : at + (size_t)n;
}

static size_t
write_head(const struct menedek *m, const struct client_call *call, char buf[REQUEST_MAX])
{
	const bool is_v6 = strchr(m->address.host, ':') != NULL;
	char length[24] = "";
	int n = snprintf(buf, REQUEST_MAX, "%s %s HTTP/1.1\r\nHost: %s%s%s:%s\r\n", call->method, call->path,
	    is_v6 ? "[" : "", m->address.host, is_v6 ? "]" : "", m->address.port);
	size_t at = n < 0 ? REQUEST_MAX : (size_t)n;

	if (call->body != NULL || strcmp(call->method, "GET") != 0)
		(void)snprintf(length, sizeof(length), "%zu", call->body == NULL ? 0 : strlen(call->body));
	at = add(buf, at, "Accept: ", call->accept != NULL ? call->accept : "application/json");
	at = add(buf, at, "Accept-Language: ", m->language);
	at = add(buf, at, "Authorization: Bearer ", m->token);
	at = add(buf, at, "Content-Type: ", call->body != NULL ? "application/json" : NULL);
	at = add(buf, at, "Content-Length: ", length);
	at = add(buf, at, "Idempotency-Key: ", call->key);
	at = add(buf, at, "If-Match: ", call->if_match);
	at = add(buf, at, "Last-Event-ID: ", call->mark);
	if (at + 3 > REQUEST_MAX)
		return 0;
	memcpy(buf + at, "\r\n", 3);
	return at + 2;
}

enum menedek_outcome
client_ask(struct menedek *m, struct wire *w, const struct client_call *call, struct wire_head *head)
{
	const int64_t until = wire_now() + m->timeout_ms;
	char *buf = malloc(REQUEST_MAX);
	size_t len = buf == NULL ? 0 : write_head(m, call, buf);
	enum menedek_outcome outcome = len == 0 ? MENEDEK_MEMORY : wire_send(w, buf, len, until);

	if (outcome == MENEDEK_OK && call->body != NULL)
		outcome = wire_send(w, call->body, strlen(call->body), until);
	/* refused before it was read whole: the answer says why */
	if (outcome == MENEDEK_OK || outcome == MENEDEK_UNREACHABLE)
		outcome = wire_head_read(w, until, head);
	if (buf != NULL)
		OPENSSL_cleanse(buf, REQUEST_MAX);
	free(buf);
	return outcome;
}

enum menedek_outcome
client_body(struct wire *w, struct wire_head *head, int64_t until, char **out, size_t *len)
{
	enum menedek_outcome outcome = MENEDEK_OK;
	char *buf = malloc(4096), *more;
	size_t cap = 4096, at = 0, got = 0;

	*out = NULL;
	while (buf != NULL && outcome == MENEDEK_OK && !head->is_done) {
		outcome = wire_body_read(w, head, buf + at, cap - 1 - at, until, &got);
		at += got;
		if (outcome == MENEDEK_OK && got == 0 && !head->is_done)
			outcome = MENEDEK_UNREACHABLE;
		if (at < cap - 1)
			continue;
		if (cap >= BODY_MAX)
			outcome = MENEDEK_PROTOCOL;
		else if ((more = realloc(buf, cap *= 2)) != NULL)
			buf = more;
		else
			outcome = MENEDEK_MEMORY;
	}
	if (buf == NULL)
		return MENEDEK_MEMORY;
	buf[at] = '\0';
	*out = buf;
	*len = at;
	return outcome;
}

/* ---- what an answer means ---- */

static enum menedek_outcome
of_status(int status)
{
	static const struct {
		int status;
		enum menedek_outcome outcome;
	} rows[] = {
		{ 401, MENEDEK_SIGN_IN },
		{ 403, MENEDEK_SIGN_IN },
		{ 404, MENEDEK_NOT_FOUND },
		{ 409, MENEDEK_CONFLICT },
		{ 410, MENEDEK_CONFLICT },
		{ 412, MENEDEK_CONFLICT },
		{ 429, MENEDEK_BUSY },
		{ 503, MENEDEK_BUSY },
	};

	if (status >= 200 && status < 300)
		return MENEDEK_OK;
	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (rows[i].status == status)
			return rows[i].outcome;
	return status >= 400 && status < 500 ? MENEDEK_REFUSED : MENEDEK_PROTOCOL;
}

enum menedek_outcome
client_judge(const struct wire_head *head, const char *body, struct menedek_problem *problem)
{
	enum menedek_outcome outcome = of_status(head->status);
	cJSON *json;
	char code[MENEDEK_CODE], detail[401], title[201];

	if (outcome == MENEDEK_OK)
		return outcome;
	json = cJSON_Parse(body);
	(void)client_text(json, "code", code, sizeof(code));
	(void)client_text(json, "title", title, sizeof(title));
	if (!client_text(json, "detail", detail, sizeof(detail)))
		memcpy(detail, title, sizeof(title));
	if (strcmp(code, "request_in_flight") == 0)
		outcome = MENEDEK_BUSY;
	if (strcmp(code, "outcome_unknown") == 0)
		outcome = MENEDEK_UNKNOWN;
	(void)wire_problem(
	    problem, outcome, "%s", *detail != '\0' ? detail : "the registry said no, and not why");
	if (problem != NULL) {
		problem->status = head->status;
		problem->retry_after = head->retry_after;
		memcpy(problem->code, code, sizeof(code));
		(void)client_text(json, "request_id", problem->request_id, sizeof(problem->request_id));
	}
	cJSON_Delete(json);
	return outcome;
}

/* ---- until it is answered ---- */

static enum menedek_outcome
once(struct menedek *m, struct client_call *call, char **body, unsigned *wait_s,
    struct menedek_problem *problem)
{
	const bool was_open = m->wire != NULL;
	const int64_t until = wire_now() + m->timeout_ms;
	struct wire_head head = { 0 };
	enum menedek_outcome outcome = MENEDEK_OK;
	size_t len = 0;

	*wait_s = 0;
	if (!was_open &&
	    (outcome = wire_open(m->identity, &m->address, until, &m->wire, problem)) != MENEDEK_OK)
		return outcome;
	outcome = client_ask(m, m->wire, call, &head);
	if (outcome == MENEDEK_OK)
		outcome = client_body(m->wire, &head, until, body, &len);
	if (outcome != MENEDEK_OK || !head.is_kept)
		drop(m);
	if (outcome == MENEDEK_TLS) /* TLS 1.3 tells a device after its handshake that it is shut out */
		return wire_problem(problem, MENEDEK_TLS, "%s does not let this device in", m->address.host);
	if (outcome == MENEDEK_UNREACHABLE)
		return wire_problem(
		    problem, MENEDEK_UNKNOWN, "the connection was lost before the answer came");
	if (outcome != MENEDEK_OK)
		return wire_problem(problem, outcome, "the answer is none of a registry's");
	memcpy(call->etag, head.etag, sizeof(call->etag));
	*wait_s = head.retry_after;
	return client_judge(&head, *body, problem);
}

static bool
is_worth_repeating(enum menedek_outcome outcome)
{
	return outcome == MENEDEK_UNREACHABLE || outcome == MENEDEK_BUSY || outcome == MENEDEK_UNKNOWN;
}

/* Why repeats cannot do a thing twice: a POST that creates carries a key, the others say how it shall stand.
 */
static enum menedek_outcome
repeat(struct menedek *m, struct client_call *call, char **body, struct menedek_problem *problem)
{
	int64_t rest = FIRST_REST;

	for (;;) {
		unsigned wait_s;
		const enum menedek_outcome outcome = once(m, call, body, &wait_s, problem);
		const int64_t pause = wait_s > 0 ? (int64_t)wait_s * 1000 : rest;

		if (!is_worth_repeating(outcome) || wire_now() + pause > call->until)
			return outcome;
		free(*body);
		*body = NULL;
		client_rest(pause, call->until);
		rest = rest * 2 > LAST_REST ? LAST_REST : rest * 2;
	}
}

static bool
make_key(char out[CLIENT_KEY])
{
	unsigned char random[16];

	if (RAND_bytes(random, (int)sizeof(random)) != 1)
		return false;
	for (unsigned i = 0; i < sizeof(random); i++)
		(void)snprintf(out + (size_t)i * 2, 3, "%02x", random[i]);
	return true;
}

static enum menedek_outcome
call_text(struct menedek *m, struct client_call *call, char **body, struct menedek_problem *problem)
{
	if (!client_is_plain(call->path, 2048) || *call->path != '/' ||
	    (call->if_match != NULL && (*call->if_match != '"' || strpbrk(call->if_match, "\r\n") != NULL)))
		return wire_problem(problem, MENEDEK_ARGUMENT, "a value has characters that an id has not");
	if (strcmp(call->method, "POST") == 0 && !make_key(call->key))
		return wire_problem(problem, MENEDEK_MEMORY, "no randomness");
	client_renew(m);
	call->until = wire_now() + m->patience_ms;
	return repeat(m, call, body, problem);
}

enum menedek_outcome
client_call(struct menedek *m, struct client_call *call, cJSON **answer, struct menedek_problem *problem)
{
	char *body = NULL;
	enum menedek_outcome outcome = call_text(m, call, &body, problem);

	*answer = NULL;
	if (outcome == MENEDEK_OK && body != NULL && *body != '\0' && (*answer = cJSON_Parse(body)) == NULL)
		outcome = wire_problem(problem, MENEDEK_PROTOCOL, "the answer is no JSON");
	if (body != NULL)
		OPENSSL_cleanse(body, strlen(body));
	free(body);
	return outcome;
}

enum menedek_outcome
menedek_call(struct menedek *m, const char *method, const char *path, const char *body, const char *if_match,
    char **answer, struct menedek_problem *problem)
{
	static const char *const methods[] = { "GET", "POST", "PUT", "PATCH", "DELETE" };
	struct client_call call = { .path = path, .body = body, .if_match = if_match };
	char *text = NULL;
	enum menedek_outcome outcome;

	for (unsigned i = 0; i < sizeof(methods) / sizeof(methods[0]); i++)
		if (strcmp(method, methods[i]) == 0)
			call.method = methods[i];
	if (call.method == NULL)
		return wire_problem(problem, MENEDEK_ARGUMENT, "no such method");
	outcome = call_text(m, &call, &text, problem);
	if (answer != NULL)
		*answer = text;
	else
		free(text);
	return outcome;
}

/* ---- signing in ---- */

static enum menedek_outcome
keep_token(struct menedek *m, const cJSON *json, struct menedek_problem *problem)
{
	const int64_t life = client_number(json, "expires_in");

	if (!client_text(json, "access_token", m->token, sizeof(m->token)) || life == 0 ||
	    !client_is_plain(m->token, sizeof(m->token))) {
		m->token[0] = '\0';
		return wire_problem(problem, MENEDEK_PROTOCOL, "the answer is no token");
	}
	m->renew_at = wire_now() + life * 1000 / 2;
	return MENEDEK_OK;
}

/* cJSON frees without wiping, and a passphrase or a token would stay in freed memory. */
static void
delete_secret(cJSON *json, const char *name)
{
	cJSON *item = cJSON_GetObjectItemCaseSensitive(json, name);

	if (cJSON_IsString(item))
		OPENSSL_cleanse(item->valuestring, strlen(item->valuestring));
	cJSON_Delete(json);
}

/* Into memory of the caller's, which can be wiped: what cJSON allocates grows and leaves copies behind. */
static bool
sign_in_body(const char *user, const char *passphrase, const char *code, char out[SIGN_IN_BODY])
{
	cJSON *json = cJSON_CreateObject();
	const bool is_written = cJSON_AddStringToObject(json, "user", user) &&
	    cJSON_AddStringToObject(json, "passphrase", passphrase) &&
	    (code == NULL || cJSON_AddStringToObject(json, "code", code)) &&
	    cJSON_PrintPreallocated(json, out, SIGN_IN_BODY, false);

	delete_secret(json, "passphrase");
	return is_written;
}

enum menedek_outcome
menedek_sign_in(struct menedek *m, const char *user, const char *passphrase, const char *code,
    struct menedek_problem *problem)
{
	char body[SIGN_IN_BODY];
	struct client_call call = { .method = "POST", .path = "/v1/tokens", .body = body };
	enum menedek_outcome outcome;
	cJSON *json = NULL;

	OPENSSL_cleanse(m->token, sizeof(m->token));
	m->renew_at = 0;
	if (sign_in_body(user, passphrase, code, body))
		outcome = client_call(m, &call, &json, problem);
	else
		outcome = wire_problem(problem, MENEDEK_ARGUMENT, "name or passphrase is too long");
	OPENSSL_cleanse(body, sizeof(body));
	if (outcome == MENEDEK_OK)
		outcome = keep_token(m, json, problem);
	delete_secret(json, "access_token");
	return outcome;
}

void
client_renew(struct menedek *m)
{
	struct client_call call = { .method = "POST", .path = "/v1/tokens/renew" };
	struct menedek_problem ignored;
	cJSON *json = NULL;

	if (m->renew_at == 0 || wire_now() < m->renew_at)
		return;
	m->renew_at = 0; /* the call below asks here, too */
	if (client_call(m, &call, &json, &ignored) != MENEDEK_OK ||
	    keep_token(m, json, &ignored) != MENEDEK_OK)
		m->renew_at = wire_now() + LAST_REST;
	delete_secret(json, "access_token");
}

enum menedek_outcome
menedek_sign_out(struct menedek *m, struct menedek_problem *problem)
{
	enum menedek_outcome outcome;

	if (m->token[0] == '\0') /* else who could not sign in would wait for as long again */
		return MENEDEK_OK;
	outcome = menedek_call(m, "DELETE", "/v1/tokens/current", NULL, NULL, NULL, problem);
	OPENSSL_cleanse(m->token, sizeof(m->token));
	m->renew_at = 0;
	return outcome;
}
