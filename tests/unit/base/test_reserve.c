/* SPDX-License-Identifier: Apache-2.0 */
/* The reserve gives whole, separate, aligned blocks until there are none, and takes them back. */
#include <criterion/criterion.h>
#include <stdint.h>
#include <string.h>

#include "base/attr.h"
#include "base/reserve.h"

#define MOST 8192u

static void *blocks[MOST];

static unsigned
take_all(size_t len)
{
	unsigned n = 0;

	while (n < MOST && (blocks[n] = reserve_take(len)) != NULL) {
		cr_assert_eq((uintptr_t)blocks[n] % 16, 0);
		memset(blocks[n], (int)(n & 0xff), len);
		n++;
	}
	return n;
}

Test(reserve, gives_all_it_has_once_and_again_after_it_came_back)
{
	static const size_t lens[] = { 1, 256, 257, 4096, 4097, 20480 };

	for (size_t i = 0; i < COUNT_OF(lens); i++) {
		const unsigned n = take_all(lens[i]);

		cr_assert_gt(n, 16);
		cr_assert_lt(n, MOST);
		for (unsigned k = 0; k < n; k++) {
			const uint8_t *p = blocks[k];

			cr_assert_eq(p[0], k & 0xff, "a block was given twice");
			cr_assert_eq(p[lens[i] - 1], k & 0xff, "two blocks overlap");
			cr_assert_geq(reserve_len(p), lens[i]);
		}
		for (unsigned k = 0; k < n; k++)
			reserve_give(blocks[k]);
		cr_assert_eq(take_all(lens[i]), n, "not all came back");
		for (unsigned k = 0; k < n; k++)
			reserve_give(blocks[k]);
	}
	cr_assert_gt(reserve_uses(), 100);
}

Test(reserve, has_nothing_longer_and_knows_its_own)
{
	int other;
	void *p = reserve_take(100);

	cr_assert_null(reserve_take(20481));
	cr_assert(reserve_has(p));
	cr_assert_not(reserve_has(&other));
	cr_assert_eq(reserve_len(&other), 0);
	reserve_give(p);
	reserve_give(&other);
}
