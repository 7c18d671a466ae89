/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The vault: a process of its own that alone holds the location root key.  It is forked before this process
 * has a thread, a listener or a secret, has no network, and opens one location only when it has itself read
 * the committed, fresh, unused record of its disclosure from the store, within a hard quota (quota.h).  Here
 * is what the rest of the program may ask of it; each call waits for the answer, a few seconds at most, on a
 * thread that may wait.  Thread-safe but for start, open and stop.
 */
#ifndef MENEDEK_VAULT_H
#define MENEDEK_VAULT_H

#include <sys/types.h>

#include "base/bytes.h"
#include "base/fault.h"
#include "base/id.h"
#include "crypto/rootkey.h"

/** The most that is ever sealed or opened: the record form of struct location fits with room to spare. */
#define VAULT_PLAIN 1504u

/** Room for what vault_seal gives. */
#define VAULT_SEALED 1600u

struct vault_options {
	const char *dir;             /* its own: ring, quota, limits.csv; no other process needs it */
	const char *store, *keyring; /* read only */
	const char *record_root, *location_root; /* read once, by the child */
	const char *user;                        /* the child becomes this user; NULL: stays who it is */
	bool must_confine; /* a kernel that lacks a control stops the start instead of a line in the log */
	bool is_offline; /* a program that has the registry to itself: vault_verify and vault_match answer */
};

struct vault;

/** Make ${dir} with an empty ring under ${root} and an unspent quota: for `init`. */
MUST_USE enum rc vault_create(const char *dir, struct rootkey *root, struct fault *f);

/** How many keys the ring in ${dir} holds.  RC_CORRUPT: it is not under ${root}, or damaged. */
MUST_USE enum rc vault_count(const char *dir, struct rootkey *root, size_t *keys, struct fault *f);

/** Wrap the ring in ${dir} under ${to} instead of ${from}: for whoever holds both, while nothing serves.  The
 * old file is overwritten. */
MUST_USE enum rc vault_change_root(
    const char *dir, struct rootkey *from, struct rootkey *to, size_t *keys, struct fault *f);

/**
 * Fork the vault and wait until it has read its keys.  The caller must not have started a thread, nor opened
 * the store (LMDB does not survive a fork), nor read a key.  The faults are those of reading the keys.
 */
MUST_USE enum rc vault_start(const struct vault_options *options, struct vault **out, struct fault *f);

/** Let it open the store, which must be open here, and confine itself.  Once, before anything else is asked.
 */
MUST_USE enum rc vault_open_store(struct vault *v, struct fault *f);

/** End it and wait for that, for seconds at most; one that does not end is killed, by the kernel with this
 * process if need be.  NULL-safe. */
void vault_stop(struct vault *v);

/** False once it has ended, whyever, or was silent for three times what an answer may take: nothing will be
 * opened any more, and this process should end too. */
bool vault_is_alive(struct vault *v);
pid_t vault_pid(const struct vault *v);

/*
 * Answers of all that follow: RC_OK; RC_WITHHELD: the vault will not (one answer for every reason, which
 * stands in the log only) or does not answer now, nothing was told; RC_UNAVAILABLE: its disk or memory fails.
 */

/**
 * Seal ${plain} for ${house} into ${out} (VAULT_SEALED bytes): under the house's key in the ring, made when
 * it has none; of a store that several nodes share, under a key that travels with it (vaultcard.h).
 */
MUST_USE enum rc vault_seal(
    struct vault *v, const struct id *house, struct bytes plain, uint8_t *out, size_t *out_len);

/**
 * Open the location of ${house} for the committed ${disclosure}, once, into ${out} (VAULT_PLAIN bytes).
 * Whether the answer arrives or not, the disclosure is spent.
 */
MUST_USE enum rc vault_unseal(
    struct vault *v, const struct id *house, const struct id *disclosure, uint8_t *out, size_t *out_len);

/** Destroy the key of ${house}.  RC_WITHHELD while the store holds a location of it; RC_NOT_FOUND without
 * key. */
MUST_USE enum rc vault_destroy(struct vault *v, const struct id *house);

/** Wrap all keys anew under the root. */
MUST_USE enum rc vault_rewrap(struct vault *v);

/* ---- new keys: vault_renew once, then for every house reseal and store, then vault_prune once ---- */

/** A new current key for every house; the old ones stay for reading. */
MUST_USE enum rc vault_renew(struct vault *v);

/** Seal ${sealed} of ${house} anew into ${out} (VAULT_SEALED bytes), as vault_seal would.  Opens nothing to
 * the caller. */
MUST_USE enum rc vault_reseal(
    struct vault *v, const struct id *house, struct bytes sealed, uint8_t *out, size_t *out_len);

/** Destroy all keys of every house but the one that its committed location is sealed under. */
MUST_USE enum rc vault_prune(struct vault *v);

/** Does the stored location of ${house} open?  RC_CORRUPT if not, RC_NOT_FOUND without one.  Offline only. */
MUST_USE enum rc vault_verify(struct vault *v, const struct id *house);

/**
 * Is the stored location of ${house} what ${plain} says, but for its time (both struct location in record
 * form)?  Offline only: to whoever may ask freely it would tell any address by trying.
 */
MUST_USE enum rc vault_match(struct vault *v, const struct id *house, struct bytes plain, bool *same);

struct vault_status {
	uint32_t desk_used, desk_limit; /* tellings to desks in the last hour */
	uint32_t own_used, own_limit;   /* houses' looks at their own */
	uint32_t refused;               /* since the start */
	uint32_t houses, keys;          /* in the ring; one of each is the quota's own */
};
MUST_USE enum rc vault_status(struct vault *v, struct vault_status *out);

#endif
