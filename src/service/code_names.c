/* SPDX-License-Identifier: Apache-2.0 */
/* A row for each name in use, found by a MAC of what is heard of it: keys of the store are not sealed. */
#include "service/code_names.h"

#include <string.h>

#include "crypto/digest.h"
#include "domain/code_name.h"

static enum rc
name_key(const struct ctx *c, const char *heard, struct key *out)
{
	uint8_t secret[DIGEST_BYTES], mac[DIGEST_BYTES];
	enum rc rc;

	if ((rc = keyring_derive(c->parts->keyring, "code-name", secret)) != RC_OK)
		return rc;
	digest_hmac(BYTES_OF(secret), bytes_str(heard), mac);
	wipe(secret, sizeof(secret));
	*out = record_key_bytes(KIND_SHELTER_NAME, mac, sizeof(mac));
	return RC_OK;
}

/* What is heard of ${s}; "" for one that has no name to keep. */
static void
heard_of(const struct shelter *s, char out[LIMIT_NAME])
{
	if (s == NULL || s->retired)
		*out = '\0';
	else
		code_name_heard(s->code_name, out);
}

static enum rc
refuse(struct ctx *c)
{
	return fault_set(c->fault, RC_TAKEN, MSG_CODE_NAME_TAKEN, "/code_name", 0, NULL);
}

/* Of a name that two houses shared, the row is of one. */
static enum rc
give_back(struct ctx *c, const struct id *shelter, const char *heard)
{
	struct reference row;
	struct key key;
	enum rc rc;

	if ((rc = name_key(c, heard, &key)) != RC_OK)
		return rc;
	if ((rc = record_get(c->txn, KIND_SHELTER_NAME, &key, &row)) != RC_OK)
		return rc == RC_NOT_FOUND ? RC_OK : rc;
	return id_equal(&row.id, shelter) ? txn_delete(c->txn, &key) : RC_OK;
}

static enum rc
take(struct ctx *c, const struct id *shelter, const char *heard)
{
	struct reference row;
	struct key key;
	enum rc rc;

	if ((rc = name_key(c, heard, &key)) != RC_OK)
		return rc;
	rc = record_get(c->txn, KIND_SHELTER_NAME, &key, &row);
	if (rc == RC_OK)
		return id_equal(&row.id, shelter) ? RC_OK : refuse(c);
	row = (struct reference){ .id = *shelter };
	return rc == RC_NOT_FOUND ? record_put(c->txn, KIND_SHELTER_NAME, &key, &row) : rc;
}

enum rc
code_name_claim(struct ctx *c, const struct shelter *before, const struct shelter *s)
{
	char had[LIMIT_NAME], has[LIMIT_NAME];
	enum rc rc = RC_OK;

	heard_of(before, had);
	heard_of(s, has);
	if (strcmp(had, has) == 0)
		return RC_OK;
	if (*has != '\0')
		rc = take(c, &s->id, has);
	return rc == RC_OK && *had != '\0' ? give_back(c, &s->id, had) : rc;
}

/* ---- names without a row ---- */

struct look {
	const struct id *shelter;
	const char *heard;
	bool is_taken;
	enum rc rc;
};

static bool
look_at(void *arg, const struct key *key, struct bytes value, uint64_t rev)
{
	struct look *l = arg;
	char heard[LIMIT_NAME];
	struct shelter s;

	(void)key;
	(void)rev;
	if ((l->rc = record_decode(KIND_SHELTER, value, &s)) != RC_OK)
		return false;
	heard_of(&s, heard);
	l->is_taken = strcmp(heard, l->heard) == 0 && !id_equal(&s.id, l->shelter);
	return !l->is_taken;
}

enum rc
code_name_is_free(struct ctx *c, const struct shelter *before, const struct shelter *s)
{
	const struct key prefix = record_key_bytes(KIND_SHELTER, "", 0);
	char had[LIMIT_NAME], has[LIMIT_NAME];
	struct look l = { .shelter = &s->id, .heard = has };
	enum rc rc;

	heard_of(before, had);
	heard_of(s, has);
	if (*has == '\0' || strcmp(had, has) == 0)
		return RC_OK;
	if ((rc = txn_scan(c->txn, &prefix, NULL, look_at, &l)) != RC_OK || l.rc != RC_OK)
		return rc != RC_OK ? rc : l.rc;
	return l.is_taken ? refuse(c) : RC_OK;
}
