/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A registry as an attacker has it who controls the service's process: the keyring, the store to write in,
 * and the socket to the vault.  One house with a location, a counsellor on a device with a confirmed
 * reservation there, and a member of the house's staff.
 */
#ifndef MENEDEK_TEST_VAULT_SCENE_H
#define MENEDEK_TEST_VAULT_SCENE_H

#include <criterion/criterion.h>
#include <ftw.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "domain/policy.h"
#include "vault/grounds.h"
#include "vault/vault_child.h"
#include "vault/vault_message.h"

#define ADDRESS "9999 Titkosd, Rejtett utca 1."

struct scene {
	char dir[64], path[6][96];
	struct vault_options options;
	struct rootkey *root;
	struct keyring *ring;
	struct store *store;
	struct arena *arena;
	struct vault *vault; /* or NULL, when a test forked its own */
	struct id house, org;
	struct user counsellor, staff, second;
	struct device device, second_device;
	struct reservation reservation;
	struct disclosure disclosure; /* good, but not in the store yet */
};

/* ---- records ---- */

struct scene_put {
	enum kind kind;
	struct key key;
	const void *obj; /* NULL deletes */
};

static inline enum rc
scene_put_txn(struct txn *t, void *arg)
{
	const struct scene_put *p = arg;

	return p->obj ? record_put(t, p->kind, &p->key, p->obj) : txn_delete(t, &p->key);
}

static inline void
scene_put_at(struct scene *x, enum kind kind, struct key key, const void *obj)
{
	struct scene_put p = { kind, key, obj };

	cr_assert_eq(store_update(x->store, x->arena, scene_put_txn, &p), RC_OK);
	arena_rewind(x->arena, 0);
}

static inline void
scene_put(struct scene *x, enum kind kind, const struct id *id, const void *obj)
{
	scene_put_at(x, kind, record_key(kind, id), obj);
}

static inline void
scene_commit(struct scene *x, const struct disclosure *d)
{
	scene_put_at(x, KIND_DISCLOSURE, record_key2(KIND_DISCLOSURE, &d->shelter, &d->id), d);
}

/* ---- the vault ---- */

static inline void
scene_start(struct scene *x)
{
	struct fault f = { .count = 0 };

	cr_assert_eq(vault_start(&x->options, &x->vault, &f), RC_OK, "%s", msg_text(f.item[0].msg, LANG_EN));
}

static inline void
scene_open(struct scene *x)
{
	struct store_options options = {
		.engine = &engine_lmdb, .path = x->options.store, .keyring = x->ring, .map_mib = 64
	};
	struct fault f = { .count = 0 };

	cr_assert_eq(store_open(&options, &x->store, &f), RC_OK);
	if (x->vault != NULL)
		cr_assert_eq(vault_open_store(x->vault, &f), RC_OK);
}

static inline void
scene_close(struct scene *x)
{
	store_close(x->store);
	x->store = NULL;
	vault_stop(x->vault);
	x->vault = NULL;
}

/* What a crash or the attacker may bring about: the vault starts anew. */
static inline void
scene_restart(struct scene *x)
{
	scene_close(x);
	scene_start(x);
	scene_open(x);
}

static inline enum rc
scene_unseal_of(struct scene *x, const struct id *house, const struct id *disclosure)
{
	uint8_t out[VAULT_PLAIN] = { 0 };
	struct location place;
	size_t len;
	enum rc rc = vault_unseal(x->vault, house, disclosure, out, &len);

	if (rc != RC_OK) {
		cr_assert_eq(len, 0);
		return rc;
	}
	cr_assert_eq(model_decode(&model_location, (struct bytes){ out, len }, &place), RC_OK);
	cr_assert_str_eq(place.address, ADDRESS);
	return rc;
}

static inline enum rc
scene_unseal(struct scene *x)
{
	return scene_unseal_of(x, &x->house, &x->disclosure.id);
}

static inline uint32_t
scene_spent(struct scene *x)
{
	struct vault_status s;

	cr_assert_eq(vault_status(x->vault, &s), RC_OK);
	return s.desk_used + s.own_used;
}

/* ---- what there is ---- */

static inline struct user
scene_user(const struct scene *x, const char *name, enum role role)
{
	struct user u = { .id = id_new(), .org = x->org, .roles = ROLE_BIT(role), .version = 1 };

	(void)str_copy(u.name, sizeof(u.name), name);
	return u;
}

static inline void
scene_people(struct scene *x)
{
	const int64_t now = clock_now();

	x->house = id_new();
	x->org = id_new();
	x->counsellor = scene_user(x, "anna", ROLE_COUNSELLOR);
	x->second = scene_user(x, "bea", ROLE_COUNSELLOR);
	x->staff = scene_user(x, "haz", ROLE_SHELTER_STAFF);
	x->staff.shelter_count = 1;
	x->staff.shelters[0] = x->house;
	x->device =
	    (struct device){ .id = id_new(), .org = x->org, .name = "desk", .not_after = now + 86400 };
	x->second_device =
	    (struct device){ .id = id_new(), .org = x->org, .name = "desk 2", .not_after = now + 86400 };
	model_clear(&model_reservation, &x->reservation);
	x->reservation.id = id_new();
	x->reservation.shelter = x->house;
	x->reservation.desk_org = x->org;
	x->reservation.desk_user = x->counsellor.id;
	x->reservation.state = RES_CONFIRMED;
	x->reservation.disclosures = 1;
	x->reservation.disclose_until = now + 3600;
	x->disclosure = (struct disclosure){ .id = id_new(),
		.reservation = x->reservation.id,
		.shelter = x->house,
		.user = x->counsellor.id,
		.org = x->org,
		.device = x->device.id,
		.at = now,
		.until = now + 3600 };
}

static inline void
scene_location(struct scene *x, const struct id *house)
{
	struct location place = { .address = ADDRESS, .intake_phone = "+36 1 000 0000", .updated_at = 1 };
	struct sealed_location sealed = { .len = 0 };
	uint8_t plain[VAULT_PLAIN];
	size_t len;

	cr_assert_eq(model_encode(&model_location, &place, plain, sizeof(plain), &len), RC_OK);
	cr_assert_eq(vault_seal(x->vault, house, (struct bytes){ plain, len }, sealed.sealed, &len), RC_OK);
	sealed.len = (uint16_t)len;
	scene_put(x, KIND_LOCATION, house, &sealed);
}

static inline void
scene_records(struct scene *x)
{
	scene_put(x, KIND_USER, &x->counsellor.id, &x->counsellor);
	scene_put(x, KIND_USER, &x->second.id, &x->second);
	scene_put(x, KIND_USER, &x->staff.id, &x->staff);
	scene_put(x, KIND_DEVICE, &x->device.id, &x->device);
	scene_put(x, KIND_DEVICE, &x->second_device.id, &x->second_device);
	scene_put(x, KIND_RESERVATION, &x->reservation.id, &x->reservation);
}

/* Keys and an empty vault on disk; no process yet. */
static inline void
scene_keys(struct scene *x)
{
	static const char *const names[] = { "vault", "store", "keyring", "record.root", "location.root" };
	struct secret *record = secret_new(AEAD_KEY), *location = secret_new(AEAD_KEY);
	struct fault f = { .count = 0 };

	memset(x, 0, sizeof(*x));
	strcpy(x->dir, "/tmp/menedek-vault-XXXXXX");
	cr_assert_not_null(mkdtemp(x->dir));
	for (unsigned i = 0; i < COUNT_OF(names); i++)
		cr_assert(path_join(x->path[i], sizeof(x->path[i]), x->dir, names[i]));
	strcat(x->path[2], "/ring");
	x->options = (struct vault_options){ .dir = x->path[0],
		.store = x->path[1],
		.keyring = x->path[2],
		.record_root = x->path[3],
		.location_root = x->path[4] };
	random_fill(secret_bytes(record), AEAD_KEY);
	random_fill(secret_bytes(location), AEAD_KEY);
	cr_assert_eq(
	    file_write(x->path[3], (struct bytes){ secret_view(record), AEAD_KEY }, 0400, &f), RC_OK);
	cr_assert_eq(
	    file_write(x->path[4], (struct bytes){ secret_view(location), AEAD_KEY }, 0400, &f), RC_OK);
	(void)snprintf(x->path[5], sizeof(x->path[5]), "%s/keyring", x->dir);
	cr_assert_eq(dir_make(x->path[5], 0700, &f), RC_OK);
	cr_assert_eq(keyring_create(x->path[2], record, &f), RC_OK);
	cr_assert_eq(rootkey_new(location, &x->root, &f), RC_OK);
	cr_assert_eq(vault_create(x->path[0], x->root, &f), RC_OK);
	cr_assert_eq(keyring_open(x->path[2], record, &x->ring, &f), RC_OK);
	cr_assert_not_null(x->arena = arena_new(LIMIT_ARENA));
	secret_free(record);
	secret_free(location);
}

static inline void
scene_new(struct scene *x)
{
	scene_keys(x);
	scene_start(x);
	scene_open(x);
	scene_people(x);
	scene_records(x);
	scene_location(x, &x->house);
}

static inline int
scene_remove(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static inline void
scene_free(struct scene *x)
{
	scene_close(x);
	keyring_free(x->ring);
	rootkey_free(x->root);
	arena_free(x->arena);
	if (x->dir[0] != '\0')
		nftw(x->dir, scene_remove, 8, FTW_DEPTH | FTW_PHYS);
	memset(x, 0, sizeof(*x));
}

#endif
