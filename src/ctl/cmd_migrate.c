/* SPDX-License-Identifier: Apache-2.0 */
/*
 * menedek migrate: a registry moves from the file of one machine into a PostgreSQL that several nodes share,
 * or back. Keys and certificates stay where they are.
 */
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "ctl/migration.h"
#include "ctl/owner.h"
#include "ctl/talk.h"
#include "store/database.h"
#include "store/migrate.h"

static enum status
find_store(const struct args *args, struct paths *paths)
{
	const char *dir = args_dir(args);

	if (!paths_of(paths, dir, args_keys(args))) {
		talk_error("%s: the path is too long", dir);
		return STATUS_USAGE;
	}
	if (!file_exists(paths->keyring)) {
		talk_error(
		    "%s holds no registry; make one: menedek init --dir %s --host NAME --org NAME", dir, dir);
		return STATUS_NOT_FOUND;
	}
	return STATUS_OK;
}

enum status
migrate_check(const struct args *args, bool *is_postgresql)
{
	const char *engine = args->value[OPT_ENGINE];

	*is_postgresql = engine != NULL && strcmp(engine, "postgresql") == 0;
	if (engine != NULL && !*is_postgresql && strcmp(engine, "lmdb") != 0) {
		talk_error("--engine takes lmdb or postgresql");
		return STATUS_USAGE;
	}
	if (*is_postgresql != args_has(args, OPT_DATABASE)) {
		talk_error("--engine postgresql and --database CONNINFO go together");
		return STATUS_USAGE;
	}
	return STATUS_OK;
}

enum status
migrate_into(const struct args *args, const struct paths *paths, uint64_t *pairs)
{
	struct fault f = { .count = 0 };

	return talk_failure(
	    "migrate", migrate_to_postgresql(paths->store, args->value[OPT_DATABASE], pairs, &f), &f);
}

enum status
cmd_migrate(const struct args *args)
{
	struct fault f = { .count = 0 };
	struct paths paths;
	uint64_t pairs = 0;
	bool is_postgresql;
	enum status status = migrate_check(args, &is_postgresql);

	if (status != STATUS_OK || (status = find_store(args, &paths)) != STATUS_OK)
		return status;
	if (is_postgresql)
		status = migrate_into(args, &paths, &pairs);
	else if (database_is_unsettled(paths.store)) /* what stands in the copy's place may be anybody's */
		status = talk_failure(
		    "migrate", fault_set(&f, RC_UNAVAILABLE, MSG_STORE_UNSETTLED, NULL, 0, NULL), &f);
	else
		status = talk_failure("migrate", migrate_to_lmdb(paths.store, &pairs, &f), &f);
	owner_give_registry(paths.dir);
	if (status != STATUS_OK)
		return status;
	if (args_has(args, OPT_JSON))
		(void)printf("{\"engine\":\"%s\",\"pairs\":%llu}\n", is_postgresql ? "postgresql" : "lmdb",
		    (unsigned long long)pairs);
	else
		(void)printf(is_postgresql ? "%llu pairs moved to PostgreSQL, read back and compared\n"
					   : "%llu pairs here, each with the revision that PostgreSQL has\n",
		    (unsigned long long)pairs);
	return STATUS_OK;
}
