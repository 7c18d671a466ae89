/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include "domain/code_name.h"

static void
expect_heard(const char *name, const char *wanted)
{
	char out[LIMIT_NAME];

	code_name_heard(name, out);
	cr_expect_str_eq(out, wanted, "\"%s\" is heard as \"%s\", not \"%s\"", name, out, wanted);
}

Test(code_name, writing_does_not_tell_names_apart_that_sound_alike)
{
	static const char *const ways[] = { "Nyugat 2", "NYUGAT 2", "nyugat-2", "  Nyugat   2. ", "Nyugat2" };

	for (unsigned i = 0; i < sizeof(ways) / sizeof(ways[0]); i++)
		expect_heard(ways[i], "nyugat2");
	expect_heard("ŐRHÁZ Űr Ág", "őrházűrág");
	expect_heard("Árvíztűrő TÜKÖRFÚRÓGÉP", "árvíztűrőtükörfúrógép");
	expect_heard("ÁRVÍZTŰRŐ tükörfúrógép", "árvíztűrőtükörfúrógép");
}

Test(code_name, what_is_said_otherwise_stays_another_name)
{
	expect_heard("Nyugat 12", "nyugat12");
	expect_heard("Nyugat 1-2", "nyugat1 2");
	expect_heard("Nyugat 1 / 2", "nyugat1 2");
	expect_heard("Kor", "kor");
	expect_heard("Kór", "kór");
	expect_heard("Kör", "kör");
}

Test(code_name, nothing_is_cut_and_nothing_is_lost)
{
	char full[LIMIT_NAME], out[LIMIT_NAME];

	for (unsigned i = 0; i + 1 < LIMIT_NAME; i++)
		full[i] = (char)(i % 2 == 0 ? '1' : '-');
	full[LIMIT_NAME - 1] = '\0';
	code_name_heard(full, out);
	cr_expect_eq(out[0], '1');
	cr_expect_eq(out[LIMIT_NAME - 2], '1');
	cr_expect_eq(out[LIMIT_NAME - 1], '\0');
	expect_heard("***", "***"); /* of signs alone: as it is written */
	expect_heard("", "");
	expect_heard("\xc3", "\xc3"); /* half a letter at the end: nothing is read behind it */
}
