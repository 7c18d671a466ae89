/* SPDX-License-Identifier: Apache-2.0 */
/* The kernel is the witness: what it says of the pages, and whom it stops. */
#include <criterion/criterion.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/secret.h"

#ifdef __SANITIZE_ADDRESS__
#define LOCKS false /* the address sanitizer makes mlock do nothing */
#else
#define LOCKS true
#endif

/* The VmFlags of the mapping that holds ${p}, framed by spaces. */
static void
flags_of(const void *p, char *out, size_t cap)
{
	FILE *maps = fopen("/proc/self/smaps", "r");
	uintptr_t from, to;
	bool is_inside = false;
	char line[512];

	out[0] = '\0';
	cr_assert_not_null(maps);
	while (fgets(line, sizeof(line), maps) != NULL) {
		if (sscanf(line, "%" SCNxPTR "-%" SCNxPTR " ", &from, &to) == 2)
			is_inside = (uintptr_t)p >= from && (uintptr_t)p < to;
		if (is_inside && strncmp(line, "VmFlags:", 8) == 0)
			(void)snprintf(out, cap, "%s", line + 8);
	}
	(void)fclose(maps);
}

Test(secret, memory_is_zeroed_locked_and_left_out_of_dumps)
{
	struct secret *s = secret_new(100);
	char flags[512];

	cr_assert_not_null(s);
	cr_assert_eq(secret_len(s), 100u);
	for (size_t i = 0; i < 100; i++)
		cr_assert_eq(secret_view(s)[i], 0);
	memset(secret_bytes(s), 0xa5, 100);
	cr_assert_eq(secret_view(s)[99], 0xa5);
	flags_of(secret_view(s), flags, sizeof(flags));
	cr_assert(!LOCKS || strstr(flags, " lo ") != NULL, "%s", flags);
	cr_assert_not_null(strstr(flags, " dd "), "%s", flags);
	secret_free(s);
}

/* How a child ends that touches ${p}: 0 if it may. */
static int
touch(const volatile uint8_t *p)
{
	int status = 0;
	pid_t child = fork();

	if (child == 0) {
		(void)signal(SIGSEGV, SIG_DFL);
		(void)signal(SIGBUS, SIG_DFL);
		(void)*p;
		_exit(0);
	}
	cr_assert_eq(waitpid(child, &status, 0), child);
	return status;
}

Test(secret, reading_past_either_end_stops_the_program)
{
	static const size_t sizes[] = { 16, 32, 4096, 5008 };

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct secret *s = secret_new(sizes[i]);
		const uint8_t *page =
		    secret_view(s) - ((uintptr_t)secret_view(s) % (uintptr_t)sysconf(_SC_PAGESIZE));

		cr_assert_eq(touch(secret_view(s)), 0);
		cr_assert_eq(touch(secret_view(s) + sizes[i] - 1), 0);
		cr_assert_neq(touch(secret_view(s) + sizes[i]), 0, "%zu", sizes[i]);
		cr_assert_neq(touch(page - 1), 0, "%zu", sizes[i]);
		secret_free(s);
	}
}

Test(secret, freed_memory_cannot_be_read)
{
	struct secret *s = secret_new(64);
	const uint8_t *p = secret_view(s);

	cr_assert_eq(touch(p), 0);
	secret_free(s);
	cr_assert_neq(touch(p), 0);
}

Test(secret, every_size_can_be_used_whole)
{
	for (size_t len = 0; len < 9000; len += 1 + len / 3) {
		struct secret *s = secret_new(len);

		cr_assert_not_null(s);
		memset(secret_bytes(s), 0xff, len);
		cr_assert_eq(secret_len(s), len);
		cr_assert_eq((uintptr_t)secret_view(s) % 16, 0u);
		secret_free(s);
	}
	secret_free(NULL);
	cr_assert_null(secret_new(SIZE_MAX));
	cr_assert_null(secret_new(SIZE_MAX - 100000));
}

Test(secret, a_forked_child_has_it_and_can_lock_it_again)
{
	struct secret *s = secret_new(8);
	int status;
	pid_t child;

	memcpy(secret_bytes(s), "sesame", 7);
	child = fork();
	if (child == 0)
		_exit(memcmp(secret_view(s), "sesame", 7) == 0 && secret_relock(s) ? 0 : 1);
	cr_assert_eq(waitpid(child, &status, 0), child);
	cr_assert_eq(status, 0);
	secret_free(s);
}

/* Memory that cannot be locked is refused, not used unlocked. */
Test(secret, without_a_right_to_lock_there_is_no_secret)
{
	const struct rlimit none = { 0, 0 };

	if (!LOCKS)
		cr_skip_test("mlock does nothing here");
	cr_assert_eq(setrlimit(RLIMIT_MEMLOCK, &none), 0);
	if (geteuid() == 0)
		cr_assert_eq(setuid(65534), 0); /* root may lock without limit */
	cr_assert_null(secret_new(16));
}
