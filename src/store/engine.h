/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an engine is: ordered keys, snapshots, and batches of transactions that are checked and written
 * together. It sees opaque keys and ciphertext, knows no record and no key material.  Everything above
 * (transactions, retries, sealing, watching) is common, so an engine stays a handful of functions.
 * engine_memory is the reference; engine_lmdb the embedded one; engine_postgresql shares one database among
 * several nodes and may end a commit with RC_UNKNOWN.
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

/** One committed change, in commit order.  ${sealed} is empty for a delete. */
struct change {
	struct key key;
	struct bytes sealed;
	uint64_t rev;
	bool is_delete;
	bool is_append; /* key holds log and number */
	bool is_others; /* another node's, or it is not known whose */
};

/** Told of changes that are durable and that snapshots see; the views end with the call. */
typedef void engine_told_fn(void *arg, const struct change *changes, size_t count);

/** Called for each pair in key order; return false to stop. */
typedef bool engine_scan_fn(void *arg, const struct key *key, struct bytes value, uint64_t rev);

/** What all nodes must hold beside the records, ciphertext of its own kind, and what to do with it. */
struct engine_carrier {
	/* ${shared} is what stands there now: called before the changes that came with it are told. */
	enum rc (*take)(void *arg, struct bytes shared);
	/* RC_OK, and ${out} valid until the next call: this process has a newer one for the next batch.
	 * RC_NOT_FOUND: it has not.  All else: it has, and cannot give it; the batch must not go down. */
	enum rc (*give)(void *arg, struct bytes *out);
	void (*given)(void *arg); /* it is there: durable */
	void *arg;
};

/** How a node stands to the database that it shares. */
struct engine_standing {
	int64_t silent_ms; /* since a primary last confirmed that this node's copy is where it is; 0: it does
			      not follow yet */
	uint32_t timeline; /* of the server it was last connected to */
	int64_t now, sure, common; /* store_now, store_sure_now and store_common_now */
	int64_t clock_ahead; /* seconds that this machine's clock is ahead of most other nodes', < 0 behind */
};

struct engine_ops {
	const char *name;
	bool is_far; /* a batch takes long, however small: worth waiting for company */
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
	/* True if, when it was opened, it did not hold exactly what its last commit left. */
	bool (*is_altered)(const struct engine *);
	/* Bytes it can hold and has taken so far, free pages inside included; both 0 without a bound.  Any
	 * thread. */
	void (*room)(struct engine *, uint64_t *most, uint64_t *used);
	/* The next four are NULL for an engine to which nobody else writes.  Where other nodes do, every
	 * change, of this process too, comes through ${told} exactly once, on the thread that calls apply or
	 * follow; listen is called once, before either. */
	void (*listen)(struct engine *, engine_told_fn *told, void *arg);
	/* Take what stands at log_shared_key, if anything does, and from here on what comes there; on the
	 * thread of apply and follow.  What one gives goes down with the next batch, and a batch that meets
	 * another's fails as a whole and is built anew. */
	enum rc (*carry)(struct engine *, const struct engine_carrier *);
	/* Has nobody else written for a while?  NULL: nobody ever does, or it is not known. */
	bool (*is_alone)(const struct engine *);
	/* Look for what others committed.  Snapshots are refused (RC_UNAVAILABLE) once it has been called and
	 * then found nothing out yet, or for too long.  The committer's thread. */
	void (*follow)(struct engine *);
	/* For metrics.  Any thread.  NULL: it shares nothing. */
	void (*standing)(const struct engine *, struct engine_standing *out);
	/* Write a file to ${fd}, perhaps a pipe, from which open makes what is committed now; commits go on
	 * meanwhile, as many snapshots do.  Syncs nothing.  NULL: this engine has no such thing. */
	enum rc (*copy)(struct engine *, int fd);
};

extern const struct engine_ops engine_memory, engine_lmdb, engine_postgresql;

/** The engine that the directory ${path} of a store was made for: postgresql if it holds a connection string
 * (PG_CONNINFO), else lmdb. */
const struct engine_ops *engine_of(const char *path);

/** The file of a store's directory that holds libpq's connection string, one line. */
#define PG_CONNINFO "postgresql"

#endif
