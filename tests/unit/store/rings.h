/* SPDX-License-Identifier: Apache-2.0 */
/* Sharing a ring through the engines of a pair, without stores over them. */
#ifndef MENEDEK_TEST_RINGS_H
#define MENEDEK_TEST_RINGS_H

#include "crypto/keyring.h"
#include "pair.h"
#include "store/shared_ring.h"

static inline enum rc
open_ring(struct fixture *x, struct engine *e, bool must_keep, struct shared_ring **out)
{
	struct fault f = { 0 };
	char path[160];
	const struct store_options options = {
		.engine = &engine_postgresql, .path = path, .keyring = x->keyring, .must_keep_keys = must_keep
	};

	fixture_path(x, "db", path);
	return shared_ring_open(&engine_postgresql, e, &options, out, &f);
}

/* Engine and ring of ${x} anew, as a node that starts. */
static inline void
start_anew(struct fixture *x, struct engine **e, struct shared_ring **ring)
{
	engine_postgresql.close(*e);
	shared_ring_free(*ring);
	*ring = NULL;
	cr_assert_eq(open_engine(x, e), RC_OK);
}

static inline void
renew(struct fixture *x)
{
	struct fault f = { 0 };

	cr_assert_eq(keyring_renew(x->keyring, KEY_RECORD, &f), RC_OK);
}

/* ${sql}, in which %1$s stands for the row of what all nodes hold. */
static inline const char *
at_shared(const struct pair *p, const char *sql)
{
	const struct key key = log_shared_key();
	char text[512], where[32];

	snprintf(where, sizeof(where), "k = '\\x%02x%02x'", key.b[0], key.b[1]);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	snprintf(text, sizeof(text), sql, where);
#pragma GCC diagnostic pop
	return postgres_run(p->nodes.a.conninfo, text);
}

static inline void
close_all(struct pair *p, struct shared_ring *a, struct shared_ring *b)
{
	close_pair(p);
	shared_ring_free(a);
	shared_ring_free(b);
}

#endif
