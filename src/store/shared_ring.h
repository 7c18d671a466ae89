/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The keyring of a store that several nodes share.  The first node to open it is its keeper: it alone makes
 * and destroys keys, and its ring travels with the first batch that needs it, so no value under a key comes
 * to a node before the key.  What one is dead for ever another replaces, told so by a person.
 */
#ifndef MENEDEK_SHARED_RING_H
#define MENEDEK_SHARED_RING_H

#include "crypto/keyring.h"
#include "store/store.h"

struct shared_ring;

/**
 * Share the ring of ${options} through ${engine}.  RC_OK and NULL for an engine without other nodes, where
 * this directory becomes the keeper if another was, so that its ring counts at the next move.  With
 * must_keep_keys this node becomes the keeper, with the ring that was published last, and the one that was
 * ends as soon as it hears of it; RC_TAKEN if yet another was quicker, or for an engine without other nodes.
 */
MUST_USE enum rc shared_ring_open(const struct engine_ops *ops, struct engine *engine,
    const struct store_options *options, struct shared_ring **out, struct fault *f);

/** Does this process make and destroy keys now?  True for NULL: then nobody else could.  Any thread. */
bool shared_ring_is_kept_here(const struct shared_ring *s);
void shared_ring_free(struct shared_ring *s); /* NULL-safe; after the engine was closed */

#endif
