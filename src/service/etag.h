/* SPDX-License-Identifier: Apache-2.0 */
/* Entity tags (RFC 9110, 8.8.3): a keyed digest of id and version, so that a version number tells no
 * activity. */
#ifndef MENEDEK_ETAG_H
#define MENEDEK_ETAG_H

#include "service/parts.h"

#define ETAG_TEXT 24u /* quotes, 16 characters, NUL and some */

void etag_make(const struct parts *parts, const struct id *id, uint64_t version, char out[ETAG_TEXT]);

/** Does the value of an If-Match or If-None-Match header name ${etag}?  A list and "*" are understood. */
bool etag_matches(const char *header, const char *etag);

#endif
