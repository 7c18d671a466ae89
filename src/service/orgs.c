/* SPDX-License-Identifier: Apache-2.0 */
/* Organisations and their devices. */
#include <string.h>

#include "service/accounts.h"
#include "service/scan.h"

#define DEVICE_DAYS \
	397 /* a year and a month: nobody's certificate runs out on the day of the renewal round */

static bool
any_record(const struct ctx *c, const void *record)
{
	(void)c;
	(void)record;
	return true;
}

static bool
own_device(const struct ctx *c, const void *record)
{
	const struct device *d = record;

	return who_is(c, ROLE_AUDITOR) || who_manages_org(c, &d->org);
}

enum rc
org_load(struct ctx *c, const struct id *id, struct org *out)
{
	struct key key = record_key(KIND_ORG, id);

	ctx_note(c, id, NULL, NULL);
	return record_get(c->txn, KIND_ORG, &key, out);
}

enum rc
org_answers(struct ctx *c, const struct id *org, enum rc otherwise, enum msg msg)
{
	const struct key key = record_key(KIND_ORG, org);
	struct org o;
	const enum rc rc = record_get(c->txn, KIND_ORG, &key, &o);

	if (rc == RC_OK && o.retired)
		return fault_set(c->fault, otherwise, msg, NULL, 0, NULL);
	return rc == RC_NOT_FOUND ? RC_OK : rc;
}

struct owned {
	struct ctx *c;
	const struct id *org;
	struct house *house;
	bool has_house, has_family;
	enum rc rc;
};

static bool
has_live_share(const struct house *h, int64_t now)
{
	for (unsigned i = 0; i < h->allocation_count; i++)
		if (h->allocations[i].expires_at == 0 || h->allocations[i].expires_at > now)
			return true;
	return false;
}

/* Not in the read set, which has no room for all houses: nobody is held in a retired one any more, and who
 * brings it back meanwhile has read the organisation. */
static void
look_inside(struct owned *x, const struct id *shelter)
{
	const struct key key = record_key(KIND_HOUSE, shelter);
	const size_t mark = arena_mark(x->c->arena);

	x->rc = record_peek(x->c->txn, KIND_HOUSE, &key, x->house);
	arena_rewind(x->c->arena, mark);
	if (x->rc == RC_OK)
		x->has_family = has_live_share(x->house, ctx_sure(x->c));
	else if (x->rc == RC_NOT_FOUND)
		x->rc = RC_CORRUPT; /* they are made together */
}

static bool
is_owned(void *arg, const struct key *key, struct bytes value, uint64_t rev)
{
	struct owned *x = arg;
	struct shelter s;

	(void)key;
	(void)rev;
	if ((x->rc = record_decode(KIND_SHELTER, value, &s)) != RC_OK)
		return false;
	if (!id_equal(&s.org, x->org))
		return true;
	x->has_house = !s.retired;
	if (s.retired && !x->has_family)
		look_inside(x, &s.id);
	return x->rc == RC_OK && !x->has_house;
}

/* Its devices are refused from then on, so nobody would be left to answer for its houses, nor to confirm whom
 * one of them was asked to take before it closed, to record an arrival or to end a stay.  A house that is
 * added at the same moment is not seen here: the index and each hold look at the organisation, too. */
static enum rc
check_retire(struct ctx *c, const struct org *o)
{
	const struct key key = record_key(KIND_ORG, &o->id), prefix = record_key_bytes(KIND_SHELTER, "", 0);
	struct owned x = { .c = c, .org = &o->id, .house = arena_alloc(c->arena, sizeof(*x.house)) };
	struct org before;
	enum rc rc;

	if (!x.house)
		return RC_UNAVAILABLE;
	if (id_equal(&o->id, &c->who->org.id))
		return fault_set(c->fault, RC_STATE_CONFLICT, MSG_OWN_ORG, NULL, 0, NULL);
	if ((rc = record_get(c->txn, KIND_ORG, &key, &before)) != RC_OK)
		return rc == RC_NOT_FOUND ? RC_OK : rc;
	if (before.retired)
		return RC_OK;
	if ((rc = txn_scan(c->txn, &prefix, NULL, is_owned, &x)) != RC_OK || (rc = x.rc) != RC_OK)
		return rc;
	if (x.has_house || x.has_family)
		return fault_set(c->fault, RC_STATE_CONFLICT, x.has_house ? MSG_ORG_HOUSES : MSG_ORG_FAMILIES,
		    NULL, 0, NULL);
	return RC_OK;
}

enum rc
org_save(struct ctx *c, struct org *o)
{
	struct key key = record_key(KIND_ORG, &o->id);
	enum rc rc;

	if (o->retired && (rc = check_retire(c, o)) != RC_OK)
		return rc;
	o->version++;
	ctx_note(c, &o->id, NULL, NULL);
	return record_put(c->txn, KIND_ORG, &key, o);
}

enum rc
org_create(struct ctx *c, struct org *o)
{
	o->id = ctx_id(c);
	o->created_at = c->now;
	return org_save(c, o);
}

enum rc
org_list(struct ctx *c, const struct id *after, unsigned limit, void *out, unsigned *count)
{
	return scan_page(c, KIND_ORG, sizeof(struct org), after, any_record, limit, out, count);
}

enum rc
device_load(struct ctx *c, const struct id *id, struct device *out)
{
	struct key key = record_key(KIND_DEVICE, id);
	enum rc rc;

	if ((rc = record_get(c->txn, KIND_DEVICE, &key, out)) != RC_OK)
		return rc;
	if (!own_device(c, out))
		return fault_set(c->fault, RC_NOT_FOUND, MSG_NOT_FOUND, NULL, 0, NULL);
	ctx_note(c, id, NULL, NULL);
	return RC_OK;
}

enum rc
device_list(struct ctx *c, const struct id *after, unsigned limit, void *out, unsigned *count)
{
	return scan_page(c, KIND_DEVICE, sizeof(struct device), after, own_device, limit, out, count);
}

static enum rc
save_device(struct ctx *c, struct device *d)
{
	struct key key = record_key(KIND_DEVICE, &d->id);

	d->version++;
	ctx_note(c, &d->id, NULL, NULL);
	return record_put(c->txn, KIND_DEVICE, &key, d);
}

/* A device of an organisation that the caller manages, not enrolled yet; ${name}: the certificate names it by
 * its random id, nothing else. */
static enum rc
begin(struct ctx *c, const struct device_new *in, struct device *d, char name[ID_TEXT + 1])
{
	struct key key = record_key(KIND_ORG, &in->org);
	struct org org;
	enum rc rc = who_manages_org(c, &in->org) ? record_get(c->txn, KIND_ORG, &key, &org) : RC_NOT_FOUND;

	if (rc == RC_NOT_FOUND || (rc == RC_OK && org.retired))
		return fault_set(c->fault, RC_INVALID, MSG_ORG_UNKNOWN, "/org", 0, NULL);
	if (rc != RC_OK)
		return rc;
	model_clear(&model_device, d);
	d->id = ctx_id(c);
	d->org = in->org;
	d->enrolled_at = c->now;
	str_copy(d->name, sizeof(d->name), in->name);
	id_format(&d->id, name);
	return RC_OK;
}

static enum rc
enrol(struct ctx *c, struct device *d, const struct pem *cert)
{
	struct reference row = { d->id };
	struct key key;
	enum rc rc;

	if ((rc = ca_fingerprint(cert->text, d->fingerprint)) != RC_OK)
		return rc;
	if ((rc = ca_not_after(cert->text, &d->not_after)) != RC_OK)
		return rc;
	key = record_key_bytes(KIND_DEVICE_CERT, d->fingerprint, sizeof(d->fingerprint));
	if ((rc = record_put(c->txn, KIND_DEVICE_CERT, &key, &row)) != RC_OK)
		return rc;
	return save_device(c, d);
}

enum rc
device_enrol(struct ctx *c, const struct device_new *in, struct device *out, const char **certificate)
{
	struct pem *cert = arena_alloc(c->arena, sizeof(*cert));
	struct fault why = { .count = 0 };
	char name[ID_TEXT + 1];
	enum rc rc;

	if (!cert)
		return RC_UNAVAILABLE;
	if ((rc = begin(c, in, out, name)) != RC_OK)
		return rc;
	rc = ca_issue_request(
	    &c->parts->ca_key, &c->parts->ca_cert, bytes_str(in->csr), name, DEVICE_DAYS, cert, &why);
	if (rc == RC_INVALID) /* it knows of no body, so not where the request stands in it */
		return fault_set(c->fault, rc, why.item[0].msg, "/csr", 0, NULL);
	if (rc != RC_OK)
		return rc;
	*certificate = cert->text;
	return enrol(c, out, cert);
}

enum rc
device_invite(struct ctx *c, const struct device_new *in, struct device_kit *out)
{
	const struct pem *ca_key = &c->parts->ca_key, *ca_cert = &c->parts->ca_cert;
	const enum p12_form form = in->old_device ? P12_OLD_DEVICE : P12_STRONG;
	struct pem *key = arena_alloc(c->arena, sizeof(*key)), *cert = arena_alloc(c->arena, sizeof(*cert));
	char *passphrase = user_random_passphrase(c), *p12 = arena_alloc(c->arena, LIMIT_P12_TEXT);
	char name[ID_TEXT + 1];
	enum rc rc;

	if (!key || !cert || !passphrase || !p12)
		return RC_UNAVAILABLE;
	if ((rc = begin(c, in, &out->device, name)) != RC_OK)
		return rc;
	if ((rc = ca_key_new(key)) == RC_OK)
		rc = ca_issue(ca_key, ca_cert, key, name, CA_CLIENT, NULL, DEVICE_DAYS, cert);
	if (rc == RC_OK)
		rc = ca_pkcs12_text(key, cert, ca_cert, in->name, passphrase, form, p12, LIMIT_P12_TEXT);
	wipe(key, sizeof(*key));
	if (rc != RC_OK)
		return rc;
	out->p12 = p12;
	out->passphrase = passphrase;
	return enrol(c, &out->device, cert);
}

enum rc
device_revoke(struct ctx *c, const struct id *id, struct device *out)
{
	enum rc rc;

	if ((rc = device_load(c, id, out)) != RC_OK)
		return rc;
	if (id_equal(&out->id, &c->who->device.id))
		return fault_set(c->fault, RC_STATE_CONFLICT, MSG_NOT_SELF, NULL, 0, NULL);
	if (out->revoked_at == 0)
		out->revoked_at = c->now;
	return save_device(c, out);
}
