/* SPDX-License-Identifier: Apache-2.0 */
/* One thread: takes readers, gives each its next event when it has dealt with the one before. */
#include "server/outbox.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"

#define READERS  64u /* houses that post their events */
#define LINE     128u
#define PAUSE_MS 250 /* when no descriptor is left */

struct reader {
	int fd;
	struct subscription *subscription; /* NULL: has not said yet of which house */
	bool is_busy;                      /* has an event that it has not dealt with */
	bool takes_time;                   /* with a number */
	size_t len;
	char line[LINE];
};

struct outbox {
	struct feed *feed;
	struct keyring *ring;
	int listen_fd, wake_fd;
	pthread_t thread;
	atomic_bool is_stopping;
	struct deliveries sums;
	unsigned count; /* of the thread, like the readers */
	struct reader reader[READERS];
};

/* Of the committer's thread, too. */
static void
wake(void *arg)
{
	struct outbox *o = arg;
	const uint64_t one = 1;

	(void)!write(o->wake_fd, &one, sizeof(one));
}

/* ---- one reader ---- */

/* A line is shorter than any socket's room, and no second is sent before an answer: it goes whole or never.
 */
static bool
say(struct reader *r, const char *line, int len)
{
	return len > 0 && len < (int)LINE + 64 &&
	    send(r->fd, line, (size_t)len, MSG_NOSIGNAL | MSG_DONTWAIT) == (ssize_t)len;
}

/* Where a reader goes on from. */
static bool
say_place(struct reader *r, const char *word, uint64_t number, int64_t at)
{
	char line[LINE], time[22] = "";

	if (r->takes_time && at != 0) {
		time[0] = ' ';
		time_format(at, time + 1);
	}
	return say(r, line, snprintf(line, sizeof(line), "%s %" PRIu64 "%s\n", word, number, time));
}

static bool
offer(struct reader *r)
{
	char line[LINE + 64], id[ID_TEXT + 1], at[21];
	struct event e;
	uint64_t number;
	enum feed_next next;

	if (r->subscription == NULL || r->is_busy ||
	    (next = feed_next(r->subscription, &number, &e)) == FEED_NOTHING)
		return true;
	r->is_busy = true;
	if (next == FEED_RESET)
		return say_place(r, "reset", number, e.at);
	id_format(&e.subject, id);
	time_format(e.at, at);
	return say(r, line,
	    snprintf(line, sizeof(line), "event %" PRIu64 " %s %s %s\n", number,
		event_name((enum event_kind)e.kind), id, at));
}

static bool
begin(struct outbox *o, struct reader *r, char *words)
{
	struct feed_scope scope = { .shelter_count = 1, .reader = { .ring = o->ring } };
	int64_t newest_at, at = 0;
	const uint64_t newest = feed_newest(o->feed, &newest_at);
	char *field[3] = { NULL };
	uint64_t last;

	r->takes_time = strchr(words, ' ') != strrchr(words, ' ');
	if (r->subscription != NULL || !text_split(words, field, r->takes_time ? 3 : 2) ||
	    !id_parse(field[0], strlen(field[0]), &scope.shelters[0]))
		return false;
	if (strcmp(field[1], "new") == 0)
		last = newest;
	else if (!text_number(field[1], FEED_BEGIN - 1, &last))
		return false;
	if (r->takes_time && strcmp(field[2], "-") != 0) {
		if (!time_parse(field[2], strlen(field[2]), &at))
			return false;
		if (!feed_may_be(o->feed, last, at))
			last = FEED_LOST;
	}
	if (!say_place(r, "at", newest, newest_at))
		return false;
	if (last == 0) /* a number like any other here: there was no event yet */
		last = FEED_BEGIN;
	return feed_subscribe(o->feed, &scope, last, wake, o, &r->subscription) == RC_OK;
}

/* False for what no reader of ours says. */
static bool
hear_line(struct outbox *o, struct reader *r, char *line)
{
	static const char listen_word[] = "listen ";

	if (strncmp(line, listen_word, sizeof(listen_word) - 1) == 0)
		return begin(o, r, line + sizeof(listen_word) - 1);
	if (!r->is_busy)
		return false;
	if (strcmp(line, "again") == 0) {
		atomic_fetch_add(&o->sums.repeated, 1);
		return true;
	}
	r->is_busy = false;
	if (strcmp(line, "done") == 0)
		atomic_fetch_add(&o->sums.delivered, 1);
	else if (strcmp(line, "dead") == 0)
		atomic_fetch_add(&o->sums.dead, 1);
	else
		return false;
	return true;
}

static bool
hear(struct outbox *o, struct reader *r)
{
	const ssize_t n = recv(r->fd, r->line + r->len, LINE - 1 - r->len, MSG_DONTWAIT);
	char *end;

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return true;
	if (n <= 0)
		return false;
	r->len += (size_t)n;
	while ((end = memchr(r->line, '\n', r->len)) != NULL) {
		const size_t used = (size_t)(end - r->line) + 1;
		*end = '\0';
		if (!hear_line(o, r, r->line))
			return false;
		r->len -= used;
		memmove(r->line, end + 1, r->len);
	}
	return r->len < LINE - 1;
}

static void
drop(struct outbox *o, unsigned i)
{
	feed_unsubscribe(o->reader[i].subscription);
	(void)close(o->reader[i].fd);
	o->reader[i] = o->reader[--o->count];
	o->reader[o->count] = (struct reader){ .fd = -1 };
	atomic_store(&o->sums.listening, (int64_t)o->count);
}

/* ---- the thread ---- */

static void
take(struct outbox *o)
{
	const int fd = accept4(o->listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (fd < 0) {
		if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED)
			(void)poll(NULL, 0, PAUSE_MS);
		return;
	}
	if (o->count == READERS) {
		log_world("outbox_full", "readers=%u", READERS);
		(void)close(fd);
		return;
	}
	o->reader[o->count++] = (struct reader){ .fd = fd };
	atomic_store(&o->sums.listening, (int64_t)o->count);
}

static void
serve_readers(struct outbox *o, const struct pollfd *heard, unsigned count)
{
	/* from the last, since a dropped one's place is taken by the last */
	for (unsigned i = count; i-- > 0;) {
		struct reader *r = &o->reader[i];
		if ((heard[i].revents != 0 && !hear(o, r)) || !offer(r))
			drop(o, i);
	}
}

static void *
run(void *arg)
{
	struct outbox *o = arg;
	struct pollfd fds[READERS + 2];
	uint64_t woken;

	while (!atomic_load(&o->is_stopping)) {
		const unsigned count = o->count;
		fds[0] = (struct pollfd){ .fd = o->wake_fd, .events = POLLIN };
		fds[1] = (struct pollfd){ .fd = o->listen_fd, .events = POLLIN };
		for (unsigned i = 0; i < count; i++)
			fds[i + 2] = (struct pollfd){ .fd = o->reader[i].fd, .events = POLLIN };
		if (poll(fds, count + 2, -1) < 0)
			continue;
		if (fds[0].revents != 0)
			(void)!read(o->wake_fd, &woken, sizeof(woken));
		serve_readers(o, fds + 2, count);
		if (fds[1].revents != 0)
			take(o);
	}
	while (o->count > 0)
		drop(o, o->count - 1);
	return NULL;
}

/* ---- life ---- */

enum rc
outbox_start(struct feed *feed, struct keyring *ring, int fd, struct outbox **out)
{
	struct outbox *o = calloc(1, sizeof(*o));

	*out = NULL;
	if (o == NULL || (o->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) < 0) {
		free(o);
		(void)close(fd);
		return RC_UNAVAILABLE;
	}
	o->feed = feed;
	o->ring = ring;
	o->listen_fd = fd;
	if (pthread_create(&o->thread, NULL, run, o) != 0) {
		(void)close(o->wake_fd);
		(void)close(fd);
		free(o);
		return RC_UNAVAILABLE;
	}
	*out = o;
	return RC_OK;
}

void
outbox_stop(struct outbox *o)
{
	if (o == NULL)
		return;
	atomic_store(&o->is_stopping, true);
	wake(o);
	(void)pthread_join(o->thread, NULL);
	(void)close(o->listen_fd);
	(void)close(o->wake_fd);
	free(o);
}

const struct deliveries *
outbox_deliveries(const struct outbox *o)
{
	return o == NULL ? NULL : &o->sums;
}
