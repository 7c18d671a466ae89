/* SPDX-License-Identifier: Apache-2.0 */
/* menedek avail show, set, confirm: a house's places from a script. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/jw.h"
#include "ctl/remote.h"

static void
print_unit(const struct args *args, const struct menedek_unit *u)
{
	char buf[1024];
	struct jw w;

	if (!args_has(args, OPT_JSON)) {
		(void)printf("%s  %-12s %3u of %-3u %-11s %s  %s\n", u->id, u->state, u->free_places,
		    u->places, u->freshness, u->confirmed_at, u->name);
		return;
	}
	jw_init(&w, buf, sizeof(buf));
	jw_open(&w, '{');
	jw_field_string(&w, "id", u->id);
	jw_field_string(&w, "name", u->name);
	jw_field_string(&w, "state", u->state);
	jw_field_int(&w, "free_places", u->free_places);
	jw_field_int(&w, "places", u->places);
	jw_field_string(&w, "freshness", u->freshness);
	jw_field_string(&w, "confirmed_at", u->confirmed_at);
	jw_close(&w, '}');
	(void)printf("%.*s\n", (int)w.len, buf);
}

static enum status
read_house(struct remote *r, struct menedek_house *house)
{
	enum status status = remote_house(r);

	if (status != STATUS_OK)
		return status;
	return remote_status(r, menedek_house_read(r->client, r->house, house, &r->problem));
}

enum status
cmd_avail_show(const struct args *args)
{
	struct menedek_house *house = calloc(1, sizeof(*house));
	struct remote r;
	enum status status = remote_open(args, &r);

	if (house == NULL)
		status = STATUS_ERROR;
	if (status == STATUS_OK && (status = read_house(&r, house)) == STATUS_OK) {
		talk(args, "%s", house->code_name);
		for (unsigned i = 0; i < house->unit_count; i++)
			print_unit(args, &house->unit[i]);
	}
	remote_close(&r);
	free(house);
	return status;
}

/* By id, or by name where only one has it. */
static const struct menedek_unit *
find(const struct menedek_house *house, const char *word)
{
	const struct menedek_unit *found = NULL;
	unsigned count = 0;

	for (unsigned i = 0; i < house->unit_count; i++) {
		if (strcmp(house->unit[i].id, word) != 0 && strcmp(house->unit[i].name, word) != 0)
			continue;
		found = &house->unit[i];
		count++;
	}
	if (count == 1)
		return found;
	talk_error("%s \"%s\"; see: menedek avail show",
	    count == 0 ? "the house has no unit" : "more than one unit is called", word);
	return NULL;
}

static enum status
set(struct remote *r, struct menedek_house *house, const char *word, unsigned free_places)
{
	const struct menedek_unit *unit;
	struct menedek_unit now;
	enum status status = read_house(r, house);

	if (status != STATUS_OK)
		return status;
	if ((unit = find(house, word)) == NULL)
		return STATUS_NOT_FOUND;
	status =
	    remote_status(r, menedek_unit_set(r->client, r->house, unit->id, free_places, &now, &r->problem));
	if (status == STATUS_OK)
		print_unit(r->args, &now);
	return status;
}

enum status
cmd_avail_set(const struct args *args)
{
	struct menedek_house *house;
	struct remote r;
	enum status status;
	uint64_t count = MENEDEK_FREE_ALL;

	if (args->word_count != 2 ||
	    (strcmp(args->word[1], "all") != 0 && !text_number(args->word[1], 40, &count))) {
		talk_error("which unit, and how many places are free? menedek avail set UNIT NUMBER|all");
		return STATUS_USAGE;
	}
	house = calloc(1, sizeof(*house));
	status = remote_open(args, &r);
	if (house == NULL)
		status = STATUS_ERROR;
	if (status == STATUS_OK)
		status = set(&r, house, args->word[0], (unsigned)count);
	remote_close(&r);
	free(house);
	return status;
}

enum status
cmd_avail_confirm(const struct args *args)
{
	struct remote r;
	enum status status = remote_open(args, &r);

	if (status == STATUS_OK && (status = remote_house(&r)) == STATUS_OK)
		status = remote_status(&r, menedek_house_confirm(r.client, r.house, &r.problem));
	if (status == STATUS_OK)
		talk_step(args, "All units stand as they were said to");
	remote_close(&r);
	return status;
}
