/* SPDX-License-Identifier: Apache-2.0 */
/* A desk's downtime sheet of a registry that is not whole: what can be read stands on it. */
#include "details.h"
#include "ledger/ledger.h"
#include "service/sheets.h"

#define PASS "kilenc piros alma a fán"

static struct details x;
static struct sheet_key desk;
static uint8_t text[SHEET_TEXT];

static void
set_up(void)
{
	const struct sheets_options options = { .dir = x.dir };
	struct key key;
	struct org org;

	details_open(&x);
	cr_assert_eq(ledger_new(x.parts.store, &x.parts.ledger), RC_OK);
	model_clear(&model_org, &org);
	desk.org = org.id = id_new();
	(void)str_copy(org.name, sizeof(org.name), "OKIT");
	key = record_key(KIND_ORG, &org.id);
	details_put(&x, KIND_ORG, &key, &org);
	(void)str_copy(desk.name, sizeof(desk.name), "okit");
	cr_assert_eq(letter_key(bytes_str(PASS), desk.key), RC_OK);
	cr_assert_eq(sheet_key_write(&x.parts.paths, &desk, false, &x.fault), RC_OK);
	cr_assert_eq(sheets_open(&x.parts, &options, &x.fault), RC_OK);
}

static void
tear_down(void)
{
	sheets_free(x.parts.sheets);
	x.parts.sheets = NULL;
	details_close(&x);
}

TestSuite(sheets, .init = set_up, .fini = tear_down, .timeout = 60);

/* A row of the desk leads to it. */
static void
give_desk(const struct id *reservation)
{
	const struct key key = record_key2(KIND_RES_DESK, &desk.org, reservation);
	const struct reference row = { *reservation };

	details_put(&x, KIND_RES_DESK, &key, &row);
}

static void
hurt(enum kind kind, const struct id *id)
{
	const struct key key = record_key(kind, id);
	const uint8_t noise[] = "no record";

	details_put_raw(&x, &key, KEY_RECORD, BYTES_OF(noise));
}

/* A request at the house ${shelter}, or at the one that is there. */
static struct id
request(const struct id *shelter)
{
	struct id id;

	if (shelter != NULL)
		x.shelter.id = *shelter;
	id = details_reservation(&x, RES_CONFIRMED, 0);
	give_desk(&id);
	return id;
}

/* The sheet as it opens with the passphrase. */
static const char *
write_sheet(void)
{
	char path[160], *sealed;
	unsigned desks, rows;
	size_t len, opened;

	cr_assert_eq(sheets_write(&x.parts, START, &desks, &rows, &x.fault), RC_OK);
	cr_expect_eq(desks, 1);
	details_path(&x, "okit.sheet", path);
	cr_assert_eq(file_read(path, sizeof(text), &sealed, &len, &x.fault), RC_OK);
	cr_assert_eq(
	    letter_open(bytes_str(PASS), (struct bytes){ (const uint8_t *)sealed, len }, text, &opened),
	    RC_OK);
	text[opened] = '\0';
	free(sealed);
	return (const char *)text;
}

static unsigned
rows_of(const char *sheet)
{
	unsigned count = 0;

	for (const char *at = sheet; (at = strstr(at, "\nrow\t")) != NULL; at++)
		count++;
	return count;
}

static void
expect_sheet(unsigned there, const char *counted)
{
	const char *sheet = write_sheet();

	cr_expect_eq(rows_of(sheet), there, "%s", sheet);
	cr_expect_not_null(strstr(sheet, counted), "%s", sheet);
}

Test(sheets, all_that_a_desk_placed_stands_on_its_sheet)
{
	(void)request(NULL);
	(void)request(NULL);
	expect_sheet(2, "\nrows\t2\n");
}

Test(sheets, a_damaged_reservation_keeps_no_other_from_the_sheet_and_is_counted)
{
	const struct id first = { { 0, 1 } }, last = { { 0xff } };

	(void)request(NULL);
	(void)request(NULL);
	hurt(KIND_RESERVATION, &first);
	give_desk(&first);
	give_desk(&last); /* leads to none */
	expect_sheet(2, "\nrows\t4\n");
}

Test(sheets, a_damaged_house_keeps_no_other_houses_guests_from_the_sheet)
{
	const struct id house = id_new();

	(void)request(NULL);
	hurt(KIND_SHELTER, &house);
	(void)request(&house);
	expect_sheet(1, "\nrows\t2\n");
}

Test(sheets, a_damaged_row_keeps_no_later_one_from_the_sheet)
{
	const struct id none = { { 0, 1 } };
	const struct key key = record_key2(KIND_RES_DESK, &desk.org, &none);
	const uint8_t noise[] = "no row";

	details_put_raw(&x, &key, KEY_DETAIL, BYTES_OF(noise));
	(void)request(NULL);
	expect_sheet(1, "\nrows\t2\n");
}

Test(sheets, what_a_lost_key_sealed_is_counted_and_the_rest_stands_there)
{
	(void)request(NULL);
	(void)request(NULL);
	details_lose_key(&x);
	(void)request(NULL);
	expect_sheet(1, "\nrows\t3\n");
}

Test(sheets, a_clock_that_ran_ahead_and_was_put_back_costs_no_desk_its_sheets)
{
	unsigned desks, rows;

	cr_assert_eq(sheets_write(&x.parts, START + 300 * DAY, &desks, &rows, &x.fault), RC_OK);
	cr_expect_not(sheets_are_due(&x.parts, START + 300 * DAY + HOUR), "it was just written");
	cr_expect(sheets_are_due(&x.parts, START));
	cr_assert_eq(sheets_write(&x.parts, START, &desks, &rows, &x.fault), RC_OK);
	cr_expect_not(sheets_are_due(&x.parts, START + HOUR));
	cr_expect(sheets_are_due(&x.parts, START + 4 * HOUR));
}
