/* SPDX-License-Identifier: Apache-2.0 */
/* One key, counted pieces, a marked end: the construction that is called STREAM. */
#include "crypto/envelope.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/id.h"
#include "crypto/aead.h"

#define VERSION    1u
#define HEAD_BYTES 8u
#define PIECE      65536u
#define LAST       0x80000000u
#define BOUND      (HEAD_BYTES + 8u + 1u)
#define FRAME      (4u + AEAD_NONCE)

struct envelope {
	struct secret *key;
	int fd;
	uint64_t number; /* of the next piece */
	size_t len, at;  /* of what is in text; read so far */
	bool is_last;    /* the last piece was read */
	uint8_t text[PIECE];
	uint8_t wire[FRAME + PIECE + AEAD_TAG];
};

static const uint8_t head[HEAD_BYTES] = { 'M', 'N', 'D', 'K', 'B', VERSION, 0, 0 };

/* ---- bytes through a descriptor ---- */

/* What ends before its time was cut. */
static enum rc
get_all(int fd, uint8_t *p, size_t len)
{
	while (len > 0) {
		const ssize_t n = read(fd, p, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return RC_UNAVAILABLE;
		if (n == 0)
			return RC_CORRUPT;
		p += n;
		len -= (size_t)n;
	}
	return RC_OK;
}

/* ---- pieces ---- */

static struct bytes
bound_of(const struct envelope *e, bool is_last, uint8_t out[BOUND])
{
	memcpy(out, head, HEAD_BYTES);
	put_u64(out + HEAD_BYTES, e->number);
	out[BOUND - 1] = is_last;
	return (struct bytes){ out, BOUND };
}

static enum rc
write_piece(struct envelope *e, bool is_last)
{
	uint8_t bound[BOUND];
	enum rc rc;

	put_u32(e->wire, (uint32_t)e->len | (is_last ? LAST : 0));
	rc = aead_seal(secret_view(e->key), bound_of(e, is_last, bound), (struct bytes){ e->text, e->len },
	    e->wire + 4, e->wire + FRAME);
	if (rc == RC_OK)
		rc = write_all(e->fd, (struct bytes){ e->wire, FRAME + e->len + AEAD_TAG }) ? RC_OK
											    : RC_UNAVAILABLE;
	e->number++;
	e->len = 0;
	return rc;
}

static enum rc
read_piece(struct envelope *e)
{
	uint8_t bound[BOUND];
	uint32_t len;
	enum rc rc;

	if (e->is_last)
		return RC_CORRUPT; /* more is asked for than there is */
	if ((rc = get_all(e->fd, e->wire, FRAME)) != RC_OK)
		return rc;
	e->is_last = (get_u32(e->wire) & LAST) != 0;
	len = get_u32(e->wire) & ~LAST;
	e->at = e->len = 0;
	if (len > PIECE || (len == 0 && !e->is_last))
		return RC_CORRUPT;
	if ((rc = get_all(e->fd, e->wire + FRAME, len + AEAD_TAG)) != RC_OK)
		return rc;
	rc = aead_open(secret_view(e->key), e->wire + 4, bound_of(e, e->is_last, bound),
	    (struct bytes){ e->wire + FRAME, len + AEAD_TAG }, e->text);
	if (rc != RC_OK)
		return rc;
	e->len = len;
	e->number++;
	return RC_OK;
}

/* ---- the whole ---- */

static struct envelope *
new_envelope(int fd)
{
	struct envelope *e = calloc(1, sizeof(*e));

	if (e != NULL && (e->key = secret_new(AEAD_KEY)) == NULL) {
		free(e);
		return NULL;
	}
	if (e != NULL)
		e->fd = fd;
	return e;
}

enum rc
envelope_begin(int fd, struct rootkey *root, struct envelope **out)
{
	struct envelope *e = new_envelope(fd);
	uint8_t wrap[HEAD_BYTES + AEAD_NONCE + AEAD_KEY + AEAD_TAG];
	enum rc rc;

	*out = NULL;
	if (e == NULL)
		return RC_UNAVAILABLE;
	random_fill(secret_bytes(e->key), AEAD_KEY);
	memcpy(wrap, head, HEAD_BYTES);
	rc = rootkey_seal(root, (struct bytes){ head, HEAD_BYTES },
	    (struct bytes){ secret_view(e->key), AEAD_KEY }, wrap + HEAD_BYTES,
	    wrap + HEAD_BYTES + AEAD_NONCE);
	if (rc == RC_OK && !write_all(fd, (struct bytes){ wrap, sizeof(wrap) }))
		rc = RC_UNAVAILABLE;
	if (rc == RC_OK)
		*out = e;
	else
		envelope_free(e);
	return rc;
}

enum rc
envelope_write(struct envelope *e, struct bytes text)
{
	enum rc rc = RC_OK;

	while (rc == RC_OK && text.len > 0) {
		const size_t room = PIECE - e->len, n = text.len < room ? text.len : room;

		memcpy(e->text + e->len, text.p, n);
		e->len += n;
		text = (struct bytes){ text.p + n, text.len - n };
		if (e->len == PIECE)
			rc = write_piece(e, false);
	}
	return rc;
}

enum rc
envelope_finish(struct envelope *e)
{
	return write_piece(e, true);
}

enum rc
envelope_open(int fd, struct rootkey *root, struct envelope **out)
{
	struct envelope *e = new_envelope(fd);
	uint8_t wrap[HEAD_BYTES + AEAD_NONCE + AEAD_KEY + AEAD_TAG];
	enum rc rc;

	*out = NULL;
	if (e == NULL)
		return RC_UNAVAILABLE;
	if ((rc = get_all(fd, wrap, sizeof(wrap))) == RC_OK && memcmp(wrap, head, HEAD_BYTES) != 0)
		rc = memcmp(wrap, head, 5) == 0 && wrap[5] > VERSION ? RC_MALFORMED : RC_CORRUPT;
	if (rc == RC_OK)
		rc = rootkey_open(root, wrap + HEAD_BYTES, (struct bytes){ head, HEAD_BYTES },
		    (struct bytes){ wrap + HEAD_BYTES + AEAD_NONCE, AEAD_KEY + AEAD_TAG },
		    secret_bytes(e->key));
	if (rc == RC_OK)
		*out = e;
	else
		envelope_free(e);
	return rc;
}

enum rc
envelope_read(struct envelope *e, uint8_t *out, size_t len)
{
	enum rc rc = RC_OK;

	while (rc == RC_OK && len > 0) {
		const size_t have = e->len - e->at, n = len < have ? len : have;

		memcpy(out, e->text + e->at, n);
		e->at += n;
		out += n;
		len -= n;
		if (len > 0)
			rc = read_piece(e);
	}
	return rc;
}

enum rc
envelope_end(struct envelope *e)
{
	uint8_t more;

	/* a text that fills its pieces ends with an empty one */
	if (!e->is_last && e->at == e->len) {
		const enum rc rc = read_piece(e);

		if (rc != RC_OK)
			return rc;
	}
	if (!e->is_last || e->at != e->len)
		return RC_CORRUPT;
	return get_all(e->fd, &more, 1) == RC_CORRUPT ? RC_OK : RC_CORRUPT;
}

void
envelope_free(struct envelope *e)
{
	if (e == NULL)
		return;
	secret_free(e->key);
	aead_forget();
	wipe(e, sizeof(*e));
	free(e);
}
