/* SPDX-License-Identifier: Apache-2.0 */
/* Where checkpoints leave the machine: files that are torn, full or no files, and what is read back of them.
 */
#include "ledger/outlet.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "../famine.h"
#include "../refusal.h"
#include "signed_trail.h"

REFUSABLE(int, fsync, (int fd), (fd), refusal_error(EIO))

static char file[96];

static void
set_up(void)
{
	trail_open();
	snprintf(file, sizeof(file), "%s/checkpoints", x.dir);
}

TestSuite(outlet, .init = set_up, .fini = trail_close, .timeout = 60);

static struct outlet *
must_open(void)
{
	struct outlet *o;
	struct fault f = { 0 };

	cr_assert_eq(outlet_file(file, &signer, &o, &f), RC_OK);
	return o;
}

static struct checkpoint
numbered(uint64_t number)
{
	struct checkpoint c = { .number = number, .size = 10 * number };

	cr_assert_eq(checkpoint_sign(&signer, &c), RC_OK);
	return c;
}

static enum rc
send_one(struct outlet *o, uint64_t number)
{
	const struct checkpoint c = numbered(number);

	return outlet_send(o, &c);
}

/* The number of the last that the file has. */
static uint64_t
last_number(void)
{
	struct outlet *o = must_open();
	struct checkpoint c;

	outlet_last(o, &c);
	outlet_free(o);
	return c.number;
}

static void
add_text(const char *text)
{
	FILE *out = fopen(file, "a");

	cr_assert_not_null(out);
	cr_assert(fputs(text, out) >= 0);
	cr_assert_eq(fclose(out), 0);
}

Test(outlet, the_last_good_line_is_remembered_whatever_stands_behind_it)
{
	struct checkpoint c = numbered(9);
	char line[CHECKPOINT_TEXT];
	struct outlet *o = must_open();

	cr_expect_eq(last_number(), 0, "a new file");
	for (uint64_t i = 1; i <= 60; i++) /* more than is read back */
		cr_assert_eq(send_one(o, i), RC_OK);
	outlet_last(o, &c);
	cr_expect_eq(c.number, 60);
	outlet_free(o);
	cr_expect_eq(last_number(), 60);
	add_text("what another program writes\n");
	cr_expect_eq(last_number(), 60);
	c = numbered(61);
	c.signature[0] ^= 1;
	(void)checkpoint_line(&signer, &c, line);
	add_text(line);
	add_text("\n");
	cr_expect_eq(last_number(), 60, "a signature that does not hold");
	c.signature[0] ^= 1;
	(void)checkpoint_line(&signer, &c, line);
	add_text(line);
	cr_expect_eq(last_number(), 60, "a line without an end means nothing");
	o = must_open();
	cr_assert_eq(send_one(o, 62), RC_OK);
	outlet_free(o);
	cr_expect_eq(last_number(), 62, "the torn line was ended first");
}

static void
limit_file(rlim_t size)
{
	struct rlimit limit;

	cr_assert_eq(getrlimit(RLIMIT_FSIZE, &limit), 0);
	limit.rlim_cur = size;
	cr_assert_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

Test(outlet, a_line_that_did_not_get_whole_onto_the_disk_is_ended_and_sent_again)
{
	struct outlet *o = must_open();
	struct stat st;

	signal(SIGXFSZ, SIG_IGN);
	cr_assert_eq(send_one(o, 1), RC_OK);
	cr_assert_eq(stat(file, &st), 0);
	limit_file((rlim_t)st.st_size);
	cr_expect_eq(send_one(o, 2), RC_UNAVAILABLE, "full, nothing was written");
	limit_file((rlim_t)st.st_size + 30);
	cr_expect_eq(send_one(o, 2), RC_UNAVAILABLE, "full after a piece");
	cr_expect_eq(send_one(o, 2), RC_UNAVAILABLE);
	limit_file(RLIM_INFINITY);
	cr_expect_eq(last_number(), 1);
	cr_expect_eq(send_one(o, 2), RC_OK);
	cr_expect_eq(last_number(), 2);
	outlet_free(o);
}

Test(outlet, what_is_not_on_the_disk_was_not_sent)
{
	struct outlet *o = must_open();
	struct checkpoint c;

	refuse_fsync = 1;
	cr_expect_eq(send_one(o, 1), RC_UNAVAILABLE);
	outlet_last(o, &c);
	cr_expect_eq(c.number, 0);
	cr_expect_eq(send_one(o, 1), RC_OK);
	outlet_free(o);
	outlet_free(NULL);
}

Test(outlet, a_pipe_has_no_disk_and_no_past)
{
	char text[2 * CHECKPOINT_TEXT];
	struct checkpoint c;
	struct outlet *o;
	int in;

	cr_assert_eq(mkfifo(file, 0600), 0);
	o = must_open();
	cr_assert((in = open(file, O_RDONLY | O_NONBLOCK)) >= 0);
	outlet_last(o, &c);
	cr_expect_eq(c.number, 0);
	cr_expect_eq(send_one(o, 3), RC_OK);
	cr_expect_gt(read(in, text, sizeof(text)), 100);
	close(in);
	outlet_free(o);
}

Test(outlet, a_socket_s_path_that_no_socket_can_have_is_refused)
{
	char path[200];
	struct outlet *o;
	struct fault f = { 0 };

	memset(path, 'p', sizeof(path) - 1);
	path[sizeof(path) - 1] = '\0';
	cr_expect_eq(outlet_syslog(path, &signer, &o, &f), RC_UNAVAILABLE);
	cr_expect_null(o);
	cr_expect_eq(f.item[0].msg, MSG_AUDIT_OUTLET);
}

static enum rc
open_both(void *arg)
{
	struct outlet *a, *b;
	struct fault f = { 0 };
	enum rc rc = outlet_file(file, &signer, &a, &f);

	(void)arg;
	if (rc == RC_OK)
		rc = outlet_syslog("/dev/null", &signer, &b, &f);
	else
		b = NULL;
	outlet_free(a);
	outlet_free(b);
	return rc;
}

Test(outlet, without_memory_there_is_none)
{
	NEEDS_FAMINE();
	cr_expect_eq(famine_each(open_both, NULL, RC_UNAVAILABLE), 2);
}
