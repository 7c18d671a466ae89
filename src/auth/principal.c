/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From certificate and claims to records.  All reads enter the transaction's read set: if a device or a
 * person is revoked while a request is under way, its commit fails and the next run finds out.
 */
#include "auth/auth.h"

#include <string.h>

#include "crypto/digest.h"

static enum rc
absent_is(enum rc rc, enum rc instead)
{
	return rc == RC_NOT_FOUND ? instead : rc;
}

static enum rc
read_by_id(struct txn *t, enum kind kind, const struct id *id, void *out)
{
	const struct key key = record_key(kind, id);

	return record_get(t, kind, &key, out);
}

/* ---- device ---- */

static bool
is_enrolled(const struct device *device, const uint8_t fingerprint[CERT_FINGERPRINT], int64_t now)
{
	return device->revoked_at == 0 && device->not_after > now &&
	    bytes_equal(BYTES_OF(device->fingerprint), (struct bytes){ fingerprint, CERT_FINGERPRINT });
}

static enum rc
read_device(struct txn *t, const uint8_t fingerprint[CERT_FINGERPRINT], int64_t now, struct principal *who)
{
	const struct key key = record_key_bytes(KIND_DEVICE_CERT, fingerprint, CERT_FINGERPRINT);
	struct reference row;
	enum rc rc;

	if ((rc = record_get(t, KIND_DEVICE_CERT, &key, &row)) != RC_OK)
		return rc;
	if ((rc = read_by_id(t, KIND_DEVICE, &row.id, &who->device)) != RC_OK)
		return rc;
	if (!is_enrolled(&who->device, fingerprint, now))
		return RC_DEVICE_REFUSED;
	if ((rc = read_by_id(t, KIND_ORG, &who->device.org, &who->org)) != RC_OK)
		return rc;
	return who->org.retired ? RC_DEVICE_REFUSED : RC_OK;
}

enum rc
principal_device(struct txn *t, const uint8_t fingerprint[32], int64_t now, struct principal *who)
{
	enum rc rc;

	memset(who, 0, sizeof(*who));
	if ((rc = read_device(t, fingerprint, now, who)) != RC_OK)
		memset(who, 0, sizeof(*who));
	return absent_is(rc, RC_DEVICE_REFUSED);
}

/* ---- person ---- */

int64_t
principal_round(const struct user *user)
{
	return (int64_t)user->token_round + 1;
}

/* The time alone does not do: a token may be given while what voids it is under way, later by the clock, from
 * the record as it was.  An outside issuer's knows no round.  A time that no token may have yet was written
 * by a clock that ran ahead: by it the person could be given none that counts until it has come, so the round
 * alone decides until then. */
static bool
is_void(const struct user *user, const struct claims *claims, int64_t now)
{
	const bool has_time = claims->round == 0 || user->tokens_from <= now + LIMIT_TOKEN_SKEW;

	if (!id_is_zero(&user->kept_token) && id_equal(&user->kept_token, &claims->jti))
		return false;
	return (has_time && claims->issued_at < user->tokens_from) ||
	    (claims->round != 0 && claims->round != principal_round(user));
}

static bool
is_welcome(const struct user *user, const struct claims *claims, int64_t now, const struct principal *who)
{
	return !user->retired && id_equal(&user->org, &who->org.id) && !is_void(user, claims, now);
}

static enum rc
check_signed_out(struct txn *t, const struct claims *claims)
{
	struct revoked_token row;
	const enum rc rc = read_by_id(t, KIND_REVOKED_TOKEN, &claims->jti, &row);

	if (rc == RC_OK)
		return RC_BAD_TOKEN;
	return absent_is(rc, RC_OK);
}

/* Whom the token means: our own tokens say it by id and name their device too, an outside issuer's by name.
 */
static enum rc
read_user(struct txn *t, const struct claims *claims, const struct id *device, struct user *out)
{
	struct reference row = { .id = claims->user };
	struct key key;
	enum rc rc;

	if (!claims->is_outside && !id_equal(&claims->device, device))
		return RC_BAD_TOKEN;
	if (claims->is_outside) {
		key = record_key_bytes(KIND_USER_NAME, claims->name_mac, sizeof(claims->name_mac));
		if ((rc = record_get(t, KIND_USER_NAME, &key, &row)) != RC_OK)
			return absent_is(rc, RC_BAD_TOKEN);
	}
	return absent_is(read_by_id(t, KIND_USER, &row.id, out), RC_BAD_TOKEN);
}

enum rc
principal_person(struct txn *t, const struct claims *claims, int64_t now, struct principal *who)
{
	struct user user;
	enum rc rc;

	memset(&who->user, 0, sizeof(who->user));
	memset(&who->claims, 0, sizeof(who->claims));
	who->roles = 0;
	if (claims->expires_at <= now)
		return RC_BAD_TOKEN;
	if ((rc = read_user(t, claims, &who->device.id, &user)) != RC_OK)
		return rc;
	if (!is_welcome(&user, claims, now, who))
		return RC_BAD_TOKEN;
	if ((rc = check_signed_out(t, claims)) != RC_OK)
		return rc;
	who->user = user;
	who->claims = *claims;
	who->claims.user = user.id;
	who->claims.device = who->device.id;
	who->roles = user.roles;
	return RC_OK;
}

bool
principal_has_shelter(const struct principal *who, const struct id *shelter)
{
	for (unsigned i = 0; i < who->user.shelter_count && i < USER_SHELTERS; i++)
		if (id_equal(&who->user.shelters[i], shelter))
			return true;
	return false;
}

enum rc
user_name_secret(const struct keyring *ring, uint8_t out[DIGEST_BYTES])
{
	return keyring_derive(ring, "user-name", out);
}

void
user_name_mac(const uint8_t secret[DIGEST_BYTES], const char *name, uint8_t out[DIGEST_BYTES])
{
	digest_hmac((struct bytes){ secret, DIGEST_BYTES }, bytes_str(name), out);
}

enum rc
user_name_key(const struct keyring *ring, const char *name, struct key *out)
{
	uint8_t secret[DIGEST_BYTES], mac[DIGEST_BYTES];
	enum rc rc;

	if ((rc = user_name_secret(ring, secret)) != RC_OK)
		return rc;
	user_name_mac(secret, name, mac);
	wipe(secret, sizeof(secret));
	*out = record_key_bytes(KIND_USER_NAME, mac, sizeof(mac));
	return RC_OK;
}
