/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of a running service, opened in order and closed in reverse; and the context of one request. */
#ifndef MENEDEK_PARTS_H
#define MENEDEK_PARTS_H

#include "auth/issuer.h"
#include "domain/policy.h"
#include "domain/schedule.h"
#include "feed/feed.h"
#include "feed/trust.h"
#include "index/index.h"
#include "ledger/breadth_watch.h"
#include "ledger/inspector.h"
#include "ledger/ledger.h"
#include "ledger/notary.h"
#include "ledger/tree.h"
#include "model/schema.h"
#include "service/tuning.h"
#include "vault/vault.h"

/** Where the files of one registry lie; made by paths_of.  DIR is the data directory, KEYS a directory of its
 * own for what must stay secret: DIR/keys unless another was named. */
struct paths {
	char dir[256];
	char store[256];   /* DIR/store: LMDB */
	char keyring[256]; /* DIR/keyring/ring: a directory of its own, for confinement */
	char vault[256];   /* DIR/vault: the vault's own directory */
	char record_root[256], location_root[256]; /* KEYS/record.root, KEYS/location.root: 32 bytes, 0400 */
	char token_key[256];                       /* KEYS/token.key, PEM, 0400 */
	char ca_cert[256], ca_key[256];            /* DIR/ca.crt, KEYS/ca.key */
	char server_cert[256],
	    server_key[256]; /* KEYS/tls/server.crt and .key, or --tls: read again on SIGHUP */
	char host[256];      /* DIR/host: the registry's own name, one line; the audience of its tokens */
	char breadth[256];   /* DIR/breadth.csv: what is unusual, only if the built-in rows do not hold */
	char terms[256];     /* DIR/terms.csv: dated terms of stays, only if the built-in ones do not hold */
	char audit_key[256], audit_pub[256]; /* KEYS/audit.key signs checkpoints, DIR/audit.pub checks them */
	char retention[256]; /* DIR/retention.csv: hours that things are kept, only if the built-in ones do
				not hold */
	char control[256];   /* DIR/control.sock: where a running service takes commands */
};

/** ${keys} NULL: DIR/keys.  False if a path does not fit. */
MUST_USE bool paths_of(struct paths *p, const char *dir, const char *keys);

/** The server's certificate and key lie in ${dir} instead.  False if a path does not fit. */
MUST_USE bool paths_use_tls(struct paths *p, const char *dir);

struct parts {
	struct paths paths;
	struct keyring *keyring;
	struct vault *vault; /* the process that keeps the locations */
	struct schemas *schemas;
	struct store *store;
	bool is_reader; /* another process serves the store: nothing can be committed here */
	struct ledger *ledger;
	struct signing_key *audit_key;
	struct signer signer; /* of checkpoints; its key is audit_key */
	struct notary *notary;
	struct inspector *inspector; /* NULL: nobody serves, so nobody looks */
	struct index *index;
	struct feed *feed;
	struct trust *trust;
	struct breadth_watch *breadth;
	struct auth *auth;
	struct sheets *sheets;   /* NULL: no downtime sheets are written */
	struct duty_watch *duty; /* NULL: no house is told of a request but by its console */
	struct issuer *issuer;   /* NULL: only our own tokens count */
	struct pem ca_key, ca_cert;
	uint32_t factor_roles; /* who has one of these works with a second factor only */
	struct term_rules terms;
	struct tunings tunings; /* read by parts_tuning */
	struct breadth_rules breadth_rules;
	struct schedule schedule;
	uint8_t etag_key[32], cursor_key[32];
};

/** The numbers in force that an operator may change; valid until parts_close. */
const struct tuning *parts_tuning(const struct parts *p);

enum parts_extent {
	PARTS_RECORDS,   /* keyring, schemas and store: for programs that work offline */
	PARTS_LOCATIONS, /* and the vault, which answers offline questions too */
	PARTS_ALL        /* all that a service needs */
};

struct parts_wish {
	enum parts_extent extent;
	const char *vault_user; /* whom the vault's process becomes; NULL: stays who it is */
	bool must_confine;      /* not without every control of the kernel */
	bool may_be_altered;    /* what a hurt disk changed is to be named, not refused */
	bool must_keep_keys;    /* of several nodes this one keeps the keys from now on */
	bool is_copy_enough; /* PARTS_RECORDS as this node's copy of a database has them; only to be read */
	bool is_accepting;   /* what settles a database that was put in place of another (store/database.h) */
	bool may_only_read;  /* PARTS_RECORDS of a registry that another process serves: read it beside */
};

/**
 * Open what ${wish} names.  With a vault it forks first: the caller must not have a thread, nor a secret, nor
 * the store.
 */
MUST_USE enum rc parts_open(
    struct parts *p, const struct paths *paths, const struct parts_wish *wish, struct fault *f);

/**
 * parts_open in two steps, parts_close after both even when one failed.  The first forks the vault and reads
 * every file that lies outside of the store's and the keyring's directories, keys above all, and starts no
 * thread: a service gives up its user and its files after it.  The second opens the store and starts what
 * follows its commits.
 */
MUST_USE enum rc parts_read(
    struct parts *p, const struct paths *paths, const struct parts_wish *wish, struct fault *f);
MUST_USE enum rc parts_start(struct parts *p, const struct parts_wish *wish, struct fault *f);
void parts_close(struct parts *p); /* also one that was opened in part, or is zero */

/** Read the key that signs checkpoints into ${p->signer}: for programs that sign or export the trail. */
MUST_USE enum rc parts_open_signer(struct parts *p, struct fault *f);

/**
 * Sign the trail while it grows (notary.h): open where checkpoints go, after parts_read and before the
 * process is confined; then begin, after parts_start and before the first commit, and look at it oneself too.
 */
MUST_USE enum rc parts_open_notary(struct parts *p, const struct notary_options *options, struct fault *f);
MUST_USE enum rc parts_start_notary(struct parts *p, struct fault *f);

/** Accept an outside issuer's tokens too; after parts_read. */
MUST_USE enum rc parts_open_issuer(struct parts *p, const struct issuer_options *options, struct fault *f);

/** Read a root key of 32 bytes. */
MUST_USE enum rc parts_read_root(const char *path, struct secret **out, struct fault *f);

/** Read a PEM file; a private key's (${is_private}) must be closed to others. */
MUST_USE enum rc parts_read_pem(const char *path, bool is_private, struct pem *out, struct fault *f);

#define CTX_IDS    6u
#define CTX_RANDOM 32u

/** What a use case gets besides its arguments.  Fixed before the first run of the transaction, the same in
 * each. */
struct ctx {
	struct parts *parts;
	struct txn *txn;
	struct arena *arena;
	const struct principal *who;
	int64_t now;
	int64_t sure;           /* store_sure_now; 0: ${now} is, as a timer's.  See ctx_sure */
	int64_t common;         /* store_common_now; 0: ${now} is.  See ctx_common */
	struct id ids[CTX_IDS]; /* taken in order with ctx_id; zero: not made yet */
	unsigned ids_used;      /* reset before each run */
	bool has_random;
	uint8_t random[CTX_RANDOM]; /* for ctx_random */
	struct fault *fault;
	bool is_offline; /* a program of who holds the root keys, not a request */
	enum rc refused; /* ctx_refuse: what the run wrote commits, and this is the answer; reset before each
			    run */
	bool
	    has_searched; /* something was proposed unasked: recorded as a search is; reset before each run */
	unsigned retry_after; /* seconds to wait after RC_SLOW_DOWN; 0 = the usual */
	struct audit_entry
	    audit; /* the entry that the gate will append if the run writes: use cases fill subject etc. */
};

/** A fresh id, and CTX_RANDOM random bytes: drawn when first asked for, the same in every run after that. */
struct id ctx_id(struct ctx *c);
const uint8_t *ctx_random(struct ctx *c);

/**
 * The time, in seconds, by which it is judged whether a hold or an episode has run out: not before it has by
 * every clock that may be right (store_sure_now), or a node that is ahead gives a room away that another node
 * holds.  What begins gets ${c->now}.
 */
int64_t ctx_sure(const struct ctx *c);

/**
 * The time, in seconds, by which wrong passphrases are counted: the same whichever node is asked, or who
 * takes turns at two whose clocks differ would wait at neither.
 */
int64_t ctx_common(const struct ctx *c);

#endif
