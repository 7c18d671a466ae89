/* SPDX-License-Identifier: Apache-2.0 */
/* What operators may know of the registry's state, as sums over the whole country: never of one house, person
 * or device, since whoever watches the operators' screens must not learn more than from the street. */
#include <stdatomic.h>
#include <stdio.h>

#include "base/log.h"
#include "base/reserve.h"
#include "base/version.h"
#include "gate.h"
#include "service/duty_watch.h"

#define LABELS  96u
#define ARENA   (256u * 1024)
#define SOON    300 /* seconds: a desk that has not confirmed by then loses the place */
#define CLASSES 5u

static void
add_requests(const struct api *api, struct expose *e)
{
	char labels[LABELS];

	expose_head(
	    e, "menedek_requests_total", "counter", "Requests answered, by operation and class of status");
	for (unsigned i = 0; i < route_count * CLASSES; i++) {
		const uint64_t n = atomic_load_explicit(&api->served[i], memory_order_relaxed);

		if (n == 0)
			continue;
		(void)snprintf(labels, sizeof(labels), "operation=\"%s\",class=\"%uxx\"",
		    routes[i / CLASSES].operation, i % CLASSES + 1);
		expose_sample(e, "menedek_requests_total", labels, (int64_t)n);
	}
}

static void
add_times(struct api *api, struct expose *e)
{
	char labels[LABELS];

	expose_head(e, "menedek_request_seconds", "histogram",
	    "From a whole request to its answer, or to the start of its stream, by operation");
	for (unsigned i = 0; i < route_count; i++) {
		struct spread s = { .sum = atomic_load_explicit(&api->took[i].sum, memory_order_relaxed) };
		uint64_t n = 0;

		for (unsigned k = 0; k <= SPREAD_STEPS; k++)
			n += s.in[k] = atomic_load_explicit(&api->took[i].in[k], memory_order_relaxed);
		if (n == 0)
			continue;
		(void)snprintf(labels, sizeof(labels), "operation=\"%s\"", routes[i].operation);
		expose_spread(e, "menedek_request_seconds", labels, &s, &spread_times);
	}
}

/* ---- houses ---- */

struct country {
	int64_t houses[FRESHNESS_COUNT];
	int64_t holds, ending;
};

static void
count_house(
    struct country *all, const struct index_entry *house, int64_t now, const struct freshness_rule *rule)
{
	int64_t said = 0;

	for (unsigned i = 0; i < house->unit_count; i++) {
		const struct unit *u = &house->units[i];

		/* what a clock said that was put back since is not the last word */
		if (!u->retired && u->confirmed_at > said && freshness_is_known(u->confirmed_at, now))
			said = u->confirmed_at;
	}
	if (house->shelter.is_open)
		all->houses[freshness_of(said, now, rule)]++;
	for (unsigned i = 0; i < house->allocation_count; i++) {
		const int64_t until = house->allocations[i].expires_at;

		all->holds += until > now;
		all->ending += until > now && until <= now + SOON;
	}
}

static void
add_houses(struct api *api, int64_t now, struct expose *e)
{
	struct country all = { .holds = 0 };
	const struct index_entry *house;
	struct index_walk walk = { .view = index_enter(api->parts->index) };
	char labels[LABELS];

	while ((house = index_next(&walk)) != NULL)
		count_house(&all, house, now, &parts_tuning(api->parts)->freshness);
	index_leave(api->parts->index);
	expose_head(
	    e, "menedek_houses", "gauge", "Open houses by the age of what they last said of their places");
	for (unsigned i = 0; i < FRESHNESS_COUNT; i++) {
		(void)snprintf(labels, sizeof(labels), "freshness=\"%s\"", codes_freshness.rows[i].code);
		expose_sample(e, "menedek_houses", labels, all.houses[i]);
	}
	expose_one(e, "menedek_holds", "gauge", "Places that are held and neither confirmed nor given back",
	    all.holds);
	expose_one(e, "menedek_holds_ending", "gauge", "Of these, the ones that run out within five minutes",
	    all.ending);
}

/* ---- the trail ---- */

struct trail {
	uint64_t entries;
	int64_t last_at;
	struct checkpoint checkpoint; /* number 0: none that can be read */
};

static bool
take_time(void *arg, const struct audit_entry *entry)
{
	*(int64_t *)arg = entry->at;
	return false;
}

static enum rc
read_trail(struct txn *txn, void *arg)
{
	struct trail *t = arg;
	struct log_head head;
	enum rc rc;

	if ((rc = txn_log_head(txn, LOG_AUDIT, &head)) != RC_OK)
		return rc;
	t->entries = head.count;
	if (head.count > 0 && (rc = ledger_read(txn, head.count, take_time, &t->last_at)) != RC_OK)
		return rc;
	if (tree_checkpoint(txn, 0, &t->checkpoint) != RC_OK)
		t->checkpoint = (struct checkpoint){ .number = 0 };
	return RC_OK;
}

static void
add_inspection(const struct parts *parts, struct expose *e)
{
	struct inspection last = { .at = 0 };

	if (parts->inspector != NULL)
		inspector_last(parts->inspector, &last);
	expose_one(e, "menedek_audit_broken", "gauge",
	    "1 when the service found its trail altered, or older than what was signed",
	    last.finding != AUDIT_IN_ORDER ||
		(parts->notary != NULL && notary_is_rolled_back(parts->notary)));
	expose_one(e, "menedek_audit_read_seconds", "gauge",
	    "When the service last read its whole trail, in seconds since 1970; 0 before the first time",
	    last.at);
}

static void
add_duty(const struct parts *parts, struct expose *e)
{
	const struct duty_count n = duty_watch_count(parts->duty);

	expose_one(e, "menedek_duty_messages_total", "counter",
	    "Messages to houses' duty telephones that the operators' program took", (int64_t)n.reached);
	expose_one(e, "menedek_duty_failed_total", "counter",
	    "Messages to houses' duty telephones that reached nobody", (int64_t)n.failed);
	expose_one(e, "menedek_duty_unknown_total", "counter",
	    "Messages to houses for which the file of duty telephones has no usable row", (int64_t)n.unknown);
}

static void
add_trail(const struct parts *parts, struct expose *e)
{
	struct arena *arena = arena_new(ARENA);
	struct trail t = { .entries = 0 };
	enum rc rc = arena == NULL ? RC_UNAVAILABLE : store_view(parts->store, arena, read_trail, &t);

	arena_free(arena);
	add_inspection(parts, e);
	expose_one(e, "menedek_audit_readable", "gauge", "1 when the newest entry of the trail could be read",
	    rc == RC_OK);
	if (rc != RC_OK) {
		log_world("metrics_trail", "code=%s", rc_code(rc));
		return; /* a zero would look like an empty trail */
	}
	expose_one(
	    e, "menedek_audit_entries_total", "counter", "Entries of the audit trail", (int64_t)t.entries);
	expose_one(e, "menedek_audit_head_seconds", "gauge",
	    "When the newest entry was written, in seconds since 1970", t.last_at);
	expose_one(e, "menedek_audit_signed_entries", "gauge", "Entries that the newest checkpoint covers",
	    (int64_t)t.checkpoint.size);
	expose_one(e, "menedek_audit_checkpoint_seconds", "gauge",
	    "When the newest checkpoint was signed, in seconds since 1970; 0 without one", t.checkpoint.at);
}

static void
add_process(const struct api *api, struct expose *e)
{
	int64_t ends_at;

	expose_head(e, "menedek_build_info", "gauge", "Always 1; the version is its label");
	expose_sample(e, "menedek_build_info", "version=\"" MENEDEK_VERSION "\"", 1);
	expose_one(e, "menedek_start_time_seconds", "gauge", "When the service began, in seconds since 1970",
	    api->started_at);
	if (ca_not_after(api->parts->ca_cert.text, &ends_at) == RC_OK)
		expose_one(e, "menedek_authority_certificate_end_seconds", "gauge",
		    "When the authority of devices and server ends, in seconds since 1970", ends_at);
	expose_one(e, "menedek_memory_reserve_used_total", "counter",
	    "Blocks taken from the reserve: memory had run out", (int64_t)reserve_uses());
}

size_t
api_metrics(struct api *api, char *buf, size_t cap)
{
	struct expose e = { .buf = buf, .cap = cap };

	add_process(api, &e);
	add_requests(api, &e);
	add_times(api, &e);
	add_houses(api, store_now(api->parts->store), &e);
	add_trail(api->parts, &e);
	add_duty(api->parts, &e);
	return e.len;
}
