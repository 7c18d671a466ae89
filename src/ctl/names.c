/* SPDX-License-Identifier: Apache-2.0 */
/* A sorted array: names are looked up many times after they were read once. */
#include "ctl/names.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum rc
names_add(struct names *names, const struct name_row *row)
{
	if (names->count == names->cap) {
		size_t cap = names->cap == 0 ? 64 : names->cap * 2, size;
		struct name_row *grown;

		if (!size_mul(cap, sizeof(*grown), &size) || (grown = realloc(names->rows, size)) == NULL)
			return RC_UNAVAILABLE;
		names->rows = grown;
		names->cap = cap;
	}
	names->rows[names->count++] = *row;
	names->sorted = false;
	return RC_OK;
}

struct loading {
	struct names *names;
	enum kind kind;
	enum rc rc;
};

static bool
load_org(struct loading *l, struct bytes value, struct name_row *row)
{
	struct org org;

	if ((l->rc = record_decode(KIND_ORG, value, &org)) != RC_OK)
		return false;
	(void)str_copy(row->name, sizeof(row->name), org.name);
	row->id = org.id;
	row->kind = org.kind;
	return !org.retired;
}

static bool
load_shelter(struct loading *l, struct bytes value, struct name_row *row)
{
	struct shelter s;

	if ((l->rc = record_decode(KIND_SHELTER, value, &s)) != RC_OK)
		return false;
	(void)str_copy(row->name, sizeof(row->name), s.code_name);
	row->id = s.id;
	row->org = s.org;
	row->kind = s.type;
	return !s.retired;
}

static bool
load_one(void *arg, const struct key *key, struct bytes value, uint64_t rev)
{
	struct loading *l = arg;
	struct name_row row = { .line = 0 };
	bool counts = l->kind == KIND_ORG ? load_org(l, value, &row) : load_shelter(l, value, &row);

	(void)key;
	(void)rev;
	if (counts)
		l->rc = names_add(l->names, &row);
	return l->rc == RC_OK;
}

enum rc
names_load(struct ctx *c, enum kind kind, struct names *names)
{
	struct loading l = { .names = names, .kind = kind };
	struct key prefix = record_key_bytes(kind, "", 0);
	enum rc rc = txn_scan(c->txn, &prefix, NULL, load_one, &l);

	return rc == RC_OK ? l.rc : rc;
}

static int
compare(const void *pa, const void *pb)
{
	const struct name_row *a = pa, *b = pb;
	int order = strcmp(a->name, b->name);

	if (order != 0)
		return order;
	return a->line < b->line ? -1 : a->line > b->line;
}

const struct name_row *
names_find(struct names *names, const char *name)
{
	size_t low = 0, high = names->count;

	if (!names->sorted && names->count > 0)
		qsort(names->rows, names->count, sizeof(*names->rows), compare);
	names->sorted = true;
	while (low < high) {
		size_t mid = low + (high - low) / 2;
		if (strcmp(names->rows[mid].name, name) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low < names->count && strcmp(names->rows[low].name, name) == 0 ? &names->rows[low] : NULL;
}

void
names_free(struct names *names)
{
	free(names->rows);
	*names = (struct names){ .rows = NULL };
}

bool
names_next(const char **list, char *part, size_t cap)
{
	size_t n;

	*list += strspn(*list, ", ");
	n = strcspn(*list, ",");
	if (n == 0)
		return false;
	(void)snprintf(part, cap, "%.*s", (int)n, *list);
	for (size_t end = strlen(part); end > 0 && part[end - 1] == ' '; end--)
		part[end - 1] = '\0';
	*list += n;
	return true;
}

enum status
names_roles(const char *list, uint32_t *out)
{
	char part[LIMIT_NAME];

	while (names_next(&list, part, sizeof(part))) {
		int role = code_find(&codes_role, part, strlen(part));
		if (role < 0) {
			talk_error("there is no role \"%s\"; roles are:", part);
			for (unsigned i = 0; i < codes_role.count; i++)
				(void)fprintf(stderr, "  %s\n", codes_role.rows[i].code);
			return STATUS_USAGE;
		}
		*out |= ROLE_BIT((unsigned)role);
	}
	return STATUS_OK;
}
