/* SPDX-License-Identifier: Apache-2.0 */
/* Counting by slots of ten minutes, and the verdict on the next one. */
#include "domain/breadth.h"

#include <string.h>

#include "domain/civil.h"

#define HOUR_SLOTS (3600 / BREADTH_SLOT)
#define DOUBLINGS  16u /* more would leave 32 bits; the longest delay is reached long before */

static const struct breadth_rule built_in[BREADTH_CLASSES] = {
#define B(class, hour, night, day, from, to, delay, delay_max) \
	[class] = { hour, night, day, from, to, delay, delay_max },
#include "domain/breadth.def"
#undef B
};

void
breadth_default(struct breadth_rules *out)
{
	memcpy(out->rule, built_in, sizeof(out->rule));
}

/* A telling by break-glass and a call for help count, but somebody's life may hang on them: never held up. */
static const struct {
	const char *operation;
	enum breadth_class class;
	bool is_held_up;
} operations[] = {
	{ "searches_create", BREADTH_SEARCH, true },
	{ "reservations_create", BREADTH_CANDIDATE, true },
	{ "reservations_disclose", BREADTH_DISCLOSURE, true },
	{ "break_glass_disclose", BREADTH_DISCLOSURE, false },
	{ "reservations_take_over", BREADTH_TAKE_OVER, true },
	{ "break_glass_create", BREADTH_TAKE_OVER, false },
	{ "locations_read", BREADTH_OWN_LOCATION, true },
	{ "episodes_create", BREADTH_REQUEST, false },
};

enum breadth_class
breadth_of_entry(const char *action, enum rc outcome)
{
	if (outcome == RC_FORBIDDEN || outcome == RC_NOT_FOUND)
		return BREADTH_REFUSED;
	for (unsigned i = 0; outcome == RC_OK && i < COUNT_OF(operations); i++)
		if (strcmp(operations[i].operation, action) == 0)
			return operations[i].class;
	return BREADTH_CLASSES;
}

enum breadth_class
breadth_of_operation(const char *operation)
{
	for (unsigned i = 0; i < COUNT_OF(operations); i++)
		if (operations[i].is_held_up && strcmp(operations[i].operation, operation) == 0)
			return operations[i].class;
	return BREADTH_CLASSES;
}

/* ---- counting ---- */

static unsigned
place_of(int64_t slot)
{
	return (unsigned)(slot % (int64_t)BREADTH_SLOTS);
}

/* Entries that nobody waited for may come a little late, so an older slot takes them too. */
void
breadth_add(struct breadth_history *h, int64_t at)
{
	const int64_t slot = at / BREADTH_SLOT;
	uint16_t *count;

	if (at < 0 || slot <= h->newest - (int64_t)BREADTH_SLOTS)
		return;
	if (slot >= h->newest + (int64_t)BREADTH_SLOTS)
		memset(h->count, 0, sizeof(h->count));
	else
		for (int64_t s = h->newest + 1; s <= slot; s++)
			h->count[place_of(s)] = 0;
	h->newest = slot > h->newest ? slot : h->newest;
	h->last_at = at > h->last_at ? at : h->last_at;
	count = &h->count[place_of(slot)];
	*count = *count == UINT16_MAX ? UINT16_MAX : (uint16_t)(*count + 1);
}

void
breadth_set_back(struct breadth_history *h, int64_t now)
{
	const int64_t slot = now / BREADTH_SLOT;
	unsigned kept;

	if (now < 0 || slot > h->newest - (int64_t)BREADTH_SLOTS)
		return;
	kept = breadth_count(h, now).day;
	memset(h->count, 0, sizeof(h->count));
	h->count[place_of(slot)] = (uint16_t)(kept < UINT16_MAX ? kept : UINT16_MAX);
	h->newest = slot;
	h->last_at = now;
}

/* What lies in the future of ${now} counts as of now: a clock that was set back forgives nothing. */
struct breadth_counts
breadth_count(const struct breadth_history *h, int64_t now)
{
	const int64_t present = now / BREADTH_SLOT;
	struct breadth_counts c = { 0, 0 };

	for (unsigned back = 0; back < BREADTH_SLOTS && h->newest - (int64_t)back >= 0; back++) {
		const int64_t slot = h->newest - (int64_t)back;
		const unsigned n = h->count[place_of(slot)];

		c.hour += slot >= present - HOUR_SLOTS ? n : 0;
		c.day += slot > present - (int64_t)BREADTH_SLOTS ? n : 0;
	}
	return c;
}

bool
breadth_is_over(const struct breadth_history *h, int64_t now)
{
	return h->newest <= now / BREADTH_SLOT - (int64_t)BREADTH_SLOTS;
}

/* ---- judging ---- */

static bool
is_night(const struct breadth_rule *rule, int64_t now)
{
	const unsigned hour = (unsigned)((now + budapest_offset(now)) / 3600 % 24);

	if (rule->night_from <= rule->night_to)
		return hour >= rule->night_from && hour < rule->night_to;
	return hour >= rule->night_from || hour < rule->night_to;
}

static unsigned
wait_for(const struct breadth_rule *rule, unsigned over)
{
	const unsigned doublings = over < DOUBLINGS ? over : DOUBLINGS;
	const uint64_t wait = (uint64_t)rule->delay << doublings;

	return wait < rule->delay_max ? (unsigned)wait : rule->delay_max;
}

struct breadth_verdict
breadth_judge(const struct breadth_rule *rule, struct breadth_counts counts, int64_t now)
{
	const bool night = is_night(rule, now);
	const unsigned hourly = night ? rule->night : rule->hour;
	const bool over_hour = counts.hour >= hourly, over_day = counts.day >= rule->day;
	unsigned over = 0;

	if (over_hour)
		over = counts.hour - hourly;
	if (over_day && counts.day - rule->day > over)
		over = counts.day - rule->day;
	if (!over_hour && !over_day)
		return (struct breadth_verdict){ .is_unusual = false };
	return (struct breadth_verdict){ .is_unusual = true,
		.window = !over_hour ? BREADTH_DAY
		    : night          ? BREADTH_NIGHT
				     : BREADTH_HOUR,
		.wait = wait_for(rule, over) };
}
