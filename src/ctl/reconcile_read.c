/* SPDX-License-Identifier: Apache-2.0 */
/* CSV of the paper form into rows, and the rows' ids.  A cell that is not understood is said with its line;
 * it is never guessed. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/csv.h"
#include "base/file.h"
#include "ctl/names.h"
#include "ctl/reconcile.h"
#include "domain/code_name.h"

#define FILE_CAP (1024u * 1024)
#define ARENA    (4u * 1024 * 1024)
#define OLDEST   (14 * 86400) /* what lies further back is a wrong year or a wrong month */
#define DAY_LEN  10u

/* ---- cells ---- */

/* "2026-11-21 03:10" on a wall in Budapest; of the hour that comes twice the second, once it has come. */
static bool
read_wall_time(const char *text, int64_t now, int64_t *out)
{
	day_number day;
	int64_t local;

	if (strlen(text) != DAY_LEN + 6 || text[DAY_LEN] != ' ' || text[DAY_LEN + 3] != ':' ||
	    !day_parse(text, DAY_LEN, &day))
		return false;
	for (size_t i = DAY_LEN + 1; i < DAY_LEN + 6; i++)
		if (i != DAY_LEN + 3 && (text[i] < '0' || text[i] > '9'))
			return false;
	local = (text[11] - '0') * 36000 + (text[12] - '0') * 3600 + (text[14] - '0') * 600 +
	    (text[15] - '0') * 60;
	if (local >= 86400 || text[14] > '5')
		return false;
	local += (int64_t)day * 86400;
	*out = local - budapest_offset(local - 3600);
	if (*out > now && budapest_offset(*out - 3600) > budapest_offset(*out))
		*out -= 3600;
	return true;
}

static const char *
read_time(const struct paper *paper, const char *text, int64_t *out)
{
	if (!time_parse(text, strlen(text), out) && !read_wall_time(text, paper->now, out))
		return "time is not like 2026-11-21 03:10";
	if (*out > paper->now)
		return "time lies in the future";
	return *out < paper->now - OLDEST ? "time lies more than two weeks back" : NULL;
}

/* What a desk or a house does on the telephone; NULL: without a reason. */
static const struct {
	enum reservation_event event;
	const struct code_list *reasons;
} events[] = {
	{ EV_REQUEST, NULL },
	{ EV_CONFIRM, NULL },
	{ EV_DECLINE, &codes_decline_reason },
	{ EV_CLIENT_DECLINE, &codes_client_reason },
	{ EV_CANCEL, &codes_cancel_reason },
	{ EV_ARRIVE, NULL },
	{ EV_LEAVE, &codes_leave_reason },
	{ EV_NO_SHOW, NULL },
};

static const char *
read_event(const char *event, const char *reason, struct paper_row *row)
{
	size_t i = 0;
	int at;

	while (i < COUNT_OF(events) && strcmp(reservation_event_name(events[i].event), event) != 0)
		i++;
	if (i == COUNT_OF(events))
		return "event is not request, confirm, decline, client_decline, cancel, arrive, leave or "
		       "no_show";
	row->event = (uint8_t)events[i].event;
	row->detail.reason = CODE_NONE;
	if (events[i].reasons == NULL)
		return *reason == '\0' ? NULL
				       : "reason is for decline, client_decline, cancel and leave only";
	if ((at = code_find(events[i].reasons, reason, strlen(reason))) < 0)
		return "reason is not one of this event: menedek help reconcile, docs/downtime.md";
	row->detail.reason = (uint8_t)at;
	return NULL;
}

static const char *
read_reservation(const struct csv *csv, struct paper_row *row)
{
	row->kind = PAPER_RESERVATION;
	if (!str_copy(row->number, sizeof(row->number), csv_cell(csv, "number")) || *row->number == '\0')
		return "number is not like 4127-86";
	if (!str_copy(row->word, sizeof(row->word), csv_cell(csv, "word")) || *row->word == '\0')
		return "word is missing, or is none of our check words";
	return read_event(csv_cell(csv, "event"), csv_cell(csv, "reason"), row);
}

static const char *
read_room(const struct csv *csv, struct paper_row *row)
{
	const char *state = csv_cell(csv, "state"), *places = csv_cell(csv, "places");
	const int at = code_find(&codes_unit_state, state, strlen(state));
	unsigned free = 0;

	row->kind = PAPER_ROOM;
	if (!str_copy(row->house, sizeof(row->house), csv_cell(csv, "house")) || *row->house == '\0')
		return "house is missing or too long";
	if (!str_copy(row->room, sizeof(row->room), csv_cell(csv, "room")) || *row->room == '\0')
		return "room is missing or too long";
	if (at < 0 || at == UNIT_HELD)
		return "state is not free, occupied, partly_free or out_of_use";
	if (*places != '\0' && !csv_number(places, UINT8_MAX, &free))
		return "places is not a number";
	if ((at == UNIT_PARTLY) != (free > 0))
		return "places is for partly_free only, and needed there";
	row->report = (struct unit_report){ (uint8_t)at, (uint8_t)free };
	return NULL;
}

/* ---- the file ---- */

static void
say(struct paper *paper, const char *file, unsigned line, const char *what)
{
	talk_error("%s line %u: %s", file, line, what);
	paper->problems++;
}

/* Which form is it?  PAPER_ROOM + 1: neither. */
static unsigned
kind_of(const struct csv *csv)
{
	static const char *const columns[][5] = {
		[PAPER_RESERVATION] = { "time", "number", "word", "event", "reason" },
		[PAPER_ROOM] = { "time", "house", "room", "state", "places" },
	};

	for (unsigned k = 0; k < COUNT_OF(columns); k++) {
		unsigned found = 0;

		for (unsigned i = 0; csv->columns == COUNT_OF(columns[k]) && i < csv->columns; i++)
			for (unsigned j = 0; j < COUNT_OF(columns[k]); j++)
				found += strcmp(csv->name[i], columns[k][j]) == 0;
		if (found == COUNT_OF(columns[k]))
			return k;
	}
	return PAPER_ROOM + 1;
}

static void
take_row(struct paper *paper, const struct csv *csv, const char *file, unsigned kind)
{
	struct paper_row row = { .file = file, .line = csv->line };
	const char *wrong = read_time(paper, csv_cell(csv, "time"), &row.at);

	if (wrong == NULL)
		wrong = kind == PAPER_ROOM ? read_room(csv, &row) : read_reservation(csv, &row);
	if (wrong == NULL && paper->count == PAPER_ROWS)
		wrong = "too many lines for one night: enter them in parts";
	if (wrong != NULL)
		say(paper, file, csv->line, wrong);
	else
		paper->rows[paper->count++] = row;
}

static void
read_rows(struct paper *paper, struct bytes text, struct arena *arena, const char *file)
{
	struct fault f = { .count = 0 };
	struct csv csv;
	char sentence[256];
	unsigned kind;
	enum rc rc = csv_open(&csv, text, arena, &f);

	if (rc == RC_OK && (kind = kind_of(&csv)) > PAPER_ROOM) {
		say(paper, file, csv.line,
		    "the columns are time,number,word,event,reason or time,house,room,state,places");
		return;
	}
	while (rc == RC_OK && (rc = csv_row(&csv, &f)) == RC_OK)
		take_row(paper, &csv, file, kind);
	if (rc != RC_OK && rc != RC_NOT_FOUND)
		say(paper, file, csv.next_line,
		    f.count > 0 ? fault_text(&f.item[0], LANG_EN, sentence, sizeof(sentence))
				: rc_title(rc, LANG_EN));
}

enum status
paper_read(struct paper *paper, const char *path)
{
	struct fault f = { .count = 0 };
	struct arena *arena = arena_new(ARENA);
	char *text = NULL;
	size_t len = 0;
	enum rc rc = arena == NULL ? RC_UNAVAILABLE : RC_OK;

	if (rc == RC_OK && paper->rows == NULL &&
	    (paper->rows = calloc(PAPER_ROWS, sizeof(*paper->rows))) == NULL)
		rc = RC_UNAVAILABLE;
	if (rc == RC_OK)
		rc = file_read(path, FILE_CAP, &text, &len, &f);
	if (rc == RC_OK)
		read_rows(paper, (struct bytes){ (const uint8_t *)text, len }, arena, path_name(path));
	if (text != NULL)
		wipe(text, len);
	free(text);
	arena_free(arena);
	return talk_failure(path, rc, &f);
}

void
paper_free(struct paper *paper)
{
	if (paper->rows != NULL)
		wipe(paper->rows, PAPER_ROWS * sizeof(*paper->rows));
	free(paper->rows);
}

/* Two files of one outage are one story; within a minute a file's own order counts. */
static int
compare_rows(const void *a, const void *b)
{
	const struct paper_row *x = a, *y = b;

	if (x->at != y->at)
		return x->at < y->at ? -1 : 1;
	if (x->kind != y->kind)
		return x->kind < y->kind ? -1 : 1;
	return x->position < y->position ? -1 : x->position > y->position;
}

void
paper_sort(struct paper *paper)
{
	for (unsigned i = 0; i < paper->count; i++)
		paper->rows[i].position = i;
	qsort(paper->rows, paper->count, sizeof(*paper->rows), compare_rows);
}

/* ---- what it speaks of ---- */

/* The console shows it in capitals, paper is written by hand: what is heard counts, as of a code name. */
static bool
is_same_word(const char *written, const char *word)
{
	char a[LIMIT_NAME], b[LIMIT_NAME];

	code_name_heard(written, a);
	code_name_heard(word, b);
	return strcmp(a, b) == 0;
}

static bool
match(void *arg, const struct key *key, struct bytes value, uint64_t rev)
{
	struct paper *paper = arg;
	struct reservation r;

	(void)key;
	(void)rev;
	if (record_decode(KIND_RESERVATION, value, &r) != RC_OK)
		return true; /* menedek check names it */
	for (unsigned i = 0; i < paper->count; i++) {
		struct paper_row *row = &paper->rows[i];

		if (row->kind == PAPER_RESERVATION && strcmp(row->number, r.number) == 0 &&
		    is_same_word(row->word, r.check_word)) {
			row->id = r.id;
			row->matches++;
		}
	}
	return true;
}

enum rc
paper_find(struct ctx *c, void *arg)
{
	const struct key prefix = record_key_bytes(KIND_RESERVATION, "", 0);
	struct paper *paper = arg;
	struct names houses = { .count = 0 };
	enum rc rc = names_load(c, KIND_SHELTER, &houses);

	for (unsigned i = 0; i < paper->count; i++)
		paper->rows[i].matches = 0;
	if (rc == RC_OK)
		rc = txn_scan_past(c->txn, &prefix, NULL, match, txn_pass_by, paper);
	for (unsigned i = 0; rc == RC_OK && i < paper->count; i++) {
		struct paper_row *row = &paper->rows[i];
		const struct name_row *house =
		    row->kind == PAPER_ROOM ? names_find(&houses, row->house) : NULL;

		if (house != NULL) {
			row->id = house->id;
			row->matches = 1;
		}
	}
	names_free(&houses);
	return rc;
}
