/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the two processes say to each other: one datagram a message over a socket pair, of one layout. Nothing
 * is parsed but fixed places, and what a kind of message does not use must be zero.  Numbers big-endian.
 *
 *   "MV" version kind | sequence 8 | house 16 | disclosure 16 | outcome 1 | 0 | length 2 | text
 */
#ifndef MENEDEK_VAULT_MESSAGE_H
#define MENEDEK_VAULT_MESSAGE_H

#include "base/bytes.h"
#include "base/id.h"

#define VAULT_VERSION_MESSAGE 1u
#define VAULT_HEAD_BYTES      48u
#define VAULT_TEXT            1600u
#define VAULT_MESSAGE         (VAULT_HEAD_BYTES + VAULT_TEXT)

/** Kinds: X(name, uses a house, uses a disclosure, least and most text asked, most text answered). */
#define VAULT_KINDS(X)                 \
	X(OPEN, 0, 0, 0, 0, 0)         \
	X(SEAL, 1, 0, 1, 1504, 1600)   \
	X(UNSEAL, 1, 1, 0, 0, 1600)    \
	X(DESTROY, 1, 0, 0, 0, 0)      \
	X(REWRAP, 0, 0, 0, 0, 0)       \
	X(VERIFY, 1, 0, 0, 0, 0)       \
	X(MATCH, 1, 0, 1, 1504, 1)     \
	X(STATUS, 0, 0, 0, 0, 28)      \
	X(RENEW, 0, 0, 0, 0, 0)        \
	X(RESEAL, 1, 0, 1, 1600, 1600) \
	X(PRUNE, 0, 0, 0, 0, 0)

enum vault_kind {
	VAULT_NO_KIND,
#define X(name, house, disclosure, least, most, answer) VAULT_##name,
	VAULT_KINDS(X)
#undef X
	    VAULT_KIND_COUNT
};

enum vault_outcome {
	VAULT_ASKED, /* in a question */
	VAULT_DONE,
	VAULT_REFUSED, /* one for every reason */
	VAULT_ABSENT,  /* no key, no location: never of UNSEAL */
	VAULT_DAMAGED, /* it does not open: only of VERIFY and MATCH */
	VAULT_FAILED,  /* disk or memory */
	VAULT_OUTCOMES
};

struct vault_message {
	enum vault_kind kind;
	enum vault_outcome outcome;
	uint64_t sequence;
	struct id house, disclosure;
	struct bytes text; /* a view of the datagram */
};

/** Read a question (${is_answer} false) or an answer.  False for anything that we would not have written. */
MUST_USE bool vault_message_read(struct bytes datagram, bool is_answer, struct vault_message *out);

/** Write the head of ${m} to ${out}; the text is the caller's to put behind it.  False if it is not well
 * formed. */
MUST_USE bool vault_message_write(const struct vault_message *m, uint8_t out[VAULT_HEAD_BYTES]);

#endif
