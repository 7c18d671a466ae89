/* SPDX-License-Identifier: Apache-2.0 */
/* menedek requests, hold, confirm, decline: reservations from a script. */
#include <stdio.h>

#include "base/jw.h"
#include "ctl/remote.h"

static void
print_reservation(const struct args *args, const struct menedek_reservation *v)
{
	char buf[512];
	struct jw w;

	if (!args_has(args, OPT_JSON)) {
		(void)printf("%s  %-7s %-12s %u+%u+%u  %-20s %s\n", v->id, v->number, v->state, v->adults,
		    v->children, v->babies, v->until[0] != '\0' ? v->until : "-", v->check_word);
		return;
	}
	jw_init(&w, buf, sizeof(buf));
	jw_open(&w, '{');
	jw_field_string(&w, "id", v->id);
	jw_field_string(&w, "number", v->number);
	jw_field_string(&w, "state", v->state);
	jw_field_int(&w, "adults", v->adults);
	jw_field_int(&w, "children", v->children);
	jw_field_int(&w, "babies", v->babies);
	if (v->until[0] != '\0')
		jw_field_string(&w, "until", v->until);
	jw_field_string(&w, "check_word", v->check_word);
	jw_close(&w, '}');
	(void)printf("%.*s\n", (int)w.len, buf);
}

static bool
print_each(void *arg, const struct menedek_reservation *v)
{
	print_reservation(arg, v);
	return true;
}

enum status
cmd_requests(const struct args *args)
{
	union {
		const struct args *given;
		void *taken;
	} arg = { .given = args };
	struct remote r;
	enum status status = remote_open(args, &r);

	if (status == STATUS_OK)
		status = remote_status(&r, menedek_reservations(r.client, print_each, arg.taken, &r.problem));
	remote_close(&r);
	return status;
}

static enum status
one_word(const struct args *args, const char *what)
{
	if (args->word_count == 1)
		return STATUS_OK;
	talk_error("menedek %s takes one %s", args->command->name, what);
	return STATUS_USAGE;
}

typedef enum menedek_outcome placing_fn(
    struct remote *r, const struct args *args, struct menedek_reservation *out);

static enum status
place(const struct args *args, placing_fn *fn)
{
	struct menedek_reservation out;
	struct remote r;
	enum status status = remote_open(args, &r);

	if (status == STATUS_OK)
		status = remote_status(&r, fn(&r, args, &out));
	if (status == STATUS_OK)
		print_reservation(args, &out);
	remote_close(&r);
	return status;
}

static enum menedek_outcome
hold(struct remote *r, const struct args *args, struct menedek_reservation *out)
{
	return menedek_hold(r->client, args->word[0], args->word_count > 1 ? args->word[1] : NULL,
	    args->value[OPT_NEED], args->value[OPT_CONTACT], out, &r->problem);
}

static enum menedek_outcome
confirm(struct remote *r, const struct args *args, struct menedek_reservation *out)
{
	return menedek_confirm(r->client, args->word[0], out, &r->problem);
}

static enum menedek_outcome
decline(struct remote *r, const struct args *args, struct menedek_reservation *out)
{
	return menedek_decline(r->client, args->word[0], args->value[OPT_REASON], out, &r->problem);
}

enum status
cmd_hold(const struct args *args)
{
	if (args->word_count < 1 || args->word_count > 2) {
		talk_error("which request for help? menedek hold REQUEST [CANDIDATE]");
		return STATUS_USAGE;
	}
	if (!args_has(args, OPT_CONSENT)) {
		talk_error("a place is held only with the client's agreement: ask her, then say --consent");
		return STATUS_USAGE;
	}
	return place(args, hold);
}

enum status
cmd_confirm(const struct args *args)
{
	const enum status status = one_word(args, "reservation; see: menedek requests");

	return status == STATUS_OK ? place(args, confirm) : status;
}

enum status
cmd_decline(const struct args *args)
{
	const enum status status = one_word(args, "reservation; see: menedek requests");

	return status == STATUS_OK ? place(args, decline) : status;
}
