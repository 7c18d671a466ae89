/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two nodes over a real PostgreSQL in one process: writers at both append to the same logs, readers look at
 * both copies, the connection of one is cut again and again.  ThreadSanitizer watches; every change that was
 * acknowledged is in the one chain.  Needs MENEDEK_TEST_POSTGRES (tests/postgres.sh) and says so without.
 */
#include <libpq-fe.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/id.h"
#include "store/store.h"

#define NODES   2
#define WRITERS 6
#define READERS 2
#define CUTS    6
#define ARENA   (1u << 20)

struct node {
	struct keyring *ring;
	struct store *store;
	atomic_ulong done, unsure, looks;
};

static struct node nodes[NODES];
static atomic_bool is_over;

static void
must(bool is_true, const char *what)
{
	if (is_true)
		return;
	fprintf(stderr, "store_pg: %s\n", what);
	exit(1);
}

static enum rc
append(struct txn *t, void *arg)
{
	static const uint8_t leaf[LOG_LEAF] = { 5 };
	enum rc rc = txn_put(t, arg, KEY_RECORD, bytes_str("value"));

	return rc == RC_OK ? txn_append(t, LOG_AUDIT, leaf, KEY_AUDIT, bytes_str("entry")) : rc;
}

static void *
write_on(void *arg)
{
	struct arena *arena = arena_new(ARENA);
	struct node *n = arg;

	while (!atomic_load(&is_over)) {
		const struct id id = id_new();
		struct key key = key_kind('k');
		enum rc rc;

		key_add_bytes(&key, id.b, sizeof(id.b));
		rc = store_update(n->store, arena, append, &key);
		must(rc == RC_OK || rc == RC_BUSY || rc == RC_UNAVAILABLE || rc == RC_UNKNOWN, "a write");
		atomic_fetch_add(&n->done, rc == RC_OK);
		atomic_fetch_add(&n->unsure, rc == RC_UNKNOWN);
		arena_rewind(arena, 0);
	}
	arena_free(arena);
	return NULL;
}

static enum rc
read_head(struct txn *t, void *arg)
{
	return txn_log_head(t, LOG_AUDIT, arg);
}

static void *
read_on(void *arg)
{
	struct arena *arena = arena_new(ARENA);
	struct store_stats stats;
	struct node *n = arg;
	uint64_t before = 0;

	while (!atomic_load(&is_over)) {
		struct log_head head = { 0 };

		if (store_view(n->store, arena, read_head, &head) == RC_OK) {
			must(head.count >= before, "the trail went back");
			before = head.count;
			atomic_fetch_add(&n->looks, 1);
		}
		store_stats(n->store, &stats);
		arena_rewind(arena, 0);
		usleep(500);
	}
	arena_free(arena);
	return NULL;
}

static void
run_sql(const char *conninfo, const char *sql)
{
	PGconn *conn = PQconnectdb(conninfo);
	PGresult *res = PQexec(conn, sql);

	must(PQresultStatus(res) == PGRES_COMMAND_OK || PQresultStatus(res) == PGRES_TUPLES_OK,
	    PQerrorMessage(conn));
	PQclear(res);
	PQfinish(conn);
}

/* Each node has a ring of its own that was the same when it was set up: the second copies the first's. */
static void
open_node(unsigned i, const char *dir, const char *conninfo, const struct secret *root)
{
	char path[128], name[160], command[320];
	struct store_options options = { .engine = &engine_postgresql, .path = path, .map_mib = 256 };
	struct fault f = { 0 };
	FILE *file = NULL;

	(void)snprintf(path, sizeof(path), "%s/ring%u", dir, i);
	(void)snprintf(command, sizeof(command), "cp %s/ring0 %s", dir, path);
	must(i == 0 ? keyring_create(path, root, &f) == RC_OK : system(command) == 0, "a ring");
	must(keyring_open(path, root, &nodes[i].ring, &f) == RC_OK, "keyring_open");
	(void)snprintf(path, sizeof(path), "%s/db%u", dir, i);
	(void)snprintf(name, sizeof(name), "%s/" PG_CONNINFO, path);
	must(mkdir(path, 0700) == 0 && (file = fopen(name, "w")) != NULL, "a directory");
	(void)fprintf(file, "%s application_name=%s\n", conninfo, dir + strlen("/tmp/"));
	(void)fclose(file);
	options.keyring = nodes[i].ring;
	must(store_open(&options, &nodes[i].store, &f) == RC_OK, "store_open");
	store_follow(nodes[i].store);
}

static void
work(const char *server, const char *dir)
{
	pthread_t threads[NODES * (WRITERS + READERS)];
	char cut[256];
	unsigned n = 0;

	for (unsigned i = 0; i < COUNT_OF(threads); i++, n++)
		must(pthread_create(
			 &threads[n], NULL, i < NODES * WRITERS ? write_on : read_on, &nodes[i % NODES]) == 0,
		    "no thread");
	(void)snprintf(cut, sizeof(cut),
	    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = '%s' "
	    "ORDER BY random() LIMIT 1",
	    dir + strlen("/tmp/"));
	for (unsigned i = 0; i < CUTS; i++) {
		sleep(1);
		run_sql(server, cut);
	}
	sleep(2);
	atomic_store(&is_over, true);
	for (unsigned i = 0; i < n; i++)
		(void)pthread_join(threads[i], NULL);
}

static void
judge(void)
{
	struct arena *arena = arena_new(ARENA);
	unsigned long done = 0, unsure = 0;
	struct log_head head = { 0 };

	for (unsigned i = 0; i < NODES; i++) {
		must(nodes[i].done > 20 && nodes[i].looks > 20, "too little was done: no verdict");
		done += nodes[i].done;
		unsure += nodes[i].unsure;
	}
	for (unsigned i = 0; i < 300 && head.count < done; i++) {
		must(store_view(nodes[0].store, arena, read_head, &head) == RC_OK, "the copy is too old");
		usleep(100000);
	}
	must(head.count >= done && head.count <= done + unsure, "the chain is not what was acknowledged");
	printf("store_pg: %lu changes of two nodes in one chain, %lu unknown, %u connections cut\n", done,
	    unsure, CUTS);
	arena_free(arena);
}

int
main(void)
{
	const char *server = getenv("MENEDEK_TEST_POSTGRES");
	char dir[] = "/tmp/store_pg.XXXXXX", conninfo[512], command[64];
	struct secret *root = secret_new(32);

	if (server == NULL || *server == '\0') {
		printf("store_pg: SKIPPED: MENEDEK_TEST_POSTGRES names no server\n");
		return 0;
	}
	must(root != NULL && mkdtemp(dir) != NULL, "no room");
	(void)snprintf(conninfo, sizeof(conninfo), "CREATE SCHEMA \"%s\"", dir + strlen("/tmp/"));
	run_sql(server, conninfo);
	(void)snprintf(
	    conninfo, sizeof(conninfo), "%s options='-c search_path=\"%s\"'", server, dir + strlen("/tmp/"));
	for (unsigned i = 0; i < NODES; i++)
		open_node(i, dir, conninfo, root);
	work(server, dir);
	judge();
	for (unsigned i = 0; i < NODES; i++) {
		store_close(nodes[i].store);
		keyring_free(nodes[i].ring);
	}
	secret_free(root);
	(void)snprintf(command, sizeof(command), "rm -rf %s", dir);
	return system(command) == 0 ? 0 : 1;
}
