/* SPDX-License-Identifier: Apache-2.0 */
/* Enrolling, asking for and taking away a second factor. */
#include "service/factor.h"

#include <stdio.h>
#include <string.h>

#include "base/jw.h"
#include "crypto/digest.h"
#include "crypto/passphrase.h"
#include "crypto/totp.h"
#include "service/accounts.h"
#include "service/attempts.h"

#define CODE_CHARS 10u /* of 32: 50 bits, more than anybody guesses behind a lock-out */
#define CODE_TEXT  (CODE_CHARS + 1)
#define URI_CAP    256u

static enum rc
load(struct ctx *c, const struct id *user, struct factor *out)
{
	struct key key = record_key(KIND_FACTOR, user);

	return record_get(c->txn, KIND_FACTOR, &key, out);
}

static enum rc
save(struct ctx *c, const struct id *user, const struct factor *f)
{
	struct key key = record_key(KIND_FACTOR, user);

	ctx_note(c, user, NULL, NULL);
	return record_put(c->txn, KIND_FACTOR, &key, f);
}

/* ---- backup codes ---- */

/* "abcde-fghjk", the same in every run of the transaction */
static void
make_code(struct ctx *c, unsigned n, char out[CODE_TEXT + 1])
{
	static const char alphabet[] = "abcdefghjkmnpqrstuvwxyz23456789x"; /* 32, without i, l, o, 0, 1 */
	uint8_t bytes[DIGEST_BYTES];
	char label[24];

	(void)snprintf(label, sizeof(label), "backup code %u", n);
	digest_hkdf((struct bytes){ ctx_random(c), CTX_RANDOM }, label, bytes);
	for (unsigned i = 0; i < CODE_TEXT; i++)
		out[i] = i == CODE_CHARS / 2 ? '-' : alphabet[bytes[i] & 31];
	out[CODE_TEXT] = '\0';
	wipe(bytes, sizeof(bytes));
}

/* Kept as a keyed digest: who reads the records without the keyring's key has no code. */
static enum rc
code_print(struct ctx *c, const struct id *user, const char *code, uint8_t out[BACKUP_PRINT])
{
	uint8_t secret[DIGEST_BYTES], mac[DIGEST_BYTES], in[ID_BYTES + CODE_TEXT];
	enum rc rc;

	if ((rc = keyring_derive(c->parts->keyring, "backup-code", secret)) != RC_OK)
		return rc;
	memcpy(in, user->b, ID_BYTES);
	memcpy(in + ID_BYTES, code, CODE_TEXT);
	digest_hmac(BYTES_OF(secret), BYTES_OF(in), mac);
	memcpy(out, mac, BACKUP_PRINT);
	wipe(secret, sizeof(secret));
	wipe(in, sizeof(in));
	return RC_OK;
}

static bool
is_spent(const uint8_t print[BACKUP_PRINT])
{
	static const uint8_t zero[BACKUP_PRINT];

	return memcmp(print, zero, BACKUP_PRINT) == 0;
}

static enum rc
make_codes(struct ctx *c, const struct id *user, struct factor *f, struct backup_codes *out)
{
	size_t cap = BACKUP_CODES * (CODE_TEXT + 3) + 3;
	char *text = arena_alloc(c->arena, cap), code[CODE_TEXT + 1];
	struct jw w;
	enum rc rc = RC_OK;

	if (!text)
		return RC_UNAVAILABLE;
	jw_init(&w, text, cap);
	jw_open(&w, '[');
	for (unsigned i = 0; i < BACKUP_CODES && rc == RC_OK; i++) {
		make_code(c, i, code);
		jw_string(&w, code);
		rc = code_print(c, user, code, f->backup + (size_t)i * BACKUP_PRINT);
	}
	jw_close(&w, ']');
	wipe(code, sizeof(code));
	out->backup_codes = (struct bytes){ (const uint8_t *)text, w.len };
	return rc;
}

/* Every print is compared, whichever it is. */
static enum rc
use_backup_code(struct ctx *c, const struct user *u, const char *code, struct factor *f)
{
	uint8_t print[BACKUP_PRINT];
	int found = -1;
	enum rc rc;

	if (strlen(code) != CODE_TEXT)
		return RC_BAD_LOGIN;
	if ((rc = code_print(c, &u->id, code, print)) != RC_OK)
		return rc;
	for (unsigned i = 0; i < BACKUP_CODES; i++)
		if (bytes_equal((struct bytes){ f->backup + (size_t)i * BACKUP_PRINT, BACKUP_PRINT },
			BYTES_OF(print)))
			found = (int)i;
	if (found < 0)
		return RC_BAD_LOGIN;
	memset(f->backup + (size_t)found * BACKUP_PRINT, 0, BACKUP_PRINT);
	return RC_OK;
}

/* ---- proving ---- */

enum rc
factor_prove(struct ctx *c, const struct user *u, const char *code)
{
	struct factor f;
	enum rc rc;

	if ((rc = load(c, &u->id, &f)) != RC_OK)
		return rc == RC_NOT_FOUND ? RC_CORRUPT : rc; /* the person's record says that there is one */
	rc = totp_verify(f.secret, code, c->now, f.last_step, &f.last_step);
	if (rc == RC_BAD_LOGIN)
		rc = use_backup_code(c, u, code, &f);
	if (rc == RC_OK)
		rc = save(c, &u->id, &f);
	wipe(&f, sizeof(f));
	return rc;
}

enum rc
factor_left(struct ctx *c, const struct user *u, uint8_t *out)
{
	struct factor f;
	enum rc rc;

	*out = 0;
	if (!u->second_factor)
		return RC_OK;
	if ((rc = load(c, &u->id, &f)) != RC_OK)
		return rc;
	for (unsigned i = 0; i < BACKUP_CODES; i++)
		*out = (uint8_t)(*out + !is_spent(f.backup + (size_t)i * BACKUP_PRINT));
	wipe(&f, sizeof(f));
	return RC_OK;
}

/* ---- enrolling ---- */

/* otpauth://totp/Menedek:NAME?secret=...&issuer=Menedek; names are [a-z0-9.-], nothing needs escaping */
static enum rc
show(struct ctx *c, const struct factor *f, struct totp_reply *out)
{
	char *text = arena_alloc(c->arena, TOTP_TEXT + 1), *uri = arena_alloc(c->arena, URI_CAP);

	if (!text || !uri)
		return RC_UNAVAILABLE;
	totp_text(f->secret, text);
	(void)snprintf(
	    uri, URI_CAP, "otpauth://totp/Menedek:%s?secret=%s&issuer=Menedek", c->who->user.name, text);
	out->secret = text;
	out->uri = uri;
	return RC_OK;
}

/* The passphrase of the caller's own, behind the lock-out. */
static enum rc
prove_passphrase(struct ctx *c, const char *passphrase, struct attempts_of *tries)
{
	enum rc rc;

	if ((rc = attempts_open(c, c->who->user.name, tries)) != RC_OK)
		return rc;
	if ((rc = passphrase_verify(bytes_str(passphrase), c->who->user.verifier)) == RC_BAD_LOGIN)
		return attempts_wrong(c, tries, RC_BAD_LOGIN, MSG_BAD_LOGIN);
	return rc;
}

enum rc
factor_start(struct ctx *c, const struct totp_new *in, struct totp_reply *out)
{
	struct attempts_of tries;
	struct factor f = { .since = c->now };
	enum rc rc;

	if (c->who->user.second_factor)
		return fault_set(c->fault, RC_STATE_CONFLICT, MSG_FACTOR_THERE, NULL, 0, NULL);
	if ((rc = prove_passphrase(c, in->passphrase, &tries)) != RC_OK || c->refused != RC_OK)
		return rc;
	if ((rc = attempts_right(c, &tries)) != RC_OK)
		return rc;
	memcpy(f.secret, ctx_random(c), TOTP_SECRET);
	if ((rc = save(c, &c->who->user.id, &f)) == RC_OK)
		rc = show(c, &f, out);
	wipe(&f, sizeof(f));
	return rc;
}

enum rc
factor_confirm(struct ctx *c, const struct totp_code_body *in, struct backup_codes *out)
{
	struct user u = c->who->user;
	struct factor f;
	enum rc rc;

	if (u.second_factor)
		return fault_set(c->fault, RC_STATE_CONFLICT, MSG_FACTOR_THERE, NULL, 0, NULL);
	if ((rc = load(c, &u.id, &f)) == RC_NOT_FOUND)
		return fault_set(c->fault, RC_STATE_CONFLICT, MSG_FACTOR_FIRST, NULL, 0, NULL);
	if (rc != RC_OK)
		return rc;
	rc = totp_verify(f.secret, in->code, c->now, f.last_step, &f.last_step);
	if (rc == RC_BAD_LOGIN)
		rc = fault_set(c->fault, RC_INVALID, MSG_CODE_WRONG, "/code", 0, NULL);
	if (rc == RC_OK)
		rc = make_codes(c, &u.id, &f, out);
	if (rc == RC_OK)
		rc = save(c, &u.id, &f);
	wipe(&f, sizeof(f));
	u.second_factor = true;
	user_void_other_tokens(c, &u); /* they were given for the passphrase alone */
	return rc == RC_OK ? user_put(c, &u) : rc;
}

/* ---- going without ---- */

enum rc
factor_forget(struct ctx *c, struct user *u)
{
	struct key key = record_key(KIND_FACTOR, &u->id);

	u->second_factor = false;
	return txn_delete(c->txn, &key);
}

enum rc
factor_remove(struct ctx *c, const struct totp_removal *in)
{
	struct user u = c->who->user;
	struct attempts_of tries;
	enum rc rc;

	if (!u.second_factor)
		return fault_set(c->fault, RC_STATE_CONFLICT, MSG_FACTOR_NONE, NULL, 0, NULL);
	if ((rc = prove_passphrase(c, in->passphrase, &tries)) != RC_OK || c->refused != RC_OK)
		return rc;
	if ((rc = factor_prove(c, &u, in->code)) == RC_BAD_LOGIN)
		return attempts_wrong(c, &tries, RC_CODE_REQUIRED, MSG_CODE_WRONG);
	if (rc == RC_OK)
		rc = attempts_right(c, &tries);
	if (rc == RC_OK)
		rc = factor_forget(c, &u);
	return rc == RC_OK ? user_put(c, &u) : rc;
}
