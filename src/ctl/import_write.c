/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writes what was checked: each organisation, house, person and location is a part with its own entry in the
 * audit trail, and all of them are one transaction, so whoever breaks it off leaves the registry as it was.
 * The ids were made when the files were checked, since rows of other files refer to them.
 */
#include <stdlib.h>
#include <string.h>

#include "ctl/import.h"
#include "service/accounts.h"
#include "service/cases.h"
#include "service/locations.h"
#include "service/shelters.h"

/* The id that the next use case takes as a fresh one. */
static void
use_id(struct ctx *c, const struct id *id)
{
	c->ids[c->ids_used] = *id;
}

static enum rc
write_org(struct ctx *c, void *arg)
{
	const struct org_row *row = arg;
	struct org org = row->org;

	use_id(c, &row->org.id);
	return org_create(c, &org);
}

/* ---- houses ---- */

struct house_step {
	struct import *im;
	const struct house_job *job;
};

static enum rc
write_profile(struct ctx *c, const struct house_job *job)
{
	struct key key = record_key(KIND_SHELTER, &job->shelter);
	struct shelter s;
	enum rc rc;

	if (job->change == CHANGE_NEW) {
		s = job->profile->shelter;
		use_id(c, &job->shelter);
		return shelter_add(c, &s);
	}
	if (job->profile == NULL)
		return RC_OK;
	if ((rc = record_get(c->txn, KIND_SHELTER, &key, &s)) != RC_OK)
		return rc;
	return import_merge_profile(&s, &job->profile->shelter) ? shelter_save(c, &s) : RC_OK;
}

static enum rc
write_house(struct ctx *c, void *arg)
{
	const struct house_step *step = arg;
	const struct house_job *job = step->job;
	const struct unit_row *rows = (const struct unit_row *)step->im->rows[IMPORT_UNITS].at + job->first;
	struct house *h = arena_alloc(c->arena, sizeof(*h));
	struct key key = record_key(KIND_HOUSE, &job->shelter), sk = record_key(KIND_SHELTER, &job->shelter);
	struct shelter s;
	bool changed;
	enum rc rc;

	if (h == NULL)
		return RC_UNAVAILABLE;
	ctx_note(c, &job->shelter, &job->shelter, NULL);
	if ((rc = write_profile(c, job)) != RC_OK || job->count == 0)
		return rc;
	if ((rc = record_get(c->txn, KIND_HOUSE, &key, h)) != RC_OK)
		return rc;
	if ((rc = record_get(c->txn, KIND_SHELTER, &sk, &s)) != RC_OK)
		return rc;
	rc = import_change_units(c, h, &s, rows, job->count, step->im->now, &changed);
	if (rc != RC_OK || !changed || (rc = record_put(c->txn, KIND_HOUSE, &key, h)) != RC_OK)
		return rc;
	/* of a new one nobody has a picture; another's is on screens, at other nodes or from before */
	return job->change == CHANGE_NEW ? RC_OK : shelter_tell(c, &job->shelter, true);
}

struct moving {
	const struct house_job *job;
	struct key from;
	bool has_more;
};

static enum rc
pin_stays(struct ctx *c, void *arg)
{
	struct moving *m = arg;
	const struct key key = record_key(KIND_SHELTER, &m->job->shelter);
	struct shelter s;
	enum rc rc;

	m->has_more = false;
	if ((rc = record_get(c->txn, KIND_SHELTER, &key, &s)) != RC_OK)
		return rc;
	if (county_zone(s.county) == county_zone(m->job->profile->shelter.county))
		return RC_OK;
	ctx_note(c, &m->job->shelter, &m->job->shelter, NULL);
	return case_pin_zone(c, &m->job->shelter, county_zone(s.county), &m->from, &m->has_more);
}

/* In parts of its own, since a house may have many stays.  That none comes meanwhile follows from what
 * write_profile reads (shelter_save): the house. */
static enum rc
pin_house(struct import *im, const struct house_job *job)
{
	struct moving m = { .job = job, .has_more = job->change == CHANGE_SOME && job->profile != NULL };
	enum rc rc = RC_OK;

	while (m.has_more && rc == RC_OK)
		rc = offline_part(im->o, "cli_import", pin_stays, &m);
	return rc;
}

static enum rc
write_houses(struct import *im)
{
	enum rc rc = RC_OK;

	for (size_t i = 0; i < im->job_count && rc == RC_OK; i++) {
		struct house_step step = { im, &im->jobs[i] };

		rc = pin_house(im, &im->jobs[i]);
		if (rc == RC_OK && im->jobs[i].change != CHANGE_NONE)
			rc = offline_part(im->o, "cli_import", write_house, &step);
	}
	return rc;
}

/* ---- people ---- */

static enum rc
write_person(struct ctx *c, void *arg)
{
	struct user_row *row = arg;
	struct user u = row->user, before;
	const char *made;
	enum rc rc;

	if (row->change == CHANGE_SOME) {
		if ((rc = user_load(c, &row->user.id, &before)) != RC_OK)
			return rc;
		u = before;
		u.roles = row->user.roles;
		u.shelter_count = row->user.shelter_count;
		memcpy(u.shelters, row->user.shelters, sizeof(u.shelters));
		return user_save(c, &before, &u);
	}
	if ((rc = user_create(c, &u, &made)) != RC_OK)
		return rc;
	(void)str_copy(row->pass.name, sizeof(row->pass.name), u.name);
	(void)str_copy(row->pass.passphrase, sizeof(row->pass.passphrase), made);
	return RC_OK;
}

/* People of the sample network are nobody's: none of them has to choose a passphrase of their own first. */
static enum rc
write_sample_person(struct ctx *c, void *arg)
{
	struct user_row *row = arg;
	enum rc rc = write_person(c, row);
	struct key name_key, key;
	struct reference ref;
	struct user u;

	if (rc != RC_OK || row->change != CHANGE_NEW)
		return rc;
	if ((rc = user_name_key(c->parts->keyring, row->user.name, &name_key)) != RC_OK)
		return rc;
	if ((rc = record_get(c->txn, KIND_USER_NAME, &name_key, &ref)) != RC_OK)
		return rc;
	key = record_key(KIND_USER, &ref.id);
	if ((rc = record_get(c->txn, KIND_USER, &key, &u)) != RC_OK)
		return rc;
	u.must_change = false;
	return record_put(c->txn, KIND_USER, &key, &u);
}

static enum rc
write_people(struct import *im)
{
	struct user_row *rows = im->rows[IMPORT_PEOPLE].at;
	step_fn *step = im->is_sample ? write_sample_person : write_person;
	enum rc rc = RC_OK;

	for (size_t i = 0; i < im->rows[IMPORT_PEOPLE].count && rc == RC_OK; i++)
		if (rows[i].change != CHANGE_NONE)
			rc = offline_part(im->o, "cli_import", step, &rows[i]);
	return rc;
}

/* Passphrases reach their file before anything is committed: after a crash no person is there whose
 * passphrase nobody knows.  What the file says of people who are not there is replaced the next time. */
static enum rc
save_passphrases(struct import *im)
{
	const char *file = im->args->value[OPT_PASSPHRASES];
	const struct user_row *rows = im->rows[IMPORT_PEOPLE].at;
	const size_t most = im->rows[IMPORT_PEOPLE].count;
	struct pass *passes;
	size_t count = 0;
	enum rc rc = RC_OK;

	if (file == NULL || im->tally[IMPORT_PEOPLE][CHANGE_NEW] == 0)
		return RC_OK;
	if ((passes = calloc(most, sizeof(*passes))) == NULL)
		return RC_UNAVAILABLE;
	for (size_t i = 0; i < most; i++)
		if (rows[i].change == CHANGE_NEW)
			passes[count++] = rows[i].pass;
	rc = passes_save(file, passes, count, &im->o->fault);
	wipe(passes, most * sizeof(*passes));
	free(passes);
	return rc;
}

/* ---- locations ---- */

static enum rc
write_location(struct ctx *c, void *arg)
{
	const struct location_row *row = arg;

	ctx_note(c, &row->shelter_id, &row->shelter_id, NULL);
	return location_put(c, &row->shelter_id, &row->location);
}

static enum rc
write_locations(struct import *im)
{
	struct location_row *rows = im->rows[IMPORT_LOCATIONS].at;
	enum rc rc = RC_OK;

	for (size_t i = 0; i < im->rows[IMPORT_LOCATIONS].count && rc == RC_OK; i++)
		if (rows[i].change != CHANGE_NONE)
			rc = offline_part(im->o, "cli_import", write_location, &rows[i]);
	return rc;
}

static enum rc
write_all(struct offline *o, void *arg)
{
	struct import *im = arg;
	struct org_row *orgs = im->rows[IMPORT_ORGS].at;
	enum rc rc = RC_OK;

	for (size_t i = 0; i < im->rows[IMPORT_ORGS].count && rc == RC_OK; i++)
		if (orgs[i].change != CHANGE_NONE)
			rc = offline_part(o, "cli_import", write_org, &orgs[i]);
	if (rc == RC_OK)
		rc = write_houses(im);
	if (rc == RC_OK)
		rc = write_people(im);
	if (rc == RC_OK)
		rc = write_locations(im);
	return rc == RC_OK ? save_passphrases(im) : rc;
}

enum rc
import_write(struct import *im)
{
	return offline_update_whole(im->o, write_all, im);
}
