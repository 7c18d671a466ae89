/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the vault answers to each kind of question.  It trusts nothing that comes over the socket and nothing
 * in the store that it has not opened itself.  Why something was refused stands in the log; over the socket
 * all refusals look alike.
 */
#include "vault/keeper.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/confine.h"
#include "base/file.h"
#include "base/log.h"
#include "crypto/vaultcard.h"
#include "vault/grounds.h"

#define PATH        512u
#define TOKEN_PATHS 8u /* that a token's module needs */

_Static_assert(VAULT_PLAIN + VAULT_OVERHEAD <= VAULT_SEALED, "a sealed location does not fit");
_Static_assert(VAULT_PLAIN + VAULTCARD_OVERHEAD <= VAULT_SEALED, "nor does one with its key");
_Static_assert(VAULT_SEALED <= VAULT_TEXT, "a sealed location does not fit a message");
_Static_assert(sizeof(((struct sealed_location *)0)->sealed) <= VAULT_SEALED, "nor a record");

/* What a question may lead to: text for the answer, at ${text}. */
typedef enum vault_outcome answer_fn(
    struct keeper *k, const struct vault_message *ask, uint8_t *text, size_t *len);

static enum vault_outcome
refuse(struct keeper *k, enum ground ground)
{
	k->refused++;
	log_world("vault_refused", "ground=%s", ground_word(ground));
	return VAULT_REFUSED;
}

/* ---- what the store says ---- */

static enum rc
read_record(struct keeper *k, enum kind kind, const struct key *key, void *out)
{
	struct txn *txn = NULL;
	enum rc rc = txn_begin(k->store, k->arena, &txn);

	if (rc == RC_OK)
		rc = record_peek(txn, kind, key, out);
	txn_end(txn);
	return rc;
}

static enum rc
read_location(struct keeper *k, const struct id *house, struct sealed_location *out)
{
	struct key key = record_key(KIND_LOCATION, house);

	return read_record(k, KIND_LOCATION, &key, out);
}

/* All that a decision rests on, from one snapshot. */
struct sight {
	struct disclosure disclosure;
	struct user teller;
	struct device device;
	struct reservation reservation;
	struct break_glass glass;
	struct user second;
	struct sealed_location location;
	struct evidence evidence;
	bool has_location;
};

static bool
see(struct txn *txn, enum kind kind, const struct id *id, void *out)
{
	struct key key = record_key(kind, id);

	return record_peek(txn, kind, &key, out) == RC_OK;
}

static void
see_glass(struct txn *txn, struct sight *s)
{
	struct key key = record_key2(KIND_BREAK_GLASS, &s->disclosure.org, &s->disclosure.break_glass);

	if (id_is_zero(&s->disclosure.break_glass) ||
	    record_peek(txn, KIND_BREAK_GLASS, &key, &s->glass) != RC_OK)
		return;
	s->evidence.glass = &s->glass;
	if (see(txn, KIND_USER, &s->glass.second, &s->second))
		s->evidence.second = &s->second;
}

static void
see_all(struct txn *txn, const struct vault_message *ask, struct sight *s)
{
	struct key key = record_key2(KIND_DISCLOSURE, &ask->house, &ask->disclosure);
	struct disclosure *d = &s->disclosure;

	if (record_peek(txn, KIND_DISCLOSURE, &key, d) != RC_OK)
		return;
	s->evidence.disclosure = d;
	if (see(txn, KIND_USER, &d->user, &s->teller))
		s->evidence.teller = &s->teller;
	if (see(txn, KIND_DEVICE, &d->device, &s->device))
		s->evidence.device = &s->device;
	if (see(txn, KIND_RESERVATION, &d->reservation, &s->reservation))
		s->evidence.reservation = &s->reservation;
	see_glass(txn, s);
	s->has_location = see(txn, KIND_LOCATION, &ask->house, &s->location);
}

/* ---- the questions ---- */

/* The file of the quota is sealed in the same ring: nobody may have anything sealed or destroyed in its name.
 */
static bool
is_a_house(const struct id *house)
{
	return !id_is_zero(house) && !id_equal(house, &quota_owner);
}

/* Other nodes' vaults have the root and not this ring: for them the key goes along. */
static enum rc
seal_location(struct keeper *k, const struct id *house, struct bytes plain, uint8_t *text, size_t *len)
{
	*len = plain.len + (k->is_shared ? VAULTCARD_OVERHEAD : VAULT_OVERHEAD);
	return k->is_shared ? vaultcard_seal(k->root, house, plain, text)
			    : vaultring_seal(k->ring, house, plain, text);
}

/* However it was sealed: a registry may have moved between one machine and several. */
static enum rc
open_location(struct keeper *k, const struct id *house, struct bytes sealed, uint8_t *plain, size_t *len)
{
	return vaultcard_is(sealed) ? vaultcard_open(k->root, house, sealed, plain, len)
				    : vaultring_unseal(k->ring, house, sealed, plain, len);
}

static enum vault_outcome
on_seal(struct keeper *k, const struct vault_message *ask, uint8_t *text, size_t *len)
{
	if (!is_a_house(&ask->house))
		return refuse(k, GROUND_NOT_THEIR_RIGHT);
	return seal_location(k, &ask->house, ask->text, text, len) == RC_OK ? VAULT_DONE : VAULT_FAILED;
}

static enum vault_outcome
open_counted(struct keeper *k, const struct vault_message *ask, const struct sight *s, int64_t now,
    uint8_t *text, size_t *len)
{
	const struct bytes sealed = { s->location.sealed, s->location.len };
	enum quota_class class = grounds_is_own(&s->disclosure) ? QUOTA_OWN : QUOTA_DESK;
	enum rc rc = quota_take(k->quota, now, class, &ask->house, &ask->disclosure);

	if (rc == RC_SLOW_DOWN)
		return refuse(k, GROUND_QUOTA_SPENT);
	if (rc != RC_OK) {
		log_world("vault_quota", "it cannot be written, so nothing is told");
		return VAULT_FAILED;
	}
	if (open_location(k, &ask->house, sealed, text, len) != RC_OK)
		return refuse(k, GROUND_DAMAGED);
	return VAULT_DONE;
}

static enum vault_outcome
on_unseal(struct keeper *k, const struct vault_message *ask, uint8_t *text, size_t *len)
{
	struct sight *s = arena_alloc(k->arena, sizeof(*s));
	struct txn *txn = NULL;
	const int64_t now = clock_now();
	enum ground ground;
	enum rc rc;

	if (s == NULL || !is_a_house(&ask->house))
		return refuse(k, GROUND_NO_RECORD);
	if ((rc = txn_begin(k->store, k->arena, &txn)) == RC_OK)
		see_all(txn, ask, s);
	txn_end(txn);
	if (rc != RC_OK)
		return VAULT_FAILED;
	if ((ground = grounds_check(&s->evidence, &ask->house, &ask->disclosure, now)) != GROUND_GOOD)
		return refuse(k, ground);
	if (quota_has(k->quota, &ask->disclosure))
		return refuse(k, GROUND_TOLD_ALREADY);
	if (!s->has_location)
		return refuse(k, GROUND_NO_LOCATION);
	return open_counted(k, ask, s, now, text, len);
}

/* Erasing begins with the record: while there is one, a key is not destroyed, whoever asks. */
static enum vault_outcome
on_destroy(struct keeper *k, const struct vault_message *ask, uint8_t *text UNUSED, size_t *len UNUSED)
{
	struct key key = record_key(KIND_LOCATION, &ask->house);
	struct sealed_location there;
	enum rc rc;

	if (!is_a_house(&ask->house) || read_record(k, KIND_LOCATION, &key, &there) != RC_NOT_FOUND)
		return refuse(k, GROUND_NOT_NOW);
	rc = vaultring_destroy(k->ring, &ask->house, NULL);
	return rc == RC_OK ? VAULT_DONE : rc == RC_NOT_FOUND ? VAULT_ABSENT : VAULT_FAILED;
}

static enum vault_outcome
on_rewrap(struct keeper *k, const struct vault_message *ask UNUSED, uint8_t *text UNUSED, size_t *len UNUSED)
{
	return vaultring_rewrap(k->ring, k->root, NULL) == RC_OK ? VAULT_DONE : VAULT_FAILED;
}

/* ---- new keys ---- */

static enum vault_outcome
outcome_of(enum rc rc)
{
	return rc == RC_OK       ? VAULT_DONE
	    : rc == RC_NOT_FOUND ? VAULT_ABSENT
	    : rc == RC_CORRUPT   ? VAULT_DAMAGED
				 : VAULT_FAILED;
}

static enum vault_outcome
on_renew(struct keeper *k, const struct vault_message *ask UNUSED, uint8_t *text UNUSED, size_t *len UNUSED)
{
	enum rc rc = vaultring_renew(k->ring, NULL);

	return outcome_of(rc == RC_OK ? quota_renew(k->quota) : rc);
}

/* From one form to the other, or from one carried key to the next. */
static enum rc
seal_anew(struct keeper *k, const struct vault_message *ask, uint8_t *text, size_t *len)
{
	struct secret *plain = secret_new(VAULT_SEALED);
	size_t plain_len = 0;
	enum rc rc = plain == NULL ? RC_UNAVAILABLE : RC_OK;

	if (rc == RC_OK)
		rc = open_location(k, &ask->house, ask->text, secret_bytes(plain), &plain_len);
	if (rc == RC_OK)
		rc = plain_len <= VAULT_PLAIN ? RC_OK : RC_CORRUPT;
	if (rc == RC_OK)
		rc =
		    seal_location(k, &ask->house, (struct bytes){ secret_view(plain), plain_len }, text, len);
	secret_free(plain);
	return rc;
}

/* Ciphertext to ciphertext: whoever asks learns nothing. */
static enum vault_outcome
on_reseal(struct keeper *k, const struct vault_message *ask, uint8_t *text, size_t *len)
{
	enum rc rc;

	if (!is_a_house(&ask->house))
		return refuse(k, GROUND_NOT_THEIR_RIGHT);
	if (k->is_shared || vaultcard_is(ask->text))
		return outcome_of(seal_anew(k, ask, text, len));
	if ((rc = vaultring_reseal(k->ring, &ask->house, ask->text, text)) == RC_OK)
		*len = ask->text.len;
	return outcome_of(rc);
}

/* Which key of each house is in use. */
struct uses {
	struct vaultring_use *rows;
	size_t count, cap;
	enum rc rc;
};

static bool
take_use(void *arg, const struct key *key, struct bytes value, uint64_t rev)
{
	struct sealed_location there;
	struct uses *u = arg;
	struct vaultring_use use, *grown;

	(void)rev;
	if (key->len != 1 + ID_BYTES || record_decode(KIND_LOCATION, value, &there) != RC_OK)
		return true;
	memcpy(use.house.b, key->b + 1, ID_BYTES);
	use.key = vault_sealed_id((struct bytes){ there.sealed, there.len });
	if (!is_a_house(&use.house) ||
	    (use.key == 0 && !vaultcard_is((struct bytes){ there.sealed, there.len })))
		return true;
	if (u->count == u->cap) {
		const size_t cap = u->cap == 0 ? 256 : 2 * u->cap;

		if ((grown = reallocarray(u->rows, cap, sizeof(*grown))) == NULL) {
			u->rc = RC_UNAVAILABLE;
			return false;
		}
		u->rows = grown;
		u->cap = cap;
	}
	u->rows[u->count++] = use;
	return true;
}

/* Which key is in use, the store says, not whoever asks: a key that a location needs is never destroyed. */
static enum vault_outcome
on_prune(struct keeper *k, const struct vault_message *ask UNUSED, uint8_t *text UNUSED, size_t *len UNUSED)
{
	const struct key prefix = record_key_bytes(KIND_LOCATION, "", 0);
	struct uses uses = { .rc = RC_OK };
	struct txn *txn = NULL;
	enum rc rc = txn_begin(k->store, k->arena, &txn);

	/* A location that does not open keeps all its house's keys. */
	if (rc == RC_OK && (rc = txn_scan_past(txn, &prefix, NULL, take_use, txn_pass_by, &uses)) == RC_OK)
		rc = uses.rc;
	txn_end(txn);
	if (rc == RC_OK)
		rc = vaultring_prune(k->ring, uses.rows, uses.count, NULL);
	free(uses.rows);
	return outcome_of(rc);
}

/* ---- for programs that work offline ---- */

/* Open what the store holds of ${house} into ${plain}: for programs that work offline. */
static enum vault_outcome
open_stored(struct keeper *k, const struct id *house, uint8_t *plain, size_t *len)
{
	struct sealed_location *there = arena_alloc(k->arena, sizeof(*there));
	enum rc rc = there == NULL ? RC_UNAVAILABLE : read_location(k, house, there);

	if (rc != RC_OK)
		return outcome_of(rc);
	rc = open_location(k, house, (struct bytes){ there->sealed, there->len }, plain, len);
	return rc == RC_OK ? VAULT_DONE : VAULT_DAMAGED;
}

static enum vault_outcome
on_verify(struct keeper *k, const struct vault_message *ask, uint8_t *text UNUSED, size_t *len UNUSED)
{
	uint8_t *plain = arena_alloc(k->arena, VAULT_SEALED);
	size_t plain_len;

	return plain == NULL ? VAULT_FAILED : open_stored(k, &ask->house, plain, &plain_len);
}

static bool
is_same(const struct location *a, const struct location *b)
{
	return strcmp(a->address, b->address) == 0 && strcmp(a->intake_phone, b->intake_phone) == 0 &&
	    strcmp(a->travel_notes, b->travel_notes) == 0;
}

static enum vault_outcome
on_match(struct keeper *k, const struct vault_message *ask, uint8_t *text, size_t *len)
{
	struct location *there = arena_calloc(k->arena, 2, sizeof(*there));
	uint8_t *plain = arena_alloc(k->arena, VAULT_SEALED);
	enum vault_outcome outcome;
	size_t plain_len;

	if (there == NULL || plain == NULL)
		return VAULT_FAILED;
	if ((outcome = open_stored(k, &ask->house, plain, &plain_len)) != VAULT_DONE)
		return outcome;
	if (model_decode(&model_location, (struct bytes){ plain, plain_len }, &there[0]) != RC_OK ||
	    model_decode(&model_location, ask->text, &there[1]) != RC_OK)
		return VAULT_DAMAGED;
	text[0] = is_same(&there[0], &there[1]);
	*len = 1;
	return VAULT_DONE;
}

static enum vault_outcome
on_status(struct keeper *k, const struct vault_message *ask UNUSED, uint8_t *text, size_t *len)
{
	const struct quota_limits *limits = quota_limits(k->quota);
	const int64_t now = clock_now();
	size_t houses, keys;

	put_u32(text, quota_used(k->quota, now, QUOTA_DESK));
	put_u32(text + 4, limits->desk);
	put_u32(text + 8, quota_used(k->quota, now, QUOTA_OWN));
	put_u32(text + 12, limits->own);
	put_u32(text + 16, k->refused);
	vaultring_count(k->ring, &houses, &keys);
	put_u32(text + 20, (uint32_t)houses);
	put_u32(text + 24, (uint32_t)keys);
	*len = 28;
	return VAULT_DONE;
}

/* ---- opening the store, and giving up everything else ---- */

/* The last moment at which this process can reach anything but its own directory, the store and the keyring.
 */
static enum rc
confine(const struct keeper *k, struct fault *f)
{
	const struct vault_options *o = k->options;
	const bool has_token = rootkey_is_in_token(k->root);
	char store_data[PATH], store_lock[PATH], keyring_dir[PATH];
	struct confine_path rows[4 + TOKEN_PATHS] = {
		{ o->dir, CONFINE_READ | CONFINE_WRITE | CONFINE_REPLACE }, { store_data, CONFINE_READ },
		{ store_lock, CONFINE_READ | CONFINE_WRITE },
		{ keyring_dir, CONFINE_READ }, /* the file is replaced by rename when keys are added */
	};
	const struct confine_vault vault = { .profile = has_token ? CONFINE_VAULT_HSM : CONFINE_VAULT,
		.mode = o->must_confine ? CONFINE_REQUIRE : CONFINE_TRY,
		.user = o->user,
		.rows = rows,
		.count = COUNT_OF(rows) };
	char *slash;

	for (unsigned i = 0; i < TOKEN_PATHS && rootkey_path(k->root, i) != NULL; i++)
		rows[4 + i] = (struct confine_path){ rootkey_path(k->root, i),
			CONFINE_READ | CONFINE_WRITE | CONFINE_REPLACE };
	if (!path_join(store_data, sizeof(store_data), o->store, "data.mdb") ||
	    !path_join(store_lock, sizeof(store_lock), o->store, "lock.mdb") ||
	    !str_copy(keyring_dir, sizeof(keyring_dir), o->keyring))
		return fault_set(f, RC_INVALID, MSG_STORE_OPEN, NULL, 0, "path");
	if ((slash = strrchr(keyring_dir, '/')) != NULL)
		*slash = '\0';
	return confine_vault(&vault, f);
}

/* Not before the store's lock is the service's: until then the file is whose that is, and this may write it.
 */
static enum rc
open_quota(struct keeper *k, struct fault *f)
{
	char path[PATH];

	if (!path_join(path, sizeof(path), k->options->dir, "quota"))
		return fault_set(f, RC_INVALID, MSG_FILE_READ, NULL, 0, "quota");
	return quota_open(path, k->ring, &k->limits, clock_now(), &k->quota, f);
}

static enum vault_outcome
on_open(struct keeper *k, const struct vault_message *ask UNUSED, uint8_t *text UNUSED, size_t *len UNUSED)
{
	const struct store_options options = {
		.engine = &engine_lmdb, .path = k->options->store, .keyring = k->keyring
	};
	struct fault f = { .count = 0 };
	char why[160];
	enum rc rc;

	if (k->store != NULL)
		return refuse(k, GROUND_NOT_NOW);
	k->is_shared = engine_of(k->options->store) == &engine_postgresql;
	/* the ring was read before the lock: who had that until now may have made or destroyed keys since */
	if ((rc = vaultring_reload(k->ring, &f)) == RC_OK)
		rc = store_open_reader(&options, &k->store, &f);
	if (rc == RC_OK)
		rc = confine(k, &f);
	if (rc == RC_OK)
		rc = open_quota(k, &f);
	if (rc == RC_OK)
		return VAULT_DONE;
	store_close(k->store); /* what is not confined must not answer */
	k->store = NULL;
	log_world("vault_unopened", "what=%s", fault_text(&f.item[0], LANG_EN, why, sizeof(why)));
	return VAULT_FAILED;
}

static const struct {
	answer_fn *fn;
	bool is_offline; /* answered only to a program that has the registry to itself */
} answers[VAULT_KIND_COUNT] = {
	[VAULT_OPEN] = { on_open, false },
	[VAULT_SEAL] = { on_seal, false },
	[VAULT_UNSEAL] = { on_unseal, false },
	[VAULT_DESTROY] = { on_destroy, false },
	[VAULT_REWRAP] = { on_rewrap, false },
	[VAULT_VERIFY] = { on_verify, true },
	[VAULT_MATCH] = { on_match, true },
	[VAULT_STATUS] = { on_status, false },
	[VAULT_RENEW] = { on_renew, false },
	[VAULT_RESEAL] = { on_reseal, false },
	[VAULT_PRUNE] = { on_prune, false },
};

enum vault_outcome
keeper_answer(struct keeper *k, const struct vault_message *ask, uint8_t *text, size_t *len)
{
	enum rc rc;

	if (k->store == NULL && ask->kind != VAULT_OPEN)
		return refuse(k, GROUND_NOT_NOW);
	if (answers[ask->kind].is_offline && !k->options->is_offline)
		return refuse(k, GROUND_NOT_THEIR_RIGHT);
	/* A day's key may be new, and records under it.  And before the store is open a node whose keeping
	 * another took over has given up the keys that it never published. */
	rc = k->store == NULL ? keyring_reload_first(k->keyring, NULL) : keyring_reload(k->keyring, NULL);
	if (rc != RC_OK)
		log_world("vault_keyring",
		    "the file cannot be taken over: what is sealed under new keys does not open");
	return answers[ask->kind].fn(k, ask, text, len);
}
