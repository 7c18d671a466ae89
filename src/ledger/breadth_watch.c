/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A hash table of histories, one for each person and class that was used within a day.  The committer's
 * thread adds, HTTP threads ask; all under one lock that is held for a few hundred nanoseconds.
 */
#include "ledger/breadth_watch.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"

#define STEP    4096u /* entries of the trail, back in front of the last day */
#define BUCKETS 4096u /* a power of two */
#define DUE_MAX 64u   /* alerts waiting to be written; more wait for their person's next attempt */
#define ARENA   (64u * 1024)
#define DAY     86400

struct row {
	struct row *next;
	struct id user, org;
	uint8_t class;
	bool is_due;        /* an alert waits to be written */
	unsigned under_way; /* entered, not yet left */
	int64_t alerted_at;
	struct breadth_history history;
};

struct breadth_watch {
	struct store *store;
	struct arena *arena; /* the committer's */
	struct breadth_rules rules;

	pthread_mutex_t lock; /* guards what follows */
	int64_t now;          /* by the last attempt, and the entries that came since */
	struct row *bucket[BUCKETS];
	struct breadth_alert due[DUE_MAX];
	unsigned due_count;
	struct breadth_alert alert[BREADTH_ALERTS]; /* a ring */
	uint64_t alert_count;
};

/* ---- rows ---- */

static struct row **
bucket_of(struct breadth_watch *w, const struct id *user, uint8_t class)
{
	return &w->bucket[(get_u64(user->b) + class) % BUCKETS]; /* ids are random: no hash is needed */
}

static bool
is_idle(const struct row *row, int64_t now)
{
	return row->under_way == 0 && !row->is_due && breadth_is_over(&row->history, now) &&
	    row->alerted_at + BREADTH_ALERT_AGAIN < now;
}

/* Rows that count no more go when their bucket is next looked at. */
static struct row *
find(struct breadth_watch *w, const struct id *user, uint8_t class, int64_t now)
{
	struct row **at = bucket_of(w, user, class), *row;

	while ((row = *at) != NULL) {
		if (row->class == class && id_equal(&row->user, user))
			return row;
		if (is_idle(row, now)) {
			*at = row->next;
			free(row);
		} else {
			at = &row->next;
		}
	}
	return NULL;
}

static struct row *
find_or_make(struct breadth_watch *w, const struct id *user, const struct id *org, uint8_t class, int64_t now)
{
	struct row *row = find(w, user, class, now), **bucket;

	if (row != NULL || (row = calloc(1, sizeof(*row))) == NULL)
		return row;
	bucket = bucket_of(w, user, class);
	row->user = *user;
	row->org = *org;
	row->class = class;
	row->next = *bucket;
	*bucket = row;
	return row;
}

/* ---- alerts ---- */

static void
make_due(struct breadth_watch *w, struct row *row, enum breadth_window window, int64_t now)
{
	/* not by one of a clock that ran ahead and was put back */
	const bool is_told = row->alerted_at != 0 && now - row->alerted_at < BREADTH_ALERT_AGAIN &&
	    row->alerted_at - now < BREADTH_ALERT_AGAIN;

	if (row->is_due || is_told || w->due_count == DUE_MAX)
		return;
	row->is_due = true;
	w->due[w->due_count++] = (struct breadth_alert){
		.user = row->user, .org = row->org, .class = row->class, .window = (uint8_t)window, .at = now
	};
}

static void
forget_due(struct breadth_watch *w, const struct id *user, uint8_t class)
{
	for (unsigned i = 0; i < w->due_count; i++) {
		if (w->due[i].class != class || !id_equal(&w->due[i].user, user))
			continue;
		memmove(&w->due[i], &w->due[i + 1], (w->due_count - i - 1) * sizeof(w->due[0]));
		w->due_count--;
		return;
	}
}

void
breadth_alert_entry(const struct breadth_alert *alert, struct audit_entry *out)
{
	memset(out, 0, sizeof(*out));
	str_copy(out->action, sizeof(out->action), BREADTH_ALERT_ACTION);
	(void)snprintf(out->reason, sizeof(out->reason), "%s.%s", codes_breadth_class.rows[alert->class].code,
	    codes_breadth_window.rows[alert->window].code);
	out->org = alert->org; /* its shift lead may read it; the person is the subject, not the actor */
	out->subject = alert->user;
}

static bool
read_reason(const char *reason, struct breadth_alert *out)
{
	const size_t len = strcspn(reason, ".");
	const char *window = reason + len + (reason[len] == '.');
	const int class = code_find(&codes_breadth_class, reason, len);
	const int found = code_find(&codes_breadth_window, window, strlen(window));

	if (class < 0 || found < 0)
		return false;
	out->class = (uint8_t) class;
	out->window = (uint8_t)found;
	return true;
}

static void
fold_alert(struct breadth_watch *w, const struct audit_entry *e)
{
	struct breadth_alert alert = { .user = e->subject, .org = e->org, .at = e->at };
	struct row *row;

	if (!read_reason(e->reason, &alert))
		return;
	w->alert[w->alert_count++ % BREADTH_ALERTS] = alert;
	forget_due(w, &alert.user, alert.class);
	if ((row = find_or_make(w, &alert.user, &alert.org, alert.class, e->at)) == NULL)
		return;
	row->is_due = false;
	row->alerted_at = e->at;
}

/* ---- the fold ---- */

/* Lack of memory must not let anybody through uncounted, nor stop the registry: it is said, and the vault's
 * own hard quota still stands. */
static void
fold(struct breadth_watch *w, const struct audit_entry *e, bool is_live)
{
	const enum breadth_class class = breadth_of_entry(e->action, (enum rc)e->outcome);
	struct breadth_verdict verdict;
	struct row *row;

	if (strcmp(e->action, BREADTH_ALERT_ACTION) == 0) {
		fold_alert(w, e);
		return;
	}
	if (class == BREADTH_CLASSES || id_is_zero(&e->user))
		return;
	if ((row = find_or_make(w, &e->user, &e->org, (uint8_t) class, e->at)) == NULL) {
		log_world("breadth", "no memory to count");
		return;
	}
	if (is_live && e->at > w->now)
		w->now = e->at;
	breadth_set_back(&row->history, w->now);
	verdict = breadth_judge(&w->rules.rule[class], breadth_count(&row->history, e->at), e->at);
	breadth_add(&row->history, e->at);
	if (is_live && verdict.is_unusual)
		make_due(w, row, verdict.window, e->at);
}

static void
follow(void *arg, const struct change *changes, size_t count)
{
	struct breadth_watch *w = arg;

	for (size_t i = 0; i < count; i++) {
		struct audit_entry e;
		struct bytes value;
		enum rc rc;
		if (!changes[i].is_append || !ledger_is_entry(&changes[i].key))
			continue;
		rc = store_unseal(w->store, &changes[i].key, changes[i].sealed, w->arena, &value);
		if (rc == RC_OK)
			rc = ledger_decode(&changes[i].key, value, &e);
		arena_rewind(w->arena, 0);
		if (rc != RC_OK) {
			log_world("breadth_unreadable", "code=%s", rc_code(rc));
			continue;
		}
		pthread_mutex_lock(&w->lock);
		fold(w, &e, true);
		pthread_mutex_unlock(&w->lock);
	}
}

/* ---- the last 24 hours, at the start ---- */

struct loading {
	struct breadth_watch *w;
	int64_t from;
};

static bool
take_time(void *arg, const struct audit_entry *e)
{
	*(int64_t *)arg = e->at;
	return false;
}

/* Entries come in the order of their time but for a second or two, and for clocks that were off: one that was
 * far behind sends the search past all that count before it. */
static enum rc
halve(struct txn *t, int64_t from, uint64_t newest, uint64_t *out)
{
	uint64_t low = 1, high = newest + 1;

	while (low < high) {
		const uint64_t middle = low + (high - low) / 2;
		int64_t at = from;
		enum rc rc = ledger_read(t, middle, take_time, &at);

		if (rc != RC_OK)
			return rc;
		if (at < from)
			low = middle + 1;
		else
			high = middle;
	}
	*out = low;
	return RC_OK;
}

struct stretch {
	int64_t from;
	uint64_t end;
	bool counts;
};

static bool
look_at_stretch(void *arg, const struct audit_entry *e)
{
	struct stretch *s = arg;

	s->counts = e->number < s->end && e->at >= s->from;
	return e->number < s->end && !s->counts;
}

/* The first that may count: from what the search found back over all stretches that have one.  A damaged
 * entry in front of the day is no reason to count nothing of it. */
static enum rc
first_of(struct txn *t, int64_t from, uint64_t newest, uint64_t *out)
{
	struct stretch s = { .from = from };
	enum rc rc = halve(t, from, newest, &s.end);

	*out = s.end;
	while (rc == RC_OK && s.end > 1) {
		const uint64_t begin = s.end > STEP ? s.end - STEP : 1;

		s.counts = false;
		rc = ledger_read(t, begin, look_at_stretch, &s);
		if (rc == RC_CORRUPT || !s.counts)
			return rc == RC_CORRUPT ? RC_OK : rc;
		*out = s.end = begin;
	}
	return rc;
}

static bool
load_one(void *arg, const struct audit_entry *e)
{
	struct loading *l = arg;

	if (e->at >= l->from)
		fold(l->w, e, false);
	return true;
}

static enum rc
load(struct txn *t, void *arg)
{
	struct loading *l = arg;
	struct log_head head;
	uint64_t first;
	enum rc rc;

	if ((rc = txn_log_head(t, LOG_AUDIT, &head)) != RC_OK || head.count == 0)
		return rc;
	if ((rc = first_of(t, l->from, head.count, &first)) != RC_OK || first > head.count)
		return rc;
	return ledger_read(t, first, load_one, l);
}

enum rc
breadth_watch_new(struct store *store, const struct breadth_rules *rules, int64_t now,
    struct breadth_watch **out, struct fault *f)
{
	struct breadth_watch *w = calloc(1, sizeof(*w));
	struct loading loading = { .w = w, .from = now - DAY };
	enum rc rc;

	*out = NULL;
	if (!w || !(w->arena = arena_new(ARENA))) {
		free(w);
		return fault_set(f, RC_UNAVAILABLE, MSG_NO_MEMORY, NULL, 0, NULL);
	}
	w->store = store;
	w->rules = *rules;
	w->now = now;
	pthread_mutex_init(&w->lock, NULL);
	rc = store_view(store, w->arena, load, &loading);
	arena_rewind(w->arena, 0);
	if (rc == RC_CORRUPT) {
		/* a damaged trail is `menedek check`'s to name; the service of who needs a place goes on */
		log_world("breadth", "the trail of the last day cannot be read, counting starts anew");
	} else if (rc != RC_OK) {
		breadth_watch_free(w);
		return fault_set(f, rc, MSG_STORE_OPEN, NULL, 0, "audit");
	}
	store_watch(store, follow, w);
	*out = w;
	return RC_OK;
}

void
breadth_watch_free(struct breadth_watch *w)
{
	if (!w)
		return;
	for (unsigned i = 0; i < BUCKETS; i++)
		for (struct row *row = w->bucket[i], *next; row != NULL; row = next) {
			next = row->next;
			free(row);
		}
	pthread_mutex_destroy(&w->lock);
	arena_free(w->arena);
	free(w);
}

/* ---- asking ---- */

static enum rc
judge_entry(struct breadth_watch *w, struct row *row, int64_t now, unsigned *wait)
{
	struct breadth_counts counts;
	struct breadth_verdict verdict;
	int64_t left;

	breadth_set_back(&row->history, now);
	counts = breadth_count(&row->history, now);
	counts.hour += row->under_way;
	counts.day += row->under_way;
	verdict = breadth_judge(&w->rules.rule[row->class], counts, now);
	if (!verdict.is_unusual)
		return RC_OK;
	make_due(w, row, verdict.window, now);
	left = row->history.last_at + verdict.wait - now;
	if (row->under_way > 0 && verdict.wait > 0 && left < 1)
		left = 1; /* one at a time now */
	if (left < 1)
		return RC_OK;
	*wait = left < verdict.wait ? (unsigned)left : verdict.wait;
	return RC_TOO_BROAD;
}

enum rc
breadth_watch_enter(struct breadth_watch *w, const struct id *user, const struct id *org,
    enum breadth_class class, int64_t now, unsigned *wait)
{
	struct row *row;
	enum rc rc = RC_UNAVAILABLE;

	*wait = 0;
	pthread_mutex_lock(&w->lock);
	w->now = now;
	if ((row = find_or_make(w, user, org, (uint8_t) class, now)) != NULL &&
	    (rc = judge_entry(w, row, now, wait)) == RC_OK)
		row->under_way++;
	pthread_mutex_unlock(&w->lock);
	return rc;
}

void
breadth_watch_leave(struct breadth_watch *w, const struct id *user, enum breadth_class class)
{
	struct row *row;

	pthread_mutex_lock(&w->lock);
	for (row = *bucket_of(w, user, (uint8_t) class); row != NULL; row = row->next)
		if (row->class == class && id_equal(&row->user, user) && row->under_way > 0)
			row->under_way--;
	pthread_mutex_unlock(&w->lock);
}

/* ---- alerts, for who writes and who reads them ---- */

bool
breadth_watch_due(struct breadth_watch *w, struct breadth_alert *out)
{
	bool is_due;

	pthread_mutex_lock(&w->lock);
	if ((is_due = w->due_count > 0))
		*out = w->due[0];
	pthread_mutex_unlock(&w->lock);
	return is_due;
}

void
breadth_watch_done(struct breadth_watch *w, const struct breadth_alert *alert)
{
	struct row *row;

	pthread_mutex_lock(&w->lock);
	forget_due(w, &alert->user, alert->class);
	if ((row = find(w, &alert->user, alert->class, alert->at)) != NULL)
		row->is_due = false;
	pthread_mutex_unlock(&w->lock);
}

unsigned
breadth_watch_alerts(
    struct breadth_watch *w, const struct id *org, int64_t now, struct breadth_alert *out, unsigned limit)
{
	unsigned n = 0;

	pthread_mutex_lock(&w->lock);
	for (uint64_t i = w->alert_count; i > 0 && w->alert_count - i < BREADTH_ALERTS && n < limit; i--) {
		const struct breadth_alert *alert = &w->alert[(i - 1) % BREADTH_ALERTS];
		const struct row *row;
		if (alert->at + DAY < now || (org && !id_equal(&alert->org, org)))
			continue;
		out[n] = *alert;
		if ((row = find(w, &alert->user, alert->class, now)) != NULL)
			out[n].counts = breadth_count(&row->history, now);
		n++;
	}
	pthread_mutex_unlock(&w->lock);
	return n;
}
