/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of the PostgreSQL engine share.  pg_dial.c connects, pg_link.c speaks to the server in the
 * words of pg_statements.c, pg_array.c and pg_batch.c make one statement of many transactions, pg_commit.c
 * sees it through, pg_turn.c lets nodes take turns, pg_beat.c keeps in touch, pg_follow.c finds what all
 * nodes committed, pg_copy.c writes it into this node's copy, pg.c is the engine.  Moves have pg_move.h.  All
 * of it runs on the committer's thread, but for snapshots.
 */
#ifndef MENEDEK_PG_PARTS_H
#define MENEDEK_PG_PARTS_H

#include <libpq-fe.h>
#include <stdatomic.h>

#include "base/id.h"
#include "store/engine.h"

/* ---- arrays as PostgreSQL sends them (binary format of bytea[] and bigint[]) ---- */

struct pg_array {
	uint8_t *p;
	size_t len, cap;
	uint32_t type, count; /* oid of an element */
	bool is_short;        /* memory ran out */
};

#define PG_BYTEA  17u
#define PG_BIGINT 20u

/** Begin anew; memory from an earlier use is kept. */
void pg_array_start(struct pg_array *a, uint32_t type);
void pg_array_add(struct pg_array *a, struct bytes value);
void pg_array_add_number(struct pg_array *a, uint64_t value);
void pg_array_fini(struct pg_array *a);

/* ---- one connection to whichever server is the primary ---- */

#define PG_TARGETS  8u
#define PG_REGISTRY 40u /* text of the database's own id, with its NUL */
#define PG_SYSTEM   24u /* and of the number that initdb gave its servers */
#define PG_LAST     56u /* and of a batch: its id in hex, its transaction's number */

enum pg_statement {
	PG_LOAD,
	PG_PAIRS,
	PG_BASE,
	PG_BEGIN,
	PG_WRITE,
	PG_POLL,
	PG_FENCE,
	PG_FIND,
	PG_BEAT,
	PG_CLOCKS,
	PG_PRUNE,
	PG_KEYS,
	PG_VALUES,
	PG_TURN,
	PG_TURN_OVER,
	PG_STATEMENTS
};

/** Ask a server, in one word: '' if the batch ${last} ("ID:TRANSACTION") is there or was thrown away with its
 * hour, else 'lost'. */
#define PG_LAST_SQL 320u
void pg_last_question(const char *last, char out[PG_LAST_SQL]);

#define PG_PARAMS 12u /* of one statement at most */

/** The prepared statements, by enum pg_statement; and, sent as they are: what makes the tables, what sets a
 * session up, and what a server is asked before it is trusted (pg_statements.c says what each answers). */
extern const char *const pg_statements[PG_STATEMENTS];
extern const char pg_schema[], pg_settings[], pg_end_alone[], pg_checks[], pg_tables[], pg_about[],
    pg_numbers[], pg_count_anew[];

struct pg_param {
	const void *p;
	size_t len;
	bool is_text;
};

struct pg_link {
	PGconn *conn; /* NULL: not connected */
	PQconninfoOption *options;
	char hosts[PG_TARGETS][256], addresses[PG_TARGETS][64], ports[PG_TARGETS][8];
	unsigned count, next; /* servers, and which to try first */
	uint32_t timeline;    /* of the server it is connected to */
	uint32_t highest;     /* timeline ever seen: a server on a lower one is no primary any more */
	bool has_turn;        /* this session holds the lock by which nodes take turns */
	bool may_load;        /* it is the move itself: others refuse what a move has not finished */
	bool is_unsure;       /* the server gave up waiting for its standby: nothing it says is certain */
	uint64_t base;        /* revisions begin above it */
	char registry[PG_REGISTRY];
	char system[PG_SYSTEM]; /* "": not known, as to a copy that an older release left */
	char last[PG_LAST];     /* the last batch that was acknowledged here, "ID:TRANSACTION"; "": none */
	char seen[PG_LAST];     /* the last change that the copy has, as last; PG_DOUBTED; "": not known */
};

/** The copy has what some server lacks that it was shown as the registry's, so a revision does not tell what
 * it has: numbers were given out twice.  It is so until every value was compared. */
#define PG_DOUBTED "?"
void pg_doubt(struct pg_link *l);

/** Read a connection string; connects to nothing.  Names are looked up now, since a confined process cannot.
 * RC_INVALID: it is none, or leads across a network without sslmode=verify-full; RC_UNAVAILABLE: a name is
 * not known. */
MUST_USE enum rc pg_link_init(struct pg_link *l, const char *conninfo, struct fault *f);
void pg_link_fini(struct pg_link *l);

/** Item ${keyword} of the connection string, NULL without one; what a server is called in the log; and its
 * words there, on one line. */
const char *pg_option(const struct pg_link *l, const char *keyword);
const char *pg_server_name(const struct pg_link *l, unsigned i);
void pg_log_server(const char *event, const char *where, const char *text);

/** libpq's word for how the server ${i} proves who it is; NULL: the connection string does not ask for that,
 * so nothing may be said to it (pg_link_init has refused it). */
const char *pg_sslmode(const struct pg_link *l, unsigned i);

/** The items of a connection string that name a file. */
#define PG_FILE_OPTIONS 5u
extern const char *const pg_file_options[PG_FILE_OPTIONS];

/** Connections to all servers that are being made, beside each other (pg_dial.c). */
struct pg_dial {
	const struct pg_link *link;
	PGconn *conn[PG_TARGETS]; /* NULL: given out, or failed, which the log has */
	PostgresPollingStatusType wants[PG_TARGETS];
	int64_t until, at_most, again_at, given_at; /* ms; 0: none was given out */
};
void pg_dial_start(struct pg_dial *d, const struct pg_link *l);

/** The next that is open, which is the caller's, and which server it leads to; NULL when all have been given
 * out or have failed, and after two seconds, not counting what the caller does with those.  While one is
 * still silent the others come again and again. */
PGconn *pg_dial_next(struct pg_dial *d, unsigned *server);
void pg_dial_end(struct pg_dial *d);

/** Be connected to a primary on the highest timeline, with tables and statements ready.  RC_UNAVAILABLE. */
MUST_USE enum rc pg_link_up(struct pg_link *l, struct fault *f);

/** Drop the socket.  A commit under way is never cancelled: it may still happen. */
void pg_link_drop(struct pg_link *l);

/** Queue a prepared statement, or a plain one, or the point up to which an error skips; false: the link is
 * lost. */
MUST_USE bool pg_send(
    struct pg_link *l, enum pg_statement statement, const struct pg_param *params, unsigned count);
MUST_USE bool pg_send_text(struct pg_link *l, const char *sql);
MUST_USE bool pg_send_sync(struct pg_link *l);

/** What is answered so far is to come at once, before the sync point was reached. */
MUST_USE bool pg_send_flush(struct pg_link *l);

/** The next answer, NULL when ${until} (clock_mono_ms) passes or the link is lost; free it with PQclear. */
PGresult *pg_answer(struct pg_link *l, int64_t until);

/** The next answer must be a sync point. */
MUST_USE bool pg_answer_sync(struct pg_link *l, int64_t until);

/** A column's value as a number (bigint, binary), or as bytes. */
uint64_t pg_number(const PGresult *res, int row, int column);
struct bytes pg_bytes(const PGresult *res, int row, int column);

/** A row of changes: key, revision, value; no revision: the key was deleted.  ${out} points into the row.
 * False for a key that cannot be one of ours. */
MUST_USE bool pg_change_read(const PGresult *res, int row, struct change *out);

/* ---- the engine ---- */

struct batch_entry {
	struct key key;
	struct bytes value;
	uint64_t rev; /* that the copy has: 0 = absent */
	bool is_read, is_written, is_delete;
};

/** Transactions that go down as one statement.  Later ones of a batch do not see earlier ones, so what an
 * earlier one wrote is a conflict to a later one that read it. */
struct pg_batch {
	struct batch_entry *entries;
	uint32_t *slots;  /* hash table: number of an entry + 1 */
	uint32_t *writes; /* numbers of the entries that are written, in the order of their writing */
	size_t count, cap, slot_count, write_count;
	size_t bytes;
	unsigned commits;
	struct log_head heads[STORE_LOGS];
	uint64_t head_revs[STORE_LOGS];
	bool is_loaded[STORE_LOGS], is_appended[STORE_LOGS];
	uint8_t head_text[STORE_LOGS][LOG_HEAD_BYTES];
	uint64_t look; /* the engine's, that the copy equalled when this was judged */
	struct pg_array read_keys, read_revs, new_keys, new_values, put_keys, put_revs, put_values, deletes,
	    changed;
};

#define PG_NODE_FILE 512u
#define PG_OTHERS_MS 1000  /* after somebody else has written this node is not alone */
#define PG_UNHEARD   3u    /* looks in a row: by then it is what they ask for */
#define PG_SNAPSHOT  4096u /* text of a snapshot of PostgreSQL: hundreds of transactions under way */

struct engine {
	struct engine *mirror; /* LMDB: this node's copy, in which it reads */
	struct pg_link link;
	struct pg_batch batch;
	char snapshot[PG_SNAPSHOT]; /* of PostgreSQL, that the copy equals; "" = none: it must be compared */
	uint32_t timeline;          /* under which that snapshot was taken */
	uint64_t look;              /* counts such snapshots */
	char node_file[PG_NODE_FILE]; /* where the number stands that makes node; "": read already */
	uint8_t node[ID_BYTES];       /* for its heartbeat, from the first one on the same at each opening */
	engine_told_fn *told;
	void *told_arg;
	struct engine_carrier carrier;       /* no take: nothing is shared */
	bool is_giving;                      /* the batch has what the carrier gave */
	bool has_taken;                      /* something new came: what waits was sealed before it */
	int64_t beat_at, prune_at, retry_at; /* clock_mono_ms of the next one */
	unsigned unheard;                    /* looks in a row that were not answered on a line that stood */
	int64_t alone_at; /* clock_mono_ms since which beats met too few to agree; 0: they met enough */
	int agreed_nodes; /* of so many most had one time; 0: they had not */
	uint64_t
	    begun_rev; /* what the copy has begun to write is the batch under this revision; 0: nothing */
	int64_t others_until;   /* somebody else has written: until then this node is not alone */
	int64_t turns_until;    /* nodes have met at a log's head: until then this one waits for its turn */
	int64_t no_turns_until; /* but not before: a turn did not come */
	atomic_int_least64_t confirmed; /* clock_mono_ms at which a primary last confirmed that it is one */
	atomic_uint_least32_t on_timeline; /* of the server it was last connected to */
	atomic_int_least64_t clock_ahead;  /* seconds, of most nodes' clocks; < 0: behind */
	atomic_int_least64_t agreed_ms;    /* the time they agreed on less clock_mono_ms; 0: no beat yet */
	atomic_bool is_majority;           /* that is most nodes' time */
	bool is_clock_off;                 /* which was said */
	bool has_heard;                    /* the others' clocks, or that there are none */
	atomic_bool is_deaf;               /* it follows, and has not */
	atomic_bool is_following, is_comparing, is_broken;
};

/**
 * Put as many of the commits from ${first} up to ${end} as fit into the batch; returns the first that did
 * not.  Those that cannot be committed any more get RC_CONFLICT, those that are in the batch RC_OK.  ${rc}:
 * RC_UNAVAILABLE for lack of memory.
 */
struct commit *pg_batch_build(struct engine *e, struct commit *first, const struct commit *end, enum rc *rc);

/** The snapshot of the database that the copy equalled when the batch was judged against it; NULL when it was
 * brought further since, so that nothing can be said of what the batch has read. */
const char *pg_batch_judged(const struct engine *e);
void pg_batch_fini(struct pg_batch *b);

/** What the batch, committed as ${rev}, has made of its keys: ${out} has room for write_count of them, and
 * points into the batch.  Does a row of a look tell the same once more? */
void pg_batch_changes(const struct pg_batch *b, uint64_t rev, struct change *out);
bool pg_batch_has(struct pg_batch *b, uint64_t rev, const struct change *row);

/** The engine's is_alone (engine.h), and its apply. */
bool pg_is_alone(const struct engine *e);
void pg_apply(struct engine *e, struct commit *list);

/**
 * Bring the copy to where the database is now, and tell.  pg_poll_send and pg_poll_answer are its halves, so
 * that a commit and the look at what it changed travel together: ${own} is the id of that batch, or NULL, and
 * ${own_rev} the revision under which it was committed, or 0.  What it changed does not come back, it is
 * taken from e->batch.  RC_UNAVAILABLE: the link is lost.
 */
MUST_USE enum rc pg_poll(struct engine *e, int64_t until);
MUST_USE bool pg_poll_send(struct engine *e, const struct id *own);
MUST_USE enum rc pg_poll_answer(struct engine *e, uint64_t own_rev, int64_t until);

/**
 * Bring the copy to where the database is after this node's own transaction ${xid}, committed as ${own_rev},
 * without a look: nobody has written between the copy's snapshot and ${text}, in which the transaction was
 * done.  RC_NOT_FOUND: that cannot be said as a snapshot, look instead.  RC_UNAVAILABLE: as pg_poll_answer.
 */
MUST_USE enum rc pg_poll_spared(struct engine *e, struct bytes text, uint64_t xid, uint64_t own_rev);

/**
 * ${out}: what the snapshot ${text} of PostgreSQL sees, in which the transaction ${xid} got its number, and
 * that transaction too, but nobody whose number lies between.  False: there are too many of those, or it is
 * no such snapshot.
 */
MUST_USE bool pg_snapshot_with(struct bytes text, uint64_t xid, char out[PG_SNAPSHOT]);

/**
 * Turns at the heads of the logs (pg_turn.c).  A batch that lost there is told of with pg_turn_lost; while
 * turns are due, pg_turn_take waits for this node's, half a second at most, and brings the copy to where the
 * database is then, with the turn or without.  RC_UNAVAILABLE: the link is lost.  The turn ends with the
 * batch: pg_turn_send_over before the next statement, pg_turn_hear_over for its answer (true and nothing to
 * do without one); or pg_turn_leave when no batch came of it.
 */
void pg_turn_lost(struct engine *e);

/** The advisory lock of ${registry}, since locks are the whole database's. */
uint64_t pg_turn_lock(const char *registry);
bool pg_turn_is_due(const struct engine *e);
MUST_USE enum rc pg_turn_take(struct engine *e, int64_t until);
MUST_USE bool pg_turn_send_over(struct engine *e);
MUST_USE bool pg_turn_hear_over(struct engine *e, int64_t until);
void pg_turn_leave(struct engine *e, int64_t until);

/** Be connected, with a copy that can follow.  RC_UNAVAILABLE. */
MUST_USE enum rc pg_ready(struct engine *e, struct fault *f);

/** e->node becomes the id that stays with the store's directory. */
void pg_know_node(struct engine *e);

/** Every second: prove that the primary is one and hear the nodes' clocks; throw away old changes
 * (pg_beat.c).  ${looked}: when the look before it began, which is as new as the copy is; it may be long ago.
 */
void pg_beat(struct engine *e, int64_t looked);

/** store_now, store_sure_now and store_common_now, as of the last beat: so a clock that leaps between two of
 * them ends nothing before the others were asked.  Any thread. */
void pg_now(const struct engine *e, int64_t *now, int64_t *sure, int64_t *common);

/** Compare the copy with the database key by key, and take over what differs by its revision; by its value
 * where the copy is doubted. */
MUST_USE enum rc pg_compare(struct engine *e);

/** ${out}: what a server is asked for later (pg_last_question), of change ${id} and its transaction; "" of
 * what is no id. */
void pg_change_name(struct bytes id, uint64_t xid, char out[PG_LAST]);

/** Read how far an opened copy had followed; write it down, where nothing else is to be written. */
MUST_USE enum rc pg_bookmark_read(struct engine *e);
MUST_USE enum rc pg_bookmark_write(struct engine *e);

/**
 * Write ${changes} and the bookmark into the copy, then tell the committer's watchers of them; a ring among
 * them is taken over before.  After an error the engine is broken.  ${changes} is used up.
 */
MUST_USE enum rc pg_copy_take(struct engine *e, struct change *changes, size_t count);

/**
 * The same of the rows of ${res} from ${first} on; before them what this node's own batch changed, if it was
 * committed as ${own_rev} (0: none was), since it stands before whatever this look found upon it.
 */
MUST_USE enum rc pg_copy_take_rows(struct engine *e, const PGresult *res, int first, uint64_t own_rev);

/**
 * Begin to write into the copy what the batch under way changed, which the server is about to commit as
 * ${own_rev}: so the copy's work is done while the server waits for its disks.  pg_copy_take_rows of the same
 * revision goes on with it, pg_copy_drop and all else that writes forget it.
 */
void pg_copy_begin(struct engine *e, uint64_t own_rev);
void pg_copy_drop(struct engine *e);

/** The engine's follow (engine.h), but for who has not heard of the clocks. */
void pg_follow(struct engine *e);

#endif
