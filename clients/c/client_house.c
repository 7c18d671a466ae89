/* SPDX-License-Identifier: Apache-2.0 */
/* A house's units and the answers to its reservations, and a desk's hold, as calls. */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client_room.h"

#define PATH  128u
#define BODY  1024u
#define TRIES 3 /* when others change the same unit at the same time */

static enum menedek_outcome
bad_argument(struct menedek_problem *problem, const char *what)
{
	return wire_problem(problem, MENEDEK_ARGUMENT, "%s", what);
}

/* An id goes into a path as it is, so it is nothing but letters and digits. */
static bool
is_id(const char *text)
{
	return text != NULL && strlen(text) == MENEDEK_ID - 1 &&
	    strspn(text, "0123456789abcdefghjkmnpqrstvwxyz") == MENEDEK_ID - 1;
}

static bool
is_code(const char *text)
{
	return text != NULL && strlen(text) < MENEDEK_CODE && *text != '\0' &&
	    strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789_") == strlen(text);
}

/* ---- houses ---- */

enum menedek_outcome
menedek_own_house(struct menedek *m, char house[MENEDEK_ID], struct menedek_problem *problem)
{
	struct client_call call = { .method = "GET", .path = "/v1/me" };
	enum menedek_outcome outcome;
	const cJSON *first;
	cJSON *json;

	*house = '\0';
	if ((outcome = client_call(m, &call, &json, problem)) != MENEDEK_OK)
		return outcome;
	first = cJSON_GetArrayItem(cJSON_GetObjectItemCaseSensitive(json, "shelters"), 0);
	if (cJSON_IsString(first) && is_id(first->valuestring))
		memcpy(house, first->valuestring, MENEDEK_ID);
	else
		outcome = wire_problem(problem, MENEDEK_NOT_FOUND, "who is signed in works in no house");
	cJSON_Delete(json);
	return outcome;
}

static void
read_unit(const cJSON *json, struct menedek_unit *u)
{
	memset(u, 0, sizeof(*u));
	(void)client_text(json, "id", u->id, sizeof(u->id));
	(void)client_text(json, "name", u->name, sizeof(u->name));
	(void)client_text(json, "state", u->state, sizeof(u->state));
	(void)client_text(json, "freshness", u->freshness, sizeof(u->freshness));
	(void)client_text(json, "confirmed_at", u->confirmed_at, sizeof(u->confirmed_at));
	(void)client_text(json, "etag", u->etag, sizeof(u->etag));
	u->places = client_number(json, "places");
	u->free_places = client_number(json, "free_places");
	u->is_shared = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(json, "shared"));
}

enum menedek_outcome
menedek_house_read(
    struct menedek *m, const char *house, struct menedek_house *out, struct menedek_problem *problem)
{
	char path[PATH];
	struct client_call call = { .method = "GET", .path = path };
	enum menedek_outcome outcome;
	const cJSON *unit;
	cJSON *json;

	memset(out, 0, sizeof(*out));
	if (!is_id(house))
		return bad_argument(problem, "this is no id of a house");
	(void)snprintf(path, sizeof(path), "/v1/shelters/%s/availability", house);
	if ((outcome = client_call(m, &call, &json, problem)) != MENEDEK_OK)
		return outcome;
	(void)client_text(json, "code_name", out->code_name, sizeof(out->code_name));
	cJSON_ArrayForEach(unit, cJSON_GetObjectItemCaseSensitive(json, "units"))
	{
		if (out->unit_count < MENEDEK_UNITS)
			read_unit(unit, &out->unit[out->unit_count++]);
	}
	cJSON_Delete(json);
	return MENEDEK_OK;
}

enum menedek_outcome
menedek_house_confirm(struct menedek *m, const char *house, struct menedek_problem *problem)
{
	char path[PATH];

	if (!is_id(house))
		return bad_argument(problem, "this is no id of a house");
	(void)snprintf(path, sizeof(path), "/v1/shelters/%s/confirmations", house);
	return menedek_call(m, "POST", path, NULL, NULL, NULL, problem);
}

/* ---- one unit ---- */

static const struct menedek_unit *
find_unit(const struct menedek_house *house, const char *id)
{
	for (unsigned i = 0; i < house->unit_count; i++)
		if (strcmp(house->unit[i].id, id) == 0)
			return &house->unit[i];
	return NULL;
}

static enum menedek_outcome
say_state(const struct menedek_unit *u, unsigned n, char body[BODY], struct menedek_problem *problem)
{
	if (n == 0)
		(void)snprintf(body, BODY, "{\"state\":\"occupied\"}");
	else if (n == MENEDEK_FREE_ALL || n == u->places)
		(void)snprintf(body, BODY, "{\"state\":\"free\"}");
	else if (n > u->places)
		return wire_problem(problem, MENEDEK_ARGUMENT, "%s has %u places", u->name, u->places);
	else if (!u->is_shared)
		return wire_problem(problem, MENEDEK_ARGUMENT,
		    "%s is for one household: all its %u places are free, or none", u->name, u->places);
	else
		(void)snprintf(body, BODY, "{\"state\":\"partly_free\",\"free_places\":%u}", n);
	return MENEDEK_OK;
}

static enum menedek_outcome
set_once(struct menedek *m, const char *house, const struct menedek_unit *u, unsigned free_places,
    struct menedek_unit *out, struct menedek_problem *problem)
{
	char path[PATH], body[BODY];
	struct client_call call = { .method = "PUT", .path = path, .body = body, .if_match = u->etag };
	enum menedek_outcome outcome = say_state(u, free_places, body, problem);
	cJSON *json = NULL;

	(void)snprintf(path, sizeof(path), "/v1/shelters/%s/units/%s/availability", house, u->id);
	if (outcome == MENEDEK_OK)
		outcome = client_call(m, &call, &json, problem);
	if (outcome == MENEDEK_OK && out != NULL)
		read_unit(json, out);
	cJSON_Delete(json);
	return outcome;
}

enum menedek_outcome
menedek_unit_set(struct menedek *m, const char *house, const char *unit, unsigned free_places,
    struct menedek_unit *out, struct menedek_problem *problem)
{
	struct menedek_house *now = malloc(sizeof(*now));
	struct menedek_problem own, *p = problem != NULL ? problem : &own;
	enum menedek_outcome outcome = MENEDEK_CONFLICT;
	const struct menedek_unit *found;

	if (now == NULL)
		return wire_problem(p, MENEDEK_MEMORY, "no memory");
	for (int i = 0; i < TRIES; i++) {
		if ((outcome = menedek_house_read(m, house, now, p)) != MENEDEK_OK)
			break;
		if ((found = find_unit(now, unit)) == NULL) {
			outcome = wire_problem(p, MENEDEK_NOT_FOUND, "the house has no such unit");
			break;
		}
		outcome = set_once(m, house, found, free_places, out, p);
		/* a repeat whose first answer was lost meets its own change: read again, say it again */
		if (outcome != MENEDEK_CONFLICT || strcmp(p->code, "version_stale") != 0)
			break;
	}
	free(now);
	return outcome;
}

/* ---- reservations ---- */

static void
read_reservation(const cJSON *json, struct menedek_reservation *r)
{
	memset(r, 0, sizeof(*r));
	(void)client_text(json, "id", r->id, sizeof(r->id));
	(void)client_text(json, "number", r->number, sizeof(r->number));
	(void)client_text(json, "check_word", r->check_word, sizeof(r->check_word));
	(void)client_text(json, "state", r->state, sizeof(r->state));
	(void)client_text(json, "expires_at", r->until, sizeof(r->until));
	r->adults = client_number(json, "adults");
	r->children = client_number(json, "children");
	r->babies = client_number(json, "babies");
}

static enum menedek_outcome
post_reservation(struct menedek *m, const char *path, const char *body, struct menedek_reservation *out,
    struct menedek_problem *problem)
{
	struct client_call call = { .method = "POST", .path = path, .body = body };
	cJSON *json = NULL;
	enum menedek_outcome outcome = client_call(m, &call, &json, problem);

	if (outcome == MENEDEK_OK && out != NULL)
		read_reservation(json, out);
	cJSON_Delete(json);
	return outcome;
}

static enum menedek_outcome
answer(struct menedek *m, const char *reservation, const char *how, const char *body,
    struct menedek_reservation *out, struct menedek_problem *problem)
{
	char path[PATH];

	if (!is_id(reservation))
		return bad_argument(problem, "this is no id of a reservation");
	(void)snprintf(path, sizeof(path), "/v1/reservations/%s/%s", reservation, how);
	return post_reservation(m, path, body, out, problem);
}

enum menedek_outcome
menedek_confirm(struct menedek *m, const char *reservation, struct menedek_reservation *out,
    struct menedek_problem *problem)
{
	return answer(m, reservation, "confirm", NULL, out, problem);
}

enum menedek_outcome
menedek_decline(struct menedek *m, const char *reservation, const char *reason,
    struct menedek_reservation *out, struct menedek_problem *problem)
{
	char body[BODY];

	if (!is_code(reason))
		return bad_argument(problem, "the reason is a word of decline_reason");
	(void)snprintf(body, sizeof(body), "{\"reason\":\"%s\"}", reason);
	return answer(m, reservation, "decline", body, out, problem);
}

enum menedek_outcome
menedek_reservations(struct menedek *m, bool (*each)(void *arg, const struct menedek_reservation *r),
    void *arg, struct menedek_problem *problem)
{
	char path[PATH + 96] = "/v1/reservations?limit=100", cursor[96];
	struct menedek_reservation r;
	bool goes_on = true, is_last = false;

	while (!is_last) {
		struct client_call call = { .method = "GET", .path = path };
		enum menedek_outcome outcome;
		const cJSON *row;
		cJSON *json;

		if ((outcome = client_call(m, &call, &json, problem)) != MENEDEK_OK)
			return outcome;
		cJSON_ArrayForEach(row, cJSON_GetObjectItemCaseSensitive(json, "data"))
		{
			read_reservation(row, &r);
			if (goes_on)
				goes_on = each(arg, &r);
		}
		is_last = !goes_on || !client_text(json, "next_cursor", cursor, sizeof(cursor)) ||
		    !client_is_plain(cursor, sizeof(cursor));
		(void)snprintf(path, sizeof(path), "/v1/reservations?limit=100&cursor=%s", cursor);
		cJSON_Delete(json);
	}
	return MENEDEK_OK;
}

/* ---- holding ---- */

static enum menedek_outcome
search(struct menedek *m, const char *episode, char candidate[256], struct menedek_problem *problem)
{
	char path[PATH];
	struct client_call call = { .method = "POST", .path = path };
	enum menedek_outcome outcome;
	const cJSON *best;
	cJSON *json;

	(void)snprintf(path, sizeof(path), "/v1/episodes/%s/searches", episode);
	if ((outcome = client_call(m, &call, &json, problem)) != MENEDEK_OK)
		return outcome;
	best = cJSON_GetArrayItem(cJSON_GetObjectItemCaseSensitive(json, "candidates"), 0);
	if (!client_text(best, "candidate", candidate, 256))
		outcome = wire_problem(problem, MENEDEK_NOT_FOUND, "no place fits this household now");
	cJSON_Delete(json);
	return outcome;
}

enum menedek_outcome
menedek_hold(struct menedek *m, const char *episode, const char *candidate, const char *need,
    const char *contact, struct menedek_reservation *out, struct menedek_problem *problem)
{
	char body[BODY], best[256];
	enum menedek_outcome outcome = MENEDEK_OK;

	if (!is_id(episode))
		return bad_argument(problem, "this is no id of a request for help");
	if (!is_code(need) || !is_code(contact))
		return bad_argument(problem, "need and contact are words of need and contact_channel");
	if (candidate == NULL && (outcome = search(m, episode, best, problem)) != MENEDEK_OK)
		return outcome;
	if (candidate == NULL)
		candidate = best;
	if (!client_is_plain(candidate, 200))
		return bad_argument(problem, "this is no candidate of a search");
	(void)snprintf(body, sizeof(body),
	    "{\"episode\":\"%s\",\"candidate\":\"%s\",\"consent\":true,\"need\":\"%s\",\"contact_channel\":"
	    "\"%s\"}",
	    episode, candidate, need, contact);
	return post_reservation(m, "/v1/reservations", body, out, problem);
}
