/* SPDX-License-Identifier: Apache-2.0 */
/* What must hold for any datagram: for the fuzzer, and for the unit test that runs without one. */
#ifndef MENEDEK_FUZZ_VAULT_MESSAGE_H
#define MENEDEK_FUZZ_VAULT_MESSAGE_H

#include <stdlib.h>
#include <string.h>

#include "vault/vault_message.h"

/** Read ${p} both ways; aborts when what was let through is not what would have been written.  Was it let
 * through? */
static inline bool
fuzz_vault_message(const uint8_t *p, size_t len)
{
	bool is_any = false;

	for (int is_answer = 0; is_answer < 2; is_answer++) {
		uint8_t again[VAULT_HEAD_BYTES];
		uint8_t *copy = malloc(len + 1); /* its own block: a read past the end is seen */
		struct vault_message m;

		if (copy == NULL)
			abort();
		memcpy(copy, p, len);
		if (vault_message_read((struct bytes){ copy, len }, is_answer != 0, &m)) {
			is_any = true;
			if (m.text.len + VAULT_HEAD_BYTES != len ||
			    (m.text.len > 0 && m.text.p != copy + VAULT_HEAD_BYTES))
				abort();
			if (!vault_message_write(&m, again) || memcmp(again, copy, VAULT_HEAD_BYTES) != 0)
				abort();
		}
		free(copy);
	}
	return is_any;
}

#endif
