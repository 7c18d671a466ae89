/* SPDX-License-Identifier: Apache-2.0 */
/* Who keeps the keys: the state of the vault's process, and its answer to a question.  Only for src/vault. */
#ifndef MENEDEK_KEEPER_H
#define MENEDEK_KEEPER_H

#include "model/records.h"
#include "vault/quota.h"
#include "vault/vault.h"
#include "vault/vault_message.h"

struct keeper {
	int fd;
	const struct vault_options *options;
	struct secret *in, *out; /* a datagram each: locations pass through both */
	struct rootkey *root;    /* of the locations */
	struct vaultring *ring;
	struct keyring *keyring; /* follows what the service writes */
	struct quota_limits limits;
	struct quota *quota; /* NULL until OPEN, too */
	struct store *store; /* NULL until OPEN */
	struct arena *arena; /* rewound after each message */
	bool is_shared;      /* by several nodes, each with a vault of its own */
	uint32_t refused;
};

/**
 * Answer ${ask}: what came of it, and for VAULT_DONE perhaps ${len} bytes at ${text}, which holds VAULT_TEXT.
 */
MUST_USE enum vault_outcome keeper_answer(
    struct keeper *k, const struct vault_message *ask, uint8_t *text, size_t *len);

#endif
