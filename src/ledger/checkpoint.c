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
#define SIGNED_BYTES  (CHECKPOINT_KEY_ID + SIGNATURE_BYTES)
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
	if ((size_t)n >= sizeof(signer->origin) || strpbrk(signer->origin, " +\t\r\n") != NULL)
		return RC_INVALID;
	return RC_OK;
}

static size_t
write_body(const struct signer *signer, const struct checkpoint *c, char out[CHECKPOINT_TEXT])
{
	char root[BASE64_LEN(32) + 1], head[BASE64_LEN(32) + 1], time[21];

	base64_format(c->root, sizeof(c->root), root);
	base64_format(c->head, sizeof(c->head), head);
	time_format(c->at, time);
	/* fits: origin 264, the rest below 200 */
	(void)snprintf(out, CHECKPOINT_TEXT, "%s\n%" PRIu64 "\n%s\nhead %s\nnumber %" PRIu64 "\ntime %s\n",
	    signer->origin, c->size, root, head, c->number, time);
	return strlen(out);
}

void
signer_key_id(const struct signer *signer, uint8_t id[CHECKPOINT_KEY_ID])
{
	static const uint8_t middle[] = { '\n', 0x01 /* Ed25519 */ };
	uint8_t public[SIGNING_PUBLIC_BYTES], print[DIGEST_BYTES];

	signing_public(signer->key, public);
	digest_parts(
	    (struct bytes[]){ bytes_str(signer->origin), BYTES_OF(middle), BYTES_OF(public) }, 3, print);
	memcpy(id, print, CHECKPOINT_KEY_ID);
}

static void
write_signature(const struct signer *signer, const struct checkpoint *c, char *out)
{
	uint8_t text[SIGNED_BYTES];

	signer_key_id(signer, text);
	memcpy(text + CHECKPOINT_KEY_ID, c->signature, SIGNATURE_BYTES);
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

	write_signature(signer, c, signature);
	/* the dash is U+2014, as notes have it */
	(void)snprintf(out + len, CHECKPOINT_TEXT - len, "\n\xe2\x80\x94 %s %s\n", signer->origin, signature);
	return strlen(out);
}

/* ---- the line ---- */

size_t
checkpoint_line(const struct signer *signer, const struct checkpoint *c, char out[CHECKPOINT_TEXT])
{
	char root[BASE64_LEN(32) + 1], head[BASE64_LEN(32) + 1], time[21];
	char signature[BASE64_LEN(SIGNED_BYTES) + 1];

	base64_format(c->root, sizeof(c->root), root);
	base64_format(c->head, sizeof(c->head), head);
	time_format(c->at, time);
	write_signature(signer, c, signature);
	(void)snprintf(out, CHECKPOINT_TEXT, WORD "%s %" PRIu64 " %s %s %" PRIu64 " %s %s", signer->origin,
	    c->size, root, head, c->number, time, signature);
	return strlen(out);
}

static bool
read_fields(char *field[FIELDS], struct checkpoint *out)
{
	uint8_t signed_bytes[SIGNED_BYTES];

	if (!text_number(field[1], UINT64_MAX, &out->size) ||
	    !base64_parse(field[2], out->root, sizeof(out->root)) ||
	    !base64_parse(field[3], out->head, sizeof(out->head)) ||
	    !text_number(field[4], UINT64_MAX, &out->number) ||
	    !time_parse(field[5], strlen(field[5]), &out->at) ||
	    !base64_parse(field[6], signed_bytes, sizeof(signed_bytes)))
		return false;
	memcpy(out->signature, signed_bytes + CHECKPOINT_KEY_ID, SIGNATURE_BYTES);
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
	while (start[len - 1] == '\n' || start[len - 1] == '\r') /* the word itself ends in neither */
		len--;
	memcpy(text, start, len);
	text[len] = '\0';
	if (!text_split(text + strlen(WORD), field, FIELDS) || !read_fields(field, out))
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
