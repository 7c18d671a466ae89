/* SPDX-License-Identifier: Apache-2.0 */
/* The trail is signed while it grows and leaves the machine at once; a sink that fails is told later, in
 * order; without a trail nothing happens at all. */
#include "ledger/notary.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "../store_fixture.h"
#include "ledger/transcript.h"

static struct fixture x;
static struct signing_key *key;
static struct signer signer;
static struct notary *notary;
static char file[96], socket_path[96];
static int listener = -1;

static void
set_up(void)
{
	struct pem private, public;

	fixture_new(&x, &engine_lmdb);
	cr_assert_eq(signing_new(&private, &public), RC_OK);
	cr_assert_eq(signing_load(&private, true, &key), RC_OK);
	cr_assert_eq(signer_init(&signer, "localhost", key), RC_OK);
	snprintf(file, sizeof(file), "%s/checkpoints", x.dir);
	snprintf(socket_path, sizeof(socket_path), "%s/log", x.dir);
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
	if (notary != NULL)
		stop();
	if (listener >= 0)
		close(listener);
	signing_free(key);
	fixture_free(&x);
}

TestSuite(notary, .init = set_up, .fini = tear_down, .timeout = 60);

static void
start(unsigned entries, unsigned seconds, bool has_socket)
{
	const struct notary_options options = { .entries = entries,
		.seconds = seconds,
		.file = file,
		.socket = has_socket ? socket_path : NULL };
	struct fault f = { 0 };

	cr_assert_eq(notary_open(&signer, &options, &notary, &f), RC_OK);
	cr_assert_eq(notary_start(notary, x.store, &f), RC_OK);
}

static enum rc
append(struct txn *t, void *arg)
{
	struct audit_entry e = { .at = 1000, .action = "orgs_read" };

	(void)arg;
	random_fill(e.salt, sizeof(e.salt));
	return ledger_record(t, &e);
}

static void
fill(unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		cr_assert_eq(fixture_update(&x, append, NULL), RC_OK);
}

/* Checkpoints in the file; ${last} is the last one's size. */
static unsigned
lines(uint64_t *last)
{
	FILE *in = fopen(file, "r");
	char line[CHECKPOINT_TEXT];
	unsigned count = 0;
	struct checkpoint c;

	*last = 0;
	while (in != NULL && fgets(line, sizeof(line), in) != NULL)
		if (checkpoint_read_line(&signer, bytes_str(line), &c)) {
			cr_expect(checkpoint_verify(&signer, &c));
			cr_expect_eq(c.number, ++count);
			*last = c.size;
		}
	if (in != NULL)
		fclose(in);
	return count;
}

static bool
comes(uint64_t size)
{
	uint64_t last;

	for (unsigned i = 0; i < 600; i++) {
		(void)lines(&last);
		if (last >= size)
			return true;
		usleep(50000);
	}
	return false;
}

Test(notary, enough_entries_are_signed_at_once)
{
	start(10, 3600, false);
	fill(25);
	cr_expect(comes(10));
}

Test(notary, a_few_entries_are_signed_when_their_time_is_up)
{
	start(1000, 1, false);
	fill(3);
	cr_expect(comes(3));
}

Test(notary, the_last_entries_are_signed_at_the_end)
{
	uint64_t last;

	start(1000, 3600, false);
	fill(7);
	stop();
	cr_expect_leq(lines(&last), 2, "what was there when its thread began, and the rest");
	cr_expect_eq(last, 7);
	fixture_open_store(&x, &engine_lmdb);
}

Test(notary, a_syslog_daemon_gets_the_same_line_also_one_that_was_restarted)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	char text[2 * CHECKPOINT_TEXT];
	struct checkpoint c;

	strcpy(at.sun_path, socket_path);
	for (unsigned i = 1; i <= 2; i++) {
		const struct timeval patience = { .tv_sec = 15 };
		ssize_t n;

		if (listener >= 0)
			close(listener);
		unlink(socket_path);
		listener = socket(AF_UNIX, SOCK_DGRAM, 0);
		cr_assert_eq(bind(listener, (struct sockaddr *)&at, sizeof(at)), 0);
		setsockopt(listener, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
		if (i == 1)
			start(5, 3600, true);
		fill(5);
		cr_assert_gt(n = recv(listener, text, sizeof(text) - 1, 0), 0);
		text[n] = '\0';
		cr_expect_eq(strncmp(text, "<85>menedek[", 12), 0, "%s", text);
		cr_assert(checkpoint_read_line(&signer, bytes_str(text), &c));
		cr_expect(checkpoint_verify(&signer, &c));
		cr_expect_eq(c.number, i);
	}
}

Test(notary, what_could_not_leave_leaves_later_in_order)
{
	uint64_t last;

	start(5, 3600, true); /* nobody listens */
	fill(10);
	cr_expect(comes(5), "the file does not wait for the daemon");
	stop();
	fixture_open_store(&x, &engine_lmdb);
	cr_assert_eq(unlink(file), 0);
	start(5, 3600, false);
	fill(10);
	cr_expect(comes(15));
	cr_expect_geq(lines(&last), 2, "a new file gets all that was ever signed");
}

Test(notary, a_place_that_cannot_be_opened_is_no_start)
{
	const struct notary_options options = { .file = "/nonexistent/checkpoints" };
	struct fault f = { 0 };

	cr_expect_eq(notary_open(&signer, &options, &notary, &f), RC_UNAVAILABLE);
	cr_expect_null(notary);
	cr_expect_eq(f.count, 1);
}

/* ---- if the trail cannot be written, nothing happens ---- */

struct change_of {
	struct id id;
	bool fills_arena; /* so that the entry finds no room */
};

static enum rc
write_and_record(struct txn *t, void *arg)
{
	const struct change_of *w = arg;
	const struct key at = record_key(KIND_ORG, &w->id);
	struct org org = { .id = w->id };
	enum rc rc = record_put(t, KIND_ORG, &at, &org);

	while (w->fills_arena && arena_alloc(x.arena, 64) != NULL)
		continue;
	return rc == RC_OK ? append(t, NULL) : rc;
}

static enum rc
is_there(struct txn *t, void *arg)
{
	const struct key at = record_key(KIND_ORG, arg);
	struct org org;

	return record_peek(t, KIND_ORG, &at, &org);
}

static enum rc
count_entries(struct txn *t, void *arg)
{
	struct log_head head;
	const enum rc rc = txn_log_head(t, LOG_AUDIT, &head);

	*(uint64_t *)arg = head.count;
	return rc;
}

Test(notary, a_change_whose_entry_cannot_be_written_does_not_happen)
{
	struct change_of w = { .id = id_new() };

	w.fills_arena = true;
	cr_expect_neq(fixture_update(&x, write_and_record, &w), RC_OK);
	cr_expect_eq(fixture_view(&x, is_there, &w.id), RC_NOT_FOUND, "no room for the entry");
	w.fills_arena = false;
	atomic_store(&fixture_disk_fails, true);
	cr_expect_eq(fixture_update(&x, write_and_record, &w), RC_UNAVAILABLE);
	atomic_store(&fixture_disk_fails, false);
	cr_expect_eq(fixture_view(&x, is_there, &w.id), RC_NOT_FOUND, "the disk failed");
	cr_expect_eq(fixture_update(&x, write_and_record, &w), RC_OK);
	cr_expect_eq(fixture_view(&x, is_there, &w.id), RC_OK);
}

static enum rc
write_much(struct txn *t, void *arg)
{
	static const uint8_t much[60000];

	for (unsigned i = 0; i < 12; i++) {
		const struct id id = id_new();
		const struct key at = record_key(KIND_ORG, &id);
		const enum rc rc = txn_put(t, &at, KEY_RECORD, BYTES_OF(much));

		if (rc != RC_OK)
			return rc;
	}
	return write_and_record(t, arg);
}

Test(notary, a_full_store_takes_neither_change_nor_entry)
{
	struct change_of w = { .id = id_new() };
	uint64_t before = 0, after = 0;
	enum rc rc = RC_OK;

	for (unsigned i = 0; i < 200 && rc == RC_OK; i++) { /* the map has 64 MiB */
		w.id = id_new();
		before = after;
		rc = fixture_update(&x, write_much, &w);
		cr_assert_eq(fixture_view(&x, count_entries, &after), RC_OK);
	}
	cr_expect_eq(rc, RC_UNAVAILABLE);
	cr_expect_eq(fixture_view(&x, is_there, &w.id), RC_NOT_FOUND);
	cr_expect_eq(before, after);
}
