/* SPDX-License-Identifier: Apache-2.0 */
/* The vault's side of the fork.  Only for the files of this directory, and the tests that play the attacker.
 */
#ifndef MENEDEK_VAULT_CHILD_H
#define MENEDEK_VAULT_CHILD_H

#include "vault/vault.h"

/** What the child says of its start, as the first datagram. */
struct vault_ready {
	struct fault fault; /* rc RC_OK: it has its keys */
};

/** Be the vault over ${fd} until its other end is closed, or that of the pipe ${lifeline}.  ${parent}: who
 * forked. */
_Noreturn void vault_child(int fd, int lifeline, const struct vault_options *options, pid_t parent);

#endif
