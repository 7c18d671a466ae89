/* SPDX-License-Identifier: Apache-2.0 */
/*
 * menedek deliver: reads which house's events go where, gives up every file but its own and every system call
 * that a courier does not need, and runs a courier for each.  What it can reach: its own directory, the
 * service's outbox, the network.  No key of the registry, no store, no location.  On SIGHUP it reads the
 * directory again: what is wrong there changes nothing.
 */
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/confine.h"
#include "base/file.h"
#include "base/log.h"
#include "ctl/hooks.h"
#include "ctl/talk.h"

#define GIVE_UP_S 86400u
#define MOST_S    604800u
#define LOOK_S    5 /* how soon it is noticed that names are looked up with other files */
#define END_S     8 /* for what is under way; a courier ends within a second, but for names and disks */

/* Couriers at work, on one reading of hooks.csv. */
struct round {
	struct hooks *hooks;
	struct courier courier[HOOKS];
	pthread_t thread[HOOKS];
	unsigned started;
	atomic_bool is_stopping;
};

/* Where /etc/resolv.conf leads, which is often a directory of /run whose file is replaced when the network
 * changes; NULL: it lies in /etc. */
static const char *
resolver_of(char out[PATH_MAX])
{
	if (realpath("/etc/resolv.conf", out) == NULL || strncmp(out, "/etc/", 5) == 0)
		return NULL;
	*strrchr(out, '/') = '\0';
	return *out != '\0' ? out : NULL;
}

/* Names are looked up with some files of /etc and libraries of /usr.  Never all of /etc: the root keys and
 * the service's certificate may lie there. */
static enum status
confine(const char *dir)
{
	char state[HOOK_PATH], resolver[PATH_MAX];
	struct confine_report report = { 0 };
	struct fault f = { 0 };
	const struct confine_path rows[] = {
		{ dir, CONFINE_READ },
		{ state, CONFINE_READ | CONFINE_WRITE | CONFINE_REPLACE },
		{ "/etc/hosts", CONFINE_READ | CONFINE_CONNECT },
		{ "/etc/resolv.conf", CONFINE_READ },
		{ "/etc/nsswitch.conf", CONFINE_READ },
		{ "/etc/host.conf", CONFINE_READ },
		{ "/etc/gai.conf", CONFINE_READ },
		{ "/etc/ld.so.cache", CONFINE_READ },
		{ "/etc/ssl/openssl.cnf", CONFINE_READ },
		{ resolver_of(resolver), CONFINE_READ },
		{ "/usr", CONFINE_READ },
		{ "/run/systemd/resolve", CONFINE_READ },
#ifdef MENEDEK_DEBUG
		{ "/proc", CONFINE_READ },
#endif
	};
	enum rc rc;

	if (!path_join(state, sizeof(state), dir, "state"))
		return STATUS_USAGE;
	if ((rc = dir_make(state, 0700, &f)) == RC_OK && (rc = confine_user(NULL, &report, &f)) == RC_OK)
		rc = confine_files(rows, COUNT_OF(rows), CONFINE_TRY, &report, &f);
	if (rc == RC_OK)
		rc = confine_calls(CONFINE_CLIENT, CONFINE_TRY, &report, &f);
	if (rc == RC_OK)
		confine_log("deliver", &report);
	return talk_failure("deliver", rc, &f);
}

/* ---- what names are looked up with ---- */

/* Granted as the files, or for resolv.conf the directory, that they are at the start.  One that was replaced
 * by rename since, as by an editor or a lease of the network, cannot be read any more, and no house be found
 * by its name: after a day its events would be dead. */
static const char *const lookups[] = { "/etc/hosts", "/etc/resolv.conf", "/etc/nsswitch.conf" };

struct looked {
	struct stat file[COUNT_OF(lookups)]; /* zero: not there */
};

static void
look(struct looked *out)
{
	char resolver[PATH_MAX];

	memset(out, 0, sizeof(*out));
	for (size_t i = 0; i < COUNT_OF(lookups); i++) {
		const char *at = i == 1 ? resolver_of(resolver) : NULL;

		if (stat(at != NULL ? at : lookups[i], &out->file[i]) != 0)
			memset(&out->file[i], 0, sizeof(out->file[i]));
	}
}

static bool
has_moved(const struct looked *before)
{
	struct looked now;
	bool has = false;

	look(&now);
	for (size_t i = 0; i < COUNT_OF(lookups); i++)
		has = has || now.file[i].st_dev != before->file[i].st_dev ||
		    now.file[i].st_ino != before->file[i].st_ino;
	return has;
}

/* The next signal; 0: these are others now. */
static int
wait_for(const sigset_t *set, const struct looked *before)
{
	const struct timespec most = { .tv_sec = LOOK_S };
	int number;

	while ((number = sigtimedwait(set, NULL, &most)) <= 0)
		if (has_moved(before))
			return 0;
	return number;
}

/* ---- ids ---- */

/* Made once and kept beside what was dealt with: by it a receiver knows a repeat, whichever key signs it.  No
 * event waits for it: what is delivered twice is read twice, what is not delivered is missed. */
static void
read_secret(const char *dir, uint8_t out[COURIER_SECRET])
{
	char path[HOOK_PATH], hex[2 * COURIER_SECRET + 1], *text = NULL;
	size_t len = 0;
	enum rc rc = RC_TOO_BIG;
	bool is_read;

	if (path_join(path, sizeof(path), dir, "state/ids"))
		rc = file_read(path, sizeof(hex), &text, &len, NULL);
	is_read = rc == RC_OK && hex_parse(text, len, out, COURIER_SECRET);
	if (text != NULL)
		wipe(text, len);
	free(text);
	if (is_read)
		return;
	random_fill(out, COURIER_SECRET);
	hex_format(out, COURIER_SECRET, hex);
	if (rc != RC_NOT_FOUND)
		log_world("delivery_state", "file=ids cannot be used: what is repeated now has another id");
	if ((rc == RC_OK || rc == RC_NOT_FOUND) && file_write(path, bytes_str(hex), 0600, NULL) != RC_OK)
		log_world(
		    "delivery_state", "file=ids cannot be written: after the next start ids are others");
	wipe(hex, sizeof(hex));
}

/* ---- a round ---- */

static void
round_stop(struct round *r)
{
	if (r == NULL)
		return;
	atomic_store(&r->is_stopping, true);
	for (unsigned i = 0; i < r->started; i++)
		(void)pthread_join(r->thread[i], NULL);
	hooks_free(r->hooks);
	free(r);
}

/* False: a courier hangs, since a name is looked up or a disk does not answer; one that waits for its
 * receiver ends.  What it was posting was not dealt with, so it comes again. */
static bool
gather(struct round *r)
{
	struct timespec until;

	(void)clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += END_S;
	atomic_store(&r->is_stopping, true);
	for (; r->started > 0; r->started--)
		if (pthread_timedjoin_np(r->thread[r->started - 1], NULL, &until) != 0)
			return false;
	return true;
}

/* Takes ${hooks}. */
static enum status
round_start(const struct args *args, struct hooks *hooks, const uint8_t secret[COURIER_SECRET],
    uint64_t give_up_s, struct round **out)
{
	struct round *r = calloc(1, sizeof(*r));

	*out = NULL;
	if (r == NULL) {
		hooks_free(hooks);
		return STATUS_ERROR;
	}
	r->hooks = hooks;
	for (unsigned i = 0; i < hooks->count; i++) {
		wire_identity_watch(hooks->hook[i].identity, &r->is_stopping);
		r->courier[i] = (struct courier){ .hook = &hooks->hook[i],
			.key = hooks->key,
			.secret = secret,
			.outbox = args->value[OPT_OUTBOX],
			.give_up_ms = (int64_t)give_up_s * 1000,
			.is_stopping = &r->is_stopping };
		if (pthread_create(&r->thread[i], NULL, courier_run, &r->courier[i]) != 0) {
			round_stop(r);
			return STATUS_ERROR;
		}
		r->started++;
	}
	talk(args, "Events are signed with the key %s", hooks->keyid);
	(void)printf("menedek: delivering for %u houses\n", hooks->count);
	(void)fflush(stdout);
	*out = r;
	return STATUS_OK;
}

/*
 * One round ends before the next begins, so that no house has two couriers.  What was on its way then is
 * delivered again or for the first time: the number of the last event that was dealt with is on disk.
 */
static enum status
reload(
    const struct args *args, const uint8_t secret[COURIER_SECRET], uint64_t give_up_s, struct round **current)
{
	struct hooks *hooks;

	if (hooks_read(args->value[OPT_HOOKS], &hooks) != STATUS_OK) {
		log_world(
		    "hooks_kept", "what is wrong was said before this line; delivery goes on as it was");
		return STATUS_OK;
	}
	round_stop(*current);
	return round_start(args, hooks, secret, give_up_s, current);
}

/* Takes ${hooks}. */
static enum status
deliver(const struct args *args, struct hooks *hooks, const sigset_t *set, uint64_t give_up_s)
{
	struct round *current = NULL;
	struct looked before;
	enum status status;
	uint8_t secret[COURIER_SECRET];
	int number = SIGHUP;

	look(&before);
	if ((status = confine(hooks->dir)) != STATUS_OK) {
		hooks_free(hooks);
		return status;
	}
	read_secret(hooks->dir, secret);
	status = round_start(args, hooks, secret, give_up_s, &current);
	while (status == STATUS_OK && (number = wait_for(set, &before)) == SIGHUP)
		status = reload(args, secret, give_up_s, &current);
	if (status == STATUS_OK && number == 0) {
		log_world(
		    "delivery_ends", "what names are looked up with was replaced: it is to be started again");
		status = STATUS_ERROR;
	}
	if (current != NULL && !gather(current)) {
		log_world("delivery_left", "a courier hangs; it is left behind with what it uses");
		_exit((int)status);
	}
	round_stop(current);
	return status;
}

/* Before there is a thread: all of them leave these to sigwait. */
static sigset_t
block_signals(void)
{
	sigset_t set;

	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGTERM);
	(void)sigaddset(&set, SIGINT);
	(void)sigaddset(&set, SIGHUP);
	(void)pthread_sigmask(SIG_BLOCK, &set, NULL);
	return set;
}

enum status
cmd_deliver(const struct args *args)
{
	const char *text = args->value[OPT_GIVE_UP];
	uint64_t give_up_s = GIVE_UP_S;
	struct hooks *hooks;
	enum status status;
	sigset_t set;

	if (text != NULL && (!text_number(text, MOST_S, &give_up_s) || give_up_s == 0)) {
		talk_error("--give-up takes seconds, at most a week");
		return STATUS_USAGE;
	}
	confine_memory();
	log_for_journal();
	if ((status = hooks_read(args->value[OPT_HOOKS], &hooks)) != STATUS_OK)
		return status;
	if (!args_has(args, OPT_DRY_RUN)) {
		set = block_signals();
		return deliver(args, hooks, &set, give_up_s);
	}
	talk(args, "Events are signed with the key %s", hooks->keyid);
	talk_step(args, "hooks.csv: %u houses", hooks->count);
	hooks_free(hooks);
	return STATUS_OK;
}
