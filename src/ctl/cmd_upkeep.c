/* SPDX-License-Identifier: Apache-2.0 */
/*
 * menedek rotate-keys, purge, upkeep, sheet write: done by the running service if there is one, else here on
 * the closed registry; the same work and the same report either way.  Interrupted, each can simply be
 * repeated: it goes on where it was.
 */
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "ctl/ask.h"
#include "ctl/offline.h"
#include "service/retention.h"
#include "service/rotation.h"
#include "store/database.h"

#define REPORT_MAX 1024u

struct job {
	const char *name, *line; /* of the command; what the service is asked */
	bool with_vault;
	enum rc (*run)(struct upkeep *u, struct jw *w); /* here; writes its report */
};

/* ---- showing ---- */

struct shown {
	const struct args *args;
	enum status status;
	bool is_over; /* the last line came */
};

static void
print_member(const json *m)
{
	char name[64];

	if (!str_copy(name, sizeof(name), json_name(m)) || strcmp(name, "step") == 0 ||
	    strcmp(name, "job") == 0)
		return;
	for (char *p = name; *p != '\0'; p++)
		*p = *p == '_' ? ' ' : *p;
	if (json_type(m) == JSON_STRING)
		(void)printf("%-24s %s\n", name, json_string(m));
	else if (json_type(m) == JSON_BOOL)
		(void)printf("%-24s %s\n", name, json_bool(m) ? "yes" : "no");
	else
		(void)printf("%-24s %.0f\n", name, json_number(m));
}

static void
show_report(const struct shown *s, const json *line, const char *text, size_t len)
{
	if (args_has(s->args, OPT_JSON)) {
		(void)printf("%.*s\n", (int)len, text);
		return;
	}
	for (const json *m = json_first(line); m != NULL; m = json_next(m))
		print_member(m);
}

static void
show_failure(struct shown *s, const json *line)
{
	const bool is_busy = strcmp(json_string(json_get(line, "code")), rc_code(RC_BUSY)) == 0;

	talk_error("%s: %s", s->args->command->name, json_string(json_get(line, "message")));
	s->status = is_busy ? STATUS_CONFLICT : STATUS_ERROR;
}

static void
hear(void *arg, const char *text, size_t len)
{
	struct shown *s = arg;
	json *line = NULL;
	const char *step;

	if (json_parse((struct bytes){ (const uint8_t *)text, len }, &line, NULL) != RC_OK)
		return;
	step = json_string(json_get(line, "step"));
	s->is_over = strcmp(step, "done") == 0 || strcmp(step, "failed") == 0;
	if (!s->is_over) {
		talk(s->args, "%s", step);
	} else if (strcmp(step, "done") == 0) {
		show_report(s, line, text, len);
		s->status = STATUS_OK;
	} else {
		show_failure(s, line);
	}
	json_free(line);
}

/* ---- the jobs, here ---- */

static enum rc
rotate_here(struct upkeep *u, struct jw *w)
{
	struct rotation_report r;
	const enum rc rc = rotation_run(u, &r);

	rotation_write(w, &r);
	return rc;
}

static enum rc
purge_here(struct upkeep *u, struct jw *w)
{
	struct purge_report r;
	const enum rc rc = retention_purge(u, false, &r);

	retention_write(w, &r);
	return rc;
}

static enum rc
count_here(struct upkeep *u, struct jw *w)
{
	struct purge_report r;
	const enum rc rc = retention_purge(u, true, &r);

	retention_write(w, &r);
	return rc;
}

static enum rc
status_here(struct upkeep *u, struct jw *w)
{
	upkeep_write_status(w, u->parts);
	return RC_OK;
}

static const struct job job_rotate = { "rotate-keys", "rotate-keys", true, rotate_here };
static const struct job job_purge = { "purge", "purge", false, purge_here };
static const struct job job_count = { "purge", "purge dry-run", false, count_here };
/* NULL: what the sheets are sealed for is read at the service's start, and the names on them are its own */
static const struct job job_sheets = { "sheet write", "sheets", false, NULL };
static const struct job job_status = { "status", "status", false, status_here };

static enum status
do_here(const struct job *job, struct shown *s)
{
	char buf[REPORT_MAX];
	struct upkeep u = { .say = hear, .say_arg = s };
	struct offline o;
	struct jw w;
	enum status status = offline_open(s->args, job->with_vault, &o);
	enum rc rc;

	if (status == STATUS_OK) {
		u.parts = &o.parts;
		u.fault = &o.fault;
		/* a node that is served lets go of a key as soon as it hears of it, whoever reads there */
		u.grace_ms = database_is(o.parts.paths.store) ? UPKEEP_GRACE_MS : 0;
		upkeep_line(&w, buf, sizeof(buf), job->name, "done");
		if ((rc = offline_hear_time(&o, &u.now)) == RC_OK && (rc = job->run(&u, &w)) == RC_OK) {
			jw_close(&w, '}');
			hear(s, w.buf, w.len);
		}
		status = talk_failure(job->name, rc, &o.fault);
	}
	offline_close(&o);
	return status;
}

static enum status
run(const struct args *args, const struct job *job)
{
	struct shown s = { .args = args, .status = STATUS_ERROR };
	struct paths paths;
	enum rc rc;

	if (!paths_of(&paths, args_dir(args), args->value[OPT_KEYS])) {
		talk_error("%s: the path is too long", args_dir(args));
		return STATUS_USAGE;
	}
	rc = ask_service(paths.control, job->line, hear, &s);
	if (rc == RC_NOT_FOUND && job->run != NULL)
		return do_here(job, &s);
	if (rc == RC_NOT_FOUND) {
		talk_error("nobody serves %s: start the service, with --sheets DIR", args_dir(args));
		return STATUS_UNREACHABLE;
	}
	if (rc == RC_OK && s.is_over)
		return s.status;
	if (rc != RC_OK && rc != RC_UNKNOWN)
		return talk_failure(job->name, rc, NULL);
	talk_error("%s: the service ended meanwhile; it goes on when it is started again", job->name);
	return STATUS_UNREACHABLE;
}

enum status
cmd_rotate_keys(const struct args *args)
{
	return run(args, &job_rotate);
}

enum status
cmd_purge(const struct args *args)
{
	return run(args, args_has(args, OPT_DRY_RUN) ? &job_count : &job_purge);
}

enum status
cmd_upkeep(const struct args *args)
{
	return run(args, &job_status);
}

enum status
cmd_sheet_write(const struct args *args)
{
	return run(args, &job_sheets);
}
