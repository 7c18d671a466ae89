/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The service's side: start, ask, stop.  One question is under way at a time.  A vault that does not answer
 * in time costs the first caller that time and everybody after it LATE_MS, until its late answer has come and
 * gone, or until it has been silent for so long that it counts as ended.
 */
#include "vault/vault.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "vault/quota.h"
#include "vault/vault_child.h"
#include "vault/vault_message.h"

#define START_MS 30000 /* reading keys; from a hardware token, too */
#define STOP_MS  2000
#define LATE_MS  100 /* for each call while an answer is owed */
#define KILL_MS  1000
#define SILENCES 3 /* times what the question may take */
#define PATH     512u

/* From the question to the answer: an unseal syncs one small file, a key for a new house the whole ring. */
static const int limit_ms[VAULT_KIND_COUNT] = {
	[VAULT_OPEN] = 30000,
	[VAULT_SEAL] = 10000,
	[VAULT_UNSEAL] = 3000,
	[VAULT_DESTROY] = 10000,
	[VAULT_REWRAP] = 60000,
	[VAULT_VERIFY] = 10000,
	[VAULT_MATCH] = 10000,
	[VAULT_STATUS] = 1000,
	[VAULT_RENEW] = 60000,
	[VAULT_RESEAL] = 10000,
	[VAULT_PRUNE] = 60000,
};

static const enum rc rc_of[VAULT_OUTCOMES] = {
	[VAULT_ASKED] = RC_INTERNAL,
	[VAULT_DONE] = RC_OK,
	[VAULT_REFUSED] = RC_WITHHELD,
	[VAULT_ABSENT] = RC_NOT_FOUND,
	[VAULT_DAMAGED] = RC_CORRUPT,
	[VAULT_FAILED] = RC_UNAVAILABLE,
};

struct vault {
	pid_t pid;
	int fd;
	int lifeline; /* the vault is killed when this is closed, by us or by our end */
	atomic_bool is_gone;
	pthread_mutex_t lock; /* guards all below */
	uint64_t sequence;
	bool owes;           /* the answer to ${sequence} has not come yet */
	int64_t asked_at_ms; /* this one was */
	int patience_ms;     /* and this long it may take */
	struct secret *room; /* a datagram */
};

/* ---- asking ---- */

/* Wait for a datagram until ${until}; its length, 0 when the time is up, -1 when the vault is gone. */
static ssize_t
receive(struct vault *v, int64_t until)
{
	struct pollfd p = { .fd = v->fd, .events = POLLIN };
	int64_t left;
	ssize_t n;

	for (;;) {
		left = until - clock_mono_ms();
		n = poll(&p, 1, left > 0 ? (int)left : 0);
		if (n < 0 && errno == EINTR)
			continue;
		if (n == 0)
			return 0;
		n = recv(v->fd, secret_bytes(v->room), VAULT_MESSAGE, MSG_DONTWAIT);
		if (n > 0)
			return n;
		if (n == 0 || (errno != EAGAIN && errno != EINTR))
			return -1;
	}
}

static enum rc
lose(struct vault *v)
{
	if (!atomic_exchange(&v->is_gone, true))
		log_world(
		    "vault_gone", "locations are neither told nor taken until the service is restarted");
	return RC_WITHHELD;
}

/* The answer to the question that is under way; older ones were given up by whoever asked. */
static enum rc
await(struct vault *v, int64_t until, struct vault_message *answer)
{
	for (;;) {
		ssize_t n = receive(v, until);

		if (n == 0)
			return RC_WITHHELD;
		if (n < 0)
			return lose(v);
		if (!vault_message_read((struct bytes){ secret_view(v->room), (size_t)n }, true, answer))
			return lose(v); /* the vault never writes such a thing */
		if (answer->sequence == v->sequence) {
			v->owes = false;
			return RC_OK;
		}
	}
}

/* Nothing new is asked while an answer is owed: the vault would open locations for nobody. */
static enum rc
settle_debt(struct vault *v)
{
	struct vault_message late;
	enum rc rc = RC_OK;

	if (v->owes)
		rc = await(v, clock_mono_ms() + LATE_MS, &late);
	wipe(secret_bytes(v->room), VAULT_MESSAGE);
	return rc;
}

static enum rc
submit(struct vault *v, struct vault_message *ask)
{
	uint8_t *room = secret_bytes(v->room);

	ask->sequence = v->sequence + 1;
	if (!vault_message_write(ask, room))
		return RC_TOO_BIG;
	if (ask->text.len > 0)
		memcpy(room + VAULT_HEAD_BYTES, ask->text.p, ask->text.len);
	if (send(v->fd, room, VAULT_HEAD_BYTES + ask->text.len, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
		return lose(v);
	v->sequence++;
	v->owes = true;
	v->asked_at_ms = clock_mono_ms();
	v->patience_ms = limit_ms[ask->kind];
	return RC_OK;
}

/* ${out} NULL with ${cap} 0: an answer with a text is a broken promise.  ${cap} bounds the text. */
static enum rc
exchange(struct vault *v, struct vault_message *ask, uint8_t *out, size_t cap, size_t *len)
{
	struct vault_message answer;
	enum rc rc;

	if (atomic_load(&v->is_gone))
		return RC_WITHHELD;
	pthread_mutex_lock(&v->lock);
	if ((rc = settle_debt(v)) == RC_OK && (rc = submit(v, ask)) == RC_OK) {
		rc = await(v, clock_mono_ms() + limit_ms[ask->kind], &answer);
		if (rc == RC_WITHHELD && v->owes)
			log_world("vault_silent", "kind=%d", (int)ask->kind);
		if (rc == RC_OK && (answer.kind != ask->kind || answer.text.len > cap))
			rc = lose(v);
		if (rc == RC_OK)
			rc = rc_of[answer.outcome];
		if (rc == RC_OK && out != NULL && answer.text.len > 0) {
			memcpy(out, answer.text.p, answer.text.len);
			*len = answer.text.len;
		}
	}
	wipe(secret_bytes(v->room), VAULT_MESSAGE);
	pthread_mutex_unlock(&v->lock);
	return rc;
}

enum rc
vault_seal(struct vault *v, const struct id *house, struct bytes plain, uint8_t *out, size_t *out_len)
{
	struct vault_message ask = { .kind = VAULT_SEAL, .house = *house, .text = plain };

	*out_len = 0;
	return exchange(v, &ask, out, VAULT_SEALED, out_len);
}

enum rc
vault_unseal(
    struct vault *v, const struct id *house, const struct id *disclosure, uint8_t *out, size_t *out_len)
{
	struct vault_message ask = { .kind = VAULT_UNSEAL, .house = *house, .disclosure = *disclosure };

	*out_len = 0;
	return exchange(v, &ask, out, VAULT_PLAIN, out_len);
}

static enum rc
ask_plainly(struct vault *v, enum vault_kind kind, const struct id *house)
{
	struct vault_message ask = { .kind = kind };
	size_t len;

	if (house != NULL)
		ask.house = *house;
	return exchange(v, &ask, NULL, 0, &len);
}

enum rc
vault_destroy(struct vault *v, const struct id *house)
{
	return ask_plainly(v, VAULT_DESTROY, house);
}

enum rc
vault_rewrap(struct vault *v)
{
	return ask_plainly(v, VAULT_REWRAP, NULL);
}

enum rc
vault_renew(struct vault *v)
{
	return ask_plainly(v, VAULT_RENEW, NULL);
}

enum rc
vault_prune(struct vault *v)
{
	return ask_plainly(v, VAULT_PRUNE, NULL);
}

enum rc
vault_reseal(struct vault *v, const struct id *house, struct bytes sealed, uint8_t *out, size_t *out_len)
{
	struct vault_message ask = { .kind = VAULT_RESEAL, .house = *house, .text = sealed };

	*out_len = 0;
	return exchange(v, &ask, out, VAULT_SEALED, out_len);
}

enum rc
vault_verify(struct vault *v, const struct id *house)
{
	return ask_plainly(v, VAULT_VERIFY, house);
}

enum rc
vault_match(struct vault *v, const struct id *house, struct bytes plain, bool *same)
{
	struct vault_message ask = { .kind = VAULT_MATCH, .house = *house, .text = plain };
	uint8_t verdict = 0;
	size_t len;
	enum rc rc = exchange(v, &ask, &verdict, sizeof(verdict), &len);

	*same = rc == RC_OK && verdict != 0;
	return rc;
}

enum rc
vault_status(struct vault *v, struct vault_status *out)
{
	struct vault_message ask = { .kind = VAULT_STATUS };
	uint8_t text[28] = { 0 };
	size_t len;
	enum rc rc = exchange(v, &ask, text, sizeof(text), &len);

	*out = (struct vault_status){ get_u32(text), get_u32(text + 4), get_u32(text + 8), get_u32(text + 12),
		get_u32(text + 16), get_u32(text + 20), get_u32(text + 24) };
	return rc;
}

/* ---- life ---- */

enum rc
vault_create(const char *dir, struct rootkey *root, struct fault *f)
{
	struct vaultring *ring = NULL;
	char path[PATH];
	enum rc rc;

	if ((rc = dir_make(dir, 0700, f)) != RC_OK)
		return rc;
	if (!path_join(path, sizeof(path), dir, "ring"))
		return fault_set(f, RC_INVALID, MSG_FILE_WRITE, NULL, 0, "ring");
	if ((rc = vaultring_create(path, root, f)) != RC_OK ||
	    (rc = vaultring_open(path, root, &ring, f)) != RC_OK)
		return rc;
	rc = path_join(path, sizeof(path), dir, "quota") ? quota_create(path, ring, f) : RC_INVALID;
	vaultring_free(ring);
	return rc;
}

enum rc
vault_count(const char *dir, struct rootkey *root, size_t *keys, struct fault *f)
{
	struct vaultring *ring = NULL;
	char path[PATH];
	size_t houses;
	enum rc rc;

	if (!path_join(path, sizeof(path), dir, "ring"))
		return fault_set(f, RC_INVALID, MSG_FILE_READ, NULL, 0, "ring");
	if ((rc = vaultring_open(path, root, &ring, f)) == RC_OK)
		vaultring_count(ring, &houses, keys);
	vaultring_free(ring);
	return rc;
}

enum rc
vault_change_root(const char *dir, struct rootkey *from, struct rootkey *to, size_t *keys, struct fault *f)
{
	struct vaultring *ring = NULL;
	char path[PATH];
	size_t houses;
	enum rc rc;

	if (!path_join(path, sizeof(path), dir, "ring"))
		return fault_set(f, RC_INVALID, MSG_FILE_WRITE, NULL, 0, "ring");
	if ((rc = vaultring_open(path, from, &ring, f)) != RC_OK)
		return rc;
	if ((rc = vaultring_rewrap(ring, to, f)) == RC_OK)
		vaultring_count(ring, &houses, keys);
	vaultring_free(ring);
	return rc;
}

/* One that has been silent for so long will not come back by itself.  Who holds the lock is waiting for it
 * and looks later; its late answer may have come, unread. */
static void
judge_silence(struct vault *v)
{
	int64_t silent_ms;

	if (pthread_mutex_trylock(&v->lock) != 0)
		return;
	silent_ms = v->owes ? clock_mono_ms() - v->asked_at_ms : 0;
	if (silent_ms > (int64_t)SILENCES * v->patience_ms && settle_debt(v) != RC_OK) {
		log_world("vault_silent", "for_ms=%lld", (long long)silent_ms);
		(void)lose(v);
	}
	pthread_mutex_unlock(&v->lock);
}

bool
vault_is_alive(struct vault *v)
{
	siginfo_t info = { 0 };

	if (atomic_load(&v->is_gone))
		return false;
	/* looked at, not reaped: the number must stay its own until vault_stop */
	if (waitid(P_PID, (id_t)v->pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid == v->pid)
		(void)lose(v);
	else
		judge_silence(v);
	return !atomic_load(&v->is_gone);
}

pid_t
vault_pid(const struct vault *v)
{
	return v->pid;
}

/* Wait for its word that it has its keys.  It comes once, before there is anybody to share the socket with.
 */
static enum rc
await_ready(struct vault *v, struct fault *f)
{
	struct pollfd p = { .fd = v->fd, .events = POLLIN };
	struct vault_ready ready;
	ssize_t n = -1;

	if (poll(&p, 1, START_MS) > 0)
		n = recv(v->fd, &ready, sizeof(ready), MSG_DONTWAIT);
	if (n != (ssize_t)sizeof(ready))
		return fault_set(f, RC_UNAVAILABLE, MSG_VAULT_UNSTARTED, NULL, 0, NULL);
	if (ready.fault.rc != RC_OK && f != NULL)
		*f = ready.fault;
	return ready.fault.rc;
}

static enum rc
fork_child(struct vault *v, const struct vault_options *options, struct fault *f)
{
	const pid_t parent = getpid();
	int pair[2], line[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
		return fault_set(f, RC_UNAVAILABLE, MSG_VAULT_UNSTARTED, NULL, 0, NULL);
	if (pipe2(line, O_CLOEXEC) != 0) {
		(void)close(pair[0]);
		(void)close(pair[1]);
		return fault_set(f, RC_UNAVAILABLE, MSG_VAULT_UNSTARTED, NULL, 0, NULL);
	}
	if ((v->pid = fork()) == 0)
		vault_child(pair[1], line[0], options, parent);
	(void)close(pair[1]);
	(void)close(line[0]);
	v->fd = pair[0];
	v->lifeline = line[1];
	return v->pid > 0 ? RC_OK : fault_set(f, RC_UNAVAILABLE, MSG_VAULT_UNSTARTED, NULL, 0, NULL);
}

enum rc
vault_start(const struct vault_options *options, struct vault **out, struct fault *f)
{
	struct vault *v = calloc(1, sizeof(*v));
	enum rc rc;

	*out = NULL;
	if (v == NULL)
		return fault_set(f, RC_UNAVAILABLE, MSG_NO_MEMORY, NULL, 0, NULL);
	v->fd = v->lifeline = -1;
	(void)pthread_mutex_init(&v->lock, NULL);
	if ((rc = fork_child(v, options, f)) == RC_OK && (rc = await_ready(v, f)) == RC_OK &&
	    (v->room = secret_new(VAULT_MESSAGE)) == NULL)
		rc = fault_set(f, RC_UNAVAILABLE, MSG_NO_LOCKED_MEMORY, NULL, 0, NULL);
	if (rc != RC_OK) {
		vault_stop(v);
		return rc;
	}
	*out = v;
	return RC_OK;
}

enum rc
vault_open_store(struct vault *v, struct fault *f)
{
	if (ask_plainly(v, VAULT_OPEN, NULL) == RC_OK)
		return RC_OK;
	return fault_set(f, RC_UNAVAILABLE, MSG_VAULT_UNOPENED, NULL, 0, NULL);
}

static bool
has_ended(pid_t pid, int64_t until)
{
	const struct timespec pause = { .tv_nsec = 2000000 };
	pid_t n;

	while ((n = waitpid(pid, NULL, WNOHANG)) == 0 && clock_mono_ms() < until)
		(void)nanosleep(&pause, NULL);
	return n != 0;
}

void
vault_stop(struct vault *v)
{
	if (v == NULL)
		return;
	if (v->fd >= 0)
		(void)close(v->fd); /* its end of the socket ends: so does it */
	if (v->pid > 0 && !has_ended(v->pid, clock_mono_ms() + STOP_MS)) {
		log_world("vault_stuck", "it did not end by itself");
		(void)close(v->lifeline);
		v->lifeline = -1;
		if (!has_ended(v->pid, clock_mono_ms() + KILL_MS))
			log_world("vault_left", "pid=%d", (int)v->pid);
	}
	if (v->lifeline >= 0)
		(void)close(v->lifeline);
	secret_free(v->room);
	(void)pthread_mutex_destroy(&v->lock);
	free(v);
}
