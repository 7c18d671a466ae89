/* SPDX-License-Identifier: Apache-2.0 */
/* Sums of the scrape by group of routes, then differences, rates and quantiles of these. */
#include "ctl/top_view.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/textbuf.h"
#include "gate.h"

#define DAY 86400

/* ---- looking ---- */

/* "/v1/reservations/{reservation}/confirm" is of "reservations". */
static void
group_of(const char *operation, char out[32])
{
	const char *path = operation;

	for (unsigned i = 0; i < route_count; i++)
		if (strcmp(routes[i].operation, operation) == 0)
			path = routes[i].path;
	path += strncmp(path, "/v1/", 4) == 0 ? 4 : *path == '/';
	(void)snprintf(out, 32, "%.*s", (int)strcspn(path, "/"), path);
	text_tame(out); /* who listens there may be anybody */
}

/* NULL: the table is full, and the sum over all still counts it. */
static struct top_group *
find_group(struct top_shot *shot, const char *labels)
{
	char operation[64], name[32];

	if (!scrape_label(labels, "operation", operation, sizeof(operation)))
		return NULL;
	group_of(operation, name);
	for (unsigned i = 0; i < shot->group_count; i++)
		if (strcmp(shot->groups[i].name, name) == 0)
			return &shot->groups[i];
	if (shot->group_count == TOP_GROUPS)
		return NULL;
	(void)str_copy(shot->groups[shot->group_count].name, sizeof(name), name);
	return &shot->groups[shot->group_count++];
}

static void
add_answers(struct top_group *g, const struct sample *s)
{
	char class[4];

	if (g == NULL || !scrape_label(s->labels, "class", class, sizeof(class)))
		return;
	g->answered += s->value;
	g->refused += *class == '4' ? s->value : 0;
	g->failed += *class == '5' ? s->value : 0;
}

/* A bucket counts all below it too, so it is taken off the next one (the text has them in rising order). */
static void
add_bucket(struct top_group *g, const struct sample *s)
{
	char text[16];
	unsigned step = SPREAD_STEPS;

	if (g == NULL || !scrape_label(s->labels, "le", text, sizeof(text)))
		return;
	if (*text != '+')
		step = spread_step(&spread_times, (uint64_t)(strtod(text, NULL) * 1e6 + 0.5));
	g->in[step] += s->value;
	if (step < SPREAD_STEPS)
		g->in[step + 1] -= s->value;
}

static void
look_at(struct top_shot *shot, const struct sample *s)
{
	if (strcmp(s->name, "menedek_requests_total") == 0) {
		add_answers(find_group(shot, s->labels), s);
		add_answers(&shot->all, s);
	} else if (strcmp(s->name, "menedek_request_seconds_bucket") == 0) {
		add_bucket(find_group(shot, s->labels), s);
		add_bucket(&shot->all, s);
	} else if (strcmp(s->name, "menedek_store_sync_seconds_bucket") == 0) {
		add_bucket(&shot->sync, s);
	}
}

void
top_look(const struct scrape *s, struct top_shot *out)
{
	const struct {
		const char *name, *labels;
		double *to;
	} plain[] = {
		{ "menedek_connections", "", &out->connections },
		{ "menedek_connections_total", "", &out->accepted },
		{ "menedek_streams", "", &out->streams },
		{ "menedek_calls_parked", "", &out->parked },
		{ "menedek_slow_queue", "", &out->slow_queue },
		{ "menedek_store_queue", "", &out->store_queue },
		{ "menedek_store_commits_total", "", &out->commits },
		{ "menedek_store_conflicts_total", "", &out->conflicts },
		{ "menedek_houses", "freshness=\"fresh\"", &out->houses[0] },
		{ "menedek_houses", "freshness=\"aging\"", &out->houses[1] },
		{ "menedek_houses", "freshness=\"unknown\"", &out->houses[2] },
		{ "menedek_holds", "", &out->holds },
		{ "menedek_holds_ending", "", &out->ending },
		{ "menedek_audit_entries_total", "", &out->entries },
		{ "menedek_audit_head_seconds", "", &out->head_at },
		{ "menedek_audit_checkpoint_seconds", "", &out->signed_at },
		{ "menedek_server_certificate_end_seconds", "", &out->server_end },
		{ "menedek_authority_certificate_end_seconds", "", &out->authority_end },
		{ "menedek_start_time_seconds", "", &out->started_at },
	};

	*out = (struct top_shot){ .group_count = 0 };
	for (size_t i = 0; i < COUNT_OF(plain); i++)
		*plain[i].to = scrape_value(s, plain[i].name, plain[i].labels);
	out->is_broken = scrape_value(s, "menedek_store_broken", "") > 0;
	out->is_altered = scrape_value(s, "menedek_store_altered", "") > 0;
	out->is_audit_broken = scrape_value(s, "menedek_audit_broken", "") > 0;
	for (unsigned i = 0; i < s->count; i++)
		look_at(out, &s->samples[i]);
}

/* ---- writing ---- */

static struct top_group
difference(const struct top_group *before, const struct top_group *now)
{
	struct top_group d = *now;

	if (before == NULL || before->answered > now->answered) /* it began anew meanwhile */
		return d;
	d.answered -= before->answered;
	d.refused -= before->refused;
	d.failed -= before->failed;
	for (unsigned i = 0; i <= SPREAD_STEPS; i++)
		d.in[i] -= before->in[i];
	return d;
}

/* "<= 5 ms": the upper end of the step in which the quantile lies; the service keeps no more than that. */
static const char *
quantile(const struct top_group *g, double q, char out[16])
{
	double all = 0, below = 0;
	unsigned step = 0;

	for (unsigned i = 0; i <= SPREAD_STEPS; i++)
		all += g->in[i];
	if (all <= 0)
		return "-";
	while (step < SPREAD_STEPS && (below += g->in[step]) < q * all)
		step++;
	if (step == SPREAD_STEPS)
		(void)snprintf(out, 16, "> %.0f s", (double)spread_times.bound[SPREAD_STEPS - 1] / 1e6);
	else
		(void)snprintf(out, 16, "<= %.0f ms", (double)spread_times.bound[step] / 1e3);
	return out;
}

static void
put_group(struct textbuf *page, const char *name, const struct top_group *g, double seconds)
{
	char half[16], most[16];

	textbuf_add(page, "%-22s %9.1f %9.1f %9.1f %11s %11s\n", name, g->answered / seconds,
	    g->refused / seconds, g->failed / seconds, quantile(g, 0.5, half), quantile(g, 0.99, most));
}

static void
put_age(struct textbuf *page, const char *what, double at, int64_t clock)
{
	const double age = (double)clock - at;

	if (at <= 0)
		textbuf_add(page, "   %s never", what);
	else if (age < 600)
		textbuf_add(page, "   %s %.0f s ago", what, age < 0 ? 0 : age);
	else
		textbuf_add(page, "   %s %.0f min ago", what, age / 60);
}

static void
put_state(struct textbuf *page, const struct top_shot *now, int64_t clock)
{
	const int64_t up = now->started_at > 0 ? clock - (int64_t)now->started_at : 0;
	char text[21];

	time_format(clock, text);
	textbuf_add(page, "menedek   %s   up %d d %02d:%02d   connections %.0f   streams %.0f\n", text,
	    (int)(up / DAY), (int)(up % DAY / 3600), (int)(up % 3600 / 60), now->connections, now->streams);
	if (now->is_broken || now->is_altered || now->is_audit_broken)
		textbuf_add(page, "ALARM    %s%s%s\n",
		    now->is_broken ? " the store is broken after a disk error" : "",
		    now->is_altered ? " the store is not what its last commit left" : "",
		    now->is_audit_broken ? " the audit trail was altered" : "");
	textbuf_add(page, "waiting   commits %.0f   requests %.0f   slow %.0f\n", now->store_queue,
	    now->parked, now->slow_queue);
	textbuf_add(page,
	    "houses    fresh %.0f   aging %.0f   unknown %.0f   holds %.0f, ending in 5 min %.0f\n",
	    now->houses[0], now->houses[1], now->houses[2], now->holds, now->ending);
	textbuf_add(page, "trail     %.0f entries", now->entries);
	put_age(page, "newest", now->head_at, clock);
	put_age(page, "signed", now->signed_at, clock);
	textbuf_add(page, "\ncertificates   server %.0f days   authority %.0f days\n",
	    (now->server_end - (double)clock) / DAY, (now->authority_end - (double)clock) / DAY);
}

static void
put_store(struct textbuf *page, const struct top_shot *before, const struct top_shot *now, double seconds)
{
	const struct top_group sync = difference(before == NULL ? NULL : &before->sync, &now->sync);
	const bool is_same = before != NULL && before->commits <= now->commits;
	char half[16], most[16];

	textbuf_add(page, "store     %.1f commits/s   %.1f run again/s   a batch %s, 99 of 100 %s\n",
	    (now->commits - (is_same ? before->commits : 0)) / seconds,
	    (now->conflicts - (is_same ? before->conflicts : 0)) / seconds, quantile(&sync, 0.5, half),
	    quantile(&sync, 0.99, most));
}

static const struct top_group *
group_before(const struct top_shot *before, const char *name)
{
	for (unsigned i = 0; before != NULL && i < before->group_count; i++)
		if (strcmp(before->groups[i].name, name) == 0)
			return &before->groups[i];
	return NULL;
}

size_t
top_write(const struct top_shot *before, const struct top_shot *now, double seconds, int64_t clock,
    char out[TOP_TEXT])
{
	struct textbuf page = { .buf = out, .cap = TOP_TEXT };
	struct top_group d;

	if (before != NULL && before->started_at < now->started_at)
		before = NULL; /* another process answers now: its sums begin at zero */
	seconds = seconds < 0.001 ? 0.001 : seconds;
	put_state(&page, now, clock);
	put_store(&page, before, now, seconds);
	textbuf_add(&page, "\n%-22s %9s %9s %9s %11s %11s\n", before == NULL ? "since the start" : "",
	    "answers/s", "4xx/s", "5xx/s", "half", "99 of 100");
	d = difference(before == NULL ? NULL : &before->all, &now->all);
	put_group(&page, "all", &d, seconds);
	for (unsigned i = 0; i < now->group_count; i++) {
		d = difference(group_before(before, now->groups[i].name), &now->groups[i]);
		put_group(&page, now->groups[i].name, &d, seconds);
	}
	return page.len;
}
