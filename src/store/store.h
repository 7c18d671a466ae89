/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Transactions over an engine.  A transaction reads a snapshot and collects writes; commit checks that
 * nothing it read has changed, and makes all of it durable or none.  Values are sealed here: above this
 * header plaintext, below it ciphertext bound to its key (docs/design.md, F).  A transaction belongs to one
 * thread at a time; the store itself may be used by all.
 */
#ifndef MENEDEK_STORE_H
#define MENEDEK_STORE_H

#include "base/arena.h"
#include "base/expose.h"
#include "crypto/keyring.h"
#include "store/engine.h"
#include "store/logs.h"

struct store;
struct txn;

struct store_options {
	const struct engine_ops *engine;
	const char *path;        /* engine's directory, made if missing */
	struct keyring *keyring; /* outlives the store */
	unsigned map_mib;        /* LMDB: the most the file may grow to, in MiB; 0 = the engine's default */
	bool must_keep_keys; /* be the keeper of a ring that several nodes share, whoever was (shared_ring.h)
			      */
	bool is_look;        /* to see what is there: on one machine the ring's keeping stays as it is */
};

/** Open, read the keyring again (keyring_reopen), start the committer thread.  RC_BUSY: another process
 * serves this directory. */
MUST_USE enum rc store_open(const struct store_options *options, struct store **out, struct fault *f);

/**
 * Open what another process serves, for reading only: no thread, no lock of the directory; a commit is
 * refused. The directory must be open in that process.  Each transaction sees what was committed before it
 * began.
 */
MUST_USE enum rc store_open_reader(const struct store_options *options, struct store **out, struct fault *f);

/**
 * Write the store as it is now to ${fd}, a file or a pipe that somebody reads, while commits go on: a file
 * that store_open takes.  Its values are sealed as they were.  A reader may do it too.
 */
MUST_USE enum rc store_copy(struct store *store, int fd);

/** Finish what was submitted, stop the committer, close.  NULL-safe. */
void store_close(struct store *store);

/** Begin on a fresh snapshot; everything the transaction gives out lives in ${arena}. */
MUST_USE enum rc txn_begin(struct store *store, struct arena *arena, struct txn **out);

/**
 * As txn_begin for work of many parts that must happen whole or not at all: limits count from part to part,
 * and what was written so far lives in ${arena}, opened values in ${scratch}, which may be rewound between
 * parts.
 */
MUST_USE enum rc txn_begin_wide(
    struct store *store, struct arena *arena, struct arena *scratch, struct txn **out);

/** The part is complete and, if it wrote, recorded; the next one begins: txn_writes and txn_is_writing speak
 * of it alone.  Of a wide transaction only. */
void txn_next_part(struct txn *txn);

/**
 * Forget reads and writes and begin again on a newer snapshot (after RC_CONFLICT).  What it gave out stays in
 * the arena.  On failure it has no snapshot: only txn_restart and txn_end may follow.
 */
MUST_USE enum rc txn_restart(struct txn *txn);

/** Give the snapshot back; what was not committed is dropped.  NULL-safe. */
void txn_end(struct txn *txn);

/**
 * Read ${key}; sees this transaction's own writes.  The read enters the read set, an absent key too.
 * RC_OK, RC_NOT_FOUND, RC_CORRUPT (the seal does not open), RC_TOO_BIG (more than LIMIT_TXN_KEYS).
 */
MUST_USE enum rc txn_get(struct txn *txn, const struct key *key, struct bytes *out);

/** As txn_get, without entering the read set: for what may be a moment old.  Never decide a write by it. */
MUST_USE enum rc txn_peek(struct txn *txn, const struct key *key, struct bytes *out);

/** The revision of ${key} as this transaction read it (0 = absent or not read).  For ETags. */
uint64_t txn_rev(const struct txn *txn, const struct key *key);

/**
 * Write, at most once a key: a later one replaces.  ${value} is copied and sealed under ${use}'s current key
 * now, on this thread, not by the committer; should that key no longer be current when the write's turn
 * comes, the commit is RC_CONFLICT.  A key that was not read is written blindly, whatever it holds by then.
 * RC_TOO_BIG: over LIMIT_VALUE, LIMIT_TXN_KEYS, or the arena.  Log keys cannot be put, only deleted
 * (retention).
 */
MUST_USE enum rc txn_put(struct txn *txn, const struct key *key, enum key_use use, struct bytes value);
MUST_USE enum rc txn_delete(struct txn *txn, const struct key *key);

/** Append to a log, at most LIMIT_TXN_KEYS a transaction; ${leaf} is what its chain will cover. */
MUST_USE enum rc txn_append(
    struct txn *txn, enum store_log log, const uint8_t leaf[32], enum key_use use, struct bytes value);

/**
 * Erase the text of entry ${number} of ${log}: its leaf stays, so chain and tree stay whole, and it reads as
 * its leaf alone.  RC_NOT_FOUND without such an entry.
 */
MUST_USE enum rc txn_log_erase(struct txn *txn, enum store_log log, uint64_t number);

/** Called in key order with the opened value; return false to stop. */
typedef bool txn_scan_fn(void *arg, const struct key *key, struct bytes value, uint64_t rev);

/**
 * Walk the keys that begin with ${prefix}, from ${from} on (NULL: from the first).  Committed values only,
 * and not in the read set: a range is guarded by a record that every writer of it touches.  The value's view
 * ends with the call.  RC_CORRUPT names nothing and goes on to no later key.  An empty prefix walks
 * everything but log heads.
 */
MUST_USE enum rc txn_scan(
    struct txn *txn, const struct key *prefix, const struct key *from, txn_scan_fn *fn, void *arg);

/** Called for a value that does not open, in key order too; nothing of it is shown. */
typedef void txn_broken_fn(void *arg, const struct key *key);

/** Passes it by: it stays, for menedek check to name. */
void txn_pass_by(void *arg, const struct key *key);

/**
 * As txn_scan, but goes on past what does not open, telling ${broken} of it: for work on many records that
 * one damaged value must not stop.
 */
MUST_USE enum rc txn_scan_past(struct txn *txn, const struct key *prefix, const struct key *from,
    txn_scan_fn *fn, txn_broken_fn *broken, void *arg);

/** Called in key order with the id of the key that seals the value; return false to stop. */
typedef bool txn_census_fn(void *arg, const struct key *key, uint32_t key_id);

/**
 * As txn_scan over log entries and records alike, without opening anything: which keys are still needed, and
 * for what.  Key id 0: the value is too short to be sealed.
 */
MUST_USE enum rc txn_census(
    struct txn *txn, const struct key *prefix, const struct key *from, txn_census_fn *fn, void *arg);

/**
 * As txn_scan, but what is given is what stands there: sealed.  For programs that compare the store with what
 * was recorded of it; nothing is opened, so nothing is refused.
 */
MUST_USE enum rc txn_scan_sealed(struct txn *txn, const struct key *prefix, txn_scan_fn *fn, void *arg);

/** The leaf of entry ${number} of ${log}, without opening the entry; not in the read set. */
MUST_USE enum rc txn_log_leaf(struct txn *txn, enum store_log log, uint64_t number, uint8_t leaf[LOG_LEAF]);

/** What was written so far (of a wide one: in this part), sealed, one for each key; the view ends with the
 * next write. */
const struct write_entry *txn_writes(const struct txn *txn, unsigned *count);

/**
 * From here on writes are refused as a bug of ours, appends are not: what describes the writes was made.
 * Until txn_restart.
 */
void txn_freeze(struct txn *txn);

/** Has it (of a wide one: this part) anything to commit? */
bool txn_is_writing(const struct txn *txn);

/**
 * Hand the writes to the committer and return at once.  ${done} runs on another thread, after the
 * writes are on disk and all watchers have seen them; it must be short.  The transaction and its arena must
 * live until then. The snapshot is given back before the hand-over.  If there is nothing to commit, ${done}
 * runs before the return.
 */
typedef void txn_done_fn(void *arg, enum rc rc);
void txn_commit(struct txn *txn, txn_done_fn *done, void *arg);

/**
 * The same for a thread that may wait for a disk which has been quick (committer.h): where nobody else
 * writes, the commit is done on it, and ${done} has been called when this returns.
 */
void txn_commit_here(struct txn *txn, txn_done_fn *done, void *arg);

/** The number that append ${i} of this transaction got; valid after RC_OK. */
uint64_t txn_append_number(const struct txn *txn, unsigned i);

/**
 * One transaction, written by the caller.  It runs on a snapshot and may run more than once, so it must not
 * reply, log above debug, read the clock, make an id, or read what an earlier run left in ${arg}.
 */
typedef enum rc txn_fn(struct txn *txn, void *arg);

/**
 * Run ${fn} and commit what it wrote, waiting for the disk: for programs and timers, never on an HTTP thread.
 * On conflict run it again, at most LIMIT_RETRIES times, then RC_BUSY; what the lost run left in ${arena} is
 * gone then.
 */
MUST_USE enum rc store_update(struct store *store, struct arena *arena, txn_fn *fn, void *arg);

/**
 * As store_update in one wide transaction.  ${scratch} is the caller's to rewind; RC_TOO_BIG when ${arena}
 * does not hold all that is written.
 */
MUST_USE enum rc store_update_wide(
    struct store *store, struct arena *arena, struct arena *scratch, txn_fn *fn, void *arg);

/** Run ${fn} on a snapshot; what it wrote is dropped.  The second in a wide transaction, as above. */
MUST_USE enum rc store_view(struct store *store, struct arena *arena, txn_fn *fn, void *arg);
MUST_USE enum rc store_view_wide(
    struct store *store, struct arena *arena, struct arena *scratch, txn_fn *fn, void *arg);

/**
 * Have ${fn} called with the changes of each batch, by one thread at a time, after they are durable and
 * before any submitter hears of them.  It must not wait: the thread may be a submitter's.  At most 8
 * watchers, added before the first commit.
 */
typedef void store_watch_fn(void *arg, const struct change *changes, size_t count);
void store_watch(struct store *store, store_watch_fn *fn, void *arg);

/**
 * From here on hear of what other nodes commit, and what the time is by their clocks: once all watchers are
 * there.  Waits for the first word, not for ever: without one no transaction begins (store_answers) until it
 * comes.  Nothing to do for an engine without other nodes.
 */
void store_follow(struct store *store);

/** Can transactions begin?  Not while a node's copy of a shared store is too old to answer from. */
bool store_answers(struct store *store);

/**
 * Of one that was opened for reading: false while it is a copy that its own process is comparing with the
 * database, and so half of what was and half of what is.
 */
bool store_is_whole(struct store *store);

/** Does a commit take long, however small?  Then who can wait lets several gather. */
bool store_is_far(const struct store *store);

/**
 * Seconds since 1970 UTC: this machine's clock, but where it is ahead of most nodes' of a shared store, or
 * behind, theirs.  Any thread.
 */
int64_t store_now(const struct store *store);

/** The same for what ends or is destroyed by the time: where nodes differ and none are most, the lower clock.
 */
int64_t store_sure_now(const struct store *store);

/**
 * The same at every node: most nodes' time, else the middle one's.  For what several count together; it may
 * be later than what ends goes by, and earlier than what begins does.
 */
int64_t store_common_now(const struct store *store);

/** Open a sealed value that a watcher was given.  ${out} is in ${arena}. */
MUST_USE enum rc store_unseal(
    struct store *store, const struct key *key, struct bytes sealed, struct arena *arena, struct bytes *out);

/** The head of ${log} (logs.h).  Not in the read set: every append would conflict with every other. */
MUST_USE enum rc txn_log_head(struct txn *txn, enum store_log log, struct log_head *out);

/** For metrics: counters and spreads grow from store_open on, the rest is as it is now. */
struct store_stats {
	uint64_t commits, conflicts, batches, failed;
	struct spread batch;    /* commits that went down together */
	struct spread sync;     /* microseconds of a batch in the engine: write and fsync */
	struct spread fold;     /* from there until index, feed and all other watchers have seen it */
	uint64_t waiting;       /* commits in the queue now */
	uint64_t map, map_used; /* bytes the engine can hold, and has taken so far; 0: it has no bound */
	int64_t refused_ms;     /* since the last change was refused, unless one was written since; else 0 */
	bool is_broken;         /* a disk error: the engine refuses all until the process is restarted */
	int64_t silence_ms; /* since the shared database last confirmed this node's copy; 0: none is shared */
	uint32_t timeline;  /* of that database, 0 likewise */
	int64_t clock_ahead; /* seconds ahead of the other nodes' clocks, < 0 behind; 0: it agrees */
	bool keeps_keys;     /* makes and destroys keys: one machine does, and one of several nodes */
	bool is_altered;     /* when opened it was not what the last commit left: only to be looked at */
};
void store_stats(struct store *store, struct store_stats *out);

#endif
