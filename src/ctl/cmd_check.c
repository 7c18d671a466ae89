/* SPDX-License-Identifier: Apache-2.0 */
/*
 * menedek check: opens every record, follows every reference, tests every house against its invariants, opens
 * every location with its key (showing none), walks the audit chain, and compares every value with what the
 * trail says was last written.  Changes nothing.  Exit status 7 when something is wrong.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "ctl/names.h"
#include "ctl/offline.h"
#include "ctl/trail.h"

#define FINDINGS_SHOWN 50u

struct check {
	struct ctx *c;
	enum kind kind;
	uint64_t records, findings, alike;
	uint64_t broken; /* values of this kind that do not open */
	void *record;    /* room for any kind's struct */
	bool json;
};

static void
find(struct check *k, const char *what, const struct id *id)
{
	char text[ID_TEXT + 1] = "";

	if (id != NULL)
		id_format(id, text);
	if (++k->findings <= FINDINGS_SHOWN)
		(void)fprintf(stderr, "BAD   %s %s\n", what, text);
}

/* The record that ${key} names must be there and open. */
static bool
is_there(struct check *k, enum kind kind, const struct key *key, void *out)
{
	const size_t mark = arena_mark(k->c->arena);
	const enum rc rc = record_peek(k->c->txn, kind, key, out);

	arena_rewind(k->c->arena, mark); /* a country's houses would not fit beside each other */
	return rc == RC_OK;
}

static void
check_user(struct check *k)
{
	const struct user *u = k->record;
	struct key key = record_key(KIND_ORG, &u->org);
	struct reference row;
	struct org org;

	if (!is_there(k, KIND_ORG, &key, &org))
		find(k, "person without an organisation", &u->id);
	if (user_name_key(k->c->parts->keyring, u->name, &key) != RC_OK ||
	    !is_there(k, KIND_USER_NAME, &key, &row) || !id_equal(&row.id, &u->id))
		find(k, "person who cannot be found by name", &u->id);
}

static void
check_device(struct check *k)
{
	const struct device *d = k->record;
	struct key key = record_key(KIND_ORG, &d->org);
	struct reference row;
	struct org org;

	if (!is_there(k, KIND_ORG, &key, &org))
		find(k, "device without an organisation", &d->id);
	key = record_key_bytes(KIND_DEVICE_CERT, d->fingerprint, sizeof(d->fingerprint));
	if (!is_there(k, KIND_DEVICE_CERT, &key, &row) || !id_equal(&row.id, &d->id))
		find(k, "device that cannot be found by its certificate", &d->id);
}

static void
check_shelter(struct check *k)
{
	const struct shelter *s = k->record;
	struct key key = record_key(KIND_ORG, &s->org);
	struct house *h = malloc(sizeof(*h));
	struct org org;

	if (!is_there(k, KIND_ORG, &key, &org))
		find(k, "house without an operator", &s->id);
	key = record_key(KIND_HOUSE, &s->id);
	if (h == NULL || !is_there(k, KIND_HOUSE, &key, h))
		find(k, "house without a capacity record", &s->id);
	else if (!id_equal(&h->shelter, &s->id) || !house_is_sound(h, s, k->c->now))
		find(k, "house whose units break an invariant", &s->id);
	free(h);
}

/* Every share of a house belongs to a reservation that still keeps it. */
static void
check_house(struct check *k)
{
	const struct house *h = k->record;
	struct reservation r;

	for (unsigned i = 0; i < h->allocation_count; i++) {
		const struct allocation *a = &h->allocations[i];
		struct key key = record_key(KIND_RESERVATION, &a->reservation);

		if (!is_there(k, KIND_RESERVATION, &key, &r) || !id_equal(&r.shelter, &h->shelter))
			find(k, "house with a share of no reservation", &h->shelter);
	}
}

/* A stay or a confirmation that the house does not know of would be a place given twice. */
static void
check_reservation(struct check *k)
{
	const struct reservation *r = k->record;
	struct key key = record_key(KIND_HOUSE, &r->shelter);
	struct house *h;

	if (!reservation_keeps_units((enum reservation_state)r->state) ||
	    reservation_has_expired(r, k->c->now))
		return;
	if ((h = malloc(sizeof(*h))) == NULL || !is_there(k, KIND_HOUSE, &key, h) ||
	    house_find_allocation(h, &r->id) < 0)
		find(k, "reservation whose units are not kept", &r->id);
	free(h);
}

static void
check_location(struct check *k, const struct id *shelter)
{
	if (vault_verify(k->c->parts->vault, shelter) != RC_OK)
		find(k, "location that does not open", shelter);
}

typedef void check_fn(struct check *k);

static check_fn *const checks[KIND_COUNT] = {
	[KIND_USER] = check_user,
	[KIND_DEVICE] = check_device,
	[KIND_SHELTER] = check_shelter,
	[KIND_HOUSE] = check_house,
	[KIND_RESERVATION] = check_reservation,
};

/* Whose it is, as far as its key says. */
static struct id
id_in(const struct key *key)
{
	struct id id = { { 0 } };

	if (key->len > ID_BYTES)
		memcpy(id.b, key->b + 1, ID_BYTES);
	return id;
}

static bool
check_one(void *arg, const struct key *key, struct bytes value, uint64_t rev)
{
	struct check *k = arg;
	const struct id id = id_in(key);

	(void)rev;
	k->records++;
	if (record_decode(k->kind, value, k->record) != RC_OK) {
		find(k, "record that cannot be read", &id);
		return true;
	}
	if (checks[k->kind] != NULL)
		checks[k->kind](k);
	if (k->kind == KIND_LOCATION)
		check_location(k, &id);
	return true;
}

static void
find_broken(void *arg, const struct key *key)
{
	struct check *k = arg;
	const struct id id = id_in(key);

	k->broken++;
	find(k, "sealed value that does not open", &id);
}

static enum rc
check_records(struct ctx *c, void *arg)
{
	struct check *k = arg;
	struct store_stats stats;
	enum rc rc = RC_OK;

	k->c = c;
	store_stats(c->parts->store, &stats);
	if (stats.is_altered)
		find(k, "store that does not hold what its last commit left", NULL);
	for (unsigned i = 0; i < KIND_COUNT && rc == RC_OK; i++) {
		struct key prefix = record_key_bytes((enum kind)i, "", 0);

		k->kind = (enum kind)i;
		k->broken = 0;
		rc = txn_scan_past(c->txn, &prefix, NULL, check_one, find_broken, k);
		if (k->broken > 0) /* of each kind, also when more was found than is shown */
			log_world(
			    "seal_broken", "kind=%u values=%llu", prefix.b[0], (unsigned long long)k->broken);
	}
	return rc;
}

static void
tell_alike(void *arg, const struct name_row *house, const struct name_row *other)
{
	struct check *k = arg;

	if (++k->alike <= FINDINGS_SHOWN)
		talk_warning(
		    "the houses \"%s\" and \"%s\" sound alike on the telephone: give one of them another "
		    "code name, or a family may be sent to the wrong one",
		    other->name, house->name);
}

/* Nothing is broken by it, so it is no finding.  New ones are refused (service/code_names.h). */
static enum rc
check_names(struct ctx *c, void *arg)
{
	struct names houses = { .rows = NULL };
	enum rc rc = names_load(c, KIND_SHELTER, &houses);

	if (rc == RC_OK)
		rc = names_alike(&houses, tell_alike, arg);
	names_free(&houses);
	return rc == RC_CORRUPT ? RC_OK : rc; /* that was said of the record itself */
}

/* The trail, and what stands in the store against what the trail says was written. */
static enum rc
check_ledger(struct ctx *c, void *arg)
{
	return trail_check(c, NULL, arg);
}

static void
print_result(const struct check *k, const struct trail_report *t)
{
	const struct ledger_report *r = &t->ledger;
	char buf[256];
	struct jw w;

	if (!k->json) {
		(void)printf("%-5s records    %llu opened, %llu findings\n", k->findings == 0 ? "ok" : "BAD",
		    (unsigned long long)k->records, (unsigned long long)k->findings);
		(void)printf("%-5s audit log  %llu entries%s%s\n", r->first_bad == 0 ? "ok" : "BAD",
		    (unsigned long long)r->entries, r->first_bad == 0 ? ", chain verified" : ": ",
		    r->first_bad == 0 ? "" : r->finding);
		trail_print(t);
		return;
	}
	jw_init(&w, buf, sizeof(buf));
	jw_open(&w, '{');
	jw_field_int(&w, "records", (int64_t)k->records);
	jw_field_int(&w, "findings", (int64_t)k->findings);
	jw_field_int(&w, "names_alike", (int64_t)k->alike);
	jw_field_int(&w, "audit_entries", (int64_t)r->entries);
	jw_field_bool(&w, "audit_verified", trail_is_good(t));
	jw_field_int(&w, "values_compared", (int64_t)t->tags.compared);
	jw_field_int(&w, "values_exchanged", (int64_t)t->tags.findings);
	jw_close(&w, '}');
	(void)printf("%.*s\n", (int)w.len, buf);
}

static size_t
largest_record(void)
{
	size_t most = 0;

	for (unsigned i = 0; i < KIND_COUNT; i++)
		if (kind_model((enum kind)i)->size > most)
			most = kind_model((enum kind)i)->size;
	return most;
}

enum status
cmd_check(const struct args *args)
{
	struct check k = { .json = args_has(args, OPT_JSON) };
	struct trail_report report = { .ledger = { .entries = 0 } };
	struct offline o;
	enum status status;

	if ((k.record = calloc(1, largest_record())) == NULL)
		return talk_failure("check", RC_UNAVAILABLE, NULL);
	if ((status = offline_open_to_check(args, &o)) == STATUS_OK)
		status = talk_failure("check", parts_open_signer(&o.parts, &o.fault), &o.fault);
	if (status == STATUS_OK)
		status = talk_failure("check", offline_view(&o, check_records, &k), &o.fault);
	if (status == STATUS_OK)
		status = talk_failure("check", offline_view(&o, check_names, &k), &o.fault);
	if (status == STATUS_OK)
		status = talk_failure("check", offline_view(&o, check_ledger, &report), &o.fault);
	if (status == STATUS_OK) {
		print_result(&k, &report);
		status = k.findings == 0 && trail_is_good(&report) ? STATUS_OK : STATUS_CHECK_FAILED;
	}
	offline_close(&o);
	free(k.record);
	return status;
}
