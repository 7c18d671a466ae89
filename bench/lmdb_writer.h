/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bare LMDB writing what the service writes for one change, so many changes in a commit, each commit synced.
 * No sealing, no audit chain, no index.  One thread uses a writer.
 */
#ifndef BENCH_LMDB_WRITER_H
#define BENCH_LMDB_WRITER_H

#include <stdbool.h>
#include <stdint.h>

#define WRITER_WORDS 16u

struct writer_spec {
	struct writer_word {
		char kind;
		unsigned key_len, value_len;
	} word[WRITER_WORDS];
	unsigned count;
};

struct writer {
	struct MDB_env *env;
	unsigned tree;
	struct writer_spec each, then, batch_each; /* then: every second change, if it has words */
	uint64_t there, made, appended, changes, random;
	uint64_t last_new[WRITER_WORDS];
};

/**
 * Read words like "n33:140" into ${out}: what is written, the key's length, the value's (bytes).  n: a new
 * key; o: one of the keys that exist; a: the next key of a log; d: the new key of that place in the last
 * change is deleted (its value names the place).  An empty text is no words.  False: not so.
 */
bool writer_spec_read(const char *text, struct writer_spec *out);

/** Open a store in the directory ${dir} and give it ${writer}->there keys to write over.  Returns LMDB's
 * error. */
int writer_open(struct writer *writer, const char *dir);

/** Write ${changes} changes and what a batch brings with it, and commit.  Returns LMDB's error. */
int writer_commit(struct writer *writer, unsigned changes);

void writer_close(struct writer *writer);

#endif
