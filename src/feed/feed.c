/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The last events in a ring, and who waits for more.  The committer's thread adds and wakes, any thread
 * reads.  Knows nothing of connections, nor of what an event means.
 */
#include "feed/feed.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/jw.h"
#include "base/log.h"
#include "crypto/digest.h"

#define KEPT        4096u /* a power of two */
#define SUBSCRIBERS 4096u
#define LEAF        32u
#define EVENT_MAX   512u
#define ARENA       (64u * 1024)

struct subscription {
	struct feed *feed;
	struct feed_scope scope;
	void (*wake)(void *);
	void *arg;
	unsigned place;    /* in the feed's list */
	uint64_t next;     /* number of the first event not yet looked at */
	bool is_reset_due; /* it missed something */
	bool is_announced; /* woken and has not read since */
	unsigned waking;   /* wakes of it that are being called, or about to be */
	uint64_t told;     /* it knows of what was freed up to this event */
};

struct feed {
	struct store *store;
	struct arena *arena;                   /* the committer's */
	struct subscription *due[SUBSCRIBERS]; /* the committer's: whom to wake when the lock is given back */
	struct subscription *desks[SUBSCRIBERS]; /* the ticker's: the same */

	pthread_cond_t woken; /* a wake returned */
	pthread_mutex_t lock; /* guards what follows, and the subscriptions */
	struct event ring[KEPT];
	uint64_t first, newest; /* numbers kept: first .. newest, none when first > newest */
	uint64_t freed;         /* the newest event that freed a place anywhere */
	uint64_t freed_told;    /* ... that desks may know of: it follows once a second */
	struct subscription *list[SUBSCRIBERS];
	unsigned count;
};

static const char *const names[EVENT_KIND_COUNT] = {
#define EVENT_NAME(constant, name) [constant] = (name),
	EVENT_KINDS(EVENT_NAME)
#undef EVENT_NAME
};

const char *
event_name(enum event_kind kind)
{
	return names[kind];
}

/* The chain of the event log has no outside reader, so its leaf is a digest of what is stored and no more. */
enum rc
feed_emit(struct txn *t, const struct event *e)
{
	uint8_t record[EVENT_MAX], leaf[LEAF];
	size_t len;
	enum rc rc;

	if (e->kind >= EVENT_KIND_COUNT)
		return RC_INTERNAL;
	if ((rc = model_encode(&model_event, e, record, sizeof(record), &len)) != RC_OK)
		return rc;
	digest((struct bytes){ record, len }, leaf);
	return txn_append(t, LOG_EVENT, leaf, KEY_EVENT, (struct bytes){ record, len });
}

/* ---- the ring ---- */

static uint64_t
number_of(const struct key *key)
{
	return get_u64(key->b + key->len - sizeof(uint64_t));
}

/* After a hole only what follows it counts as kept: who is behind it hears of a reset. */
static void
keep(struct feed *feed, uint64_t number, const struct event *e)
{
	if (number != feed->newest + 1)
		feed->first = number;
	feed->ring[number % KEPT] = *e;
	feed->newest = number;
	if (feed->newest - feed->first >= KEPT)
		feed->first = feed->newest - KEPT + 1;
}

/* 0: it is not kept. */
static int64_t
newest_at(const struct feed *feed)
{
	return feed->first > feed->newest ? 0 : feed->ring[feed->newest % KEPT].at;
}

static bool
decode(struct bytes value, struct event *e)
{
	if (value.len < LEAF)
		return false;
	if (model_decode(&model_event, (struct bytes){ value.p + LEAF, value.len - LEAF }, e) != RC_OK)
		return false;
	return e->kind < EVENT_KIND_COUNT;
}

static bool
load_one(void *arg, const struct key *key, struct bytes value, uint64_t rev)
{
	struct feed *feed = arg;
	struct event e;

	(void)rev;
	if (!decode(value, &e))
		return true;
	keep(feed, number_of(key), &e);
	if (e.frees) /* a desk that was away over a restart may have missed it */
		feed->freed = feed->freed_told = feed->newest;
	return true;
}

static enum rc
load(struct txn *t, void *arg)
{
	struct feed *feed = arg;
	struct log_head head;
	struct key from, prefix;
	enum rc rc;

	if ((rc = txn_log_head(t, LOG_EVENT, &head)) != RC_OK)
		return rc;
	from = log_key(LOG_EVENT, head.count > KEPT ? head.count - KEPT + 1 : 1);
	prefix = from;
	prefix.len = (uint8_t)(prefix.len - sizeof(uint64_t));
	feed->first = 1;
	rc = txn_scan(t, &prefix, &from, load_one, feed);
	if (feed->newest != head.count) {
		feed->newest = head.count; /* the last ones are gone or unreadable */
		feed->first = head.count + 1;
	}
	return rc;
}

/* ---- telling ---- */

static bool
is_visible(const struct feed_scope *scope, const struct event *e)
{
	if (e->kind == EVENT_ALERT) /* never to the desk as a whole: the one it is about sits there */
		return !id_is_zero(&scope->lead_org) && id_equal(&e->desk_org, &scope->lead_org);
	if (scope->opened_for_all && e->kind == EVENT_EPISODE_OPENED && id_is_zero(&e->desk_org))
		return true;
	if (!id_is_zero(&scope->desk_org) && id_equal(&e->desk_org, &scope->desk_org))
		return true;
	if (id_is_zero(&e->shelter))
		return false;
	for (unsigned i = 0; i < scope->shelter_count; i++)
		if (id_equal(&e->shelter, &scope->shelters[i]))
			return true;
	return false;
}

static bool
has_news(const struct feed *feed, const struct subscription *s, uint64_t from)
{
	for (uint64_t n = from > feed->first ? from : feed->first; n <= feed->newest; n++)
		if (is_visible(&s->scope, &feed->ring[n % KEPT]))
			return true;
	return false;
}

/* Who is behind nothing has missed nothing when what does not concern it is no longer kept.  Not over a hole:
 * nobody knows whom that concerned. */
static void
pass_over(const struct feed *feed, struct subscription *s, uint64_t from)
{
	if (s->next == from && feed->first <= from)
		s->next = feed->newest + 1;
}

/* Whom the events from ${from} on concern and who does not know yet; called with the lock held. */
static unsigned
collect_due(struct feed *feed, uint64_t from)
{
	unsigned due = 0;

	for (unsigned i = 0; i < feed->count; i++) {
		struct subscription *s = feed->list[i];
		if (s->is_announced)
			continue;
		if (!has_news(feed, s, from)) {
			pass_over(feed, s, from);
			continue;
		}
		s->is_announced = true;
		s->waking++;
		feed->due[due++] = s;
	}
	return due;
}

/* Not under the lock: a wake may take locks of its own.  ${waking} keeps each alive until it was called.
 */
static void
wake_due(struct feed *feed, struct subscription *const *list, unsigned due)
{
	for (unsigned i = 0; i < due; i++) {
		struct subscription *s = list[i];
		s->wake(s->arg);
		pthread_mutex_lock(&feed->lock);
		s->waking--;
		pthread_cond_broadcast(&feed->woken);
		pthread_mutex_unlock(&feed->lock);
	}
}

static bool
open_change(struct feed *feed, const struct change *change, struct event *e)
{
	struct bytes value;
	enum rc rc = store_unseal(feed->store, &change->key, change->sealed, feed->arena, &value);
	const bool is_open = rc == RC_OK && decode(value, e);

	if (!is_open)
		log_world("event_unreadable", "code=%s", rc_code(rc));
	arena_rewind(feed->arena, 0);
	return is_open;
}

static bool
is_ours(const struct change *change)
{
	struct key sample = log_key(LOG_EVENT, 0);

	if (change->key.len != sample.len)
		return false;
	sample.len = (uint8_t)(sample.len - sizeof(uint64_t));
	return memcmp(change->key.b, sample.b, sample.len) == 0;
}

static bool
is_event(const struct change *change)
{
	return change->is_append && is_ours(change);
}

static bool
is_removal(const struct change *change)
{
	return change->is_delete && is_ours(change);
}

/* What retention removed is not told any more: who is behind it hears of a reset. */
static void
forget(struct feed *feed, uint64_t number)
{
	pthread_mutex_lock(&feed->lock);
	if (number >= feed->first && number <= feed->newest) {
		feed->first = number + 1;
		memset(&feed->ring[number % KEPT], 0, sizeof(feed->ring[0]));
	}
	pthread_mutex_unlock(&feed->lock);
}

static void
follow(void *arg, const struct change *changes, size_t count)
{
	struct feed *feed = arg;
	uint64_t from = 0;
	unsigned due = 0;

	for (size_t i = 0; i < count; i++) {
		struct event e;
		if (is_removal(&changes[i]))
			forget(feed, number_of(&changes[i].key));
		if (!is_event(&changes[i]) || !open_change(feed, &changes[i], &e))
			continue;
		pthread_mutex_lock(&feed->lock);
		keep(feed, number_of(&changes[i].key), &e);
		if (e.frees)
			feed->freed = feed->newest;
		if (from == 0)
			from = feed->newest;
		pthread_mutex_unlock(&feed->lock);
	}
	if (from == 0)
		return;
	pthread_mutex_lock(&feed->lock);
	due = collect_due(feed, from);
	pthread_mutex_unlock(&feed->lock);
	wake_due(feed, feed->due, due);
}

/* Not with each event: a thousand desks would be woken a thousand times a second, and a desk would learn to
 * the millisecond when somebody left a house. */
void
feed_tick(struct feed *feed)
{
	unsigned due = 0;

	pthread_mutex_lock(&feed->lock);
	for (unsigned i = 0; feed->freed_told < feed->freed && i < feed->count; i++) {
		struct subscription *s = feed->list[i];
		if (!s->scope.opened_for_all || s->is_announced)
			continue;
		s->is_announced = true;
		s->waking++;
		feed->desks[due++] = s;
	}
	feed->freed_told = feed->freed;
	pthread_mutex_unlock(&feed->lock);
	wake_due(feed, feed->desks, due);
}

/* ---- life ---- */

enum rc
feed_new(struct store *store, struct feed **out, struct fault *f)
{
	struct feed *feed = calloc(1, sizeof(*feed));
	enum rc rc;

	*out = NULL;
	if (!feed || !(feed->arena = arena_new(ARENA))) {
		free(feed);
		return fault_set(f, RC_UNAVAILABLE, MSG_NO_MEMORY, NULL, 0, NULL);
	}
	feed->store = store;
	rc = store_view(store, feed->arena, load, feed);
	arena_rewind(feed->arena, 0);
	if (rc != RC_OK) {
		arena_free(feed->arena);
		free(feed);
		return fault_set(
		    f, rc, rc == RC_CORRUPT ? MSG_STORE_DAMAGED : MSG_STORE_OPEN, NULL, 0, "events");
	}
	pthread_mutex_init(&feed->lock, NULL);
	pthread_cond_init(&feed->woken, NULL);
	store_watch(store, follow, feed);
	*out = feed;
	return RC_OK;
}

void
feed_free(struct feed *feed)
{
	if (!feed)
		return;
	pthread_cond_destroy(&feed->woken);
	pthread_mutex_destroy(&feed->lock);
	arena_free(feed->arena);
	free(feed);
}

uint64_t
feed_newest(struct feed *feed, int64_t *at)
{
	uint64_t newest;

	pthread_mutex_lock(&feed->lock);
	newest = feed->newest;
	*at = newest_at(feed);
	pthread_mutex_unlock(&feed->lock);
	return newest;
}

bool
feed_may_be(struct feed *feed, uint64_t number, int64_t at)
{
	bool may_be;

	pthread_mutex_lock(&feed->lock);
	may_be = number < feed->first || number > feed->newest || feed->ring[number % KEPT].at == at;
	pthread_mutex_unlock(&feed->lock);
	return may_be;
}

enum rc
feed_subscribe(struct feed *feed, const struct feed_scope *scope, uint64_t last, void (*wake)(void *),
    void *arg, struct subscription **out)
{
	struct subscription *s = calloc(1, sizeof(*s));
	enum rc rc = RC_BUSY;

	*out = NULL;
	if (!s)
		return RC_BUSY;
	s->feed = feed;
	s->scope = *scope;
	s->wake = wake;
	s->arg = arg;
	pthread_mutex_lock(&feed->lock);
	if (feed->count < SUBSCRIBERS) {
		s->is_reset_due = last > feed->newest && last != FEED_BEGIN;
		s->next = (last == 0 || s->is_reset_due ? feed->newest : last) + 1;
		if (last == FEED_BEGIN)
			s->next = 1;
		s->told = last == 0 ? feed->freed_told : 0; /* who comes back may have missed one */
		s->place = feed->count;
		feed->list[feed->count++] = s;
		*out = s;
		rc = RC_OK;
	}
	pthread_mutex_unlock(&feed->lock);
	if (rc != RC_OK)
		free(s);
	return rc;
}

void
feed_unsubscribe(struct subscription *s)
{
	struct feed *feed;
	struct subscription *last;

	if (!s)
		return;
	feed = s->feed;
	pthread_mutex_lock(&feed->lock);
	last = feed->list[--feed->count];
	feed->list[s->place] = last;
	last->place = s->place;
	while (s->waking > 0)
		pthread_cond_wait(&feed->woken, &feed->lock);
	pthread_mutex_unlock(&feed->lock);
	free(s);
}

/* ---- reading ---- */

/* Lines of event ${number}; 0 if they do not fit. */
static size_t
write_event(const struct mark_reader *reader, char *buf, size_t cap, uint64_t number, const struct event *e)
{
	char data[96], mark[MARK_TEXT];
	struct jw w;
	int len;

	jw_init(&w, data, sizeof(data));
	jw_open(&w, '{');
	jw_field_id(&w, "subject", &e->subject);
	jw_field_time(&w, "at", e->at);
	jw_close(&w, '}');
	if (mark_make(reader, number, e->at, mark) != RC_OK)
		return 0;
	len = snprintf(buf, cap, "id: %s\nevent: %s\ndata: %.*s\n\n", mark, names[e->kind], (int)w.len, data);
	return len > 0 && (size_t)len < cap ? (size_t)len : 0;
}

static size_t
read_reset(struct feed *feed, struct subscription *s, char *buf, size_t cap)
{
	const int64_t at = newest_at(feed);
	char mark[MARK_TEXT];
	int len;

	if (mark_make(&s->scope.reader, feed->newest, at, mark) != RC_OK)
		return 0;
	len = snprintf(buf, cap, "id: %s\nevent: reset\ndata: {}\n\n", mark);
	if (len <= 0 || (size_t)len >= cap)
		return 0;
	s->is_reset_due = false;
	s->next = feed->newest + 1;
	return (size_t)len;
}

/* To the next that concerns it.  Also behind one that was just read: its reader may take a day over that one.
 */
static void
skip_others(const struct feed *feed, struct subscription *s)
{
	while (s->next <= feed->newest && !is_visible(&s->scope, &feed->ring[s->next % KEPT]))
		s->next++;
}

static size_t
read_pending(struct feed *feed, struct subscription *s, char *buf, size_t cap)
{
	size_t used = 0;

	for (; s->next <= feed->newest; s->next++) {
		const struct event *e = &feed->ring[s->next % KEPT];
		size_t len;
		if (!is_visible(&s->scope, e))
			continue;
		if ((len = write_event(&s->scope.reader, buf + used, cap - used, s->next, e)) == 0)
			break;
		used += len;
	}
	return used;
}

static size_t
read_freed(struct feed *feed, struct subscription *s, char *buf, size_t cap)
{
	static const char freed[] = "event: capacity.changed\ndata: {}\n\n";

	if (!s->scope.opened_for_all || s->told >= feed->freed_told || cap < sizeof(freed))
		return 0;
	s->told = feed->freed_told;
	memcpy(buf, freed, sizeof(freed) - 1);
	return sizeof(freed) - 1;
}

size_t
feed_read(struct subscription *s, char *buf, size_t cap)
{
	struct feed *feed = s->feed;
	size_t len;

	pthread_mutex_lock(&feed->lock);
	s->is_announced = false;
	if (s->is_reset_due || s->next < feed->first)
		len = read_reset(feed, s, buf, cap);
	else
		len = read_pending(feed, s, buf, cap);
	if (len == 0)
		len = read_freed(feed, s, buf, cap);
	pthread_mutex_unlock(&feed->lock);
	return len;
}

enum feed_next
feed_next(struct subscription *s, uint64_t *number, struct event *out)
{
	struct feed *feed = s->feed;
	enum feed_next found = FEED_NOTHING;

	pthread_mutex_lock(&feed->lock);
	s->is_announced = false;
	if (s->is_reset_due || s->next < feed->first) {
		s->is_reset_due = false;
		s->next = feed->newest + 1;
		*number = feed->newest;
		out->at = newest_at(feed);
		found = FEED_RESET;
	}
	skip_others(feed, s);
	if (found == FEED_NOTHING && s->next <= feed->newest) {
		*out = feed->ring[s->next % KEPT];
		*number = s->next++;
		found = FEED_EVENT;
		skip_others(feed, s);
	}
	pthread_mutex_unlock(&feed->lock);
	return found;
}
