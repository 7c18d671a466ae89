/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Locations: one data key per house, made when the location is first written, wrapped under the location root
 * key and kept in a file of its own outside the store.  Without that root key neither the store, nor its
 * backups, nor the record root key can open a location.  Destroying a house's key erases its location
 * everywhere.
 */
#ifndef MENEDEK_VAULTRING_H
#define MENEDEK_VAULTRING_H

#include "base/id.h"
#include "crypto/rootkey.h"

struct vaultring;

MUST_USE enum rc vaultring_create(const char *path, struct rootkey *root, struct fault *f);

/** The ring shares ${root} (rootkey_share): the caller frees its own. */
MUST_USE enum rc vaultring_open(
    const char *path, struct rootkey *root, struct vaultring **out, struct fault *f);

/** Read the file again: for who has just got the store's lock, since who had it until then may have made or
 * destroyed keys.  On failure the ring is as it was. */
MUST_USE enum rc vaultring_reload(struct vaultring *ring, struct fault *f);
void vaultring_free(struct vaultring *ring); /* NULL-safe */

/**
 * Seal a location of ${house}, making its key when it has none (the file is written and synced before the
 * call returns, which costs the whole file: 93 bytes a house).  ${out} holds plain.len + VAULT_OVERHEAD.
 * Thread-safe.
 */
#define VAULT_OVERHEAD 33u
MUST_USE enum rc vaultring_seal(
    struct vaultring *ring, const struct id *house, struct bytes plain, uint8_t *out);

/** RC_NOT_FOUND: its key was destroyed or never made.  RC_CORRUPT: it does not verify, or is another house's.
 */
MUST_USE enum rc vaultring_unseal(
    struct vaultring *ring, const struct id *house, struct bytes sealed, uint8_t *out, size_t *out_len);

/** The key id in a sealed location's header, 0 if it is too short. */
uint32_t vault_sealed_id(struct bytes sealed);

/**
 * A new current key for every house that has one, in one write; the old keys stay for reading.
 */
MUST_USE enum rc vaultring_renew(struct vaultring *ring, struct fault *f);

/**
 * Seal a location anew under the current key of ${house}: ${sealed} opens under one of its keys; ${out} holds
 * as many bytes.  When ${sealed} is under the current key already a new key is made first.  The old key stays
 * until vaultring_prune, so that nothing is lost when the new value is not stored.  Errors as in unseal.
 */
MUST_USE enum rc vaultring_reseal(
    struct vaultring *ring, const struct id *house, struct bytes sealed, uint8_t *out);

/** The key that the stored location of a house is sealed under (vault_sealed_id). */
struct vaultring_use {
	struct id house;
	uint32_t key; /* 0: none, it carries its own (vaultcard.h), so all of the house's go */
};

/**
 * Destroy all other keys of the houses in ${uses}, which are in ascending order: like vaultring_destroy, with
 * one write for all of them, or none when there is nothing to destroy.  A house that does not have the key
 * that is named, or is not named, keeps all of its keys.  Either way nothing stays of an
 * older file that a crash left.
 */
MUST_USE enum rc vaultring_prune(
    struct vaultring *ring, const struct vaultring_use *uses, size_t count, struct fault *f);

/** Houses that have a key, and keys held. */
void vaultring_count(struct vaultring *ring, size_t *houses, size_t *keys);

/**
 * Destroy the keys of ${house}; RC_NOT_FOUND if there is none.  The file is written without it and the old
 * one overwritten where the file system writes in place.  A copy made before still holds the key, wrapped:
 * keep no copy longer than its root key.
 */
MUST_USE enum rc vaultring_destroy(struct vaultring *ring, const struct id *house, struct fault *f);

/** Wrap all keys under ${root} and write the file. */
MUST_USE enum rc vaultring_rewrap(struct vaultring *ring, struct rootkey *root, struct fault *f);

#endif
