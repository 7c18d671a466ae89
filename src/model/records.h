/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is stored, kind by kind (kinds.def), and typed access to it: record_get and record_put take a kind and
 * a struct, and nobody above needs to know about bytes.  Structs of the field (shelter, house, reservation,
 * household) are the domain's own.
 */
#ifndef MENEDEK_RECORDS_H
#define MENEDEK_RECORDS_H

#include "domain/break_glass.h"
#include "domain/lockout.h"
#include "domain/reservation.h"
#include "domain/terms.h"
#include "model/model.h"
#include "store/store.h"

struct org {
	struct id id;
	uint8_t kind; /* enum org_kind */
	char name[LIMIT_NAME];
	bool retired;
	int64_t created_at;
	uint32_t version;
};

#define USER_SHELTERS 8u

struct user {
	struct id id;
	struct id org;
	char name[32];      /* to sign in with; a pseudonym, [a-z0-9.-] */
	char verifier[128]; /* passphrase_hash */
	uint32_t roles;     /* bit per enum role */
	uint8_t shelter_count;
	struct id shelters[USER_SHELTERS]; /* the houses of shelter staff and managers */
	bool must_change;                  /* the passphrase was set by somebody else */
	bool retired;
	int64_t tokens_from; /* tokens issued before are void ("sign out everywhere") */
	int64_t created_at;
	uint32_t version;
	bool second_factor;   /* a confirmed struct factor stands under the same id */
	struct id pending;    /* the grant that waits for a second person, or zero */
	struct id kept_token; /* jti of the one earlier token that is not void, or zero */
	uint32_t token_round; /* grows whenever tokens are voided; a token says that of its giving */
};

#define BACKUP_CODES 10u
#define BACKUP_PRINT 16u

/** A person's second factor; asked for once struct user says so. */
struct factor {
	uint8_t secret[20];
	uint64_t last_step;                          /* a code counts once */
	uint8_t backup[BACKUP_CODES * BACKUP_PRINT]; /* keyed digests; zero: used */
	int64_t since;
};

/** What takes effect when a second person agrees (service/grants.h).  Of both the names stay here and in the
 * trail. */
struct grant {
	struct id id;
	uint8_t kind;  /* enum grant_kind */
	uint8_t state; /* enum grant_state */
	struct id user, org;
	uint32_t roles; /* GRANT_RIGHTS: all that the person is to have */
	uint8_t shelter_count;
	struct id shelters[USER_SHELTERS];
	struct id asked_by, asked_device, decided_by;
	int64_t asked_at, until, decided_at;
};

struct device {
	struct id id;
	struct id org;
	char name[LIMIT_NAME];
	uint8_t fingerprint[32]; /* SHA-256 of its certificate */
	int64_t not_after, enrolled_at, revoked_at;
	uint32_t version;
};

/** A row of an index: what a digest or a pair leads to. */
struct reference {
	struct id id;
};

/** A token signed out before its time, by its jti. */
struct revoked_token {
	int64_t until; /* its exp: the row can go then */
};

struct episode {
	struct id id;
	struct id opener_org, opener_user;
	struct id desk_org, desk_user; /* zero until the helpline takes it over */
	uint8_t state;                 /* enum episode_state */
	uint8_t outcome;               /* enum outcome or CODE_NONE */
	uint8_t channel;               /* enum channel */
	struct household household;
	struct id reservation; /* the open one, or zero */
	uint8_t attempts;
	uint64_t order; /* random: breaks ties among candidates for this episode only */
	uint8_t declined_count;
	struct id declined[LIMIT_DECLINED]; /* the last houses that said no, while it is open */
	int64_t opened_at, expires_at, closed_at;
	uint32_t version;
	/* for readers only, not stored; family-support learns nothing but this and the outcome (DOMAIN 5) */
	bool waiting;  /* no desk has taken it over */
	bool arranged; /* a house has confirmed, or the household is there */
};

/** The vault's plaintext; never in a record as it is, only sealed under its house's own key. */
struct location {
	char address[LIMIT_TEXT];
	char intake_phone[32];
	char travel_notes[LIMIT_TEXT];
	int64_t updated_at;
};

struct sealed_location {
	uint16_t len;
	uint8_t sealed[1600]; /* record form: F_BYTES of len */
};

/** One telling of a location: what the vault must see before it opens, and what the house reads about itself.
 */
struct disclosure {
	struct id id;
	struct id reservation, shelter, user, org, device;
	uint8_t reason; /* enum disclose_reason; CODE_NONE: the house read its own, or break-glass */
	int64_t at, until;
	struct id break_glass; /* that stands behind it; zero: the reservation does */
};

/** A desk has opened the house as a candidate: the house's manager sees who, when and why. */
struct opened {
	struct id reservation, shelter, user, org, device;
	uint8_t need; /* enum need */
	int64_t at;
};

struct event {
	uint8_t kind;                            /* enum event_kind, feed/feed.h */
	struct id shelter, desk_org, opener_org; /* who may see it */
	struct id subject;                       /* reservation, episode or unit */
	int64_t at;
	bool frees; /* places can be given that could not before */
};

/**
 * What is left of cases whose detail was removed: how many, in one cell of one table, in one quarter of a
 * year, at one house.  Counts only: nothing in it was ever one person's.
 */
struct case_count {
	uint16_t quarter; /* year * 4 + 0..3, in Budapest */
	uint8_t table;    /* service/cases.h */
	uint8_t row, column;
	struct id house; /* zero where no house stands behind a case */
	uint32_t cases;
};

/** How far a job of upkeep has come (service/upkeep.h): what it goes on from after a crash, and its last
 * report.
 */
struct maintenance {
	uint8_t phase; /* 0 = at rest */
	uint32_t runs; /* begun so far */
	int64_t started_at, finished_at;
	uint32_t newest_before; /* the newest key when it began: what is sealed under it or older is to be
				   resealed */
	uint32_t held_before;   /* how many such keys there were */
	uint16_t cursor_len;
	uint8_t cursor[LIMIT_KEY]; /* the next key to look at */
	uint64_t resealed, removed, locations;
	uint32_t retired;       /* keys destroyed */
	uint32_t interruptions; /* how often it had to begin again where it was */
};

/** A signed statement about the audit trail at one size (ledger/checkpoint.h). */
struct checkpoint {
	uint64_t number, size; /* from 1; entries */
	int64_t at;
	uint8_t root[32], head[32]; /* of the tree and of the chain */
	uint8_t signature[64];      /* Ed25519 over the note */
	uint16_t range_len;
	uint8_t range[64 * 32]; /* what the tree goes on from: the nodes of its merkle_range */
};

/** A complete subtree of the audit trail's tree; only levels from 8 on, for proofs without reading it all. */
struct tree_node {
	uint8_t hash[32];
};

#define RECORD_MAX (16u * 1024) /* of every kind; the largest, a full house, takes about 12,500 */

/** Kinds of record: K(name, key byte, key use, struct, model). */
enum kind {
#define K(name, byte, use, type, model) KIND_##name,
#include "model/kinds.def"
#undef K
	KIND_COUNT
};

/** Keys: the kind's byte, then the parts. */
struct key record_key(enum kind kind, const struct id *id);
struct key record_key2(enum kind kind, const struct id *a, const struct id *b);
struct key record_key_bytes(enum kind kind, const void *p, size_t len);

/** Read into ${out} (the kind's struct): RC_OK, RC_NOT_FOUND, RC_CORRUPT, ... ; enters the read set. */
MUST_USE enum rc record_get(struct txn *t, enum kind kind, const struct key *key, void *out);

/** As record_get without entering the read set. */
MUST_USE enum rc record_peek(struct txn *t, enum kind kind, const struct key *key, void *out);
MUST_USE enum rc record_put(struct txn *t, enum kind kind, const struct key *key, const void *obj);

/** Decode a value that a scan or a watcher gave. */
MUST_USE enum rc record_decode(enum kind kind, struct bytes value, void *out);

/** The kind whose keys begin with ${byte}, or KIND_COUNT. */
enum kind kind_of_byte(uint8_t byte);
const struct model *kind_model(enum kind kind);

/** Its row's name in kinds.def, for messages to operators. */
const char *kind_name(enum kind kind);

extern const struct model model_org, model_user, model_device, model_reference, model_revoked_token,
    model_shelter, model_admission, model_unit, model_allocation, model_house, model_household, model_child,
    model_checkpoint, model_tree_node, model_episode, model_reservation, model_location,
    model_sealed_location, model_disclosure, model_event, model_tally, model_maintenance;
extern const struct model model_attempts, model_factor, model_grant;
extern const struct model model_break_glass, model_opened;

#endif
