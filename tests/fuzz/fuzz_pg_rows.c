/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libFuzzer: rows of changes as PostgreSQL sends them (a length byte and bytes for each of three cells, 255:
 * null), read as changes and as heads of logs; and arrays as we send them, read back by a reader of its own.
 */
#include <stdlib.h>
#include <string.h>

#include "store/logs.h"
#include "store/pg_parts.h"

#define CELLS 3
#define ROWS  64

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t len);

struct input {
	const uint8_t *p;
	size_t len;
};

/* A cell: false at the end. */
static bool
take(struct input *in, struct bytes *out, bool *is_null)
{
	if (in->len == 0)
		return false;
	*is_null = in->p[0] == 255;
	const size_t wanted = *is_null ? 0 : in->p[0];
	const size_t n = wanted < in->len - 1 ? wanted : in->len - 1;

	*out = (struct bytes){ in->p + 1, n };
	in->p += 1 + n;
	in->len -= 1 + n;
	return true;
}

static PGresult *
make_result(struct input in)
{
	static char name[] = "x";
	PGresAttDesc columns[CELLS] = { { .name = name, .format = 1 }, { .name = name, .format = 1 },
		{ .name = name, .format = 1 } };
	PGresult *res = PQmakeEmptyPGresult(NULL, PGRES_TUPLES_OK);
	struct bytes cell;
	bool is_null;

	if (res == NULL || PQsetResultAttrs(res, CELLS, columns) == 0)
		abort();
	for (int i = 0; i < CELLS * ROWS && take(&in, &cell, &is_null); i++) {
		/* libpq takes it as text, length and all */
		char copy[256] = { 0 };

		memcpy(copy, cell.p, cell.len);
		if (PQsetvalue(res, i / CELLS, i % CELLS, copy, is_null ? -1 : (int)cell.len) == 0)
			abort();
	}
	return res;
}

static void
read_rows(const PGresult *res)
{
	for (int row = 0; row < PQntuples(res); row++) {
		struct change c;
		struct log_head head;

		(void)!log_head_read(pg_bytes(res, row, 2), &head);
		(void)pg_number(res, row, 1);
		if (!pg_change_read(res, row, &c))
			continue;
		if (c.key.len == 0 || c.key.len > LIMIT_KEY || (c.is_delete && c.sealed.len != 0))
			abort();
		if (c.is_append && (!key_is_log_entry(&c.key) || c.sealed.len <= LOG_LEAF))
			abort();
	}
}

/* The array's binary form is a header of five numbers, then for each element its length and bytes. */
static void
send_back(struct input in)
{
	static struct pg_array a;
	const struct input all = in;
	struct bytes cell;
	uint32_t count = 0;
	size_t at = 20;
	bool is_null;

	pg_array_start(&a, PG_BYTEA);
	for (; take(&in, &cell, &is_null); count++)
		pg_array_add(&a, cell);
	if (a.is_short || a.len < 12 || get_u32(a.p + 8) != PG_BYTEA || get_u32(a.p) != (count > 0))
		abort();
	if (count == 0)
		return;
	if (get_u32(a.p + 12) != count || get_u32(a.p + 16) != 1)
		abort();
	for (in = all; take(&in, &cell, &is_null); at += 4 + cell.len)
		if (get_u32(a.p + at) != cell.len || memcmp(a.p + at + 4, cell.p, cell.len) != 0)
			abort();
	if (at != a.len)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t len)
{
	const struct input in = { p, len };
	PGresult *res = make_result(in);

	read_rows(res);
	PQclear(res);
	send_back(in);
	return 0;
}
