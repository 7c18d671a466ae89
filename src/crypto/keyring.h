/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The data keys, by use and id.  The keyring file holds them wrapped (AES-256-GCM) under a root key that
 * lives outside the data directory.  Locations have a ring of their own under a second root key: one key per
 * house. Rotation makes a new current key for a use; old keys stay for reading until they are retired, which
 * destroys them in memory and in the file.  One process writes the file, others may follow it.
 */
#ifndef MENEDEK_KEYRING_H
#define MENEDEK_KEYRING_H

#include "base/bytes.h"
#include "base/fault.h"
#include "base/secret.h"
#include "crypto/aead.h"

/** What a key may seal.  A value sealed for one use does not open for another. */
enum key_use {
	KEY_RECORD, /* organisations, people, houses, units: what lives long */
	KEY_DETAIL, /* episodes and reservations: what retention destroys; one key a day */
	KEY_AUDIT,  /* audit entries */
	KEY_EVENT,  /* event log */
	KEY_TOKEN,  /* candidates, cursors, ETags: handed out, short-lived */
	KEY_USES
};

#define KEYRING_KEYS 1024u /* held at a time; ids go on after retired ones, to 2^32 */

struct keyring;

/** Make a new ring with one key for each use and write it to ${path} (0600) wrapped under ${root} (32 bytes).
 */
MUST_USE enum rc keyring_create(const char *path, const struct secret *root, struct fault *f);

/** Open to seal and change: one process at a time, which reads again when it has got the store's lock
 * (keyring_reopen). */
MUST_USE enum rc keyring_open(
    const char *path, const struct secret *root, struct keyring **out, struct fault *f);

/** Open to read what others seal: sealing and every change but keyring_reload is refused (RC_INTERNAL). */
MUST_USE enum rc keyring_open_follower(
    const char *path, const struct secret *root, struct keyring **out, struct fault *f);
void keyring_free(struct keyring *ring); /* NULL-safe; wipes */

/* ---- changes: written atomically and synced before they hold; on failure ring and file are as before.
 * ---- Threads may seal and open meanwhile. */

/** Add a new current key for every use and wrap all under ${root} (the same or a new one). */
MUST_USE enum rc keyring_rotate(struct keyring *ring, const struct secret *root, struct fault *f);

/** Add a new current key for one use. */
MUST_USE enum rc keyring_renew(struct keyring *ring, enum key_use use, struct fault *f);

/**
 * Make sure that the current key of KEY_DETAIL is that of the UTC day of ${now} (seconds): a new one when it
 * is of another day.  Cheap when there is nothing to do: call it every second.
 */
MUST_USE enum rc keyring_day(struct keyring *ring, int64_t now, struct fault *f);

/**
 * Destroy keys: the file is written without them and the old file overwritten (base/shred.h), then they are
 * wiped from memory; when this returns RC_OK nothing that they sealed opens here any more.  RC_STATE_CONFLICT
 * and nothing done if one of them is current; ids that are not held are passed over.  A transaction seals its
 * values before it commits: retire a key only when it has not been current for longer than any transaction
 * lives, and nothing in the store is under it.  Followers drop it at their next keyring_reload.
 */
MUST_USE enum rc keyring_retire(struct keyring *ring, const uint32_t *ids, size_t count, struct fault *f);

/**
 * Take over what another process wrote to the file: new keys, and the loss of retired ones.  One stat(2) when
 * the file is the same: call it before each use.  RC_CORRUPT for a damaged, foreign or older file (fewer ids
 * given out than we know of): the ring then stays as it was.
 */
MUST_USE enum rc keyring_reload(struct keyring *ring, struct fault *f);

/**
 * Read the file again, whatever it is now, before anything is sealed: for who has just got the store's lock.
 * Who had that until then may have made keys since, which our next change would write over, or destroyed
 * some, which it would bring back; and what it counted counts.  On failure the ring is as it was.
 */
MUST_USE enum rc keyring_reopen(struct keyring *ring, struct fault *f);

/**
 * The same as keyring_reload where the file may have given out fewer ids: who wrote it gave up, before
 * anybody opened anything here, keys that it alone had (keyring_import).  For a follower's beginning only:
 * later an older file is an old one put in the present one's place.
 */
MUST_USE enum rc keyring_reload_first(struct keyring *ring, struct fault *f);

/* ---- one ring for several nodes, each with a file of its own */

/** Grows with every change that this process made and wrote; from 1. */
uint64_t keyring_generation(const struct keyring *ring);

/** Which ring it is. */
struct keyring_mark {
	uint64_t generation;
	uint32_t next_id; /* ids below were given out */
};

/** The file as it stands, malloc'd, wrapped under the root key, and which it is. */
MUST_USE enum rc keyring_export(struct keyring *ring, char **out, size_t *len, struct keyring_mark *mark);

/**
 * Write ${text}, which another node exported, in the file's place and hold what it holds.  RC_CORRUPT for one
 * that is damaged, foreign or older; the ring then stays as it was.  Older: ids below ${known} it has not
 * given out; 0: all that this ring has.  A node whose keeping another took over has keys that nobody else
 * ever saw: it loses them, and starts from what it had published.  ${is_node}: from here on another node
 * makes and destroys keys.  Such a ring seals, counting for itself and from the keeper's count on at each
 * start, 2^28 under one key: with up to 16 nodes the sum stays under GCM's bound, since the keeper renews at
 * 2^24, as long as it has room for a key.  From 2^24 on it says that people must have the keys rotated.  Its
 * other changes are refused (RC_UNAVAILABLE), keyring_day does nothing.
 */
MUST_USE enum rc keyring_import(struct keyring *ring, struct bytes text, bool is_node, uint32_t known);
bool keyring_is_node(const struct keyring *ring);

/* ---- what it holds */

/** Id of the current key of ${use}; ids are never used twice. */
uint32_t keyring_current(const struct keyring *ring, enum key_use use);

/** Number of keys held. */
unsigned keyring_count(const struct keyring *ring);

struct key_info {
	uint32_t id;
	enum key_use use;
	uint32_t day;   /* KEY_DETAIL: its UTC day counted from 1970, 0 when it was made without; else 0 */
	uint64_t seals; /* at most so many values were sealed under it */
	bool is_current;
};

/** The keys held, oldest first, at most KEYRING_KEYS; returns how many, writes ${cap} of them at most. */
size_t keyring_list(struct keyring *ring, struct key_info *out, size_t cap);

/* ---- sealing */

/**
 * Seal ${plain} under the current key of ${use}; ${bound} is the associated data (the store key), at most
 * KEYRING_BOUND bytes (else RC_TOO_BIG); version, key id and use are bound too.  Writes SEAL_OVERHEAD +
 * plain.len bytes to ${out}: version, key id, nonce, ciphertext, tag.  Thread-safe, takes no lock.
 *
 * Seals are counted and the count is kept in the file, ahead of use: a write of the file now and then (each
 * 2^10 at first, 2^20 later).  At 2^24 seals the use renews itself.  Nothing is sealed that could not be
 * counted, nor past 2^32 under one key (NIST SP 800-38D, 8.3): RC_UNAVAILABLE.
 */
#define SEAL_OVERHEAD 33u
#define KEYRING_BOUND 256u
MUST_USE enum rc keyring_seal(
    struct keyring *ring, enum key_use use, struct bytes bound, struct bytes plain, uint8_t *out);

/** Open; ${out} holds sealed.len - SEAL_OVERHEAD.  RC_CORRUPT for anything that does not verify, one answer
 * for all. */
MUST_USE enum rc keyring_open_sealed(
    struct keyring *ring, struct bytes bound, struct bytes sealed, uint8_t *out, size_t *out_len);

/** The key id in a sealed value's header, 0 if it is too short.  For `check` and rotation. */
uint32_t sealed_key_id(struct bytes sealed);

/** A 32-byte value derived from the ring for ${label} (HKDF-SHA-256), the same as long as the ring lives. */
MUST_USE enum rc keyring_derive(const struct keyring *ring, const char *label, uint8_t out[32]);

#endif
