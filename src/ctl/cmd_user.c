/* SPDX-License-Identifier: Apache-2.0 */
/* menedek user add, list, passphrase, factor-remove. */
#include <stdio.h>
#include <string.h>

#include "crypto/passphrase.h"
#include "ctl/names.h"
#include "ctl/offline.h"
#include "ctl/passes.h"
#include "service/accounts.h"

struct adding {
	const struct args *args;
	struct names orgs, shelters;
	struct pass given; /* from standard input; "" = make one */
	struct user user;
	char passphrase[LIMIT_PASSPHRASE + 1];
	struct id id;
};

static enum status
read_shelters(struct adding *a)
{
	const char *list = args_has(a->args, OPT_SHELTERS) ? a->args->value[OPT_SHELTERS] : "";
	char part[LIMIT_NAME];

	while (names_next(&list, part, sizeof(part))) {
		const struct name_row *row = names_find(&a->shelters, part);
		if (row == NULL) {
			talk_error("there is no house \"%s\"", part);
			return STATUS_NOT_FOUND;
		}
		if (a->user.shelter_count == USER_SHELTERS) {
			talk_error("a person works in %u houses at most", USER_SHELTERS);
			return STATUS_USAGE;
		}
		a->user.shelters[a->user.shelter_count++] = row->id;
	}
	return STATUS_OK;
}

static enum rc
load_names(struct ctx *c, void *arg)
{
	struct adding *a = arg;
	enum rc rc = names_load(c, KIND_ORG, &a->orgs);

	return rc == RC_OK ? names_load(c, KIND_SHELTER, &a->shelters) : rc;
}

static enum status
resolve(struct offline *o, struct adding *a)
{
	const struct name_row *org;
	enum status status = talk_failure("user add", offline_view(o, load_names, a), &o->fault);

	model_clear(&model_user, &a->user);
	if (status != STATUS_OK)
		return status;
	if (!str_copy(a->user.name, sizeof(a->user.name), a->args->value[OPT_NAME])) {
		talk_error("a name has %zu characters at most", sizeof(a->user.name) - 1);
		return STATUS_USAGE;
	}
	if ((org = names_find(&a->orgs, a->args->value[OPT_ORG])) == NULL) {
		talk_error("there is no organisation \"%s\"", a->args->value[OPT_ORG]);
		return STATUS_NOT_FOUND;
	}
	a->user.org = org->id;
	if ((status = names_roles(a->args->value[OPT_ROLES], &a->user.roles)) != STATUS_OK)
		return status;
	return read_shelters(a);
}

/* The passphrase that the person chose replaces the one that was made, and needs no change. */
static enum rc
set_given(struct ctx *c, const struct id *id, const struct pass *given)
{
	struct key key = record_key(KIND_USER, id);
	struct user u;
	enum rc rc;

	if ((rc = record_get(c->txn, KIND_USER, &key, &u)) != RC_OK)
		return rc;
	if ((rc = passphrase_hash(bytes_str(given->passphrase), u.verifier)) != RC_OK)
		return rc;
	u.must_change = false;
	return record_put(c->txn, KIND_USER, &key, &u);
}

static enum rc
finish(struct ctx *c, struct adding *a, const char *made)
{
	(void)str_copy(a->passphrase, sizeof(a->passphrase), made);
	return *a->given.passphrase != '\0' ? set_given(c, &a->id, &a->given) : RC_OK;
}

static enum rc
add(struct ctx *c, void *arg)
{
	struct adding *a = arg;
	struct user u = a->user;
	const char *made;
	enum rc rc;

	if ((rc = user_create(c, &u, &made)) != RC_OK)
		return rc;
	a->id = u.id;
	return finish(c, a, made);
}

static void
tell(const struct adding *a)
{
	bool given = *a->given.passphrase != '\0';
	char buf[512];
	struct jw w;

	if (args_has(a->args, OPT_JSON)) {
		jw_init(&w, buf, sizeof(buf));
		jw_open(&w, '{');
		jw_field_id(&w, "user", &a->id);
		jw_field_string(&w, "name", a->args->value[OPT_NAME]);
		if (!given)
			jw_field_string(&w, "passphrase", a->passphrase);
		jw_close(&w, '}');
		(void)printf("%.*s\n", (int)w.len, buf);
	} else if (!given)
		(void)printf("%s %s\n", a->args->value[OPT_NAME], a->passphrase);
	if (!given)
		talk(a->args, "The passphrase is shown once and has to be changed at the first sign-in.");
}

enum status
cmd_user_add(const struct args *args)
{
	struct adding a = { .args = args };
	struct offline o;
	enum status status = STATUS_OK;

	if (args_has(args, OPT_STDIN) && (status = passes_read(&a.given)) != STATUS_OK)
		return status;
	if ((status = offline_open(args, false, &o)) == STATUS_OK)
		status = resolve(&o, &a);
	if (status == STATUS_OK)
		status = talk_failure(
		    args->value[OPT_NAME], offline_update(&o, "cli_user_add", add, &a), &o.fault);
	if (status == STATUS_OK)
		tell(&a);
	names_free(&a.orgs);
	names_free(&a.shelters);
	offline_close(&o);
	wipe(&a, sizeof(a));
	return status;
}

/* ---- passphrase ---- */

static enum rc
find_user(struct ctx *c, const char *name, struct id *out)
{
	struct reference row;
	struct key key;
	enum rc rc;

	if ((rc = user_name_key(c->parts->keyring, name, &key)) != RC_OK)
		return rc;
	if ((rc = record_get(c->txn, KIND_USER_NAME, &key, &row)) == RC_OK)
		*out = row.id;
	return rc;
}

static enum rc
reset(struct ctx *c, void *arg)
{
	struct adding *a = arg;
	struct passphrase_reply made;
	enum rc rc;

	if ((rc = find_user(c, a->args->value[OPT_NAME], &a->id)) != RC_OK)
		return rc;
	if ((rc = user_reset_passphrase(c, &a->id, &made)) != RC_OK)
		return rc;
	return finish(c, a, made.passphrase);
}

enum status
cmd_user_passphrase(const struct args *args)
{
	struct adding a = { .args = args };
	struct offline o;
	enum status status = STATUS_OK;

	if (args_has(args, OPT_STDIN) && (status = passes_read(&a.given)) != STATUS_OK)
		return status;
	if ((status = offline_open(args, false, &o)) == STATUS_OK)
		status = talk_failure(
		    args->value[OPT_NAME], offline_update(&o, "cli_user_passphrase", reset, &a), &o.fault);
	if (status == STATUS_OK)
		tell(&a);
	offline_close(&o);
	wipe(&a, sizeof(a));
	return status;
}

/* ---- second factor ---- */

static enum rc
remove_factor(struct ctx *c, void *arg)
{
	const struct args *args = arg;
	struct user u;
	struct id id;
	enum rc rc = find_user(c, args->value[OPT_NAME], &id);

	return rc == RC_OK ? user_reset_factor(c, &id, &u) : rc;
}

enum status
cmd_user_factor_remove(const struct args *args)
{
	struct args copy = *args;
	const char *name = args->value[OPT_NAME];
	struct offline o;
	enum status status = offline_open(args, false, &o);

	if (status == STATUS_OK)
		status = talk_failure(
		    name, offline_update(&o, "cli_user_factor_remove", remove_factor, &copy), &o.fault);
	if (status == STATUS_OK)
		talk_step(args, "Authenticator app of %s removed; signed out everywhere", name);
	offline_close(&o);
	return status;
}

/* ---- list ---- */

struct listing {
	bool json;
	enum rc rc;
	struct ctx *c;
};

static void
print_user(struct listing *l, const struct user *u, const char *org)
{
	char buf[1024], roles[256] = "";
	size_t at = 0;
	struct jw w;

	for (unsigned r = 0; r < codes_role.count; r++)
		if (u->roles >> r & 1)
			at += (size_t)snprintf(roles + at, sizeof(roles) - at, "%s%s", at > 0 ? "," : "",
			    codes_role.rows[r].code);
	if (!l->json) {
		(void)printf("%-32s %-28s %s%s\n", u->name, roles, org, u->retired ? " (retired)" : "");
		return;
	}
	jw_init(&w, buf, sizeof(buf));
	jw_open(&w, '{');
	jw_field_id(&w, "user", &u->id);
	jw_field_string(&w, "name", u->name);
	jw_field_string(&w, "roles", roles);
	jw_field_string(&w, "organisation", org);
	jw_field_bool(&w, "retired", u->retired);
	jw_close(&w, '}');
	(void)printf("%.*s\n", (int)w.len, buf);
}

static bool
list_one(void *arg, const struct key *key, struct bytes value, uint64_t rev)
{
	struct listing *l = arg;
	struct key org_key;
	struct user u;
	struct org org;

	(void)key;
	(void)rev;
	if ((l->rc = record_decode(KIND_USER, value, &u)) != RC_OK)
		return false;
	org_key = record_key(KIND_ORG, &u.org);
	if ((l->rc = record_peek(l->c->txn, KIND_ORG, &org_key, &org)) != RC_OK)
		return false;
	print_user(l, &u, org.name);
	return true;
}

static enum rc
list_all(struct ctx *c, void *arg)
{
	struct listing *l = arg;
	struct key prefix = record_key_bytes(KIND_USER, "", 0);
	enum rc rc;

	l->c = c;
	rc = txn_scan(c->txn, &prefix, NULL, list_one, l);
	return rc == RC_OK ? l->rc : rc;
}

enum status
cmd_user_list(const struct args *args)
{
	struct listing l = { .json = args_has(args, OPT_JSON) };
	struct offline o;
	enum status status = offline_open_to_read(args, &o);

	if (status == STATUS_OK)
		status = talk_failure("user list", offline_view(&o, list_all, &l), &o.fault);
	offline_close(&o);
	return status;
}
