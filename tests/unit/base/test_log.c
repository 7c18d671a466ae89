/* SPDX-License-Identifier: Apache-2.0 */
/* What comes out on standard error, read back from a file that stands in for it. */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/log.h"

static int sink = -1, saved_stderr = -1;
static char text[256 * 1024];

static void
capture(void)
{
	sink = memfd_create("log", 0);
	saved_stderr = dup(STDERR_FILENO);
	/* without O_APPEND two writes to a memfd may take the same offset, and the kernel loses one */
	cr_assert(sink >= 0 && fcntl(sink, F_SETFL, O_APPEND) == 0);
	cr_assert(dup2(sink, STDERR_FILENO) >= 0);
}

/* All that was written since capture; standard error is itself again. */
static const char *
captured(void)
{
	ssize_t len;

	(void)dup2(saved_stderr, STDERR_FILENO);
	len = pread(sink, text, sizeof(text) - 1, 0);
	cr_assert_geq(len, 0);
	text[len] = '\0';
	return text;
}

static unsigned
count(const char *in, const char *what)
{
	unsigned found = 0;

	for (const char *at = strstr(in, what); at != NULL; at = strstr(at + 1, what))
		found++;
	return found;
}

static void
next_second(void)
{
	const struct timespec nap = { .tv_sec = 1, .tv_nsec = 50000000 };

	nanosleep(&nap, NULL);
}

Test(log, a_line_has_level_event_and_pairs)
{
	capture();
	log_note("started", "port=%d name=%s", 8443, "menedek");
	log_peer("refused", "code=%s", "stale");
	log_world("disk", "errno=%d", ENOSPC);
	cr_assert_str_eq(captured(),
	    "note started port=8443 name=menedek\npeer refused code=stale\nworld disk errno=28\n");
}

Test(log, control_characters_cannot_forge_a_line_or_reach_a_terminal)
{
	capture();
	log_peer("name", "v=%s", "a\nbug forged x=1\r\x1b[2J\x7f\t");
	cr_assert_str_eq(captured(), "peer name v=a\\x0abug forged x=1\\x0d\\x1b[2J\\x7f\\x09\n");
}

Test(log, letters_pass_and_c1_controls_and_broken_utf8_do_not)
{
	capture();
	log_peer("a", "v=%s", "\xc3\xa1rv\xc3\xadz");
	log_peer("b", "v=%s",
	    "\xc2\x9b"
	    "2J\xc2\xa0");
	log_peer("c", "v=%s", "x\xff\xc3\xa1");
	cr_assert_str_eq(captured(),
	    "peer a v=\xc3\xa1rv\xc3\xadz\npeer b v=\\xc2\\x9b2J\xc2\xa0\n"
	    "peer c v=x\\xff\\xc3\\xa1\n");
}

Test(log, a_long_line_is_cut_and_still_one_line)
{
	char rest[5000] = "";

	for (unsigned i = 0; i < 2000; i++)
		strcat(rest, "\xc3\xa1");
	capture();
	log_note("long", "%s", rest);
	memset(rest, '\n', sizeof(rest) - 1);
	log_note("worse", "%s", rest);
	(void)captured();
	cr_assert_eq(count(text, "\n"), 2u);
	cr_assert_lt(strlen(text), 4096u);
	cr_assert(utf8_is_valid(text, strlen(text)));
	cr_assert_not_null(strstr(text, "...\n"));
}

Test(log, levels_below_the_least_are_dropped)
{
	capture();
	log_line(LOG_DEBUG, "quiet", "x=1");
	log_set_level(LOG_DEBUG);
	log_line(LOG_DEBUG, "heard", "x=1");
	log_set_level(LOG_WORLD);
	log_note("quiet", "x=1");
	log_world("heard", "x=2");
	cr_assert_str_eq(captured(), "debug heard x=1\nworld heard x=2\n");
}

Test(log, a_flood_is_cut_and_every_dropped_line_counted)
{
	unsigned written, dropped = 0, seconds;
	int64_t begun;

	capture();
	begun = clock_mono_ms() / 1000;
	for (unsigned i = 0; i < 1000; i++)
		log_peer("flood", "i=%u", i);
	seconds = (unsigned)(clock_mono_ms() / 1000 - begun) + 1; /* that it touched */
	log_peer("other", "x=1"); /* one event's flood does not silence another */
	next_second();
	log_note("later", "x=1");
	(void)captured();
	written = count(text, "peer flood ");
	for (const char *at = strstr(text, "log_dropped lines="); at != NULL;
	     at = strstr(at + 1, "log_dropped lines="))
		dropped += (unsigned)strtoul(at + strlen("log_dropped lines="), NULL, 10);
	cr_assert(written >= LOG_BURST && written <= seconds * LOG_BURST, "%u in %u", written, seconds);
	cr_assert_eq(written + dropped, 1000u, "%u + %u", written, dropped);
	cr_assert_eq(count(text, "peer other "), 1u);
	cr_assert_not_null(strstr(text, " event=flood\n"));
}

Test(log, the_same_event_flows_again_in_the_next_second)
{
	capture();
	for (unsigned i = 0; i < 60; i++)
		log_peer("flood", "i=%u", i);
	next_second();
	log_peer("flood", "again=1");
	cr_assert_not_null(strstr(captured(), "peer flood again=1\n"));
}

#define THREADS 4
#define LINES   40

static void *
write_lines(void *arg)
{
	for (unsigned i = 0; i < LINES; i++)
		log_note(arg, "i=%u tail=end", i);
	return NULL;
}

Test(log, threads_write_whole_lines)
{
	char names[THREADS][8] = { "one", "two", "three", "four" };
	pthread_t threads[THREADS];

	capture();
	for (size_t i = 0; i < THREADS; i++)
		cr_assert_eq(pthread_create(&threads[i], NULL, write_lines, names[i]), 0);
	for (size_t i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	(void)captured();
	cr_assert_eq(count(text, "\n"), THREADS * LINES);
	cr_assert_eq(count(text, " tail=end\n"), THREADS * LINES);
	cr_assert_eq(count(text, "note "), THREADS * LINES);
}

Test(log, more_events_than_places_are_still_written)
{
	static char names[400][8];

	capture();
	for (unsigned i = 0; i < 400; i++) {
		(void)snprintf(names[i], sizeof(names[i]), "e%u", i);
		log_note(names[i], "x=1");
		log_note(names[i], "x=2");
	}
	(void)captured();
	cr_assert_geq(count(text, "note e"), 2 * 100u + LOG_BURST);
	cr_assert_not_null(strstr(text, "note e0 x=2\n"));
}

Test(log, errno_survives)
{
	capture();
	errno = EXDEV;
	log_note("x", "y=%d", 1);
	cr_assert_eq(errno, EXDEV);
	(void)captured();
}

#ifdef MENEDEK_DEBUG
Test(log, a_bug_aborts_debug_builds, .signal = SIGABRT)
{
	log_bug("broken", "promise=%d", 1);
}
#else
Test(log, a_bug_is_only_written_in_release_builds)
{
	capture();
	log_bug("broken", "promise=%d", 1);
	cr_assert_str_eq(captured(), "bug broken promise=1\n");
}
#endif

Test(log, lines_have_priorities_only_in_the_journal)
{
	struct stat st;
	char stream[64];

	capture();
	cr_assert(fstat(STDERR_FILENO, &st) == 0);
	setenv("JOURNAL_STREAM", "1:2", 1); /* inherited from a parent whose stream it was */
	log_for_journal();
	log_world("elsewhere", "a=1");
	(void)snprintf(stream, sizeof(stream), "%ju:%ju", (uintmax_t)st.st_dev, (uintmax_t)st.st_ino);
	setenv("JOURNAL_STREAM", stream, 1);
	log_for_journal();
	log_world("disk", "a=1");
	log_note("life", "a=1");
	log_peer("they", "a=1");
	cr_assert_str_eq(
	    captured(), "world elsewhere a=1\n<4>world disk a=1\n<6>note life a=1\n<5>peer they a=1\n");
}
