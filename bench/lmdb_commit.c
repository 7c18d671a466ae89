/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The durable limit: bare LMDB writing what the service writes for one change, so many changes in a commit,
 * each commit synced.  No sealing, no audit chain, no index, nobody to answer: only the engine and the disk.
 *   lmdb_commit --dir DIR --each SPEC [--then SPEC] --batch-each SPEC [--batch N] [--seconds S] [--there N]
 * SPEC is words like "n33:140": what is written, the key's length, the value's.  n: a new key; o: one of the
 * --there keys that exist; a: the next key of a log; d: the new key of that place in the last change is
 * deleted (its value is ignored). It prints one line of NAME=VALUE parted by tabs.
 */
#include <getopt.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include <lmdb.h>

#include "histogram.h"

#define WORDS_MOST 16u
#define LOG_PLACE  48u /* one log, whoever writes it */
#define KEY_MOST   64u
#define VALUE_MOST 65536u

struct word {
	char kind;
	unsigned key_len, value_len;
};

struct spec {
	struct word word[WORDS_MOST];
	unsigned count;
};

struct bench {
	MDB_env *env;
	MDB_dbi tree;
	struct spec each, then, batch_each;
	unsigned batch;
	uint64_t there, made, appended, changes, random;
	uint64_t last_new[WORDS_MOST];
	struct histogram latency;
};

static unsigned char value[VALUE_MOST];

static uint64_t
now_ns(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static bool
read_spec(const char *text, struct spec *out)
{
	for (out->count = 0; *text != '\0' && out->count < WORDS_MOST; out->count++) {
		struct word *w = &out->word[out->count];
		char *end;

		w->kind = *text;
		w->key_len = (unsigned)strtoul(text + 1, &end, 10);
		if (strchr("noad", w->kind) == NULL || *end != ':' || w->key_len < 2 || w->key_len > KEY_MOST)
			return false;
		w->value_len = (unsigned)strtoul(end + 1, &end, 10);
		if (w->value_len > VALUE_MOST || (*end != '\0' && *end != ' '))
			return false;
		text = end + strspn(end, " ");
	}
	return *text == '\0';
}

/* The key of ${number} in the place ${place}: scattered as random ids are, or in order for a log. */
static void
make_key(const struct word *w, unsigned place, uint64_t number, unsigned char *key)
{
	uint64_t scattered = (number + 1) * 0x9e3779b97f4a7c15u;

	scattered ^= scattered >> 29;
	memset(key, 0, KEY_MOST);
	key[0] = (unsigned char)('A' + place);
	if (w->kind == 'a') {
		for (unsigned i = 0; i < 8 && i + 1 < w->key_len; i++)
			key[w->key_len - 1 - i] = (unsigned char)(number >> (8 * i));
		return;
	}
	for (unsigned i = 1; i < w->key_len; i++)
		key[i] = (unsigned char)(scattered >> (8 * ((i - 1) % 8)));
}

static int
write_word(struct bench *b, MDB_txn *txn, const struct spec *spec, unsigned place)
{
	const struct word *w = &spec->word[place];
	unsigned char bytes[KEY_MOST];
	MDB_val key = { w->key_len, bytes }, data = { w->value_len, NULL };
	const unsigned at = w->kind == 'a' ? LOG_PLACE
	    : spec == &b->each             ? place
	    : spec == &b->then             ? 32 + place
					   : 16 + place;
	int error;

	if (w->kind == 'd') {
		const unsigned of = w->value_len % WORDS_MOST;

		make_key(&b->each.word[of], of, b->last_new[of], bytes);
		key.mv_size = b->each.word[of].key_len;
		error = mdb_del(txn, b->tree, &key, NULL);
		return error == MDB_NOTFOUND ? 0 : error;
	}
	b->random = b->random * 6364136223846793005u + 1442695040888963407u;
	if (w->kind == 'n' && spec == &b->each)
		b->last_new[place] = b->there + b->made;
	if (w->kind == 'n')
		make_key(w, at, b->there + b->made++, bytes);
	else if (w->kind == 'a')
		make_key(w, at, b->appended++, bytes);
	else
		make_key(w, at, (b->random >> 33) % b->there, bytes);
	if ((error = mdb_put(txn, b->tree, &key, &data, MDB_RESERVE)) == 0)
		memcpy(data.mv_data, value, w->value_len);
	return error;
}

static int
write_spec(struct bench *b, MDB_txn *txn, const struct spec *spec)
{
	int error = 0;

	for (unsigned i = 0; i < spec->count && error == 0; i++)
		error = write_word(b, txn, spec, i);
	return error;
}

static int
commit_batch(struct bench *b)
{
	const uint64_t began_ns = now_ns();
	MDB_txn *txn;
	int error = mdb_txn_begin(b->env, NULL, 0, &txn);

	for (unsigned i = 0; i < b->batch && error == 0; i++)
		error = write_spec(b, txn, b->then.count > 0 && b->changes++ % 2 == 1 ? &b->then : &b->each);
	if (error == 0)
		error = write_spec(b, txn, &b->batch_each);
	if (error == 0)
		error = mdb_txn_commit(txn);
	histogram_add(&b->latency, now_ns() - began_ns);
	return error;
}

/* The keys that a change overwrites, so that the tree has its depth. */
static int
fill(struct bench *b)
{
	unsigned char bytes[KEY_MOST];
	int error = 0;

	for (uint64_t n = 0; n < b->there && error == 0;) {
		MDB_txn *txn;

		if ((error = mdb_txn_begin(b->env, NULL, 0, &txn)) != 0)
			return error;
		for (const uint64_t until = n + 1000; n < b->there && n < until && error == 0; n++) {
			for (unsigned i = 0; i < b->each.count && error == 0; i++) {
				const struct word *w = &b->each.word[i];
				MDB_val key = { w->key_len, bytes }, data = { w->value_len, value };

				if (w->kind != 'o')
					continue;
				make_key(w, i, n, bytes);
				error = mdb_put(txn, b->tree, &key, &data, 0);
			}
		}
		if (error == 0)
			error = mdb_txn_commit(txn);
	}
	return error;
}

static int
open_tree(struct bench *b, const char *dir)
{
	MDB_txn *txn;
	int error;

	if ((error = mdb_env_create(&b->env)) != 0 ||
	    (error = mdb_env_set_mapsize(b->env, (size_t)8 << 30)) != 0 ||
	    (error = mdb_env_open(b->env, dir, MDB_NOTLS, 0600)) != 0 ||
	    (error = mdb_txn_begin(b->env, NULL, 0, &txn)) != 0)
		return error;
	if ((error = mdb_dbi_open(txn, NULL, 0, &b->tree)) != 0)
		return error;
	return mdb_txn_commit(txn);
}

static double
cpu_s(void)
{
	struct rusage r;

	(void)getrusage(RUSAGE_SELF, &r);
	return (double)(r.ru_utime.tv_sec + r.ru_stime.tv_sec) +
	    (double)(r.ru_utime.tv_usec + r.ru_stime.tv_usec) / 1e6;
}

static int
measure(struct bench *b, double seconds)
{
	const double cpu = cpu_s();
	const uint64_t start_ns = now_ns(), end_ns = start_ns + (uint64_t)(seconds * 1e9);
	double took, changes;
	int error = 0;

	while (now_ns() < end_ns && error == 0)
		error = commit_batch(b);
	took = (double)(now_ns() - start_ns) / 1e9;
	changes = (double)b->latency.total * b->batch;
	(void)printf(
	    "batch=%u\tcommits=%llu\tper_s=%.1f\tchange_us=%.2f\tcpu_us=%.2f\tp50_us=%.1f\tp99_us=%.1f\n",
	    b->batch, (unsigned long long)b->latency.total, changes / took, took / changes * 1e6,
	    (cpu_s() - cpu) / changes * 1e6, (double)histogram_at(&b->latency, 0.5) / 1e3,
	    (double)histogram_at(&b->latency, 0.99) / 1e3);
	return error;
}

int
main(int count, char **words)
{
	static const struct option options[] = { { "dir", 1, NULL, 0 }, { "each", 1, NULL, 1 },
		{ "batch-each", 1, NULL, 2 }, { "batch", 1, NULL, 3 }, { "seconds", 1, NULL, 4 },
		{ "there", 1, NULL, 5 }, { "then", 1, NULL, 6 }, { NULL, 0, NULL, 0 } };
	const char *s[] = { NULL, "n33:140", "", "1", "2", "1000", "" };
	static struct bench b;
	int which, error;

	while ((which = getopt_long(count, words, "", options, NULL)) >= 0 && which != '?')
		s[which] = optarg;
	b.batch = (unsigned)strtoul(s[3], NULL, 10);
	b.there = strtoul(s[5], NULL, 10);
	if (s[0] == NULL || b.batch == 0 || b.there == 0 || !read_spec(s[1], &b.each) ||
	    !read_spec(s[2], &b.batch_each) || !read_spec(s[6], &b.then)) {
		(void)fprintf(stderr, "lmdb_commit: see bench/lmdb_commit.c for how to call it\n");
		return 2;
	}
	memset(value, 0xa5, sizeof(value));
	if ((error = open_tree(&b, s[0])) == 0 && (error = fill(&b)) == 0)
		error = measure(&b, strtod(s[4], NULL));
	if (error != 0)
		(void)fprintf(stderr, "lmdb_commit: %s\n", mdb_strerror(error));
	mdb_env_close(b.env);
	return error != 0;
}
