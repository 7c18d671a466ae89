/* SPDX-License-Identifier: Apache-2.0 */
/*
 * menedek rekey-locations: the keys of the locations come under another root key, in a file or in a PKCS#11
 * token (docs/hsm.md).  No location is opened.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "crypto/vaultcard.h"
#include "ctl/offline.h"
#include "store/database.h"

static bool
count_card(void *arg, const struct key *key UNUSED, struct bytes value, uint64_t rev UNUSED)
{
	struct sealed_location there;
	long *cards = arg;

	if (record_decode(KIND_LOCATION, value, &there) == RC_OK)
		*cards += vaultcard_is((struct bytes){ there.sealed, there.len });
	return true;
}

/* What carries its own key lies in the store, not in the ring: under another root it would never open again.
 * And each of several nodes has a ring of its own, which would not open either. */
static enum rc
refuse_shared(struct ctx *c, void *arg UNUSED)
{
	const struct key prefix = record_key_bytes(KIND_LOCATION, "", 0);
	long cards = 0;
	enum rc rc;

	if (database_is(c->parts->paths.store))
		return fault_set(c->fault, RC_STATE_CONFLICT, MSG_VAULT_NODES, NULL, 0, NULL);
	rc = txn_scan(c->txn, &prefix, NULL, count_card, &cards);
	if (rc != RC_OK || cards == 0)
		return rc;
	return fault_set(c->fault, RC_STATE_CONFLICT, MSG_VAULT_CARDS, NULL, cards, NULL);
}

/* Whoever made the file need not have waited for the disk, and soon nothing else opens a location.  Its
 * directory may be as new. */
static enum rc
keep(const char *path, struct fault *f)
{
	int fd;
	bool is_kept;

	if (rootkey_has_token(path))
		return RC_OK;
	if ((fd = open(path, O_RDONLY | O_CLOEXEC)) < 0)
		return fault_set(f, RC_UNAVAILABLE, MSG_FILE_READ, NULL, 0, path_name(path));
	is_kept = fsync(fd) == 0 && syncfs(fd) == 0;
	(void)close(fd);
	return is_kept ? RC_OK : fault_set(f, RC_UNAVAILABLE, MSG_FILE_SYNC, NULL, 0, path_name(path));
}

/* It may have been done, and what should have followed was broken off: then the old key need not even be
 * there any more. */
static enum rc
change_once(const struct paths *p, struct rootkey *to, size_t *keys, struct fault *f)
{
	struct rootkey *from;
	enum rc rc = vault_count(p->vault, to, keys, f);
	char ring[512];

	/* the rename may have been all that was reached: the old key is destroyed next */
	if (rc == RC_OK && (!path_join(ring, sizeof(ring), p->vault, "ring") || !file_sync_parent(ring)))
		return fault_set(f, RC_UNAVAILABLE, MSG_FILE_SYNC, NULL, 0, "ring");
	if (rc != RC_CORRUPT)
		return rc;
	fault_clear(f);
	if ((rc = rootkey_load(p->location_root, &from, f)) == RC_OK)
		rc = vault_change_root(p->vault, from, to, keys, f);
	rootkey_free(from);
	return rc;
}

static enum rc
change_root(struct offline *o, const char *to_path, size_t *keys)
{
	struct rootkey *to;
	enum rc rc;

	if ((rc = offline_view(o, refuse_shared, NULL)) != RC_OK ||
	    (rc = rootkey_load(to_path, &to, &o->fault)) != RC_OK)
		return rc;
	if ((rc = keep(to_path, &o->fault)) == RC_OK)
		rc = change_once(&o->parts.paths, to, keys, &o->fault);
	rootkey_free(to);
	return rc;
}

static void
tell(const struct args *args, const struct paths *p, size_t keys)
{
	if (args_has(args, OPT_JSON))
		(void)printf("{\"keys\":%zu}\n", keys);
	else
		(void)printf("%zu location keys are under the new root key\n", keys);
	talk(args, "Now put what is in %s in the place of %s, and destroy the old root key and its copies:",
	    args->value[OPT_NEW_KEYS], p->location_root);
	talk(args, "backups of %s made before open with it still.", p->vault);
}

enum status
cmd_rekey_locations(const struct args *args)
{
	struct offline o;
	char path[256];
	size_t keys = 0;
	enum status status;

	if (!path_join(path, sizeof(path), args->value[OPT_NEW_KEYS], "location.root")) {
		talk_error("%s: the path is too long", args->value[OPT_NEW_KEYS]);
		return STATUS_USAGE;
	}
	/* the store is opened for its lock only: nothing must serve meanwhile */
	status = offline_open(args, false, &o);
	if (status == STATUS_OK)
		status = talk_failure("rekey-locations", change_root(&o, path, &keys), &o.fault);
	if (status == STATUS_OK)
		tell(args, &o.parts.paths, keys);
	offline_close(&o);
	return status;
}
