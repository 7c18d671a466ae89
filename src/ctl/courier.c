/* SPDX-License-Identifier: Apache-2.0 */
/* Fetch, post, remember; and how long to wait where something fails. */
#include "ctl/courier.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "crypto/digest.h"
#include "ctl/http_signature.h"

#define LINE        192u
#define SLICE_MS    500  /* how soon an end is noticed */
#define FIRST_MS    1000 /* before the second try; doubled */
#define LAST_MS     300000
#define ANSWER_MS   15000 /* a receiver may take so long */
#define HOST        (WIRE_HOST + 16u)
#define MOST_NUMBER (UINT64_MAX - 2)

struct work {
	const struct courier *courier;
	int fd; /* to the service */
	size_t len;
	char buf[LINE];
	uint64_t number;                    /* of the event that is being delivered, or the last */
	char at[21];                        /* its time; empty: not known */
	bool is_away, is_blind, is_refused; /* said already: the service, its own state, the receiver */
	char id[ID_TEXT + 1];               /* what the receiver knows it by */
	char body[256], fields[1536];
};

static bool
is_ending(const struct work *w)
{
	return atomic_load(w->courier->is_stopping);
}

static void
rest(const struct work *w, int64_t ms)
{
	const int64_t until = clock_mono_ms() + ms;

	while (!is_ending(w) && clock_mono_ms() < until)
		(void)usleep(SLICE_MS / 5 * 1000);
}

/* ---- what was dealt with ---- */

/* "NUMBER TIME", or from a program of before, or where the event is not kept, "NUMBER" alone. */
static bool
read_place(struct work *w, char *text)
{
	char *time = strchr(text, ' ');
	int64_t at;

	w->at[0] = '\0';
	if (time != NULL)
		*time++ = '\0';
	if (!text_number(text, MOST_NUMBER, &w->number))
		return false;
	return time == NULL || (time_parse(time, strlen(time), &at) && str_copy(w->at, sizeof(w->at), time));
}

/* RC_NOT_FOUND: nothing was ever dealt with, so there is nothing to go on from.  What cannot be read is no
 * such thing: to begin anew then would lose all that happened since. */
static enum rc
recall(struct work *w)
{
	const char *path = w->courier->hook->state;
	char *text = NULL;
	size_t len;
	enum rc rc = file_read(path, 64, &text, &len, NULL);

	if (rc != RC_OK && rc != RC_NOT_FOUND && !w->is_blind)
		log_world("delivery_state", "file=%s cannot be read: nothing is delivered until it can",
		    path_name(path));
	w->is_blind = rc != RC_OK && rc != RC_NOT_FOUND;
	if (rc != RC_OK)
		return rc;
	text[strcspn(text, "\n")] = '\0';
	if (!read_place(w, text)) {
		log_world("delivery_state", "file=%s is damaged: all that is kept is delivered again",
		    path_name(path));
		w->number = 0;
		w->at[0] = '\0';
	}
	free(text);
	return RC_OK;
}

static void
remember(const struct work *w)
{
	char line[64];
	const int len =
	    snprintf(line, sizeof(line), "%" PRIu64 "%s%s\n", w->number, w->at[0] != '\0' ? " " : "", w->at);

	/* then the event is delivered once more: that is allowed, a gap is not */
	if (file_write(w->courier->hook->state, (struct bytes){ (const uint8_t *)line, (size_t)len }, 0600,
		NULL) != RC_OK)
		log_world("delivery_state", "file=%s cannot be written", path_name(w->courier->hook->state));
}

/* ---- the service ---- */

static bool
open_outbox(struct work *w)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	const struct timeval slice = { .tv_usec = SLICE_MS * 1000 };
	int error;

	w->len = 0;
	errno = ENAMETOOLONG;
	w->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (w->fd >= 0 && str_copy(at.sun_path, sizeof(at.sun_path), w->courier->outbox) &&
	    setsockopt(w->fd, SOL_SOCKET, SO_RCVTIMEO, &slice, sizeof(slice)) == 0 &&
	    connect(w->fd, (const struct sockaddr *)&at, sizeof(at)) == 0)
		return true;
	error = errno;
	if (w->fd >= 0)
		(void)close(w->fd);
	w->fd = -1;
	errno = error;
	return false;
}

static bool
reach(struct work *w)
{
	const bool is_reached = open_outbox(w);

	if (!is_reached && !w->is_away)
		log_world(
		    "delivery_waits", "the service's outbox cannot be reached: %s", strerrorname_np(errno));
	w->is_away = !is_reached;
	return is_reached;
}

static bool
tell(const struct work *w, const char *line)
{
	return send(w->fd, line, strlen(line), MSG_NOSIGNAL) == (ssize_t)strlen(line);
}

/* The next line without its end; false when the service is gone, or it is time to end. */
static bool
hear(struct work *w, char line[LINE])
{
	char *end;
	ssize_t n;

	while ((end = memchr(w->buf, '\n', w->len)) == NULL) {
		if (is_ending(w) || w->len == LINE)
			return false;
		n = recv(w->fd, w->buf + w->len, LINE - w->len, 0);
		if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
			return false;
		w->len += n > 0 ? (size_t)n : 0;
	}
	memcpy(line, w->buf, (size_t)(end - w->buf));
	line[end - w->buf] = '\0';
	w->len -= (size_t)(end - w->buf) + 1;
	memmove(w->buf, end + 1, w->len);
	return true;
}

/* ---- one event ---- */

/*
 * The number counts the events of all houses, so a receiver must not learn it; the same event must have the
 * same id each time, also when the key that signs was exchanged in between.  All that is told goes into it,
 * not the number alone: a registry that was restored gives its numbers again.
 */
static void
make_id(struct work *w, const char *line)
{
	static const char label[] = "menedek event id\n";
	uint8_t text[sizeof(label) + ID_BYTES + DIGEST_BYTES], mac[DIGEST_BYTES];
	struct id id;

	memcpy(text, label, sizeof(label));
	memcpy(text + sizeof(label), w->courier->hook->house.b, ID_BYTES);
	digest(bytes_str(line), text + sizeof(label) + ID_BYTES);
	digest_hmac((struct bytes){ w->courier->secret, COURIER_SECRET }, BYTES_OF(text), mac);
	memcpy(id.b, mac, ID_BYTES);
	id_format(&id, w->id);
}

/* A repeat of it costs a reading; one that is taken for a repeat, all that was lost. */
static bool
read_reset(struct work *w, char *line)
{
	const struct id id = id_new();

	if (!read_place(w, line + strlen("reset ")))
		return false;
	id_format(&id, w->id);
	(void)snprintf(w->body, sizeof(w->body), "{\"id\":\"%s\",\"event\":\"reset\"}", w->id);
	return true;
}

/* "event NUMBER KIND SUBJECT TIME" or "reset NUMBER TIME": nothing in them needs escaping. */
static bool
read_event(struct work *w, char *line)
{
	char *field[5];

	if (strncmp(line, "reset ", 6) == 0)
		return read_reset(w, line);
	if (strncmp(line, "event ", 6) != 0)
		return false;
	make_id(w, line); /* of the line as it is: the next takes it apart */
	if (!text_split(line, field, 5) || !text_number(field[1], MOST_NUMBER, &w->number) ||
	    !str_copy(w->at, sizeof(w->at), field[4]))
		return false;
	(void)snprintf(w->body, sizeof(w->body),
	    "{\"id\":\"%s\",\"event\":\"%s\",\"subject\":\"%s\",\"at\":\"%s\"}", w->id, field[2], field[3],
	    field[4]);
	return true;
}

static void
write_authority(const struct wire_address *to, char out[HOST])
{
	const bool is_v6 = strchr(to->host, ':') != NULL;
	const bool is_usual = strcmp(to->port, "443") == 0;

	(void)snprintf(out, HOST, "%s%s%s%s%s", is_v6 ? "[" : "", to->host, is_v6 ? "]" : "",
	    is_usual ? "" : ":", is_usual ? "" : to->port);
}

static enum menedek_outcome
send_post(struct work *w, struct wire *wire, const char *authority, int64_t until)
{
	char head[sizeof(w->fields) + HOOK_PATH + HOST + 128];
	const int len = snprintf(head, sizeof(head),
	    "POST %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: menedek\r\nConnection: close\r\nContent-Length: "
	    "%zu\r\n%s\r\n",
	    w->courier->hook->path, authority, strlen(w->body), w->fields);
	enum menedek_outcome outcome;

	if (len < 0 || (size_t)len >= sizeof(head))
		return MENEDEK_ARGUMENT;
	outcome = wire_send(wire, head, (size_t)len, until);
	return outcome == MENEDEK_OK ? wire_send(wire, w->body, strlen(w->body), until) : outcome;
}

/* The status, or 0 when there was none, of which *outcome tells why; *wait_s what Retry-After says. */
static int
post_once(struct work *w, unsigned *wait_s, enum menedek_outcome *outcome)
{
	const struct hook *hook = w->courier->hook;
	const int64_t until = wire_now() + ANSWER_MS;
	struct http_post post = {
		.path = hook->path, .event_id = w->id, .body = bytes_str(w->body), .created = clock_now()
	};
	char authority[HOST];
	struct wire_head answer = { 0 };
	struct wire *wire = NULL;

	*wait_s = 0;
	*outcome = MENEDEK_ARGUMENT;
	write_authority(&hook->to, authority);
	post.authority = authority;
	if (http_signature_fields(w->courier->key, &post, w->fields, sizeof(w->fields)) != RC_OK ||
	    (*outcome = wire_open(hook->identity, &hook->to, until, &wire, NULL)) != MENEDEK_OK)
		return 0;
	if ((*outcome = send_post(w, wire, authority, until)) == MENEDEK_OK)
		*outcome = wire_head_read(wire, until, &answer);
	wire_close(wire);
	*wait_s = answer.retry_after;
	return *outcome == MENEDEK_OK ? answer.status : 0;
}

/* What will be the same however often it is sent. */
static bool
is_final(int status)
{
	static const int final[] = { 400, 405, 410, 411, 413, 414, 415, 422 };

	for (unsigned i = 0; i < COUNT_OF(final); i++)
		if (final[i] == status)
			return true;
	return false;
}

/* Once an outage, so that who looks in the first minute and not after a day finds it; never where to. */
static void
say_outage(struct work *w, bool is_taken, int status, enum menedek_outcome outcome)
{
	const char *house = path_name(w->courier->hook->state);

	if (is_ending(w))
		return;
	if (is_taken && w->is_refused)
		log_note("delivery_goes_on", "house=%s", house);
	else if (!is_taken && !w->is_refused)
		log_world("delivery_failing", "house=%s outcome=%s status=%d", house,
		    status == 0 ? menedek_outcome_name(outcome) : "refused", status);
	w->is_refused = !is_taken;
}

/* False: it is time to end, and the event comes again. */
static bool
deliver(struct work *w, bool *is_taken)
{
	const int64_t until = clock_mono_ms() + w->courier->give_up_ms;
	int64_t pause = FIRST_MS;

	for (;;) {
		enum menedek_outcome outcome;
		unsigned wait_s;
		const int status = post_once(w, &wait_s, &outcome);

		*is_taken = status >= 200 && status < 300;
		say_outage(w, *is_taken, status, outcome);
		if (*is_taken || is_final(status) || clock_mono_ms() + pause > until) {
			if (!*is_taken)
				log_world("delivery_dead", "event=%s status=%d", w->id, status);
			return true;
		}
		if (is_ending(w) || !tell(w, "again\n"))
			return false;
		rest(w, wait_s > 0 && (int64_t)wait_s * 1000 < LAST_MS ? (int64_t)wait_s * 1000 : pause);
		pause = pause * 2 > LAST_MS ? LAST_MS : pause * 2;
		if (is_ending(w))
			return false;
	}
}

/* ---- all events ---- */

static bool
begin(struct work *w)
{
	char line[LINE], id[ID_TEXT + 1];
	const enum rc rc = recall(w);
	const bool has_last = rc == RC_OK;

	if (rc != RC_OK && rc != RC_NOT_FOUND)
		return false;
	id_format(&w->courier->hook->house, id);
	if (has_last)
		(void)snprintf(line, sizeof(line), "listen %s %" PRIu64 " %s\n", id, w->number,
		    w->at[0] != '\0' ? w->at : "-");
	else
		(void)snprintf(line, sizeof(line), "listen %s new -\n", id);
	if (!tell(w, line) || !hear(w, line) || strncmp(line, "at ", 3) != 0)
		return false;
	if (has_last)
		return true;
	/* from here on nothing is missed, also when we end before the first event */
	if (!read_place(w, line + strlen("at ")))
		return false;
	remember(w);
	return true;
}

static void
work(struct work *w)
{
	char line[LINE];
	bool is_taken;

	if (!begin(w))
		return;
	while (hear(w, line) && read_event(w, line) && deliver(w, &is_taken)) {
		remember(w);
		if (!tell(w, is_taken ? "done\n" : "dead\n"))
			return;
	}
}

void *
courier_run(void *arg)
{
	struct work w = { .courier = arg };

	while (!is_ending(&w)) {
		if (reach(&w)) {
			work(&w);
			(void)close(w.fd);
		}
		rest(&w, FIRST_MS);
	}
	return NULL;
}

bool
courier_address(const char *url, struct hook *out)
{
	const char *path;

	if (!wire_address_parse(url, &out->to, &path) || !str_copy(out->path, sizeof(out->path), path))
		return false;
	for (const char *c = out->to.host; *c != '\0'; c++)
		if (*c <= ' ' || *c > '~' ||
		    (*c >= 'A' && *c <= 'Z')) /* @authority is signed in lower case */
			return false;
	/* @path is signed without a query, and an unsigned one could be changed */
	for (const char *c = out->path; *c != '\0'; c++)
		if (*c <= ' ' || *c > '~' || *c == '?' || *c == '#')
			return false;
	return true;
}
