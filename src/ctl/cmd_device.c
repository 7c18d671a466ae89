/* SPDX-License-Identifier: Apache-2.0 */
/* menedek device add, list. */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "ctl/enrol.h"
#include "ctl/names.h"
#include "service/accounts.h"

static enum rc
load_orgs(struct ctx *c, void *arg)
{
	return names_load(c, KIND_ORG, arg);
}

static enum status
find_org(struct offline *o, struct id *out)
{
	struct names orgs = { .rows = NULL };
	const char *name = o->args->value[OPT_ORG];
	const struct name_row *row;
	enum status status = talk_failure("device add", offline_view(o, load_orgs, &orgs), &o->fault);

	if (status == STATUS_OK && (row = names_find(&orgs, name)) != NULL)
		*out = row->id;
	else if (status == STATUS_OK) {
		talk_error("there is no organisation \"%s\"", name);
		status = STATUS_NOT_FOUND;
	}
	names_free(&orgs);
	return status;
}

static enum status
check_place(const struct args *args)
{
	char path[512];

	if (strlen(args->value[OPT_NAME]) >= LIMIT_NAME) {
		talk_error("--name takes %u bytes at most", LIMIT_NAME - 1);
		return STATUS_USAGE;
	}
	if ((size_t)snprintf(path, sizeof(path), "%s.key", args->value[OPT_OUT]) >= sizeof(path)) {
		talk_error("--out is too long");
		return STATUS_USAGE;
	}
	if (file_exists(path) && !args_has(args, OPT_FORCE)) {
		talk_error("%s exists; another --out, or --force to lose that key", path);
		return STATUS_CONFLICT;
	}
	return STATUS_OK;
}

static void
tell_added(const struct args *args, const struct enrolment *e, const char *p12)
{
	char id[ID_TEXT + 1], until[21], buf[512];
	struct jw w;

	id_format(&e->device.id, id);
	time_format(e->device.not_after, until);
	if (!args_has(args, OPT_JSON)) {
		(void)printf("%s valid until %s%s%s\n", id, until,
		    *p12 ? ", .p12 passphrase (shown once): " : "", p12);
		return;
	}
	jw_init(&w, buf, sizeof(buf));
	jw_open(&w, '{');
	jw_field_string(&w, "device", id);
	jw_field_time(&w, "not_after", e->device.not_after);
	if (*p12 != '\0')
		jw_field_string(&w, "p12_passphrase", p12);
	jw_close(&w, '}');
	(void)printf("%.*s\n", (int)w.len, buf);
}

enum status
cmd_device_add(const struct args *args)
{
	struct enrolment e = { .name = args->value[OPT_NAME] };
	const char *prefix = args->value[OPT_OUT];
	const enum p12_form form = args_has(args, OPT_P12_OLD) ? P12_OLD_DEVICE : P12_STRONG;
	char p12[ID_TEXT + 1] = "";
	struct offline o;
	enum status status = check_place(args);
	enum rc rc;

	if (status != STATUS_OK)
		return status;
	if ((status = offline_open(args, false, &o)) == STATUS_OK)
		status = find_org(&o, &e.org);
	if (status == STATUS_OK) {
		rc = enrol_device(&o, &e);
		if (rc == RC_OK)
			rc = enrol_write(&e, prefix, &o.fault);
		if (rc == RC_OK && (args_has(args, OPT_P12) || form == P12_OLD_DEVICE))
			rc = enrol_write_p12(&e, prefix, form, p12, &o.fault);
		status = talk_failure("device add", rc, &o.fault);
	}
	if (status == STATUS_OK)
		tell_added(args, &e, p12);
	if (status == STATUS_OK && form == P12_OLD_DEVICE)
		talk_warning(
		    "%s.p12 is sealed weakly (PBE-SHA1-3DES, SHA-1), for Android 13 and older: carry it by "
		    "hand, and delete it once it is in the device",
		    prefix);
	offline_close(&o);
	wipe(&e, sizeof(e));
	return status;
}

/* ---- list ---- */

struct listing {
	bool json;
	enum rc rc;
	struct ctx *c;
};

static void
print_device(const struct listing *l, const struct device *d, const char *org)
{
	char id[ID_TEXT + 1], until[21], buf[512];
	const char *state = d->revoked_at != 0 ? "revoked" : d->not_after <= l->c->now ? "expired" : "active";
	struct jw w;

	id_format(&d->id, id);
	time_format(d->not_after, until);
	if (!l->json) {
		(void)printf("%s  %-8s %s  %-20s %s\n", id, state, until, d->name, org);
		return;
	}
	jw_init(&w, buf, sizeof(buf));
	jw_open(&w, '{');
	jw_field_string(&w, "device", id);
	jw_field_string(&w, "state", state);
	jw_field_time(&w, "not_after", d->not_after);
	jw_field_string(&w, "name", d->name);
	jw_field_string(&w, "organisation", org);
	jw_close(&w, '}');
	(void)printf("%.*s\n", (int)w.len, buf);
}

static bool
list_one(void *arg, const struct key *key, struct bytes value, uint64_t rev)
{
	struct listing *l = arg;
	struct key org_key;
	struct device d;
	struct org org;

	(void)key;
	(void)rev;
	if ((l->rc = record_decode(KIND_DEVICE, value, &d)) != RC_OK)
		return false;
	org_key = record_key(KIND_ORG, &d.org);
	if ((l->rc = record_peek(l->c->txn, KIND_ORG, &org_key, &org)) != RC_OK)
		return false;
	print_device(l, &d, org.name);
	return true;
}

static enum rc
list_all(struct ctx *c, void *arg)
{
	struct listing *l = arg;
	struct key prefix = record_key_bytes(KIND_DEVICE, "", 0);
	enum rc rc;

	l->c = c;
	rc = txn_scan(c->txn, &prefix, NULL, list_one, l);
	return rc == RC_OK ? l->rc : rc;
}

enum status
cmd_device_list(const struct args *args)
{
	struct listing l = { .json = args_has(args, OPT_JSON) };
	struct offline o;
	enum status status = offline_open_to_read(args, &o);

	if (status == STATUS_OK)
		status = talk_failure("device list", offline_view(&o, list_all, &l), &o.fault);
	offline_close(&o);
	return status;
}
