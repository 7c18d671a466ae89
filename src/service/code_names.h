/* SPDX-License-Identifier: Apache-2.0 */
/* One code name, one house, over all organisations: the desks of the whole country say it on the telephone.
 */
#ifndef MENEDEK_CODE_NAMES_H
#define MENEDEK_CODE_NAMES_H

#include "service/access.h"

/**
 * Let ${s} have its code name, and give back the one that it had as ${before} (NULL: it is new).  RC_TAKEN
 * with a fault at /code_name: another house that is not retired has one that sounds the same.  Two that come
 * at once conflict.  A registry that is older than this rule has names without a row: whoever wants those
 * found too asks code_name_is_free first.  Two houses that share a name already may be changed otherwise.
 */
MUST_USE enum rc code_name_claim(struct ctx *c, const struct shelter *before, const struct shelter *s);

/** RC_TAKEN, as above, by a look at every house: slow, and for what was committed only. */
MUST_USE enum rc code_name_is_free(struct ctx *c, const struct shelter *before, const struct shelter *s);

#endif
