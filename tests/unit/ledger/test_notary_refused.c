/* SPDX-License-Identifier: Apache-2.0 */
/* The notary on a machine that refuses, over damage, and over a store that is older than what was signed. */
#include "ledger/notary.h"

#include <sys/socket.h>
#include <sys/un.h>

#include "../famine.h"
#include "signed_trail.h"
#include "thread_refusal.h"

static struct notary *notary;
static char file[96], socket_path[96];

static void
set_up(void)
{
	trail_open();
	snprintf(file, sizeof(file), "%s/checkpoints", x.dir);
	snprintf(socket_path, sizeof(socket_path), "%s/log", x.dir);
	atomic_store(&hasty_ms, 5);
}

static void
stop(void)
{
	notary_stop(notary);
	fixture_close_store(&x);
	notary_free(notary);
	notary = NULL;
}

static void
tear_down(void)
{
	stop();
	trail_close();
}

TestSuite(notary_refused, .init = set_up, .fini = tear_down, .timeout = 120);

static void
open_notary(bool has_file, bool has_socket)
{
	const struct notary_options options = { .file = has_file ? file : NULL,
		.socket = has_socket ? socket_path : NULL };
	struct fault f = { 0 };

	cr_assert_eq(notary_open(&signer, &options, &notary, &f), RC_OK);
}

static enum rc
start(void)
{
	struct fault f = { 0 };

	return notary_start(notary, x.store, &f);
}

static struct checkpoint
last_in_file(void)
{
	struct outlet *o;
	struct checkpoint c;
	struct fault f = { 0 };

	cr_assert_eq(outlet_file(file, &signer, &o, &f), RC_OK);
	outlet_last(o, &c);
	outlet_free(o);
	return c;
}

static bool
comes(uint64_t size)
{
	for (unsigned i = 0; i < 3000; i++) {
		if (last_in_file().size >= size)
			return true;
		usleep(10000);
	}
	return false;
}

/* ---- a machine that refuses ---- */

static enum rc
open_start_stop(void *arg)
{
	const struct notary_options options = { .file = file };
	struct fault f = { 0 };
	enum rc rc = notary_open(&signer, &options, &notary, &f);

	(void)arg;
	if (rc == RC_OK)
		rc = start();
	cr_expect_eq(f.count + (rc == RC_OK), notary == NULL || rc == RC_OK);
	stop();
	fixture_open_store(&x, &engine_memory);
	return rc;
}

Test(notary_refused, without_a_thread_it_does_not_start)
{
	threads_refused(open_start_stop, NULL);
	notary_stop(NULL);
	notary_free(NULL);
}

static enum rc
open_only(void *arg)
{
	const struct notary_options options = { .file = file, .socket = socket_path };
	struct fault f = { 0 };
	const enum rc rc = notary_open(&signer, &options, &notary, &f);

	(void)arg;
	notary_stop(notary);
	notary_free(notary);
	notary = NULL;
	return rc;
}

Test(notary_refused, without_memory_it_does_not_open)
{
	NEEDS_FAMINE();
	cr_expect_geq(famine_each(open_only, NULL, RC_UNAVAILABLE), 4);
}

/* ---- what fails is tried again ---- */

Test(notary_refused, a_disk_that_fails_delays_what_is_signed)
{
	trail_fill(3);
	atomic_store(&fixture_disk_fails, true);
	open_notary(true, false);
	cr_assert_eq(start(), RC_OK);
	usleep(50000);
	cr_expect_eq(last_in_file().number, 0);
	atomic_store(&fixture_disk_fails, false);
	cr_expect(comes(3));
	trail_slip_in(LOG_EVENT, (const uint8_t *)"event", 5); /* is none of its own */
	trail_fill(2);
	cr_expect(comes(5));
	usleep(50000); /* nothing to do, again and again */
	cr_expect_eq(last_in_file().size, 5);
}

Test(notary_refused, a_damaged_trail_is_not_signed)
{
	const struct key entry = log_key(LOG_AUDIT, 2);
	struct bytes kept;

	trail_fill(3);
	kept = fixture_raw_get(&entry);
	trail_remove(&entry);
	open_notary(true, false);
	cr_assert_eq(start(), RC_OK);
	usleep(50000);
	cr_expect_eq(last_in_file().number, 0);
	fixture_raw_put(&entry, kept);
	free((void *)(uintptr_t)kept.p);
	cr_expect(comes(3));
}

Test(notary_refused, a_checkpoint_that_cannot_be_read_holds_up_the_file_and_not_the_daemon)
{
	const struct timeval patience = { .tv_sec = 30 };
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	const int listener = socket(AF_UNIX, SOCK_DGRAM, 0);
	const struct key first = checkpoint_key(1);
	char text[2 * CHECKPOINT_TEXT];
	struct bytes kept;

	snprintf(at.sun_path, sizeof(at.sun_path), "%s", socket_path);
	cr_assert_eq(bind(listener, (struct sockaddr *)&at, sizeof(at)), 0);
	setsockopt(listener, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	trail_fill(3);
	(void)trail_sign();
	trail_fill(3);
	(void)trail_sign();
	kept = fixture_raw_get(&first);
	trail_remove(&first);
	open_notary(true, true);
	cr_assert_eq(start(), RC_OK);
	cr_expect_gt(recv(listener, text, sizeof(text), 0), 100);
	usleep(50000);
	cr_expect_eq(last_in_file().number, 0);
	fixture_raw_put(&first, kept);
	free((void *)(uintptr_t)kept.p);
	cr_expect(comes(6));
	stop();
	fixture_open_store(&x, &engine_memory);
	trail_fill(1);
	open_notary(false, true);
	cr_assert_eq(start(), RC_OK);
	cr_expect_gt(recv(listener, text, sizeof(text), 0), 100);
	close(listener);
}

Test(notary_refused, a_latest_checkpoint_that_does_not_open_keeps_nobody_out)
{
	const struct key at = checkpoint_key(0);

	trail_fill(3);
	(void)trail_sign();
	trail_break(&at);
	open_notary(false, false);
	cr_expect_eq(start(), RC_OK);
	cr_expect_not(notary_is_rolled_back(notary));
}

/* ---- a store that is older than its own past ---- */

static struct checkpoint
sign_and_forget(void)
{
	struct checkpoint c;

	trail_fill(5);
	open_notary(true, false);
	cr_assert_eq(start(), RC_OK);
	cr_assert(comes(5));
	c = last_in_file();
	stop();
	fixture_open_store(&x, &engine_memory); /* which kept nothing */
	return c;
}

Test(notary_refused, a_store_that_knows_what_was_sent_goes_on)
{
	struct notary *first;

	trail_fill(3);
	open_notary(true, false);
	cr_assert_eq(start(), RC_OK);
	cr_assert(comes(3));
	notary_stop(first = notary); /* it watches the store until that is closed */
	trail_fill(2);
	open_notary(true, false);
	cr_expect_eq(start(), RC_OK);
	cr_expect_not(notary_is_rolled_back(notary));
	cr_expect(comes(5));
	stop();
	notary_free(first);
}

static void
give_up(const struct checkpoint *c)
{
	struct audit_entry e = { .at = 1000, .action = NOTARY_ACCEPTED };

	notary_acceptance(c, e.reason);
	trail_add(e);
}

Test(notary_refused, an_older_store_is_refused_until_its_trail_says_that_two_people_gave_up_the_rest)
{
	const struct checkpoint lost = sign_and_forget();
	struct checkpoint other = lost;
	const struct key last = log_key(LOG_AUDIT, 8);

	other.root[0] ^= 1;
	trail_fill(6);
	give_up(&other);
	open_notary(true, false);
	cr_expect_eq(start(), RC_STATE_CONFLICT);
	cr_expect(notary_is_rolled_back(notary));
	stop();
	fixture_open_store(&x, &engine_memory);
	trail_fill(7);
	give_up(&lost);
	trail_break(&last);
	open_notary(true, false);
	cr_expect_eq(start(), RC_STATE_CONFLICT, "an entry that does not open says nothing");
	trail_break(&last);
	notary_free(notary);
	open_notary(true, false);
	cr_expect_eq(start(), RC_OK);
	cr_expect(notary_is_rolled_back(notary), "that stays true");
}

Test(notary_refused, a_disk_that_fails_at_the_start_is_neither_a_rollback_nor_none)
{
	unsigned n = 1;
	enum rc rc;

	(void)sign_and_forget();
	trail_fill(1);
	for (;; n++) {
		open_notary(true, false);
		atomic_store(&fixture_read_fails, n);
		rc = start();
		if (atomic_exchange(&fixture_read_fails, 0) > 0)
			break;
		cr_expect_eq(rc, RC_UNAVAILABLE, "read %u: %d", n, rc);
		notary_free(notary);
	}
	cr_expect_eq(rc, RC_STATE_CONFLICT);
	cr_expect_geq(n, 4);
}

struct asked {
	struct checkpoint c;
	bool is_known;
};

static enum rc
ask(struct txn *t, void *arg)
{
	struct asked *a = arg;

	return notary_knows(t, &a->c, &a->is_known);
}

static bool
is_known(struct checkpoint c)
{
	struct asked a = { .c = c };

	cr_assert_eq(fixture_view(&x, ask, &a), RC_OK);
	return a.is_known;
}

Test(notary_refused, a_checkpoint_is_known_by_number_size_and_root)
{
	const struct key first = checkpoint_key(1), at = checkpoint_key(0);
	struct checkpoint c, other;

	trail_fill(3);
	c = trail_sign();
	cr_expect(is_known(c));
	other = c;
	other.size++;
	cr_expect_not(is_known(other));
	other = c;
	other.root[5] ^= 1;
	cr_expect_not(is_known(other));
	other = c;
	other.number++;
	cr_expect_not(is_known(other));
	fixture_put_at(&x, KIND_CHECKPOINT, &first, &other); /* under a number that is not its own */
	cr_expect_not(is_known(c));
	trail_break(&first);
	cr_expect_not(is_known(c));
	open_notary(true, false);
	cr_expect_eq(start(), RC_OK);
	trail_remove(&at);
}
