/* SPDX-License-Identifier: Apache-2.0 */
/* One text per id, and no id twice: not in threads, not on the two sides of a fork. */
#include <criterion/criterion.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/id.h"

Test(id, texts_come_back)
{
	for (unsigned i = 0; i < 1000; i++) {
		struct id id = id_new(), back;
		char text[ID_TEXT + 1];

		id_format(&id, text);
		cr_assert_eq(strlen(text), ID_TEXT);
		cr_assert(text[0] >= '0' && text[0] <= '7');
		cr_assert(id_parse(text, ID_TEXT, &back));
		cr_assert(id_equal(&id, &back));
	}
}

Test(id, known_values_have_known_texts)
{
	static const struct {
		struct id id;
		const char *text;
	} rows[] = {
		{ { { 0 } }, "00000000000000000000000000" },
		{ { { [15] = 31 } }, "0000000000000000000000000z" },
		{ { { [15] = 32 } }, "00000000000000000000000010" },
		{ { { [7] = 1 } }, "0000000000000g000000000000" },
		{ { { 0x80 } }, "40000000000000000000000000" },
		{ { { 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255 } },
		    "7zzzzzzzzzzzzzzzzzzzzzzzzz" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char text[ID_TEXT + 1];
		struct id back;

		id_format(&rows[i].id, text);
		cr_assert_str_eq(text, rows[i].text);
		cr_assert(id_parse(text, ID_TEXT, &back));
		cr_assert(id_equal(&rows[i].id, &back));
	}
}

Test(id, other_texts_are_refused_and_give_zero)
{
	static const char *const texts[] = {
		"",
		"0",
		"0000000000000000000000000",
		"000000000000000000000000000",
		"80000000000000000000000000",
		"z0000000000000000000000000",
		"0000000000000000000000000i",
		"0000000000000000000000000l",
		"0000000000000000000000000o",
		"0000000000000000000000000u",
		"0000000000000000000000000A",
		"000000000000-0000000000000",
		"0000000000000000000000000 ",
		"\xc3\xa1"
		"000000000000000000000000",
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct id id = id_new();

		cr_assert_not(id_parse(texts[i], strlen(texts[i]), &id), "%s", texts[i]);
		cr_assert(id_is_zero(&id));
	}
}

Test(id, a_nul_inside_is_refused)
{
	char text[ID_TEXT] = "0000000000";
	struct id id;

	cr_assert_not(id_parse(text, ID_TEXT, &id));
}

Test(id, equality_sees_every_byte)
{
	const struct id id = id_new();

	for (size_t i = 0; i < ID_BYTES; i++) {
		struct id other = id;

		other.b[i] ^= 0x40;
		cr_assert_not(id_equal(&id, &other));
	}
}

#define THREADS    4
#define PER_THREAD 2000

static struct id made[THREADS * PER_THREAD];

static void *
make_ids(void *arg)
{
	struct id *ids = arg;

	for (size_t i = 0; i < PER_THREAD; i++)
		ids[i] = id_new();
	return NULL;
}

static int
compare_ids(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct id));
}

Test(id, threads_never_make_the_same_id)
{
	pthread_t threads[THREADS];

	for (size_t i = 0; i < THREADS; i++)
		cr_assert_eq(pthread_create(&threads[i], NULL, make_ids, made + i * PER_THREAD), 0);
	for (size_t i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	qsort(made, THREADS * PER_THREAD, sizeof(made[0]), compare_ids);
	cr_assert_not(id_is_zero(&made[0]));
	for (size_t i = 1; i < THREADS * PER_THREAD; i++)
		cr_assert_not(id_equal(&made[i - 1], &made[i]));
}

Test(id, parent_and_child_never_make_the_same_id)
{
	enum { COUNT = 40 }; /* more than a pool holds */
	struct id ours[COUNT], theirs[COUNT];
	int ends[2], status;
	pid_t child;

	(void)id_new(); /* now there is a pool to inherit */
	cr_assert_eq(pipe(ends), 0);
	child = fork();
	if (child == 0) {
		for (size_t i = 0; i < COUNT; i++)
			theirs[i] = id_new();
		_exit(write(ends[1], theirs, sizeof(theirs)) == sizeof(theirs) ? 0 : 1);
	}
	for (size_t i = 0; i < COUNT; i++)
		ours[i] = id_new();
	cr_assert_eq(read(ends[0], theirs, sizeof(theirs)), (ssize_t)sizeof(theirs));
	cr_assert_eq(waitpid(child, &status, 0), child);
	for (size_t i = 0; i < COUNT; i++)
		for (size_t j = 0; j < COUNT; j++)
			cr_assert_not(id_equal(&ours[i], &theirs[j]), "%zu %zu", i, j);
}

Test(id, random_fill_fills_every_length_and_no_more)
{
	for (size_t len = 0; len <= 100; len++) {
		uint8_t seen[101] = { 0 }, out[101];

		for (unsigned round = 0; round < 12; round++) {
			memset(out, 0, sizeof(out));
			random_fill(out, len);
			for (size_t i = 0; i < sizeof(out); i++)
				seen[i] |= out[i];
		}
		for (size_t i = 0; i < sizeof(out); i++)
			cr_assert_eq(seen[i] != 0, i < len, "length %zu, byte %zu", len, i);
	}
}

Test(id, random_below_reaches_every_value_and_stays_below)
{
	unsigned hits[6] = { 0 };

	for (unsigned i = 0; i < 6000; i++) {
		uint32_t v = random_below(6);

		cr_assert_lt(v, 6u);
		hits[v]++;
	}
	for (unsigned i = 0; i < 6; i++)
		cr_assert(
		    hits[i] > 700 && hits[i] < 1300, "%u: %u", i, hits[i]); /* ten standard deviations */
	cr_assert_eq(random_below(1), 0u);
	(void)random_below(UINT32_MAX);
}
