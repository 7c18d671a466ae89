/* SPDX-License-Identifier: Apache-2.0 */
/* Wrapped keys in a file.  Parsing trusts nothing before the file's own seal was checked under the root key.
 */
#include "crypto/keyfile.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/shred.h"
#include "crypto/digest.h"

#define VERSION     2u
#define HEAD_BYTES  32u
#define ENTRY_BYTES (ID_BYTES + 1u + 4u + 4u + 8u + AEAD_NONCE + AEAD_KEY + AEAD_TAG)
#define TAIL_BYTES  (AEAD_NONCE + AEAD_TAG)
#define FILE_CAP    (HEAD_BYTES + KEYFILE_ENTRIES * ENTRY_BYTES + TAIL_BYTES)

#define BOUND_BYTES (8u + ID_BYTES + ID_BYTES + 1u + 4u)

static void
put_magic(uint8_t p[8], enum keyfile_kind kind)
{
	static const char magic[4] = { 'M', 'N', 'D', 'K' };

	memcpy(p, magic, sizeof(magic));
	p[4] = (uint8_t)kind;
	p[5] = VERSION;
	p[6] = p[7] = 0;
}

/* What an entry's wrapping covers: exactly this entry of exactly this file. */
static void
put_bound(const struct keyfile *kf, const struct keyfile_entry *e, uint8_t out[BOUND_BYTES])
{
	put_magic(out, kf->kind);
	memcpy(out + 8, kf->file_id.b, ID_BYTES);
	memcpy(out + 8 + ID_BYTES, e->owner.b, ID_BYTES);
	out[8 + 2 * ID_BYTES] = e->use;
	put_u32(out + 9 + 2 * ID_BYTES, e->id);
}

void
keyfile_init(struct keyfile *kf, enum keyfile_kind kind, uint32_t first_id)
{
	*kf = (struct keyfile){ .kind = kind, .file_id = id_new(), .next_id = first_id };
}

void
keyfile_fini(struct keyfile *kf)
{
	if (kf->entries != NULL)
		wipe(kf->entries, kf->cap * sizeof(*kf->entries));
	free(kf->entries);
	*kf = (struct keyfile){ .kind = kf->kind };
}

static enum rc
reserve(struct keyfile *kf, size_t count)
{
	size_t cap = kf->cap == 0 ? 16 : kf->cap;
	struct keyfile_entry *grown;

	if (count > KEYFILE_ENTRIES)
		return RC_TOO_BIG;
	if (count <= kf->cap)
		return RC_OK;
	while (cap < count)
		cap *= 2;
	if ((grown = calloc(cap, sizeof(*grown))) == NULL)
		return RC_UNAVAILABLE;
	if (kf->entries != NULL) { /* no realloc: it leaves wrapped keys behind */
		memcpy(grown, kf->entries, kf->count * sizeof(*grown));
		wipe(kf->entries, kf->cap * sizeof(*grown));
		free(kf->entries);
	}
	kf->entries = grown;
	kf->cap = cap;
	return RC_OK;
}

enum rc
keyfile_copy(const struct keyfile *from, struct keyfile *out)
{
	enum rc rc;

	*out = *from;
	out->entries = NULL;
	out->cap = 0;
	if ((rc = reserve(out, from->count)) != RC_OK)
		return rc;
	if (out->entries != NULL)
		memcpy(out->entries, from->entries, from->count * sizeof(*from->entries));
	return RC_OK;
}

static enum rc
wrap(const struct keyfile *kf, struct keyfile_entry *e, struct rootkey *root, const uint8_t key[AEAD_KEY])
{
	uint8_t bound[BOUND_BYTES];

	put_bound(kf, e, bound);
	return rootkey_seal(root, BYTES_OF(bound), (struct bytes){ key, AEAD_KEY }, e->nonce, e->wrapped);
}

enum rc
keyfile_unwrap(const struct keyfile *kf, size_t at, struct rootkey *root, uint8_t key[AEAD_KEY])
{
	const struct keyfile_entry *e = &kf->entries[at];
	uint8_t bound[BOUND_BYTES];

	put_bound(kf, e, bound);
	return rootkey_open(root, e->nonce, BYTES_OF(bound), BYTES_OF(e->wrapped), key);
}

enum rc
keyfile_insert(struct keyfile *kf, size_t at, const struct id *owner, uint8_t use, struct rootkey *root,
    const uint8_t key[AEAD_KEY])
{
	struct keyfile_entry e = { .owner = *owner, .use = use, .id = kf->next_id };
	enum rc rc;

	if (kf->next_id == UINT32_MAX)
		return RC_TOO_BIG;
	if ((rc = reserve(kf, kf->count + 1)) != RC_OK)
		return rc;
	if ((rc = wrap(kf, &e, root, key)) != RC_OK)
		return rc;
	memmove(&kf->entries[at + 1], &kf->entries[at], (kf->count - at) * sizeof(e));
	kf->entries[at] = e;
	kf->count++;
	kf->next_id++;
	return RC_OK;
}

void
keyfile_remove(struct keyfile *kf, size_t at)
{
	kf->count--;
	memmove(&kf->entries[at], &kf->entries[at + 1], (kf->count - at) * sizeof(*kf->entries));
	wipe(&kf->entries[kf->count], sizeof(*kf->entries));
}

enum rc
keyfile_rewrap(struct keyfile *kf, struct rootkey *old, struct rootkey *root)
{
	uint8_t key[AEAD_KEY];
	enum rc rc = RC_OK;

	for (size_t i = 0; i < kf->count && rc == RC_OK; i++)
		if ((rc = keyfile_unwrap(kf, i, old, key)) == RC_OK)
			rc = wrap(kf, &kf->entries[i], root, key);
	wipe(key, sizeof(key));
	return rc;
}

static void
put_entry(uint8_t *p, const struct keyfile_entry *e)
{
	memcpy(p, e->owner.b, ID_BYTES);
	p += ID_BYTES;
	*p++ = e->use;
	put_u32(p, e->id);
	put_u32(p + 4, e->day);
	put_u64(p + 8, e->seals);
	p += 16;
	memcpy(p, e->nonce, sizeof(e->nonce));
	memcpy(p + sizeof(e->nonce), e->wrapped, sizeof(e->wrapped));
}

static void
get_entry(const uint8_t *p, struct keyfile_entry *e)
{
	memcpy(e->owner.b, p, ID_BYTES);
	p += ID_BYTES;
	e->use = *p++;
	e->id = get_u32(p);
	e->day = get_u32(p + 4);
	e->seals = get_u64(p + 8);
	p += 16;
	memcpy(e->nonce, p, sizeof(e->nonce));
	memcpy(e->wrapped, p + sizeof(e->nonce), sizeof(e->wrapped));
}

enum rc
keyfile_save(const char *path, const struct keyfile *kf, struct rootkey *root, struct fault *f)
{
	size_t body = HEAD_BYTES + kf->count * ENTRY_BYTES;
	uint8_t *p = malloc(body + TAIL_BYTES), covered[DIGEST_BYTES];
	enum rc rc;

	if (p == NULL)
		return fault_set(f, RC_UNAVAILABLE, MSG_UNAVAILABLE, NULL, 0, NULL);
	put_magic(p, kf->kind);
	memcpy(p + 8, kf->file_id.b, ID_BYTES);
	put_u32(p + 24, kf->next_id);
	put_u32(p + 28, (uint32_t)kf->count);
	for (size_t i = 0; i < kf->count; i++)
		put_entry(p + HEAD_BYTES + i * ENTRY_BYTES, &kf->entries[i]);
	/* the text is empty: the seal is there for what it covers, by its digest, which fits any token */
	digest((struct bytes){ p, body }, covered);
	rc =
	    rootkey_seal(root, BYTES_OF(covered), (struct bytes){ NULL, 0 }, p + body, p + body + AEAD_NONCE);
	if (rc != RC_OK)
		rc = fault_set(f, rc, MSG_ROOT_KEY, NULL, 0, path_name(path));
	else
		rc = shred_replace(path, (struct bytes){ p, body + TAIL_BYTES }, 0600, f);
	wipe(p, body + TAIL_BYTES);
	free(p);
	return rc;
}

static enum rc
parse(const char *path, enum keyfile_kind kind, struct rootkey *root, struct bytes in, struct keyfile *out,
    struct fault *f)
{
	uint8_t magic[8], none[1], covered[DIGEST_BYTES];
	size_t body = in.len - TAIL_BYTES, count;
	enum rc rc;

	put_magic(magic, kind);
	if (in.len >= sizeof(magic) && memcmp(in.p, magic, 5) == 0 && in.p[5] > VERSION)
		return fault_set(f, RC_MALFORMED, MSG_FORMAT_NEWER, NULL, 0, path_name(path));
	if (in.len < HEAD_BYTES + TAIL_BYTES || memcmp(in.p, magic, sizeof(magic)) != 0)
		return fault_set(f, RC_CORRUPT, MSG_KEYFILE_FORMAT, NULL, 0, path_name(path));
	count = get_u32(in.p + 28);
	if (count > KEYFILE_ENTRIES || in.len != HEAD_BYTES + count * ENTRY_BYTES + TAIL_BYTES)
		return fault_set(f, RC_CORRUPT, MSG_KEYFILE_FORMAT, NULL, 0, path_name(path));
	digest((struct bytes){ in.p, body }, covered);
	rc = rootkey_open(
	    root, in.p + body, BYTES_OF(covered), (struct bytes){ in.p + body + AEAD_NONCE, AEAD_TAG }, none);
	if (rc != RC_OK) /* RC_UNAVAILABLE: a token does not answer */
		return fault_set(f, rc, MSG_ROOT_KEY, NULL, 0, path_name(path));
	memcpy(out->file_id.b, in.p + 8, ID_BYTES);
	out->next_id = get_u32(in.p + 24);
	if ((rc = reserve(out, count)) != RC_OK)
		return fault_set(f, rc, MSG_UNAVAILABLE, NULL, 0, NULL);
	for (size_t i = 0; i < count; i++)
		get_entry(in.p + HEAD_BYTES + i * ENTRY_BYTES, &out->entries[i]);
	out->count = count;
	return RC_OK;
}

enum rc
keyfile_parse(const char *name, enum keyfile_kind kind, struct rootkey *root, struct bytes text,
    struct keyfile *out, struct fault *f)
{
	enum rc rc;

	*out = (struct keyfile){ .kind = kind };
	if ((rc = parse(name, kind, root, text, out, f)) != RC_OK)
		keyfile_fini(out);
	return rc;
}

enum rc
keyfile_load(
    const char *path, enum keyfile_kind kind, struct rootkey *root, struct keyfile *out, struct fault *f)
{
	char *text = NULL;
	size_t len = 0;
	enum rc rc;

	*out = (struct keyfile){ .kind = kind };
	if ((rc = file_read(path, FILE_CAP, &text, &len, f)) != RC_OK)
		return rc;
	rc = parse(path, kind, root, (struct bytes){ (const uint8_t *)text, len }, out, f);
	wipe(text, len);
	free(text);
	if (rc != RC_OK)
		keyfile_fini(out);
	return rc;
}
