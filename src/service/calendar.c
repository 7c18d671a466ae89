/* SPDX-License-Identifier: Apache-2.0 */
/* From live reservations to events, and from events to folded lines. */
#include "service/calendar.h"

#include <stdio.h>
#include <string.h>

#include "base/textbuf.h"
#include "crypto/digest.h"

/* A reservation gives two events at most, each of 400 bytes and up to LIMIT_JOINED names of rooms. */
#define CALENDAR_MAX (LIMIT_ALLOCATIONS * 2 * 1024u + 1024)
#define FOLD         75u /* octets of a line without its break (RFC 5545, 3.1) */
#define UID_BYTES    16u

enum occasion { OCCASION_ARRIVAL, OCCASION_END, OCCASION_REVIEW, OCCASIONS };

static const char *const occasion_words[OCCASIONS][LANG_COUNT] = {
	[OCCASION_ARRIVAL] = { "Érkezés várható", "Arrival expected" },
	[OCCASION_END] = { "A tartózkodás törvényes vége", "Legal end of a stay" },
	[OCCASION_REVIEW] = { "Felülvizsgálat esedékes", "Review due" },
};

struct calendar {
	struct ctx *c;
	enum lang lang;
	const struct shelter *shelter;
	const struct house *house;
	uint8_t key[32];
	struct textbuf text;
};

/* The zone that days are of (Directive 2000/84/EC), so that a calendar without events is one, too (3.6). */
static const char *const zone_lines[] = { "BEGIN:VTIMEZONE", "TZID:Europe/Budapest", "BEGIN:STANDARD",
	"DTSTART:19961027T030000", "TZOFFSETFROM:+0200", "TZOFFSETTO:+0100",
	"RRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU", "END:STANDARD", "BEGIN:DAYLIGHT",
	"DTSTART:19970330T020000", "TZOFFSETFROM:+0100", "TZOFFSETTO:+0200",
	"RRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU", "END:DAYLIGHT", "END:VTIMEZONE" };

/* ---- lines ---- */

/* One content line; where it is too long, it goes on behind a break and a space, never inside a character. */
static void
add_line(struct textbuf *t, const char *line)
{
	size_t left = strlen(line), room = FOLD;

	while (left > room) {
		const size_t n = utf8_prefix(line, room);

		textbuf_add(t, "%.*s\r\n ", (int)n, line);
		line += n;
		left -= n;
		room = FOLD - 1; /* the space counts */
	}
	textbuf_add(t, "%s\r\n", line);
}

/* TEXT values (3.3.11): a comma, semicolon or backslash in the name of a room is part of the name. */
static void
add_escaped(struct textbuf *t, const char *text)
{
	for (; *text != '\0'; text++)
		textbuf_add(t, "%s%c", strchr("\\;,", *text) != NULL ? "\\" : "", *text);
}

static void
add_rooms(const struct house *h, uint64_t units, struct textbuf *t)
{
	bool is_first = true;

	for (unsigned i = 0; i < h->unit_count; i++) {
		if (!(units >> i & 1))
			continue;
		textbuf_add(t, "%s", is_first ? ": " : "\\, ");
		add_escaped(t, h->units[i].name);
		is_first = false;
	}
}

/* ---- events ---- */

/* Not the reservation's id: that is a key to it, and calendars travel. */
static void
add_uid(struct calendar *k, const struct reservation *r, enum occasion what)
{
	uint8_t name[1 + ID_BYTES], mac[DIGEST_BYTES];
	char hex[DIGEST_BYTES * 2 + 1], line[sizeof(hex) + 8];

	name[0] = (uint8_t)what;
	memcpy(name + 1, r->id.b, ID_BYTES);
	digest_hmac(BYTES_OF(k->key), BYTES_OF(name), mac);
	hex_format(mac, UID_BYTES, hex);
	(void)snprintf(line, sizeof(line), "UID:%s", hex);
	add_line(&k->text, line);
}

static void
add_time(struct calendar *k, const char *name, int64_t at)
{
	const struct civil d = civil_from_day((day_number)(at / 86400));
	const int second = (int)(at % 86400);
	char line[64];

	(void)snprintf(line, sizeof(line), "%s:%04d%02d%02dT%02d%02d%02dZ", name, d.year, d.month, d.day,
	    second / 3600, second / 60 % 60, second % 60);
	add_line(&k->text, line);
}

static void
add_day(struct calendar *k, day_number day)
{
	const struct civil d = civil_from_day(day);
	char line[64];

	(void)snprintf(line, sizeof(line), "DTSTART;VALUE=DATE:%04d%02d%02d", d.year, d.month, d.day);
	add_line(&k->text, line);
}

/* ${day} 0: at the time ${at}. */
static void
add_event(struct calendar *k, const struct reservation *r, enum occasion what, int64_t at, day_number day)
{
	char line[LIMIT_JOINED * 2 * 32 + 128];
	struct textbuf summary = { .buf = line, .cap = sizeof(line) };

	textbuf_add(&summary, "SUMMARY;LANGUAGE=%s:%s", k->lang == LANG_HU ? "hu" : "en",
	    occasion_words[what][k->lang]);
	add_rooms(k->house, r->units, &summary);
	add_line(&k->text, "BEGIN:VEVENT");
	add_uid(k, r, what);
	add_time(k, "DTSTAMP", k->c->now);
	if (day != 0)
		add_day(k, day);
	else
		add_time(k, "DTSTART", at);
	add_line(&k->text, line);
	add_line(&k->text, "CLASS:PRIVATE");
	add_line(&k->text, "TRANSP:TRANSPARENT");
	add_line(&k->text, "END:VEVENT");
}

static void
add_stay(struct calendar *k, const struct reservation *r)
{
	const struct term_rule *rule =
	    terms_for(&k->c->parts->terms, (enum shelter_type)k->shelter->type, r->stay_start);
	const day_number review =
	    rule != NULL ? term_next_review(rule, r->stay_start, budapest_day(k->c->now)) : 0;

	if (r->stay_end != 0)
		add_event(k, r, OCCASION_END, 0, r->stay_end);
	if (review != 0)
		add_event(k, r, OCCASION_REVIEW, 0, review);
}

static enum rc
add_reservation(struct calendar *k, const struct id *id)
{
	const struct key key = record_key(KIND_RESERVATION, id);
	struct reservation r;
	enum rc rc = record_peek(k->c->txn, KIND_RESERVATION, &key, &r);

	if (rc != RC_OK)
		return rc == RC_NOT_FOUND ? RC_OK : rc;
	if (r.state == RES_CONFIRMED && r.earliest_arrival != 0)
		add_event(k, &r, OCCASION_ARRIVAL, r.earliest_arrival, 0);
	else if (r.state == RES_CONFIRMED)
		add_event(k, &r, OCCASION_ARRIVAL, 0, budapest_day(r.answered_at));
	else if (r.state == RES_IN_STAY)
		add_stay(k, &r);
	return RC_OK;
}

static enum rc
make(struct calendar *k)
{
	enum rc rc = RC_OK;

	add_line(&k->text, "BEGIN:VCALENDAR");
	add_line(&k->text, "VERSION:2.0");
	add_line(&k->text, "PRODID:-//Menedek//Calendar of a house//HU");
	add_line(&k->text, "CALSCALE:GREGORIAN");
	for (unsigned i = 0; i < COUNT_OF(zone_lines); i++)
		add_line(&k->text, zone_lines[i]);
	for (unsigned i = 0; i < k->house->allocation_count && rc == RC_OK; i++)
		rc = add_reservation(k, &k->house->allocations[i].reservation);
	add_line(&k->text, "END:VCALENDAR");
	return rc == RC_OK && k->text.overflow ? RC_INTERNAL : rc;
}

enum rc
calendar_make(struct ctx *c, const struct id *shelter, enum lang lang, struct bytes *out)
{
	struct shelter *s = arena_alloc(c->arena, sizeof(*s));
	struct house *h = arena_alloc(c->arena, sizeof(*h));
	struct calendar k = { .c = c, .lang = lang, .shelter = s, .house = h };
	enum rc rc;

	k.text = (struct textbuf){ .buf = arena_alloc(c->arena, CALENDAR_MAX), .cap = CALENDAR_MAX };
	if (s == NULL || h == NULL || k.text.buf == NULL)
		return RC_UNAVAILABLE;
	if ((rc = access_house(c, shelter, s, h)) != RC_OK)
		return rc;
	if ((rc = keyring_derive(c->parts->keyring, "calendar", k.key)) == RC_OK)
		rc = make(&k);
	wipe(k.key, sizeof(k.key));
	*out = (struct bytes){ (const uint8_t *)k.text.buf, k.text.len };
	return rc;
}
