/* SPDX-License-Identifier: Apache-2.0 */
/* The bare socket in the attacker's hand: whatever is sent, nothing comes back that he did not have. */
#include "scene.h"

#include <fcntl.h>

static struct scene x;
static int fd;
static pid_t child;

/* A vault of our own making, so that its socket is ours too; it has its keys, but the store is not open to
 * it. */
static void
fork_vault(void)
{
	struct vault_ready ready;
	pid_t parent = getpid();
	int pair[2], line[2];

	cr_assert_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	cr_assert_eq(pipe2(line, O_CLOEXEC), 0);
	if ((child = fork()) == 0)
		vault_child(pair[1], line[0], &x.options, parent);
	close(pair[1]);
	fd = pair[0];
	cr_assert_eq(recv(fd, &ready, sizeof(ready), 0), (ssize_t)sizeof(ready));
	cr_assert_eq(ready.fault.rc, RC_OK);
}

/* Send ${len} bytes; the answer's length, or -1 when none comes in ${ms}. */
static ssize_t
say(const void *p, size_t len, uint8_t *answer, int ms)
{
	struct pollfd ready = { .fd = fd, .events = POLLIN };

	cr_assert_eq(send(fd, p, len, MSG_NOSIGNAL), (ssize_t)len);
	return poll(&ready, 1, ms) == 1 ? recv(fd, answer, VAULT_MESSAGE + 16, 0) : -1;
}

static enum vault_outcome
ask(struct vault_message *m)
{
	uint8_t room[VAULT_MESSAGE], answer[VAULT_MESSAGE + 16];
	struct vault_message got;
	ssize_t n;

	cr_assert(vault_message_write(m, room));
	if (m->text.len > 0)
		memcpy(room + VAULT_HEAD_BYTES, m->text.p, m->text.len);
	cr_assert_gt(n = say(room, VAULT_HEAD_BYTES + m->text.len, answer, 30000), 0);
	cr_assert(vault_message_read((struct bytes){ answer, (size_t)n }, true, &got));
	cr_assert_eq(got.kind, m->kind);
	cr_assert_eq(got.sequence, m->sequence);
	return got.outcome;
}

static void
begin(void)
{
	scene_new(&x);
	scene_close(&x);
	fork_vault();
	scene_open(&x);
}

static void
end(void)
{
	close(fd);
	(void)waitpid(child, NULL, 0);
	scene_free(&x);
}

TestSuite(vault_socket, .init = begin, .fini = end);

static void
open_store_of_vault(void)
{
	cr_assert_eq(ask(&(struct vault_message){ .kind = VAULT_OPEN, .sequence = 1 }), VAULT_DONE);
}

Test(vault_socket, before_the_store_is_open_every_question_is_refused)
{
	for (unsigned kind = VAULT_SEAL; kind < VAULT_KIND_COUNT; kind++) {
		bool has_house = kind != VAULT_REWRAP && kind != VAULT_STATUS && kind != VAULT_RENEW &&
		    kind != VAULT_PRUNE;
		bool has_text = kind == VAULT_SEAL || kind == VAULT_MATCH || kind == VAULT_RESEAL;
		struct vault_message m = { .kind = (enum vault_kind)kind, .sequence = kind };

		m.house = has_house ? x.house : m.house;
		m.disclosure = kind == VAULT_UNSEAL ? x.disclosure.id : m.disclosure;
		m.text = has_text ? bytes_str("text") : m.text;
		cr_expect_eq(ask(&m), VAULT_REFUSED, "kind %u", kind);
	}
}

Test(vault_socket, the_store_is_opened_once)
{
	open_store_of_vault();
	cr_assert_eq(ask(&(struct vault_message){ .kind = VAULT_OPEN, .sequence = 2 }), VAULT_REFUSED);
}

Test(vault_socket, one_that_could_not_be_confined_answers_nothing)
{
	close(fd);
	(void)waitpid(child, NULL, 0);
	x.options.user = "nobody-of-that-name";
	fork_vault();
	cr_assert_eq(ask(&(struct vault_message){ .kind = VAULT_OPEN, .sequence = 1 }), VAULT_FAILED);
	cr_assert_eq(ask(&(struct vault_message){ .kind = VAULT_STATUS, .sequence = 2 }), VAULT_REFUSED);
}

static void
scramble(uint8_t *p, size_t len)
{
	for (uint32_t i = random_below(6) + 1; i > 0; i--)
		p[random_below((uint32_t)len)] ^= (uint8_t)(1u << random_below(8));
}

/* Half of them pure noise, half good messages with a few bits flipped. */
static size_t
make_noise(uint8_t *p)
{
	struct vault_message m = {
		.kind = VAULT_UNSEAL, .sequence = 7, .house = x.house, .disclosure = x.disclosure.id
	};
	size_t len = 1 + random_below(VAULT_MESSAGE + 8);

	random_fill(p, len);
	if (random_below(2) == 0)
		return len;
	cr_assert(vault_message_write(&m, p));
	p[3] = (uint8_t)random_below(VAULT_KIND_COUNT + 2);
	scramble(p, VAULT_HEAD_BYTES);
	return VAULT_HEAD_BYTES + (random_below(4) == 0 ? random_below(40) : 0);
}

static bool
holds_address(const uint8_t *p, size_t len)
{
	return memmem(p, len, ADDRESS, strlen(ADDRESS)) != NULL || memmem(p, len, "Rejtett", 7) != NULL;
}

Test(vault_socket, noise_gains_nothing_and_does_not_break_it, .timeout = 120)
{
	static uint8_t noise[VAULT_MESSAGE + 16], answer[VAULT_MESSAGE + 16];
	unsigned answered = 0;
	ssize_t n;

	open_store_of_vault();
	for (unsigned i = 0; i < 20000; i++) {
		n = say(noise, make_noise(noise), answer, i % 64 == 0 ? 1 : 0);
		answered += n > 0;
		cr_assert(n <= 0 || !holds_address(answer, (size_t)n), "message %u", i);
	}
	cr_assert_gt(answered, 0, "some of it was well formed");
	while (recv(fd, answer, sizeof(answer), MSG_DONTWAIT) > 0)
		cr_assert_not(holds_address(answer, sizeof(answer)));
	cr_assert_eq(kill(child, 0), 0);
}

Test(vault_socket, after_noise_a_record_is_still_worth_one_telling, .timeout = 60)
{
	static uint8_t noise[VAULT_MESSAGE + 16], answer[VAULT_MESSAGE + 16];
	struct vault_message m = { .kind = VAULT_UNSEAL,
		.sequence = UINT64_C(1) << 63,
		.house = x.house,
		.disclosure = x.disclosure.id };

	open_store_of_vault();
	for (unsigned i = 0; i < 200; i++)
		(void)say(
		    noise, random_below(VAULT_HEAD_BYTES - 1) + 1, answer, 0); /* too short to be anything */
	scene_commit(&x, &x.disclosure);
	cr_assert_eq(ask(&m), VAULT_DONE);
	cr_assert_eq(ask(&m), VAULT_REFUSED);
}

Test(vault_socket, descriptors_that_are_sent_along_are_not_taken)
{
	union {
		char room[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control = { .room = { 0 } };
	struct vault_message m = { .kind = VAULT_STATUS, .sequence = 3 };
	uint8_t head[VAULT_HEAD_BYTES], answer[VAULT_MESSAGE];
	struct iovec iov = { head, sizeof(head) };
	struct msghdr msg = { .msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control.room,
		.msg_controllen = sizeof(control.room) };
	char path[64];
	struct cmsghdr *c = CMSG_FIRSTHDR(&msg);

	open_store_of_vault();
	cr_assert(vault_message_write(&m, head));
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &(int){ STDERR_FILENO }, sizeof(int));
	(void)snprintf(path, sizeof(path), "/proc/%d/fd", (int)child);
	for (unsigned i = 0; i < 20; i++) {
		cr_assert_eq(sendmsg(fd, &msg, MSG_NOSIGNAL), (ssize_t)sizeof(head));
		cr_assert_gt(recv(fd, answer, sizeof(answer), 0), 0);
	}
	(void)snprintf(path, sizeof(path), "/proc/%d/fd/20", (int)child);
	cr_assert_neq(access(path, F_OK), 0);
}
