/* SPDX-License-Identifier: Apache-2.0 */
/* Sealing and opening marks: base64url of number and time, bound to person and device. */
#include "feed/marks.h"

#include <string.h>

#define BOUND (1u + 2u * ID_BYTES)

static struct bytes
bound_to(const struct mark_reader *reader, uint8_t buf[BOUND])
{
	buf[0] = 'M';
	memcpy(buf + 1, reader->user.b, ID_BYTES);
	memcpy(buf + 1 + ID_BYTES, reader->device.b, ID_BYTES);
	return (struct bytes){ buf, BOUND };
}

enum rc
mark_make(const struct mark_reader *reader, uint64_t number, int64_t at, char out[MARK_TEXT])
{
	uint8_t plain[MARK_PLAIN], sealed[MARK_PLAIN + SEAL_OVERHEAD], bound[BOUND];
	enum rc rc;

	put_u64(plain, number);
	put_u64(plain + 8, (uint64_t)at);
	rc = keyring_seal(reader->ring, KEY_TOKEN, bound_to(reader, bound), BYTES_OF(plain), sealed);
	if (rc == RC_OK)
		base64url_format(sealed, sizeof(sealed), out);
	return rc;
}

bool
mark_open(const struct mark_reader *reader, const char *text, int64_t now, uint64_t *number, int64_t *at)
{
	uint8_t plain[MARK_PLAIN], sealed[MARK_PLAIN + SEAL_OVERHEAD], bound[BOUND];
	size_t len, plain_len;

	if (!base64url_parse(text, strlen(text), sealed, sizeof(sealed), &len) || len != sizeof(sealed))
		return false;
	if (keyring_open_sealed(reader->ring, bound_to(reader, bound), BYTES_OF(sealed), plain, &plain_len) !=
	    RC_OK)
		return false;
	*number = get_u64(plain);
	*at = (int64_t)get_u64(plain + 8);
	return *at + MARK_LIFE > now;
}
