/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two stores over one schema of PostgreSQL stand for two nodes.  A test that needs them begins with
 * NEEDS_SERVER.
 */
#ifndef MENEDEK_TEST_NODES_H
#define MENEDEK_TEST_NODES_H

#include <arpa/inet.h>
#include <sys/socket.h>

#include "fixture.h"

struct nodes {
	struct fixture a, b; /* b shares a's keyring and database */
};

/* The second node has a ring of its own that was the same when it was set up. */
static inline void
copy_ring(struct nodes *n)
{
	struct secret *root = secret_new(32);
	struct fault f = { 0 };
	char path[160];
	uint8_t *text;
	size_t len;
	FILE *file;

	fixture_path(&n->a, "ring", path);
	read_file(path, &text, &len);
	fixture_path(&n->b, "ring", path);
	cr_assert((file = fopen(path, "w")) != NULL && fwrite(text, 1, len, file) == len);
	fclose(file);
	free(text);
	cr_assert_eq(keyring_open(path, root, &n->b.keyring, &f), RC_OK);
	secret_free(root);
}

static inline void
open_nodes(struct nodes *n)
{
	struct fault f = { 0 };
	char path[160], name[200];
	FILE *file;

	fixture_open(&n->a, &engine_postgresql);
	n->b = (struct fixture){ .ops = &engine_postgresql };
	snprintf(n->b.dir, sizeof(n->b.dir), "%.80s/b", n->a.dir);
	mkdir(n->b.dir, 0700);
	copy_ring(n);
	fixture_path(&n->b, "db", path);
	mkdir(path, 0700);
	snprintf(name, sizeof(name), "%s/postgresql", path);
	cr_assert((file = fopen(name, "w")) != NULL);
	fprintf(file, "%s\n", n->a.conninfo);
	fclose(file);
	cr_assert_eq(fixture_open_store(&n->b, &n->b.store, &f), RC_OK);
	cr_assert((n->b.arena = arena_new(8u << 20)) != NULL);
}

static inline void
close_nodes(struct nodes *n)
{
	static const char *const names[] = { "db/data.mdb", "db/lock.mdb", "db/serving.lock", "db/postgresql",
		"db/keeper", "db/node", "ring" };
	char path[160];

	store_close(n->b.store);
	keyring_free(n->b.keyring);
	arena_free(n->b.arena);
	for (size_t i = 0; i < COUNT_OF(names); i++) {
		fixture_path(&n->b, names[i], path);
		unlink(path);
	}
	fixture_path(&n->b, "db", path);
	rmdir(path);
	rmdir(n->b.dir);
	fixture_close(&n->a);
}

#define NEEDS_SERVER()                                                         \
	do {                                                                   \
		if (postgres_server() == NULL)                                 \
			cr_skip_test("MENEDEK_TEST_POSTGRES names no server"); \
	} while (0)

/* A port of this machine at which nobody listens, for as long as the socket is kept. */
static inline int
closed_port(int *port)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(at);
	const int fd = socket(AF_INET, SOCK_STREAM, 0);

	cr_assert(fd >= 0 && bind(fd, (struct sockaddr *)&at, sizeof(at)) == 0 &&
	    getsockname(fd, (struct sockaddr *)&at, &len) == 0);
	*port = ntohs(at.sin_port);
	return fd;
}

/* ${node} reads ${text} under ${key} before half a minute is over. */
static inline bool
sees(struct fixture *node, const char *key, const char *text)
{
	char found[64];

	for (unsigned i = 0; i < 3000; i++) {
		if (get_text(node, key, found, NULL) == RC_OK && strcmp(found, text) == 0)
			return true;
		usleep(10000);
	}
	return false;
}

/* What a watcher was told; nothing of the housekeeping may be among it. */
struct told {
	pthread_mutex_t lock;
	unsigned changes, appends;
};

static inline void
count_told(void *arg, const struct change *changes, size_t count)
{
	struct told *t = arg;

	pthread_mutex_lock(&t->lock);
	for (size_t i = 0; i < count; i++) {
		t->changes++;
		t->appends += changes[i].is_append;
		cr_assert_neq(changes[i].key.b[0], 'H');
	}
	pthread_mutex_unlock(&t->lock);
}

#endif
