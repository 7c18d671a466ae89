/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an engine is: ordered keys, snapshots, and batches of transactions that are checked and written
 * together. It sees opaque keys and ciphertext, knows no record and no key material.  Everything above
 * (transactions, retries, sealing, watching) is common, so an engine stays a handful of functions.
 * engine_memory is the reference; engine_lmdb the embedded one; a remote one may finish a commit much later,
 * on a thread of its own, with RC_UNKNOWN.
 */
#ifndef MENEDEK_ENGINE_H
#define MENEDEK_ENGINE_H

#include "base/bytes.h"
#include "base/fault.h"
#include "store/logs.h"

struct engine;
struct snapshot;

/** A key that was read and the revision it had; 0 = it was absent.  A revision is unique for a key for ever.
 */
struct read_entry {
	struct key key;
	uint64_t rev;
};

struct write_entry {
	struct key key;
	struct bytes value; /* sealed */
	bool is_delete;
};

/** Appended to a log with the next number, at commit.  ${leaf} is what the log's chain covers. */
struct append_entry {
	uint8_t log; /* enum store_log */
	uint8_t leaf[32];
	struct bytes value; /* leaf, then sealed */
	uint64_t number;    /* out: set when the commit is RC_OK */
};

/** One transaction's effect.  All of it lives in the submitter's memory until ${done} was called. */
struct commit {
	struct commit *next;
	struct read_entry *reads;
	struct write_entry *writes;
	struct append_entry *appends;
	unsigned read_count, write_count, append_count;
	enum rc rc;   /* out: RC_OK, RC_CONFLICT, RC_UNAVAILABLE, RC_TOO_BIG or RC_UNKNOWN */
	uint64_t rev; /* out: the revision its writes got */
	void (*done)(struct commit *);
	void *arg;
};

/** Called for each pair in key order; return false to stop. */
typedef bool engine_scan_fn(void *arg, const struct key *key, struct bytes value, uint64_t rev);

struct engine_ops {
	const char *name;
	/* ${path} is the engine's own directory or connection string; ${map_mib} as in store_options. */
	enum rc (*open)(const char *path, unsigned map_mib, struct engine **out, struct fault *f);
	/* For another process than the one that writes; takes no lock of the directory, and must not be
	 * called in a process that has the same directory open.  NULL: this engine has no such thing. */
	enum rc (*open_reader)(const char *path, unsigned map_mib, struct engine **out, struct fault *f);
	void (*close)(struct engine *);
	enum rc (*snapshot)(struct engine *, struct snapshot **out);
	/* RC_OK or RC_NOT_FOUND (rev 0).  The view is valid until release. */
	enum rc (*get)(struct snapshot *, const struct key *, struct bytes *value, uint64_t *rev);
	/* Keys k with from <= k and from's first prefix_len bytes in common. */
	enum rc (*scan)(
	    struct snapshot *, const struct key *from, unsigned prefix_len, engine_scan_fn *, void *arg);
	void (*release)(struct snapshot *);
	/* Check and write a list of independent transactions as one durable unit; sets rc, rev, numbers of
	 * each, calls no ${done}: the committer does, after its watchers have seen the batch. */
	void (*apply)(struct engine *, struct commit *list);
	/* True once a disk error left it unable to commit or read until it is opened anew.  Any thread. */
	bool (*is_broken)(const struct engine *);
};

extern const struct engine_ops engine_memory, engine_lmdb;

#endif
