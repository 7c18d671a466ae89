/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One ring for several nodes: the keeper changes it, the others take over what it publishes and seal with it.
 * What is published is the file as it lies on the disk, wrapped under the root key that all nodes have.
 */
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "crypto/keyring_parts.h"

#define FILE_CAP (1u << 20)

uint64_t
keyring_generation(const struct keyring *ring)
{
	return atomic_load(&ring->generation);
}

bool
keyring_is_node(const struct keyring *ring)
{
	return atomic_load(&ring->is_node);
}

enum rc
keyring_export(struct keyring *ring, char **out, size_t *len, struct keyring_mark *mark)
{
	enum rc rc;

	pthread_mutex_lock(&ring->lock);
	*mark = (struct keyring_mark){ atomic_load(&ring->generation), ring->file.next_id };
	rc = file_read(ring->path, FILE_CAP, out, len, NULL);
	pthread_mutex_unlock(&ring->lock);
	return rc;
}

static bool
holds_already(struct keyring *ring, struct bytes text)
{
	char *own = NULL;
	size_t len = 0;
	bool is_same;

	if (file_read(ring->path, FILE_CAP, &own, &len, NULL) != RC_OK)
		return false;
	is_same = bytes_equal((struct bytes){ (const uint8_t *)own, len }, text);
	free(own);
	return is_same;
}

/* Of two files with the same keys the keeper's own counts more seals.  Where it has fewer it has destroyed
 * some since; where what it published has fewer, its own is from an older image of the machine.
 */
static bool
is_news(const struct keyring *ring, const struct keyfile *kf, bool is_node, enum rc *rc)
{
	if (is_node || kf->next_id > ring->file.next_id || kf->count < ring->file.count)
		return true;
	*rc = kf->count == ring->file.count ? RC_OK : RC_CORRUPT;
	return false;
}

static enum rc
import_locked(struct keyring *ring, struct bytes text, bool is_node, uint32_t known)
{
	struct secret *keys = NULL;
	struct keyfile kf;
	enum rc rc;

	if (holds_already(ring, text))
		return RC_OK;
	if ((rc = keyfile_parse("keyring", KEYFILE_RECORDS, ring->root, text, &kf, NULL)) != RC_OK)
		return rc;
	if (!keyring_may_follow(ring, &kf, known == 0 ? ring->file.next_id : known))
		rc = RC_CORRUPT;
	else if (!is_news(ring, &kf, is_node, &rc)) {
		keyfile_fini(&kf);
		return rc;
	}
	if (rc == RC_OK)
		rc = keyring_unwrap(ring, &kf, ring->root, false, &keys);
	if (rc == RC_OK)
		rc = keyfile_save(ring->path, &kf, ring->root, NULL);
	if (rc != RC_OK) {
		secret_free(keys);
		keyfile_fini(&kf);
		return rc;
	}
	keyring_stamp(ring);
	keyring_adopt(ring, &kf, keys, false);
	return RC_OK;
}

enum rc
keyring_import(struct keyring *ring, struct bytes text, bool is_node, uint32_t known)
{
	enum rc rc;

	pthread_mutex_lock(&ring->lock);
	rc = import_locked(ring, text, is_node, known);
	if (rc == RC_OK)
		atomic_store(&ring->is_node, is_node);
	pthread_mutex_unlock(&ring->lock);
	return rc;
}
