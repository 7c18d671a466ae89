/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The draw of survey.h.  Classes are judged first; those that admit the household are sorted by what decides
 * the order of candidates before anything a single house says: a protected address before a public one, a
 * place before an assessment.  Then their chunks are met in a random order of the episode, each once, and of
 * each a few houses at first, so that the list is not one class's.  More classes than are judged together
 * make several windows: all of them are gone through for protected addresses before the first public one is
 * looked at, and for near misses after that.
 */
#include "service/survey.h"

#include <stddef.h>
#include <string.h>

#include "domain/rank.h"
#include "domain/veil.h"

#define RANKS       4u    /* protected or public address, capacity or assessment */
#define UNSTATED    RANKS /* not admitted, but a near miss: something was not said yet */
#define REFUSED     (RANKS + 1)
#define WINDOW      512u /* classes that are judged together */
#define SPREAD      4u   /* houses of one chunk before others are looked at */
#define LOOKS       40u  /* houses looked at for a full list */
#define LOOKS_OTHER 8u   /* houses that are full, for near misses and reasons */
#define LOOKS_WAIT  256u /* the same while the list is not full: one may have a waiting list */
#define TRIES_OTHER 4u   /* chunks for one such look: where all is free there is none to look at */
#define WINDOWS     8u   /* of classes, once a place was found */

/* What the windows are gone through for, in turn: two ranks are protected addresses, two are public ones. */
enum pass { PASS_PROTECTED, PASS_PUBLIC, PASS_OTHERS, PASSES };

/* Chunks of several classes in one row of numbers. */
struct run {
	const struct index_class *class;
	uint32_t end; /* number of the first chunk behind it */
};

/* Classes that are judged together. */
struct window {
	const struct index_class *const *classes;
	const uint8_t *ranks;
	unsigned count;
};

struct drawn {
	unsigned looked, refused;
	unsigned reasons[FIT_COUNT];
};

struct look {
	struct ctx *c;
	const struct episode *e;
	struct survey *out;
	struct fit_asker asker;
	struct reach need;
	struct fit admitted[RANKS + 1]; /* what the rules say of the classes of a rank */
	uint64_t eligible;              /* houses of classes that admit the household */
	uint64_t met, within;           /* houses of the chunks met; of these, within reach */
	bool has_rank[REFUSED + 1];     /* of the classes judged so far */
	uint32_t judged;                /* windows: the first so many that the draw meets */
	unsigned beyond;                /* chunks met for others */
	bool is_more;                   /* of a chunk not all within reach were looked at */
	struct drawn near, far;         /* looked at: within reach, beyond it */
	struct drawn unstated;          /* houses that only the counsellor's word keeps out */
	unsigned run_count;
	/* the last, and never cleared: what lies behind a count, or is of no window yet, is never read */
	struct house house; /* the one looked at */
	struct run runs[WINDOW];
	uint8_t ranks[WINDOWS + 1][WINDOW]; /* of the first windows, and of another one */
};

/* ---- one house ---- */

/*
 * A place in the episode's random order.  A mixing function is enough (murmur3's finaliser, public domain):
 * both what goes in, a house's random id and the episode's random number, and what comes out stay here.
 */
static uint64_t
mix(uint64_t x)
{
	x = (x ^ x >> 33) * UINT64_C(0xff51afd7ed558ccd);
	x = (x ^ x >> 33) * UINT64_C(0xc4ceb9fe1a85ec53);
	return x ^ x >> 33;
}

static bool
is_before(const struct scored *a, const struct scored *b)
{
	return a->score != b->score ? a->score < b->score : a->tie < b->tie;
}

/* Keep ${x} among the ${cap} first of ${list}, which is in order. */
static void
keep(struct scored *list, unsigned *count, unsigned cap, const struct scored *x)
{
	unsigned at = *count;

	if (*count == cap && !is_before(x, &list[cap - 1]))
		return;
	if (*count < cap)
		(*count)++;
	else
		at--;
	for (; at > 0 && is_before(x, &list[at - 1]); at--)
		list[at] = list[at - 1];
	list[at] = *x;
}

/* Only what other households' stays cause is told as a near miss; rules of a house stay with the house. */
static bool
is_near_miss(const struct fit *f)
{
	for (unsigned i = 0; i < f->reason_count; i++)
		if (f->reasons[i] < FIT_NOT_STEP_FREE)
			return false;
	return f->reason_count > 0;
}

static void
note_reasons(struct drawn *d, const struct fit *f)
{
	d->looked++;
	d->refused += f->reason_count > 0;
	for (unsigned i = 0; i < f->reason_count; i++)
		d->reasons[f->reasons[i]]++;
}

static void
look_at(struct look *l, const struct index_entry *entry, unsigned rank, struct drawn *d)
{
	const struct freshness_rule *fresh = &parts_tuning(l->c->parts)->freshness;
	const struct household *who = &l->e->household;
	struct survey *s = l->out;
	struct scored x = { .entry = entry, .fit = l->admitted[rank] };

	index_house(entry, &l->house);
	fit_units(&entry->shelter, &l->house, who, ctx_sure(l->c), &x.fit);
	veil_fit((enum shelter_type)entry->shelter.type, household_persons(who), &x.fit);
	x.tie = mix(get_u64(entry->shelter.id.b) ^ l->e->order);
	note_reasons(d, &x.fit);
	if (x.fit.answer == ANSWER_NO_CAPACITY) {
		s->full += is_near_miss(&x.fit);
		if (is_near_miss(&x.fit))
			keep(s->near, &s->near_count, SURVEY_NEAR, &x);
		return;
	}
	if (x.fit.answer != ANSWER_WAITLIST) {
		s->fits++;
		s->unknown += freshness_of(x.fit.confirmed_at, l->c->now, fresh) == FRESH_UNKNOWN;
	}
	x.score = rank_score(&x.fit, entry->shelter.type, who, l->c->now, fresh);
	keep(s->best, &s->best_count, LIMIT_CANDIDATES, &x);
}

/* ---- classes ---- */

static unsigned
rank_of(const struct look *l, const struct index_class *class, struct fit *fit)
{
	fit_rules(class->rules, &l->asker, fit);
	if (fit->reason_count > 0)
		return is_near_miss(fit) ? UNSTATED : REFUSED;
	return (fit->address_unprotected ? RANKS / 2 : 0) + (fit->answer == ANSWER_CAPACITY ? 0u : 1u);
}

/* The rank of a class, which is counted; those of a class that does not admit the household are told of here.
 */
static unsigned
judge(struct look *l, const struct index_class *class)
{
	struct fit fit;
	const unsigned rank = rank_of(l, class, &fit);

	l->out->seen += class->count;
	for (unsigned i = 0; i < fit.reason_count; i++)
		l->out->blocked[fit.reasons[i]] += class->count;
	if (rank < RANKS)
		l->eligible += class->count;
	if (rank < REFUSED)
		l->admitted[rank] = fit;
	l->has_rank[rank] = true;
	return rank;
}

/* ---- all of a small network ---- */

static void
look_at_class(struct look *l, const struct index_class *class, unsigned rank)
{
	for (unsigned i = 0; i < class->chunk_count; i++)
		for (unsigned k = 0; k < class->chunks[i].count; k++)
			look_at(l, class->chunks[i].houses[k].entry, rank,
			    rank == UNSTATED ? &l->unstated : &l->near);
}

static void
look_at_all(struct look *l, const struct index_view *view)
{
	for (unsigned i = 0; i < view->class_count; i++) {
		const unsigned rank = judge(l, view->classes[i]);
		if (rank < REFUSED)
			look_at_class(l, view->classes[i], rank);
	}
	for (unsigned i = 0; i < FIT_COUNT; i++)
		l->out->blocked[i] += l->near.reasons[i];
}

/* ---- a draw of a large one ---- */

/* A walk that meets each of ${count} things once. */
struct draw {
	uint32_t at, step, count, left;
};

static uint32_t
common_divisor(uint32_t a, uint32_t b)
{
	while (b != 0) {
		const uint32_t rest = a % b;
		a = b;
		b = rest;
	}
	return a;
}

static struct draw
draw_of(uint64_t random, uint32_t count)
{
	struct draw d = { .count = count, .left = count, .step = 1 };

	if (count == 0)
		return d;
	d.at = (uint32_t)(random % count);
	/* the golden section: what comes next is far from all that was met */
	d.step = (uint32_t)((uint64_t)count * 618 / 1000);
	d.step = d.step == 0 ? 1 : d.step;
	while (common_divisor(d.step, count) != 1)
		d.step++;
	return d;
}

static bool
draw_next(struct draw *d, uint32_t *out)
{
	if (d->left == 0)
		return false;
	d->left--;
	*out = d->at;
	d->at = (uint32_t)(((uint64_t)d->at + d->step) % d->count);
	return true;
}

static void
list_runs(struct look *l, const struct window *w, unsigned rank)
{
	uint32_t end = 0;

	l->run_count = 0;
	for (unsigned i = 0; i < w->count; i++) {
		if (w->ranks[i] != rank)
			continue;
		end += w->classes[i]->chunk_count;
		l->runs[l->run_count++] = (struct run){ w->classes[i], end };
	}
}

static uint32_t
chunks_in_runs(const struct look *l)
{
	return l->run_count == 0 ? 0 : l->runs[l->run_count - 1].end;
}

static const struct index_chunk *
chunk_at(const struct look *l, uint32_t n)
{
	unsigned low = 0, high = l->run_count - 1;

	while (low < high) {
		const unsigned mid = (low + high) / 2;
		if (n < l->runs[mid].end)
			high = mid;
		else
			low = mid + 1;
	}
	const struct index_class *class = l->runs[low].class;
	return &class->chunks[n - (l->runs[low].end - class->chunk_count)];
}

/* The episode's own random numbers. */
static uint64_t
random_of(const struct look *l, uint64_t n)
{
	return mix(l->e->order + (n + 1) * UINT64_C(0x9e3779b97f4a7c15));
}

/* Enough within reach?  Without any place yet there is no bound: a family would be told that there is none.
 */
static bool
has_enough(const struct look *l)
{
	const unsigned fits = l->out->fits;

	if (l->near.looked >= LIMIT_LOOKS)
		return fits > 0;
	return l->near.looked >= LOOKS && fits >= LIMIT_CANDIDATES;
}

/* Of the houses of ${chunk} within reach, in an order of their own, those from the ${from}th on to ${to}. */
static void
look_in_chunk(struct look *l, const struct index_chunk *chunk, unsigned rank, uint64_t random, unsigned from,
    unsigned to)
{
	unsigned within = 0;

	for (unsigned i = 0; i < chunk->count; i++) {
		const struct index_house *h = &chunk->houses[(i + random) % chunk->count];

		if (!reach_holds(&h->reach, &l->need))
			continue;
		if (within >= from && within < to)
			look_at(l, h->entry, rank, &l->near);
		within++;
	}
	l->is_more = l->is_more || within > to;
	if (from == 0) {
		l->met += chunk->count;
		l->within += within;
	}
}

static void
look_within(struct look *l, unsigned rank)
{
	const unsigned from[] = { 0, SPREAD }, to[] = { SPREAD, INDEX_CHUNK };
	const uint64_t random = random_of(l, rank);

	l->is_more = true;
	for (unsigned lap = 0; lap < COUNT_OF(from) && l->is_more; lap++) {
		struct draw d = draw_of(random, chunks_in_runs(l));
		uint32_t n;

		l->is_more = false;
		while (!has_enough(l) && draw_next(&d, &n)) {
			const struct index_chunk *chunk = chunk_at(l, n);
			if (reach_holds(&chunk->most, &l->need))
				look_in_chunk(l, chunk, rank, random >> 32, from[lap], to[lap]);
			else if (lap == 0)
				l->met += chunk->count;
		}
	}
}

static bool
has_enough_beyond(const struct look *l)
{
	const unsigned looks = l->out->best_count == LIMIT_CANDIDATES ? LOOKS_OTHER : LOOKS_WAIT;

	return l->far.looked >= looks || l->beyond >= TRIES_OTHER * looks;
}

/* Full houses: of each chunk a few, for near misses and waiting lists. */
static void
look_beyond(struct look *l, unsigned rank)
{
	const uint64_t random = random_of(l, RANKS + rank);
	struct draw d = draw_of(random, chunks_in_runs(l));
	uint32_t n;

	while (!has_enough_beyond(l) && draw_next(&d, &n)) {
		const struct index_chunk *chunk = chunk_at(l, n);
		unsigned looked = 0;

		l->beyond++;
		for (unsigned i = 0; i < chunk->count && looked < SPREAD; i++) {
			const struct index_house *h = &chunk->houses[(i + (random >> 32)) % chunk->count];
			if (reach_holds(&h->reach, &l->need))
				continue;
			look_at(l, h->entry, rank, &l->far);
			looked++;
		}
	}
}

static void
look_at_unstated(struct look *l)
{
	const uint64_t random = random_of(l, RANKS + UNSTATED);
	struct draw d = draw_of(random, chunks_in_runs(l));
	uint32_t n;

	while (l->unstated.looked < SURVEY_NEAR && draw_next(&d, &n)) {
		const struct index_chunk *chunk = chunk_at(l, n);
		look_at(l, chunk->houses[(random >> 32) % chunk->count].entry, UNSTATED, &l->unstated);
	}
}

/* Window ${n}, the ${nth} that the draw meets.  The first pass counts its classes. */
static struct window
window_of(struct look *l, const struct index_view *view, uint32_t n, uint32_t nth, enum pass pass)
{
	const unsigned left = view->class_count - n * WINDOW;
	uint8_t *ranks = l->ranks[nth < WINDOWS ? nth : WINDOWS];
	const struct window w = { view->classes + n * WINDOW, ranks, left < WINDOW ? left : WINDOW };
	struct fit fit;

	for (unsigned i = 0; i < w.count && pass == PASS_PROTECTED; i++)
		ranks[i] = (uint8_t)judge(l, w.classes[i]);
	for (unsigned i = 0; i < w.count && pass != PASS_PROTECTED && nth >= WINDOWS; i++)
		ranks[i] = (uint8_t)rank_of(l, w.classes[i], &fit);
	l->judged += pass == PASS_PROTECTED;
	return w;
}

static void
look_for_places(struct look *l, const struct window *w, enum pass pass)
{
	const unsigned from = pass == PASS_PROTECTED ? 0 : RANKS / 2;

	for (unsigned rank = from; rank < from + RANKS / 2 && l->out->fits < LIMIT_CANDIDATES; rank++) {
		list_runs(l, w, rank);
		look_within(l, rank);
	}
}

static void
look_for_others(struct look *l, const struct window *w)
{
	for (unsigned rank = 0; rank < RANKS && !has_enough_beyond(l); rank++) {
		list_runs(l, w, rank);
		look_beyond(l, rank);
	}
	list_runs(l, w, UNSTATED);
	look_at_unstated(l);
}

/* After ${begun} windows.  Later passes meet those that the first one met: without a place it met all. */
static bool
is_over(const struct look *l, enum pass pass, uint32_t begun)
{
	const bool has_public = l->has_rank[RANKS / 2] || l->has_rank[RANKS / 2 + 1];

	if (pass != PASS_PROTECTED && begun == l->judged)
		return true;
	if (pass == PASS_OTHERS)
		return (l->eligible == 0 || has_enough_beyond(l)) &&
		    (!l->has_rank[UNSTATED] || l->unstated.looked >= SURVEY_NEAR);
	if (pass == PASS_PUBLIC && !has_public)
		return true;
	return l->out->fits >= (begun < WINDOWS ? LIMIT_CANDIDATES : 1u);
}

static void
go_through(struct look *l, const struct index_view *view, enum pass pass)
{
	struct draw d = draw_of(random_of(l, 3 * RANKS), (view->class_count + WINDOW - 1) / WINDOW);
	uint32_t n;

	for (uint32_t nth = 0; !is_over(l, pass, nth) && draw_next(&d, &n); nth++) {
		const struct window w = window_of(l, view, n, nth, pass);

		if (pass == PASS_OTHERS)
			look_for_others(l, &w);
		else
			look_for_places(l, &w, pass);
	}
}

/* What ${d} says of ${houses}. */
static void
add_share(struct survey *s, const struct drawn *d, uint64_t houses)
{
	for (unsigned i = 0; i < FIT_COUNT && d->looked > 0; i++)
		s->blocked[i] += d->reasons[i] * houses / d->looked;
}

static void
look_at_draw(struct look *l, const struct index_view *view)
{
	uint64_t within;

	for (unsigned pass = 0; pass < PASSES; pass++)
		go_through(l, view, (enum pass)pass);
	within = l->met > 0 ? l->eligible * l->within / l->met : 0;
	add_share(l->out, &l->near, within);
	add_share(l->out, &l->far, l->eligible - within);
}

void
survey_run(struct ctx *c, const struct index_view *view, const struct episode *e, struct survey *out)
{
	struct look l;

	memset(out, 0, sizeof(*out));
	memset(&l, 0, offsetof(struct look, house));
	l.c = c;
	l.e = e;
	l.out = out;
	/* only desks search, and every desk is a helpline's: a family-support request was taken over by now
	 */
	fit_ask(&e->household, PATH_HELPLINE, &l.asker);
	reach_of_household(&e->household, &l.need);
	if (view->count <= LIMIT_SURVEY)
		look_at_all(&l, view);
	else
		look_at_draw(&l, view);
}
