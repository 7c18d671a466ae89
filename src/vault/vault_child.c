/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The vault's process: read the keys, say so, and then answer one datagram after the other until the other
 * end of the socket is gone.  What is answered is keeper.c's.
 */
#include "vault/vault_child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/confine.h"
#include "base/file.h"
#include "base/log.h"
#include "vault/keeper.h"

#define LIMITS_FILE (16u * 1024)
#define PATH        512u

/* False when the other end is gone. */
static bool
answer(struct keeper *k, size_t received)
{
	uint8_t *out = secret_bytes(k->out), *text = out + VAULT_HEAD_BYTES;
	struct vault_message ask, reply = { .outcome = VAULT_REFUSED };
	size_t len = 0;

	if (received > VAULT_MESSAGE ||
	    !vault_message_read((struct bytes){ secret_view(k->in), received }, false, &ask)) {
		log_world("vault_malformed", "length=%zu", received);
		return true; /* we would never have sent it: whoever did waits in vain */
	}
	reply.kind = ask.kind;
	reply.sequence = ask.sequence;
	reply.outcome = keeper_answer(k, &ask, text, &len);
	reply.text = (struct bytes){ text, reply.outcome == VAULT_DONE ? len : 0 };
	if (!vault_message_write(&reply, out)) {
		log_bug("vault_answer", "kind=%d outcome=%d", (int)reply.kind, (int)reply.outcome);
		return false;
	}
	return send(k->fd, out, VAULT_HEAD_BYTES + reply.text.len, MSG_NOSIGNAL) >= 0;
}

static void
work(struct keeper *k)
{
	bool goes_on = true;

	while (goes_on) {
		/* a message of no length is an end, too: nobody sends one */
		ssize_t n = recv(k->fd, secret_bytes(k->in), VAULT_MESSAGE, MSG_TRUNC);

		if (n < 0 && errno == EINTR)
			continue;
		goes_on = n > 0 && answer(k, (size_t)n);
		wipe(secret_bytes(k->in), VAULT_MESSAGE);
		wipe(secret_bytes(k->out), VAULT_MESSAGE);
		arena_rewind(k->arena, 0);
	}
}

/* ---- the start ---- */

static enum rc
open_keyring(struct keeper *k, struct fault *f)
{
	struct secret *root = NULL;
	enum rc rc = file_read_secret(k->options->record_root, AEAD_KEY, &root, f);

	if (rc == RC_OK && secret_len(root) != AEAD_KEY)
		rc = fault_set(f, RC_CORRUPT, MSG_KEY_LENGTH, NULL, AEAD_KEY, "record.root");
	if (rc == RC_OK)
		rc = keyring_open_follower(k->options->keyring, root, &k->keyring, f);
	secret_free(root);
	return rc;
}

static enum rc
open_ring(struct keeper *k, struct fault *f)
{
	char path[PATH];
	enum rc rc = rootkey_load(k->options->location_root, &k->root, f);

	if (rc != RC_OK)
		return rc;
	if (!path_join(path, sizeof(path), k->options->dir, "ring"))
		return fault_set(f, RC_INVALID, MSG_FILE_READ, NULL, 0, "ring");
	return vaultring_open(path, k->root, &k->ring, f);
}

static enum rc
read_limits(struct keeper *k, struct fault *f)
{
	char path[PATH], *text = NULL;
	size_t len = 0;
	enum rc rc = RC_OK;

	k->limits = QUOTA_DEFAULT;
	if (!path_join(path, sizeof(path), k->options->dir, "limits.csv"))
		return fault_set(f, RC_INVALID, MSG_FILE_READ, NULL, 0, "limits.csv");
	if (file_exists(path) && (rc = file_read(path, LIMITS_FILE, &text, &len, f)) == RC_OK)
		rc = quota_read_limits((struct bytes){ (const uint8_t *)text, len }, &k->limits, f);
	free(text);
	return rc;
}

static enum rc
open_keys(struct keeper *k, struct fault *f)
{
	enum rc rc;

	k->in = secret_new(VAULT_MESSAGE);
	k->out = secret_new(VAULT_MESSAGE);
	k->arena = arena_new(LIMIT_ARENA);
	if (k->in == NULL || k->out == NULL || k->arena == NULL)
		return fault_set(f, RC_UNAVAILABLE, MSG_NO_LOCKED_MEMORY, NULL, 0, NULL);
	if ((rc = open_ring(k, f)) != RC_OK)
		return rc;
	if ((rc = open_keyring(k, f)) != RC_OK)
		return rc;
	return read_limits(k, f);
}

/* The kernel kills the vault when the other end of this pipe is closed: when the service has ended, however.
 */
static bool
hang_on(int lifeline)
{
	/* PR_SET_PDEATHSIG alone would not do: it is the parent's signal, and Landlock keeps the confined
	 * service from sending any.  This one is the vault's own, and reaches it even when it is stopped. */
	return dup2(lifeline, STDIN_FILENO) == STDIN_FILENO && fcntl(STDIN_FILENO, F_SETOWN, getpid()) == 0 &&
	    fcntl(STDIN_FILENO, F_SETSIG, SIGKILL) == 0 &&
	    fcntl(STDIN_FILENO, F_SETFL, O_ASYNC | O_NONBLOCK) == 0;
}

/* Nothing of the parent's is kept but its log.  It ends with its parent, and not before: a signal from the
 * terminal or the supervisor reaches both, and the parent may still have answers to give. */
static void
settle(int fd, int lifeline, pid_t parent)
{
	static const int ignored[] = { SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGPIPE, SIGXFSZ };
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	for (unsigned i = 0; i < COUNT_OF(ignored); i++)
		(void)signal(ignored[i], SIG_IGN);
	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0 || !hang_on(lifeline) || getppid() != parent ||
	    null < 0)
		_exit(1);
	(void)prctl(PR_SET_NAME, "menedek-vault", 0, 0, 0);
	(void)dup2(null, STDOUT_FILENO);
	if (fd > STDERR_FILENO + 1)
		(void)close_range(STDERR_FILENO + 1, (unsigned)fd - 1, 0);
	(void)close_range((unsigned)fd + 1, ~0u, 0);
	confine_memory();
}

_Noreturn void
vault_child(int fd, int lifeline, const struct vault_options *options, pid_t parent)
{
	struct keeper k = { .fd = fd, .options = options };
	struct vault_ready ready = { .fault = { .rc = RC_OK } };

	settle(fd, lifeline, parent);
	if (options->is_offline)
		log_set_level(LOG_WORLD); /* a program says what it does itself */
	ready.fault.rc = open_keys(&k, &ready.fault);
	if (send(fd, &ready, sizeof(ready), MSG_NOSIGNAL) == (ssize_t)sizeof(ready) &&
	    ready.fault.rc == RC_OK)
		work(&k);
	quota_free(k.quota);
	vaultring_free(k.ring);
	keyring_free(k.keyring);
	rootkey_free(k.root);
	secret_free(k.in);
	secret_free(k.out);
	arena_free(k.arena);
	_exit(0); /* the parent's own clean-up is not ours to do */
}
