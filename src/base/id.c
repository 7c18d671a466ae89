/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random identifiers and the kernel's randomness.  Small requests come from a pool of each thread, because a
 * system call for 16 bytes costs more than the rest of the work; keys are larger and never lie in it.
 */
#include "base/id.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/bytes.h"
#include "base/log.h"

#define POOL_BYTES 1024u /* what a request takes, a few times over */
#define POOL_SHARE 16u   /* the largest request that is served from the pool */

static const char digits[] = "0123456789abcdefghjkmnpqrstvwxyz";

static _Thread_local struct {
	uint8_t bytes[POOL_BYTES];
	size_t left; /* unused bytes, at the start of ${bytes} */
} pool;

static pthread_once_t fork_hook = PTHREAD_ONCE_INIT;

/* In the child only the forking thread lives on, and its pool is the parent's too: both would make the same
 * ids. */
static void
forget_pool(void)
{
	wipe(pool.bytes, sizeof(pool.bytes));
	pool.left = 0;
}

static void
hook_fork(void)
{
	if (pthread_atfork(NULL, NULL, forget_pool) != 0)
		abort();
}

static void
kernel_fill(uint8_t *out, size_t len)
{
	while (len > 0) {
		ssize_t got = getrandom(out, len, 0);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0) {
			log_world("random", "call=getrandom errno=%d", errno);
			abort();
		}
		out += got;
		len -= (size_t)got;
	}
}

void
random_fill(void *out, size_t len)
{
	if (len > POOL_SHARE) {
		kernel_fill(out, len);
		return;
	}
	if (pool.left < len) {
		(void)pthread_once(&fork_hook, hook_fork);
		kernel_fill(pool.bytes, sizeof(pool.bytes));
		pool.left = sizeof(pool.bytes);
	}
	pool.left -= len;
	memcpy(out, pool.bytes + pool.left, len);
	wipe(pool.bytes + pool.left, len);
}

uint32_t
random_below(uint32_t bound)
{
	const uint32_t uneven =
	    (UINT32_MAX - bound + 1) % bound; /* 2^32 mod bound: so many values are too many */
	uint32_t v;

	do
		random_fill(&v, sizeof(v));
	while (v < uneven);
	return v % bound;
}

struct id
id_new(void)
{
	struct id id = { 0 };

	random_fill(id.b, sizeof(id.b));
	return id;
}

bool
id_is_zero(const struct id *id)
{
	static const struct id zero;

	return id_equal(id, &zero);
}

bool
id_equal(const struct id *a, const struct id *b)
{
	return bytes_equal(BYTES_OF(a->b), BYTES_OF(b->b));
}

void
id_format(const struct id *id, char out[ID_TEXT + 1])
{
	uint64_t high = get_u64(id->b);
	uint64_t low = get_u64(id->b + 8);

	for (size_t i = ID_TEXT; i-- > 0;) {
		out[i] = digits[low & 31];
		low = low >> 5 | high << 59;
		high >>= 5;
	}
	out[ID_TEXT] = '\0';
}

/* Place in the alphabet of what lies between '0' and 'z', and one more; 0: in none. */
static const uint8_t places['z' + 1] = {
	['0'] = 1,
	['1'] = 2,
	['2'] = 3,
	['3'] = 4,
	['4'] = 5,
	['5'] = 6,
	['6'] = 7,
	['7'] = 8,
	['8'] = 9,
	['9'] = 10,
	['a'] = 11,
	['b'] = 12,
	['c'] = 13,
	['d'] = 14,
	['e'] = 15,
	['f'] = 16,
	['g'] = 17,
	['h'] = 18,
	['j'] = 19,
	['k'] = 20,
	['m'] = 21,
	['n'] = 22,
	['p'] = 23,
	['q'] = 24,
	['r'] = 25,
	['s'] = 26,
	['t'] = 27,
	['v'] = 28,
	['w'] = 29,
	['x'] = 30,
	['y'] = 31,
	['z'] = 32,
};

/* Place of ${c} in the alphabet, or -1. */
static int
digit_value(char c)
{
	const unsigned char at = (unsigned char)c;

	return at < sizeof(places) ? places[at] - 1 : -1;
}

bool
id_parse(const char *text, size_t len, struct id *out)
{
	uint64_t high = 0, low = 0;

	*out = (struct id){ 0 };
	if (len != ID_TEXT || digit_value(text[0]) > 7) /* 26 digits hold 130 bits */
		return false;
	for (size_t i = 0; i < ID_TEXT; i++) {
		int value = digit_value(text[i]);

		if (value < 0)
			return false;
		high = high << 5 | low >> 59;
		low = low << 5 | (uint64_t)value;
	}
	put_u64(out->b, high);
	put_u64(out->b + 8, low);
	return true;
}
