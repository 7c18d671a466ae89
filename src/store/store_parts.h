/* SPDX-License-Identifier: Apache-2.0 */
/* What store.c and txn.c share. */
#ifndef MENEDEK_STORE_PARTS_H
#define MENEDEK_STORE_PARTS_H

#include "store/committer.h"
#include "store/shared_ring.h"

struct store {
	const struct engine_ops *ops;
	struct engine *engine;
	struct committer *committer;
	struct keyring *keyring;
	struct shared_ring *shared; /* NULL: no other node */
};

#endif
