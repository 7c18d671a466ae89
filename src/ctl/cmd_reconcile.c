/* SPDX-License-Identifier: Apache-2.0 */
/*
 * menedek reconcile: the rows are put in the order of time and all of them tried first, each after those
 * before it; only when none conflicts are they entered, each with an audit entry of its own and all in one
 * transaction.  What was entered can be given again: a row that stands there already is passed by.  Of one
 * that a later row has overtaken nothing may stand there any more (a room keeps its latest report only): that
 * is a conflict then.
 */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "ctl/reconcile.h"

struct entering {
	struct paper *paper;
	struct paper_row *row;
	bool must_repeat;
	struct reservation reservation; /* what stands there now, or would */
	struct unit_report was;
};

static enum rc
enter(struct ctx *c, void *arg)
{
	struct entering *e = arg;
	const struct paper_row *row = e->row;

	if (row->matches != 1)
		return fault_set(c->fault, RC_NOT_FOUND,
		    row->kind == PAPER_ROOM ? MSG_PAPER_HOUSE : MSG_PAPER_UNKNOWN, NULL, 0, NULL);
	if (row->kind == PAPER_ROOM)
		return availability_enter_late(c, &row->id, row->room, &row->report, row->at, &e->was);
	return reservation_enter_late(
	    c, &row->id, (enum reservation_event)row->event, row->at, &row->detail, &e->reservation);
}

/* ---- saying it ---- */

static void
describe(const struct paper_row *row, char out[160])
{
	const int64_t local = row->at + budapest_offset(row->at);
	char day[11];

	day_format((day_number)(local / 86400), day);
	(void)snprintf(out, 160, "%s line %u: %s %02d:%02d %s %s", row->file, row->line, day,
	    (int)(local % 86400 / 3600), (int)(local % 3600 / 60),
	    row->kind == PAPER_ROOM ? row->house : row->number,
	    row->kind == PAPER_ROOM ? row->room : reservation_event_name((enum reservation_event)row->event));
	text_tame(out);
}

static const char *
state_now(const struct entering *e)
{
	if (e->row->matches != 1)
		return NULL;
	return e->row->kind == PAPER_ROOM ? code_text(&codes_unit_state, e->was.state)
					  : code_text(&codes_reservation_state, e->reservation.state);
}

static void
say_row(const struct args *args, const struct paper_row *row)
{
	const enum rc rc = row->rc;
	const char *word = rc == RC_OK ? "fits" : rc == RC_TAKEN ? "entered already" : "CONFLICT";
	const char *code = rc == RC_OK ? "fits" : rc == RC_TAKEN ? "already" : "conflict", *now = row->now;
	const bool is_conflict = rc != RC_OK && rc != RC_TAKEN;
	char what[160], text[256] = "", line[640];
	struct jw w;

	describe(row, what);
	if (is_conflict) {
		(void)fault_text(&row->why, talk_lang(), text, sizeof(text));
		text_tame(text);
	}
	if (!args_has(args, OPT_JSON)) {
		if (is_conflict)
			(void)printf("%-16s %s: %s%s%s\n", word, what, text, now != NULL ? "; now: " : "",
			    now != NULL ? now : "");
		else if (!args_has(args, OPT_QUIET))
			(void)printf("%-16s %s\n", word, what);
		return;
	}
	jw_init(&w, line, sizeof(line));
	jw_open(&w, '{');
	jw_field_string(&w, "file", row->file);
	jw_field_int(&w, "line", row->line);
	jw_field_string(&w, "result", code);
	if (is_conflict)
		jw_field_string(&w, "message", text);
	if (is_conflict && now != NULL)
		jw_field_string(&w, "now", now);
	jw_close(&w, '}');
	(void)printf("%.*s\n", (int)w.len, line);
}

/* ---- trying, entering ---- */

static bool
is_about_the_row(enum rc rc)
{
	return rc == RC_OK || rc == RC_TAKEN || rc == RC_NOT_FOUND || rc == RC_STATE_CONFLICT ||
	    rc == RC_HOLD_EXPIRED || rc == RC_INVALID || rc == RC_NO_PLACE_LEFT;
}

static void
note_result(const struct offline *o, const struct entering *e, enum rc rc)
{
	struct paper_row *row = e->row;

	row->rc = rc;
	row->now = state_now(e);
	if (o->fault.count > 0)
		row->why = o->fault.item[0];
}

/* Each after all that happened before it, as it will be entered: a stay that ends makes its room free, a yes
 * takes it.  A conflict that was found only after something was written spoils what follows, so all is tried
 * once more without that row. */
static enum rc
try_rows(struct offline *o, void *arg)
{
	struct entering *e = arg;

	for (unsigned i = 0; i < e->paper->count; i++) {
		enum rc rc;

		e->row = &e->paper->rows[i];
		if (e->row->is_left_out)
			continue;
		e->reservation.state = RES_STATES;
		e->was.state = UNIT_STATE_COUNT;
		rc = offline_part(o, "cli_reconcile", enter, e);
		if (!is_about_the_row(rc))
			return rc;
		note_result(o, e, rc);
		e->must_repeat = e->row->is_left_out = rc != RC_OK && offline_part_wrote(o);
		if (e->must_repeat)
			return RC_CONFLICT;
	}
	return RC_OK;
}

static enum status
try_all(struct offline *o, struct paper *paper, unsigned *conflicts, unsigned *fresh)
{
	struct entering e = { .paper = paper };
	enum rc rc;

	*conflicts = *fresh = 0;
	do {
		e.must_repeat = false;
		rc = offline_try_whole(o, try_rows, &e);
	} while (e.must_repeat);
	if (rc != RC_OK)
		return talk_failure("reconcile", rc, &o->fault);
	for (unsigned i = 0; i < paper->count; i++) {
		const struct paper_row *row = &paper->rows[i];

		say_row(o->args, row);
		*fresh += row->rc == RC_OK;
		*conflicts += row->rc != RC_OK && row->rc != RC_TAKEN;
	}
	return STATUS_OK;
}

static enum rc
enter_rows(struct offline *o, void *arg)
{
	struct entering e = { .paper = arg };
	enum rc rc = RC_OK;

	for (unsigned i = 0; i < e.paper->count && (rc == RC_OK || rc == RC_TAKEN); i++) {
		e.row = &e.paper->rows[i];
		rc = offline_part(o, "cli_reconcile", enter, &e);
	}
	return rc == RC_TAKEN ? RC_OK : rc;
}

static enum status
enter_all(struct offline *o, struct paper *paper)
{
	const enum rc rc = offline_update_whole(o, enter_rows, paper);

	if (rc == RC_UNKNOWN)
		talk_error("all of it was entered or nothing: nothing, if the same with --dry-run finds as "
			   "many lines that fit");
	else if (rc != RC_OK)
		talk_error("nothing was entered");
	return talk_failure("reconcile", rc, &o->fault);
}

/* The files were read by this machine's clock.  What has not come yet by the others' would end what they hold
 * until then. */
static enum status
refuse_future(const struct paper *paper, int64_t sure)
{
	unsigned problems = 0;

	for (unsigned i = 0; i < paper->count; i++) {
		const struct paper_row *row = &paper->rows[i];

		if (row->at <= sure)
			continue;
		talk_error(
		    "%s line %u: time lies in the future by the other nodes' clocks", row->file, row->line);
		problems++;
	}
	if (problems == 0)
		return STATUS_OK;
	talk_error("%u lines lie in the future, nothing was entered", problems);
	return STATUS_ERROR;
}

static enum status
work(struct offline *o, struct paper *paper)
{
	unsigned conflicts = 0, fresh = 0;
	int64_t sure;
	enum status status = talk_failure("reconcile", offline_hear_time(o, &sure), &o->fault);

	if (status == STATUS_OK)
		status = refuse_future(paper, sure);
	if (status == STATUS_OK)
		status = talk_failure("reconcile", offline_view(o, paper_find, paper), &o->fault);
	if (status == STATUS_OK)
		status = try_all(o, paper, &conflicts, &fresh);
	if (status != STATUS_OK)
		return status;
	if (conflicts > 0) {
		talk_error(
		    "%u of %u lines conflict, nothing was entered: decide each, then take its line out or "
		    "put a # before it",
		    conflicts, paper->count);
		return STATUS_CONFLICT;
	}
	if (args_has(o->args, OPT_DRY_RUN)) {
		talk(o->args, "%u lines fit, %u stand there already; nothing was entered (--dry-run).", fresh,
		    paper->count - fresh);
		return STATUS_OK;
	}
	if ((status = enter_all(o, paper)) == STATUS_OK)
		talk(o->args, "%u lines entered, %u stood there already.", fresh, paper->count - fresh);
	return status;
}

enum status
cmd_reconcile(const struct args *args)
{
	struct paper paper = { .now = clock_now() };
	struct offline o;
	enum status status = STATUS_OK;

	if (args->word_count == 0 || args->word_count > 2) {
		talk_error("reconcile takes the files of one outage: reservations, rooms or both");
		return STATUS_USAGE;
	}
	for (unsigned i = 0; i < args->word_count && status == STATUS_OK; i++)
		status = paper_read(&paper, args->word[i]);
	if (status == STATUS_OK && paper.problems > 0) {
		talk_error("%u lines are not understood, nothing was entered", paper.problems);
		status = STATUS_ERROR;
	}
	if (status == STATUS_OK) {
		paper_sort(&paper);
		if ((status = offline_open(args, false, &o)) == STATUS_OK)
			status = work(&o, &paper);
		offline_close(&o);
	}
	paper_free(&paper);
	return status;
}
