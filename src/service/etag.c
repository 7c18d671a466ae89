/* SPDX-License-Identifier: Apache-2.0 */
/* Making and comparing entity tags. */
#include <string.h>

#include "service/etag.h"

#include "crypto/digest.h"

void
etag_make(const struct parts *parts, const struct id *id, uint64_t version, char out[ETAG_TEXT])
{
	uint8_t in[ID_BYTES + 8], mac[DIGEST_BYTES];

	memcpy(in, id->b, ID_BYTES);
	put_u64(in + ID_BYTES, version);
	digest_hmac(BYTES_OF(parts->etag_key), BYTES_OF(in), mac);
	out[0] = '"';
	size_t len = base64url_format(mac, 12, out + 1);
	out[1 + len] = '"';
	out[2 + len] = '\0';
}

bool
etag_matches(const char *header, const char *etag)
{
	size_t len = strlen(etag);

	for (const char *p = header; *p != '\0';) {
		p += strspn(p, " \t,");
		size_t n = strcspn(p, " \t,");
		if ((n == 1 && *p == '*') || (n == len && memcmp(p, etag, len) == 0))
			return true;
		p += n;
	}
	return false;
}
