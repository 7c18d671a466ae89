/* SPDX-License-Identifier: Apache-2.0 */
/*
 * menedek watch: live events as lines, for a script to read.  With --resume it goes on where it stopped: the
 * mark is written after the line has left, so that a line may come twice and none is missed.
 */
#include <ctype.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/jw.h"
#include "ctl/remote.h"

static volatile sig_atomic_t was_ended;

static void
on_end(int number)
{
	(void)number;
	was_ended = 1;
}

struct watching {
	const struct args *args;
	bool has_failed;
};

static void
print_event(const struct args *args, const struct menedek_event *e)
{
	char buf[512];
	struct jw w;

	if (!args_has(args, OPT_JSON)) {
		(void)printf("%s %s %s\n", e->at[0] != '\0' ? e->at : "-", e->kind,
		    e->subject[0] != '\0' ? e->subject : "-");
		return;
	}
	jw_init(&w, buf, sizeof(buf));
	jw_open(&w, '{');
	jw_field_string(&w, "event", e->kind);
	if (e->subject[0] != '\0')
		jw_field_string(&w, "subject", e->subject);
	if (e->at[0] != '\0')
		jw_field_string(&w, "at", e->at);
	if (e->mark[0] != '\0')
		jw_field_string(&w, "id", e->mark);
	jw_close(&w, '}');
	(void)printf("%.*s\n", (int)w.len, buf);
}

static bool
remember(const struct args *args, const char *mark)
{
	char line[MENEDEK_MARK + 1];
	struct fault f = { 0 };
	enum rc rc;

	if (!args_has(args, OPT_RESUME) || *mark == '\0')
		return true;
	(void)snprintf(line, sizeof(line), "%s\n", mark);
	rc = file_write(args->value[OPT_RESUME], bytes_str(line), 0600, &f);
	return talk_failure("watch", rc, &f) == STATUS_OK;
}

static bool
hear(void *arg, const struct menedek_event *e)
{
	struct watching *w = arg;

	if (was_ended)
		return false;
	if (e->kind[0] == '\0')
		return true;
	print_event(w->args, e);
	w->has_failed = fflush(stdout) != 0 || !remember(w->args, e->mark);
	return !w->has_failed;
}

static enum status
recall(const struct args *args, char mark[MENEDEK_MARK])
{
	const char *path = args->value[OPT_RESUME];
	struct fault f = { 0 };
	char *text = NULL;
	size_t len;
	enum rc rc;

	*mark = '\0';
	if (path == NULL || !file_exists(path))
		return STATUS_OK;
	if ((rc = file_read(path, MENEDEK_MARK, &text, &len, &f)) != RC_OK)
		return talk_failure("watch", rc, &f);
	while (len > 0 && isspace((unsigned char)text[len - 1]))
		text[--len] = '\0';
	(void)str_copy(mark, MENEDEK_MARK, text);
	free(text);
	return STATUS_OK;
}

enum status
cmd_watch(const struct args *args)
{
	const struct sigaction end = { .sa_handler = on_end };
	struct watching w = { .args = args };
	char mark[MENEDEK_MARK];
	struct remote r;
	enum status status;

	(void)sigaction(SIGTERM, &end, NULL);
	(void)sigaction(SIGINT, &end, NULL);
	if ((status = recall(args, mark)) != STATUS_OK)
		return status;
	if ((status = remote_open(args, &r)) == STATUS_OK) {
		talk(args, "Watching; Ctrl-C ends it");
		status = remote_status(&r, menedek_watch(r.client, mark, hear, &w, &r.problem));
	}
	remote_close(&r);
	return status == STATUS_OK && w.has_failed ? STATUS_ERROR : status;
}
