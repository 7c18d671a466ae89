/* SPDX-License-Identifier: Apache-2.0 */
/* Houses whose code names sound alike (domain/code_name.h), among names that were loaded or read. */
#include <string.h>

#include "ctl/names.h"
#include "domain/code_name.h"

static const struct name_row *
row_of(const struct names *names, const struct id *house)
{
	for (size_t i = 0; i < names->count; i++)
		if (id_equal(&names->rows[i].id, house))
			return &names->rows[i];
	return NULL;
}

static enum rc
hear_all(const struct names *names, struct names *heard)
{
	enum rc rc = RC_OK;

	for (size_t i = 0; i < names->count && rc == RC_OK; i++) {
		struct name_row row = names->rows[i];

		code_name_heard(names->rows[i].name, row.name);
		rc = names_add(heard, &row);
	}
	return rc;
}

enum rc
names_alike(const struct names *houses,
    void (*tell)(void *arg, const struct name_row *house, const struct name_row *other), void *arg)
{
	struct names heard = { .rows = NULL };
	enum rc rc = hear_all(houses, &heard);

	for (size_t i = 0; i < houses->count && rc == RC_OK; i++) {
		char sound[LIMIT_NAME];
		const struct name_row *first;

		code_name_heard(houses->rows[i].name, sound);
		first = names_find(&heard, sound);
		if (first != NULL && !id_equal(&first->id, &houses->rows[i].id))
			tell(arg, &houses->rows[i], row_of(houses, &first->id));
	}
	names_free(&heard);
	return rc;
}
