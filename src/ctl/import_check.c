/* SPDX-License-Identifier: Apache-2.0 */
/* What the rows say of each other and of what is there already.  A problem never stops the search for others.
 */
#include <string.h>

#include "ctl/import.h"
#include "service/locations.h"

/* ---- the store ---- */

struct fetch {
	enum kind kind;
	const struct key *key;
	void *out;
};

static enum rc
fetch_step(struct ctx *c, void *arg)
{
	struct fetch *f = arg;

	return record_get(c->txn, f->kind, f->key, f->out);
}

enum rc
import_fetch(struct import *im, enum kind kind, const struct key *key, void *out)
{
	struct fetch f = { kind, key, out };

	return offline_view(im->o, fetch_step, &f);
}

static enum rc
load_names(struct ctx *c, void *arg)
{
	struct import *im = arg;
	enum rc rc = names_load(c, KIND_ORG, &im->orgs);

	return rc == RC_OK ? names_load(c, KIND_SHELTER, &im->shelters) : rc;
}

/* ---- names within one file ---- */

/* Add the rows of a file to ${seen}; a name that stands twice is a problem of its later line. */
static enum rc
note_names(struct import *im, struct names *seen, const struct name_row *rows, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		enum rc rc = names_add(seen, &rows[i]);
		if (rc != RC_OK)
			return rc;
	}
	for (size_t i = 0; i < count; i++) {
		const struct name_row *first = names_find(seen, rows[i].name);
		if (first->line != rows[i].line)
			import_problem(
			    im, rows[i].line, "\"%s\" stands in line %u already", rows[i].name, first->line);
	}
	return RC_OK;
}

/* The same, and names that are new join those of the store. */
static enum rc
join_names(struct import *im, const struct names *found, struct names *all)
{
	struct names seen = { .rows = NULL }, fresh = { .rows = NULL };
	enum rc rc = note_names(im, &seen, found->rows, found->count);

	for (size_t i = 0; i < found->count && rc == RC_OK; i++)
		if (names_find(all, found->rows[i].name) == NULL)
			rc = names_add(&fresh, &found->rows[i]);
	for (size_t i = 0; i < fresh.count && rc == RC_OK; i++)
		rc = names_add(all, &fresh.rows[i]);
	names_free(&seen);
	names_free(&fresh);
	return rc;
}

/* ---- organisations ---- */

static void
check_org(struct import *im, struct org_row *row)
{
	const struct name_row *there = names_find(&im->orgs, row->org.name);

	row->change = CHANGE_NONE;
	if (there != NULL && there->kind != row->org.kind)
		import_problem(im, row->line, "\"%s\" is there already as %s", row->org.name,
		    codes_org_kind.rows[there->kind].code);
	if (there != NULL) {
		row->org.id = there->id;
		return;
	}
	row->change = CHANGE_NEW;
	row->org.id = id_new();
}

static enum rc
check_orgs(struct import *im)
{
	struct org_row *rows = im->rows[IMPORT_ORGS].at;
	struct names found = { .rows = NULL };
	enum rc rc = RC_OK;

	im->table = IMPORT_ORGS;
	for (size_t i = 0; i < im->rows[IMPORT_ORGS].count && rc == RC_OK; i++) {
		struct name_row name = { .line = rows[i].line, .kind = rows[i].org.kind };

		check_org(im, &rows[i]);
		name.id = rows[i].org.id;
		(void)str_copy(name.name, sizeof(name.name), rows[i].org.name);
		rc = names_add(&found, &name);
	}
	if (rc == RC_OK)
		rc = join_names(im, &found, &im->orgs);
	names_free(&found);
	return rc;
}

/* ---- houses' profiles ---- */

static void
check_shelter(struct import *im, struct shelter_row *row)
{
	const struct name_row *org = names_find(&im->orgs, row->org);
	const struct name_row *there = names_find(&im->shelters, row->shelter.code_name);

	row->shelter.admission.languages |= UINT32_C(1) << TONGUE_HU;
	if (org == NULL)
		import_problem(im, row->line, "organisation: there is no \"%s\"", row->org);
	else if (org->kind != ORG_SHELTER_OPERATOR)
		import_problem(im, row->line, "organisation: \"%s\" is not a %s", row->org,
		    codes_org_kind.rows[ORG_SHELTER_OPERATOR].code);
	if (org != NULL)
		row->shelter.org = org->id;
	if (there == NULL) {
		row->shelter.id = id_new();
		return;
	}
	row->shelter.id = there->id;
	if (there->kind != row->shelter.type)
		import_problem(im, row->line, "type: \"%s\" is there already as %s", row->shelter.code_name,
		    codes_shelter_type.rows[there->kind].code);
	if (org != NULL && !id_equal(&there->org, &org->id))
		import_problem(
		    im, row->line, "organisation: \"%s\" has another operator", row->shelter.code_name);
}

/* What is there already stays; a name that is written alike was found before. */
static void
refuse_alike(void *arg, const struct name_row *house, const struct name_row *other)
{
	if (house->line != 0 && strcmp(house->name, other->name) != 0)
		import_problem(arg, house->line,
		    "code_name: \"%s\" sounds like \"%s\" on the telephone: choose another", house->name,
		    other->name);
}

static enum rc
check_shelters(struct import *im)
{
	struct shelter_row *rows = im->rows[IMPORT_SHELTERS].at;
	struct names found = { .rows = NULL };
	enum rc rc = RC_OK;

	im->table = IMPORT_SHELTERS;
	for (size_t i = 0; i < im->rows[IMPORT_SHELTERS].count && rc == RC_OK; i++) {
		struct name_row name = { .line = rows[i].line, .kind = rows[i].shelter.type };

		check_shelter(im, &rows[i]);
		rows[i].shelter.is_sample = im->is_sample;
		name.id = rows[i].shelter.id;
		name.org = rows[i].shelter.org;
		(void)str_copy(name.name, sizeof(name.name), rows[i].shelter.code_name);
		rc = names_add(&found, &name);
	}
	if (rc == RC_OK)
		rc = join_names(im, &found, &im->shelters);
	if (rc == RC_OK)
		rc = names_alike(&im->shelters, refuse_alike, im);
	names_free(&found);
	return rc;
}

/* ---- people ---- */

/* A pseudonym to sign in with; the alphabet keeps names apart that would look alike. */
static bool
is_user_name(const char *name)
{
	size_t len = strlen(name);

	return len >= 2 && strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789.-") == len && *name != '.' &&
	    *name != '-';
}

static void
find_person_shelters(struct import *im, struct user_row *row)
{
	char name[LIMIT_NAME];

	for (const char *p = row->shelters + strspn(row->shelters, "; "); *p != '\0'; p += strspn(p, "; ")) {
		size_t len = strcspn(p, ";");
		const struct name_row *there;

		if (len >= sizeof(name)) {
			import_problem(
			    im, row->line, "shelters: a name is longer than %zu bytes", sizeof(name) - 1);
			return;
		}
		memcpy(name, p, len);
		name[len] = '\0';
		p += len;
		if ((there = names_find(&im->shelters, name)) == NULL)
			import_problem(im, row->line, "shelters: there is no \"%s\"", name);
		else if (!id_equal(&there->org, &row->user.org))
			import_problem(
			    im, row->line, "shelters: \"%s\" belongs to another organisation", name);
		else if (row->user.shelter_count == USER_SHELTERS)
			import_problem(im, row->line, "shelters: more than %u", USER_SHELTERS);
		else
			row->user.shelters[row->user.shelter_count++] = there->id;
	}
}

static void
check_person_roles(struct import *im, const struct user_row *row, enum org_kind kind)
{
	const uint32_t house_roles = ROLE_BIT(ROLE_SHELTER_STAFF) | ROLE_BIT(ROLE_SHELTER_MANAGER);

	for (unsigned r = 0; r < ROLE_COUNT; r++)
		if ((row->user.roles >> r & 1) && !policy_role_fits(kind, (enum role)r))
			import_problem(im, row->line, "roles: %s is not given in an organisation of kind %s",
			    codes_role.rows[r].code, codes_org_kind.rows[kind].code);
	if ((row->user.roles & house_roles) && row->user.shelter_count == 0)
		import_problem(im, row->line, "shelters: a role in a house needs at least one");
	if (!(row->user.roles & house_roles) && row->user.shelter_count > 0)
		import_problem(im, row->line, "shelters: only for roles in a house");
}

static bool
same_rights(const struct user *a, const struct user *b)
{
	if (a->roles != b->roles || a->shelter_count != b->shelter_count)
		return false;
	for (unsigned i = 0; i < a->shelter_count; i++) {
		bool found = false;
		for (unsigned k = 0; k < b->shelter_count && !found; k++)
			found = id_equal(&a->shelters[i], &b->shelters[k]);
		if (!found)
			return false;
	}
	return true;
}

/* Is there a person of this name already? */
static enum rc
compare_person(struct import *im, struct user_row *row)
{
	struct reference ref = { { { 0 } } };
	struct user there;
	struct key key;
	enum rc rc;

	row->change = CHANGE_NEW;
	if ((rc = user_name_key(im->o->parts.keyring, row->user.name, &key)) != RC_OK)
		return rc;
	if ((rc = import_fetch(im, KIND_USER_NAME, &key, &ref)) != RC_OK)
		return rc == RC_NOT_FOUND ? RC_OK : rc;
	key = record_key(KIND_USER, &ref.id);
	if ((rc = import_fetch(im, KIND_USER, &key, &there)) != RC_OK)
		return rc;
	row->user.id = there.id;
	row->change = same_rights(&there, &row->user) ? CHANGE_NONE : CHANGE_SOME;
	if (!id_equal(&there.org, &row->user.org))
		import_problem(
		    im, row->line, "name: \"%s\" is a person of another organisation", row->user.name);
	else if (there.retired)
		import_problem(im, row->line, "name: \"%s\" was retired", row->user.name);
	return RC_OK;
}

static enum rc
check_person(struct import *im, struct user_row *row)
{
	const struct name_row *org = names_find(&im->orgs, row->org);

	if (!is_user_name(row->user.name))
		import_problem(im, row->line, "name: \"%s\" is not made of 2 to 31 of a-z, 0-9, '.' and '-'",
		    row->user.name);
	if (org == NULL) {
		import_problem(im, row->line, "organisation: there is no \"%s\"", row->org);
		return RC_OK;
	}
	row->user.org = org->id;
	find_person_shelters(im, row);
	check_person_roles(im, row, (enum org_kind)org->kind);
	return compare_person(im, row);
}

static enum rc
check_people(struct import *im)
{
	struct user_row *rows = im->rows[IMPORT_PEOPLE].at;
	struct names found = { .rows = NULL }, seen = { .rows = NULL };
	enum rc rc = RC_OK;

	im->table = IMPORT_PEOPLE;
	for (size_t i = 0; i < im->rows[IMPORT_PEOPLE].count && rc == RC_OK; i++) {
		struct name_row name = { .line = rows[i].line };

		(void)str_copy(name.name, sizeof(name.name), rows[i].user.name);
		if ((rc = check_person(im, &rows[i])) == RC_OK)
			rc = names_add(&found, &name);
	}
	if (rc == RC_OK)
		rc = note_names(im, &seen, found.rows, found.count);
	names_free(&found);
	names_free(&seen);
	return rc;
}

/* ---- locations ---- */

/* The vault compares: what it holds does not come here. */
static enum rc
compare_location(const struct import *im, const struct location_row *row, bool *same)
{
	uint8_t plain[VAULT_PLAIN];
	size_t len = 0;
	enum rc rc = model_encode(&model_location, &row->location, plain, sizeof(plain), &len);

	if (rc == RC_OK)
		rc = vault_match(im->o->parts.vault, &row->shelter_id, (struct bytes){ plain, len }, same);
	wipe(plain, sizeof(plain));
	return rc;
}

static enum rc
check_location(struct import *im, struct location_row *row)
{
	const struct name_row *there = names_find(&im->shelters, row->shelter);
	bool same = false;
	enum rc rc;

	if (there == NULL) {
		/* not what stands there: with its cells in another order it is an address */
		import_problem(im, row->line, "shelter: there is no house of this name");
		return RC_OK;
	}
	row->shelter_id = there->id;
	/* one that does not open must keep neither the others out nor its own cure */
	if ((rc = compare_location(im, row, &same)) == RC_CORRUPT)
		rc = RC_OK;
	row->change = rc == RC_NOT_FOUND ? CHANGE_NEW : same ? CHANGE_NONE : CHANGE_SOME;
	return rc == RC_NOT_FOUND ? RC_OK : rc;
}

static enum rc
check_locations(struct import *im)
{
	struct location_row *rows = im->rows[IMPORT_LOCATIONS].at;
	struct names found = { .rows = NULL }, seen = { .rows = NULL };
	enum rc rc = RC_OK;

	im->table = IMPORT_LOCATIONS;
	for (size_t i = 0; i < im->rows[IMPORT_LOCATIONS].count && rc == RC_OK; i++) {
		struct name_row name = { .line = rows[i].line };

		(void)str_copy(name.name, sizeof(name.name), rows[i].shelter);
		if ((rc = check_location(im, &rows[i])) == RC_OK && !id_is_zero(&rows[i].shelter_id))
			rc = names_add(&found, &name);
	}
	if (rc == RC_OK)
		rc = note_names(im, &seen, found.rows, found.count);
	names_free(&found);
	names_free(&seen);
	return rc;
}

enum rc
import_check(struct import *im)
{
	enum rc rc = offline_view(im->o, load_names, im);

	if (rc == RC_OK)
		rc = check_orgs(im);
	if (rc == RC_OK)
		rc = check_shelters(im);
	if (rc == RC_OK)
		rc = check_people(im);
	if (rc == RC_OK)
		rc = import_plan_houses(im);
	if (rc == RC_OK)
		rc = check_locations(im);
	return rc == RC_OK && im->problems > 0 ? RC_INVALID : rc;
}
