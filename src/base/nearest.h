/* SPDX-License-Identifier: Apache-2.0 */
/* Which name somebody meant who mistyped it. */
#ifndef MENEDEK_NEAREST_H
#define MENEDEK_NEAREST_H

/**
 * Of ${count} names the one nearest to ${typed}, or NULL when none is near: at most a third of its letters
 * inserted, dropped, changed or swapped.
 */
const char *nearest_name(const char *typed, const char *const *names, unsigned count);

#endif
