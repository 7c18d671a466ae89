/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Locations: one data key per house, made when the location is first written, wrapped under the location root
 * key and kept in a file of its own outside the store.  Without that root key neither the store, nor its
 * backups, nor the record root key can open a location.  Destroying a house's key erases its location
 * everywhere.
 */
#ifndef MENEDEK_VAULTRING_H
#define MENEDEK_VAULTRING_H

#include "base/bytes.h"
#include "base/fault.h"
#include "base/secret.h"
#include "base/id.h"

struct vaultring;

MUST_USE enum rc vaultring_create(const char *path, const struct secret *root, struct fault *f);
MUST_USE enum rc vaultring_open(
    const char *path, const struct secret *root, struct vaultring **out, struct fault *f);
void vaultring_free(struct vaultring *ring); /* NULL-safe */

/**
 * Seal a location of ${house}, making its key when it has none (the file is written and synced before the
 * call returns, which costs the whole file: 81 bytes a house).  ${out} holds plain.len + VAULT_OVERHEAD.
 * Thread-safe.
 */
#define VAULT_OVERHEAD 33u
MUST_USE enum rc vaultring_seal(
    struct vaultring *ring, const struct id *house, struct bytes plain, uint8_t *out);

/** RC_NOT_FOUND: its key was destroyed or never made.  RC_CORRUPT: it does not verify, or is another house's.
 */
MUST_USE enum rc vaultring_unseal(
    struct vaultring *ring, const struct id *house, struct bytes sealed, uint8_t *out, size_t *out_len);

/**
 * Destroy the key of ${house}; RC_NOT_FOUND if there is none.  The file is written without it and the old one
 * overwritten where the file system writes in place.  A copy made before still holds the key, wrapped: keep
 * no copy longer than its root key.
 */
MUST_USE enum rc vaultring_destroy(struct vaultring *ring, const struct id *house, struct fault *f);

/** Wrap all keys under ${root} and write the file. */
MUST_USE enum rc vaultring_rewrap(struct vaultring *ring, const struct secret *root, struct fault *f);

#endif
