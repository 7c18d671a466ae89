/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sealing for who knows a passphrase, by a program that does not: the passphrase (scrypt, RFC 7914) is the
 * private key of an X25519 pair (RFC 7748), and who seals has the public one.  So the machine that writes a
 * sheet every few hours cannot open one, nor can who copies its disk, without guessing the passphrase at 128
 * MiB and a third of a second a guess.
 *
 *   key      = "scrypt$17$8$1$" salt 16 "$" public key 32, both base64url
 *   letter = key '\n' | ephemeral public key 32 | nonce 12 | AES-256-GCM of the text, bound to all before
 *              the nonce, under HKDF-SHA-256 of the shared secret
 */
#ifndef MENEDEK_LETTER_H
#define MENEDEK_LETTER_H

#include <stdbool.h>
#include <stddef.h>

#include "base/bytes.h"
#include "base/rc.h"

#define LETTER_KEY  96u  /* text of a key, with its NUL */
#define LETTER_MORE 192u /* more than a letter is longer than its text */

/** The public key of ${passphrase} with a fresh salt. */
MUST_USE enum rc letter_key(struct bytes passphrase, char out[LETTER_KEY]);

/** Can ${key} be sealed for?  Of a line that ends with it, without its end. */
bool letter_key_is_good(const char *key);

/** Seal ${plain} for ${key}.  ${out} holds plain.len + LETTER_MORE; its length goes to ${*len}. */
MUST_USE enum rc letter_seal(const char *key, struct bytes plain, uint8_t *out, size_t *len);

/**
 * Open into ${out}, which holds letter.len.  RC_MALFORMED: this is no letter.  RC_BAD_LOGIN: the
 * passphrase is wrong, or a byte was changed; nobody can tell which.  ${out} is wiped then.
 */
MUST_USE enum rc letter_open(struct bytes passphrase, struct bytes letter, uint8_t *out, size_t *len);

#endif
