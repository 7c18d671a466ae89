/* SPDX-License-Identifier: Apache-2.0 */
/* Checkpoints as text and as records.  A text is read by writing what was understood and comparing. */
#include "ledger/checkpoint.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "crypto/digest.h"

#define WORD          "menedek-checkpoint "
#define FIELDS        7u
#define KEY_ID        4u
#define SIGNED_BYTES  (KEY_ID + SIGNATURE_BYTES)
#define BASE64_LEN(n) (((n) + 2) / 3 * 4)

/* ---- base64 with padding (RFC 4648, 4), as notes have it ---- */

static void
base64_format(const uint8_t *p, size_t len, char *out)
{
	size_t n = base64url_format(p, len, out);

	for (size_t i = 0; i < n; i++)
		out[i] = out[i] == '-' ? '+' : out[i] == '_' ? '/' : out[i];
	while (n % 4 != 0)
		out[n++] = '=';
	out[n] = '\0';
}

/* Exactly ${len} bytes; what is not canonical is found by the comparison of the whole line. */
static bool
base64_parse(const char *text, uint8_t *out, size_t len)
{
	char url[BASE64_LEN(SIGNED_BYTES) + 1];
	size_t n = strcspn(text, "="), got;

	if (n >= sizeof(url))
		return false;
	for (size_t i = 0; i < n; i++)
		url[i] = text[i] == '+' ? '-' : text[i] == '/' ? '_' : text[i];
	return base64url_parse(url, n, out, len, &got) && got == len;
}

/* ---- the text that is signed ---- */

enum rc
signer_init(struct signer *signer, const char *host, const struct signing_key *key)
{
	const int n = snprintf(signer->origin, sizeof(signer->origin), "%s/audit", host);

	signer->key = key;
	if (n < 0 || (size_t)n >= sizeof(signer->origin) || strpbrk(signer->origin, " +\t\r\n") != NULL)
		return RC_INVALID;
	return RC_OK;
}

static size_t
write_body(const struct signer *signer, const struct checkpoint *c, char out[CHECKPOINT_TEXT])
{
	char root[BASE64_LEN(32) + 1], head[BASE64_LEN(32) + 1], time[21];
	int n;

	base64_format(c->root, sizeof(c->root), root);
	base64_format(c->head, sizeof(c->head), head);
	time_format(c->at, time);
	n = snprintf(out, CHECKPOINT_TEXT, "%s\n%" PRIu64 "\n%s\nhead %s\nnumber %" PRIu64 "\ntime %s\n",
	    signer->origin, c->size, root, head, c->number, time);
	return n < 0 ? 0 : (size_t)n; /* fits: origin 264, the rest below 200 */
}

static void
write_signature(const struct signer *signer, const struct checkpoint *c, char *out)
{
	static const uint8_t middle[] = { '\n', 0x01 /* Ed25519 */ };
	uint8_t public[SIGNING_PUBLIC_BYTES], id[DIGEST_BYTES], text[SIGNED_BYTES];

	signing_public(signer->key, public);
	digest_parts(
	    (struct bytes[]){ bytes_str(signer->origin), BYTES_OF(middle), BYTES_OF(public) }, 3, id);
	memcpy(text, id, KEY_ID);
	memcpy(text + KEY_ID, c->signature, SIGNATURE_BYTES);
	base64_format(text, sizeof(text), out);
}

enum rc
checkpoint_sign(const struct signer *signer, struct checkpoint *c)
{
	char text[CHECKPOINT_TEXT];
	const size_t len = write_body(signer, c, text);

	return signing_sign(signer->key, (struct bytes){ (const uint8_t *)text, len }, c->signature);
}

bool
checkpoint_verify(const struct signer *signer, const struct checkpoint *c)
{
	char text[CHECKPOINT_TEXT];
	const size_t len = write_body(signer, c, text);

	return signing_verify(signer->key, (struct bytes){ (const uint8_t *)text, len }, c->signature);
}

size_t
checkpoint_note(const struct signer *signer, const struct checkpoint *c, char out[CHECKPOINT_TEXT])
{
	char signature[BASE64_LEN(SIGNED_BYTES) + 1];
	const size_t len = write_body(signer, c, out);
	int n;

	write_signature(signer, c, signature);
	/* the dash is U+2014, as notes have it */
	n = snprintf(out + len, CHECKPOINT_TEXT - len, "\n\xe2\x80\x94 %s %s\n", signer->origin, signature);
	return n < 0 ? len : len + (size_t)n;
}

/* ---- the line ---- */

size_t
checkpoint_line(const struct signer *signer, const struct checkpoint *c, char out[CHECKPOINT_TEXT])
{
	char root[BASE64_LEN(32) + 1], head[BASE64_LEN(32) + 1], time[21];
	char signature[BASE64_LEN(SIGNED_BYTES) + 1];
	int n;

	base64_format(c->root, sizeof(c->root), root);
	base64_format(c->head, sizeof(c->head), head);
	time_format(c->at, time);
	write_signature(signer, c, signature);
	n = snprintf(out, CHECKPOINT_TEXT, WORD "%s %" PRIu64 " %s %s %" PRIu64 " %s %s", signer->origin,
	    c->size, root, head, c->number, time, signature);
	return n < 0 ? 0 : (size_t)n;
}

static bool
read_number(const char *text, uint64_t *out)
{
	*out = 0;
	for (; *text >= '0' && *text <= '9'; text++) {
		if (*out > (UINT64_MAX - 9) / 10)
			return false;
		*out = *out * 10 + (uint64_t)(*text - '0');
	}
	return *text == '\0';
}

/* Cut ${text} into exactly FIELDS at its spaces. */
static bool
split(char *text, char *field[FIELDS])
{
	for (unsigned n = 0; n < FIELDS; n++) {
		char *end = strchr(text, ' ');

		field[n] = text;
		if ((end == NULL) != (n + 1 == FIELDS))
			return false;
		if (end == NULL)
			break;
		*end = '\0';
		text = end + 1;
	}
	return true;
}

static bool
read_fields(char *field[FIELDS], struct checkpoint *out)
{
	uint8_t signed_bytes[SIGNED_BYTES];

	if (!read_number(field[1], &out->size) || !base64_parse(field[2], out->root, sizeof(out->root)) ||
	    !base64_parse(field[3], out->head, sizeof(out->head)) || !read_number(field[4], &out->number) ||
	    !time_parse(field[5], strlen(field[5]), &out->at) ||
	    !base64_parse(field[6], signed_bytes, sizeof(signed_bytes)))
		return false;
	memcpy(out->signature, signed_bytes + KEY_ID, SIGNATURE_BYTES);
	return true;
}

bool
checkpoint_read_line(const struct signer *signer, struct bytes line, struct checkpoint *out)
{
	const char *start = memmem(line.p, line.len, WORD, strlen(WORD));
	char text[CHECKPOINT_TEXT], again[CHECKPOINT_TEXT], *field[FIELDS];
	size_t len;

	memset(out, 0, sizeof(*out));
	if (start == NULL || (len = line.len - (size_t)(start - (const char *)line.p)) >= sizeof(text))
		return false;
	while (len > 0 && (start[len - 1] == '\n' || start[len - 1] == '\r'))
		len--;
	memcpy(text, start, len);
	text[len] = '\0';
	if (!split(text + strlen(WORD), field) || !read_fields(field, out))
		return false;
	return checkpoint_line(signer, out, again) == len && memcmp(again, start, len) == 0;
}

/* ---- records ---- */

enum rc
checkpoint_range(const struct checkpoint *c, struct merkle_range *out)
{
	uint8_t root[MERKLE_HASH];

	*out = (struct merkle_range){ .size = c->size };
	if (c->range_len != merkle_count(out) * MERKLE_HASH)
		return RC_CORRUPT;
	memcpy(out->node, c->range, c->range_len);
	merkle_root(out, root);
	return c->size == 0 || memcmp(root, c->root, sizeof(root)) == 0 ? RC_OK : RC_CORRUPT;
}

void
checkpoint_set_range(struct checkpoint *c, const struct merkle_range *range)
{
	c->range_len = (uint16_t)(merkle_count(range) * MERKLE_HASH);
	memcpy(c->range, range->node, c->range_len);
	merkle_root(range, c->root);
	c->size = range->size;
}

struct key
checkpoint_key(uint64_t number)
{
	uint8_t b[8];

	put_u64(b, number);
	return record_key_bytes(KIND_CHECKPOINT, b, sizeof(b));
}

struct key
tree_node_key(unsigned level, uint64_t index)
{
	uint8_t b[9] = { (uint8_t)level };

	put_u64(b + 1, index);
	return record_key_bytes(KIND_TREE_NODE, b, sizeof(b));
}
