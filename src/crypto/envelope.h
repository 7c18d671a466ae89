/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A long text in a file or pipe, sealed piece by piece under a key of its own that a root key wraps: who
 * lacks the root key reads nothing, and nobody changes, reorders, cuts or lengthens it unseen.
 *
 *   "MNDK" 'B' version 0 0 | nonce 12 | wrapped key 48 | pieces: length 4, highest bit: the last | nonce 12 |
 *   sealed, length + 16                                                       all numbers big-endian
 *
 * A piece is bound to its number and to being the last or not.  One thread at a time.
 */
#ifndef MENEDEK_ENVELOPE_H
#define MENEDEK_ENVELOPE_H

#include "base/bytes.h"
#include "base/rc.h"
#include "crypto/rootkey.h"

struct envelope;

/** Begin to write to ${fd}, which stays the caller's.  RC_UNAVAILABLE: it cannot be written, or no memory. */
MUST_USE enum rc envelope_begin(int fd, struct rootkey *root, struct envelope **out);

/** Append ${text}. */
MUST_USE enum rc envelope_write(struct envelope *e, struct bytes text);

/** Write the last piece: without it the text counts as cut.  Syncs nothing. */
MUST_USE enum rc envelope_finish(struct envelope *e);

/** Begin to read from ${fd}.  RC_CORRUPT: no envelope, or ${root} is not what it was sealed under;
 * RC_MALFORMED: of a newer format. */
MUST_USE enum rc envelope_open(int fd, struct rootkey *root, struct envelope **out);

/** Exactly ${len} bytes, all of them verified.  RC_CORRUPT: altered, cut, or there are not so many. */
MUST_USE enum rc envelope_read(struct envelope *e, uint8_t *out, size_t len);

/** RC_OK when all was read and the text ends here; else RC_CORRUPT. */
MUST_USE enum rc envelope_end(struct envelope *e);
void envelope_free(struct envelope *e); /* NULL-safe; wipes */

#endif
