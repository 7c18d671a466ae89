/* SPDX-License-Identifier: Apache-2.0 */
/* Kinds of record: their keys, their models, and the way through the store.  The list is kinds.def. */
#include "model/records.h"

struct kind_row {
	const char *name;
	uint8_t byte;
	uint8_t use; /* enum key_use */
	const struct model *model;
};

static const struct kind_row kinds[KIND_COUNT] = {
#define K(name, byte, use, type, model) [KIND_##name] = { #name, (byte), (use), &(model) },
#include "model/kinds.def"
#undef K
};

struct key
record_key(enum kind kind, const struct id *id)
{
	struct key key = key_kind(kinds[kind].byte);

	key_add_id(&key, id);
	return key;
}

struct key
record_key2(enum kind kind, const struct id *a, const struct id *b)
{
	struct key key = record_key(kind, a);

	key_add_id(&key, b);
	return key;
}

struct key
record_key_bytes(enum kind kind, const void *p, size_t len)
{
	struct key key = key_kind(kinds[kind].byte);

	key_add_bytes(&key, p, len);
	return key;
}

enum rc
record_decode(enum kind kind, struct bytes value, void *out)
{
	return model_decode(kinds[kind].model, value, out);
}

enum rc
record_get(struct txn *t, enum kind kind, const struct key *key, void *out)
{
	struct bytes value;
	enum rc rc = txn_get(t, key, &value);

	return rc == RC_OK ? record_decode(kind, value, out) : rc;
}

enum rc
record_peek(struct txn *t, enum kind kind, const struct key *key, void *out)
{
	struct bytes value;
	enum rc rc = txn_peek(t, key, &value);

	return rc == RC_OK ? record_decode(kind, value, out) : rc;
}

enum rc
record_put(struct txn *t, enum kind kind, const struct key *key, const void *obj)
{
	uint8_t value[RECORD_MAX];
	size_t len;
	enum rc rc = model_encode(kinds[kind].model, obj, value, sizeof(value), &len);

	if (rc == RC_OK)
		rc = txn_put(t, key, (enum key_use)kinds[kind].use, (struct bytes){ value, len });
	wipe(value, len);
	return rc;
}

enum kind
kind_of_byte(uint8_t byte)
{
	unsigned kind = 0;

	while (kind < KIND_COUNT && kinds[kind].byte != byte)
		kind++;
	return (enum kind)kind;
}

const struct model *
kind_model(enum kind kind)
{
	return kinds[kind].model;
}

const char *
kind_name(enum kind kind)
{
	return kinds[kind].name;
}
