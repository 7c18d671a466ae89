/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the three files of the keyring share: keyring.c reads without a lock, keyring_change.c makes the next
 * file, keyring_adopt.c makes a file what the ring holds.
 *
 * A key with id n stands in slot n mod KEYRING_KEYS; an id whose slot is taken is skipped, never given out.
 * So a reader finds a key without searching, copies it and then looks whether the slot still has the id: an
 * id never comes back while anybody reads, so an unchanged id means an unchanged key.
 */
#ifndef MENEDEK_KEYRING_PARTS_H
#define MENEDEK_KEYRING_PARTS_H

#include <pthread.h>
#include <stdatomic.h>
#include <sys/stat.h>

#include "crypto/keyfile.h"
#include "crypto/keyring.h"

#define SEALS_RENEW (UINT64_C(1) << 24) /* 2^-48 for two equal nonces */
#define SEALS_MAX   (UINT64_C(1) << 32) /* NIST SP 800-38D, 8.3: random nonces, all instances together */
#define STEP_FIRST  (UINT64_C(1) << 10) /* a program that seals a few values spends little */
#define STEP_MOST   (UINT64_C(1) << 20)

/* By a node that does not keep the ring, in one run: with fifteen of them beside a keeper, who renews, at
 * most 15 * (2^28 + 2^20) + 2^24 + 2^20 < 2^32, so two nonces are equal with 2^-33 at most. */
#define SEALS_NODE (UINT64_C(1) << 28)
_Static_assert(15 * (SEALS_NODE + STEP_MOST) + SEALS_RENEW + STEP_MOST < SEALS_MAX, "more than GCM bears");

/* Entry 0 of the file: what keyring_derive starts from.  It seals nothing and is never replaced. */
#define SEED_USE KEY_USES

#define KEY_WORDS (AEAD_KEY / 8u)

struct key_words {
	_Atomic uint64_t w[KEY_WORDS];
};

struct key_slot {
	_Atomic uint32_t id; /* 0: empty */
	_Atomic uint8_t use;
	_Atomic uint64_t seals;    /* tickets given out; one below reserved is good */
	_Atomic uint64_t reserved; /* what the file says */
};

struct keyring {
	struct secret *keys; /* KEYRING_KEYS x struct key_words */
	struct secret *seed;
	struct key_slot slots[KEYRING_KEYS];
	_Atomic uint32_t current[KEY_USES];
	_Atomic uint32_t detail_day; /* of the current key of KEY_DETAIL */
	atomic_uint count;
	_Atomic uint64_t generation;
	atomic_bool is_node; /* another node makes and destroys keys */
	bool is_follower;
	pthread_mutex_t lock; /* guards what follows, and the file */
	char *path;
	struct keyfile file;
	struct stat stamp; /* of the file as it was read or written */
	struct rootkey *root;
	uint64_t step;
};

/** Where the key of slot ${at} stands. */
struct key_words *keyring_words(struct keyring *ring, uint32_t at);

/** More seals for the current key ${id} of ${use}, or a new current key.  RC_OK: try again. */
MUST_USE enum rc keyring_reserve(struct keyring *ring, enum key_use use, uint32_t id);

/** Where the newest key of ${use} stands in ${kf}; 0, the seed's place, if there is none. */
size_t keyring_newest(const struct keyfile *kf, uint8_t use);

/**
 * The keys of ${kf}, wrapped under ${root}, for keyring_adopt: before anything is written or given up, since
 * this may fail.  ${is_ours}: this process made ${kf}, so what the ring holds already is not unwrapped.
 */
MUST_USE enum rc keyring_unwrap(const struct keyring *ring, const struct keyfile *kf, struct rootkey *root,
    bool is_ours, struct secret **out);

/** Make the ring hold exactly what ${kf} holds, and take ${kf} and ${keys}. */
void keyring_adopt(struct keyring *ring, struct keyfile *kf, struct secret *keys, bool is_ours);

/** Is ${kf} this ring, and has it given out the ids below ${known}? */
bool keyring_may_follow(const struct keyring *ring, const struct keyfile *kf, uint32_t known);

/** Remember which file it is: before reading, so that what replaces it meanwhile is seen as a change. */
void keyring_stamp(struct keyring *ring);

/** Read the file for the first time. */
MUST_USE enum rc keyring_read(struct keyring *ring, struct fault *f);

#endif
