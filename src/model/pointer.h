/* SPDX-License-Identifier: Apache-2.0 */
/* The JSON pointer (RFC 6901) of where a walk over a tree stands.  What does not fit is cut: it is for
 * people. */
#ifndef MENEDEK_POINTER_H
#define MENEDEK_POINTER_H

#include <stddef.h>

#include "base/fault.h"

struct pointer {
	char text[FAULT_POINTER];
	size_t len;
};

/** Step into a member or an item; both return where to cut back to with pointer_cut. */
size_t pointer_member(struct pointer *p, const char *name);
size_t pointer_index(struct pointer *p, size_t index);
void pointer_cut(struct pointer *p, size_t mark);

#endif
