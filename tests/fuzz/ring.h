/* SPDX-License-Identifier: Apache-2.0 */
/* A keyring for fuzzers that need one, with keys that nobody knows. */
#ifndef MENEDEK_FUZZ_RING_H
#define MENEDEK_FUZZ_RING_H

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/id.h"
#include "crypto/keyring.h"

/* ${seal_one}, or NULL, may seal while the ring's file is there. */
static inline struct keyring *
fuzz_ring(void (*seal_one)(struct keyring *))
{
	char dir[] = "/tmp/menedek-fuzz-XXXXXX", path[64];
	struct secret *root = secret_new(32);
	struct keyring *ring = NULL;
	struct fault f = { 0 };

	if (root == NULL || mkdtemp(dir) == NULL)
		abort();
	random_fill(secret_bytes(root), 32);
	(void)snprintf(path, sizeof(path), "%s/ring", dir);
	if (keyring_create(path, root, &f) != RC_OK || keyring_open(path, root, &ring, &f) != RC_OK)
		abort();
	if (seal_one != NULL)
		seal_one(ring);
	(void)unlink(path);
	(void)rmdir(dir);
	secret_free(root);
	return ring;
}

#endif
