/* SPDX-License-Identifier: Apache-2.0 */
#include "lmdb_writer.h"

#include <stdlib.h>
#include <string.h>

#include <lmdb.h>

#define LOG_PLACE  48u /* one log, whoever writes it */
#define KEY_MOST   64u
#define VALUE_MOST 65536u

static unsigned char value[VALUE_MOST];

bool
writer_spec_read(const char *text, struct writer_spec *out)
{
	for (out->count = 0; *text != '\0' && out->count < WRITER_WORDS; out->count++) {
		struct writer_word *w = &out->word[out->count];
		char *end;

		w->kind = *text;
		w->key_len = (unsigned)strtoul(text + 1, &end, 10);
		if (strchr("noad", w->kind) == NULL || *end != ':' || w->key_len < 2 || w->key_len > KEY_MOST)
			return false;
		w->value_len = (unsigned)strtoul(end + 1, &end, 10);
		if (w->value_len > VALUE_MOST || (*end != '\0' && *end != ' '))
			return false;
		text = end + strspn(end, " ");
	}
	return *text == '\0';
}

/* The key of ${number} in the place ${place}: scattered as random ids are, or in order for a log. */
static void
make_key(const struct writer_word *w, unsigned place, uint64_t number, unsigned char *key)
{
	uint64_t scattered = (number + 1) * 0x9e3779b97f4a7c15u;

	scattered ^= scattered >> 29;
	memset(key, 0, KEY_MOST);
	key[0] = (unsigned char)('A' + place);
	if (w->kind == 'a') {
		for (unsigned i = 0; i < 8 && i + 1 < w->key_len; i++)
			key[w->key_len - 1 - i] = (unsigned char)(number >> (8 * i));
		return;
	}
	for (unsigned i = 1; i < w->key_len; i++)
		key[i] = (unsigned char)(scattered >> (8 * ((i - 1) % 8)));
}

static int
write_word(struct writer *writer, MDB_txn *txn, const struct writer_spec *spec, unsigned place)
{
	const struct writer_word *w = &spec->word[place];
	unsigned char bytes[KEY_MOST];
	MDB_val key = { w->key_len, bytes }, data = { w->value_len, NULL };
	const unsigned at = w->kind == 'a' ? LOG_PLACE
	    : spec == &writer->each        ? place
	    : spec == &writer->then        ? 32 + place
					   : 16 + place;
	int error;

	if (w->kind == 'd') {
		const unsigned of = w->value_len % WRITER_WORDS;

		make_key(&writer->each.word[of], of, writer->last_new[of], bytes);
		key.mv_size = writer->each.word[of].key_len;
		error = mdb_del(txn, writer->tree, &key, NULL);
		return error == MDB_NOTFOUND ? 0 : error;
	}
	writer->random = writer->random * 6364136223846793005u + 1442695040888963407u;
	if (w->kind == 'n' && spec == &writer->each)
		writer->last_new[place] = writer->there + writer->made;
	if (w->kind == 'n')
		make_key(w, at, writer->there + writer->made++, bytes);
	else if (w->kind == 'a')
		make_key(w, at, writer->appended++, bytes);
	else
		make_key(w, at, (writer->random >> 33) % writer->there, bytes);
	if ((error = mdb_put(txn, writer->tree, &key, &data, MDB_RESERVE)) == 0)
		memcpy(data.mv_data, value, w->value_len);
	return error;
}

static int
write_spec(struct writer *writer, MDB_txn *txn, const struct writer_spec *spec)
{
	int error = 0;

	for (unsigned i = 0; i < spec->count && error == 0; i++)
		error = write_word(writer, txn, spec, i);
	return error;
}

/* The keys that a change overwrites, so that the tree has its depth. */
static int
fill(struct writer *writer)
{
	unsigned char bytes[KEY_MOST];
	int error = 0;

	for (uint64_t n = 0; n < writer->there && error == 0;) {
		MDB_txn *txn;

		if ((error = mdb_txn_begin(writer->env, NULL, 0, &txn)) != 0)
			return error;
		for (const uint64_t until = n + 1000; n < writer->there && n < until && error == 0; n++) {
			for (unsigned i = 0; i < writer->each.count && error == 0; i++) {
				const struct writer_word *w = &writer->each.word[i];
				MDB_val key = { w->key_len, bytes }, data = { w->value_len, value };

				if (w->kind != 'o')
					continue;
				make_key(w, i, n, bytes);
				error = mdb_put(txn, writer->tree, &key, &data, 0);
			}
		}
		if (error == 0)
			error = mdb_txn_commit(txn);
	}
	return error;
}

static int
open_tree(struct writer *writer, const char *dir)
{
	MDB_txn *txn;
	int error;

	if ((error = mdb_env_create(&writer->env)) != 0 ||
	    (error = mdb_env_set_mapsize(writer->env, (size_t)8 << 30)) != 0 ||
	    (error = mdb_env_open(writer->env, dir, MDB_NOTLS, 0600)) != 0 ||
	    (error = mdb_txn_begin(writer->env, NULL, 0, &txn)) != 0)
		return error;
	if ((error = mdb_dbi_open(txn, NULL, 0, &writer->tree)) != 0)
		return error;
	return mdb_txn_commit(txn);
}

int
writer_open(struct writer *writer, const char *dir)
{
	int error = open_tree(writer, dir);

	memset(value, 0xa5, sizeof(value));
	return error == 0 ? fill(writer) : error;
}

int
writer_commit(struct writer *writer, unsigned changes)
{
	MDB_txn *txn;
	int error = mdb_txn_begin(writer->env, NULL, 0, &txn);

	for (unsigned i = 0; i < changes && error == 0; i++)
		error = write_spec(writer, txn,
		    writer->then.count > 0 && writer->changes++ % 2 == 1 ? &writer->then : &writer->each);
	if (error == 0)
		error = write_spec(writer, txn, &writer->batch_each);
	return error == 0 ? mdb_txn_commit(txn) : error;
}

void
writer_close(struct writer *writer)
{
	mdb_env_close(writer->env);
}
