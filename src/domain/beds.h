/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Counting beds by kind (DOMAIN 3): a baby needs a cot, an adult an adult bed, a child a child bed or an
 * adult bed that is left over.
 */
#ifndef MENEDEK_BEDS_H
#define MENEDEK_BEDS_H

#include <stdbool.h>

struct beds {
	unsigned adult, child, cots;
};

/** Do ${b} hold these persons? */
bool beds_hold(struct beds b, unsigned adults, unsigned children, unsigned babies);

/** What is left of ${b} when they have taken theirs: children lie in child beds as long as there are any. */
struct beds beds_without(struct beds b, unsigned adults, unsigned children, unsigned babies);

struct beds beds_add(struct beds a, struct beds b);
unsigned beds_count(struct beds b);

#endif
