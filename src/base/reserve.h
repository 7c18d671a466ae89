/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory kept for when there is no more.  Libraries below us end the process when they get none (libtasn1
 * reads through the null pointer, a digest that OpenSSL cannot make is no digest); a moment's want must not
 * become the end of all calls in progress.  Any thread.
 */
#ifndef MENEDEK_RESERVE_H
#define MENEDEK_RESERVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** A block of at least ${len} bytes, aligned as malloc's, contents undefined; NULL: too long, or none left.
 */
void *reserve_take(size_t len);

/** Is ${p} a block of the reserve? */
bool reserve_has(const void *p);

/** The length of the block ${p} of the reserve. */
size_t reserve_len(const void *p);

/** Give ${p}, a block of the reserve, back; the caller has wiped it. */
void reserve_give(void *p);

/** How many blocks were ever taken: more than before means that memory ran out. */
uint64_t reserve_uses(void);

#endif
