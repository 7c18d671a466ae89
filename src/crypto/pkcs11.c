/* SPDX-License-Identifier: Apache-2.0 */
/* One session with a token, logged in for as long as the key is open.  The URI is matched by p11-kit. */
#include "crypto/pkcs11.h"

#include <p11-kit/p11-kit.h>
#include <p11-kit/uri.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/id.h"
#include "base/log.h"

#define FILE_CAP  4096u
#define PIN_CAP   256u
#define SLOTS     32u
#define KEY_BYTES 32u
#define TEXT_MAX  128u /* of what is sealed with its tag: wrapped keys only */

struct pkcs11 {
	char *text; /* the file, its lines ended by NUL */
	const char *paths[PKCS11_PATHS];
	const char *name; /* of the file, for sentences */
	P11KitUri *uri;
	CK_FUNCTION_LIST *module;
	bool is_ready;        /* the module was initialised */
	pthread_mutex_t lock; /* a session does one thing at a time */
	CK_SESSION_HANDLE session;
	CK_OBJECT_HANDLE object;
};

/* ---- the file ---- */

static bool
split_lines(struct pkcs11 *key)
{
	char *rest = key->text, *line;
	unsigned n = 0;

	(void)strsep(&rest, "\r\n"); /* the URI */
	while ((line = strsep(&rest, "\r\n")) != NULL) {
		if (*line == '\0' || *line == '#')
			continue;
		if (*line != '/' || n == PKCS11_PATHS)
			return false;
		key->paths[n++] = line;
	}
	return true;
}

static enum rc
read_uri(const char *path, struct pkcs11 *key, struct fault *f)
{
	size_t len = 0;
	enum rc rc;

	key->name = path_name(path);
	if ((rc = file_read(path, FILE_CAP, &key->text, &len, f)) != RC_OK)
		return rc;
	if ((key->uri = p11_kit_uri_new()) == NULL)
		return fault_set(f, RC_UNAVAILABLE, MSG_UNAVAILABLE, NULL, 0, NULL);
	if (strlen(key->text) != len || !split_lines(key) ||
	    p11_kit_uri_parse(key->text, P11_KIT_URI_FOR_ANY, key->uri) != P11_KIT_URI_OK ||
	    p11_kit_uri_any_unrecognized(key->uri) || p11_kit_uri_get_module_path(key->uri) == NULL ||
	    p11_kit_uri_get_attribute(key->uri, CKA_LABEL) == NULL)
		return fault_set(f, RC_INVALID, MSG_TOKEN_URI, NULL, 0, key->name);
	return RC_OK;
}

/* "file:/path" or "/path" in the URI, else the file beside ${path} that ends in .pin. */
static enum rc
read_pin(const char *path, const struct pkcs11 *key, struct secret **out, struct fault *f)
{
	const char *source = p11_kit_uri_get_pin_source(key->uri);
	const char *dot = strrchr(path, '.');
	char beside[512];

	if (source != NULL) {
		if (strncmp(source, "file:", 5) == 0)
			source += 5;
		if (*source != '/')
			return fault_set(f, RC_INVALID, MSG_TOKEN_URI, NULL, 0, key->name);
		return file_read_secret(source, PIN_CAP, out, f);
	}
	if (dot == NULL || (size_t)(dot - path) + sizeof(".pin") > sizeof(beside))
		return fault_set(f, RC_INVALID, MSG_PATH_LONG, NULL, 0, key->name);
	memcpy(beside, path, (size_t)(dot - path));
	memcpy(beside + (dot - path), ".pin", sizeof(".pin"));
	return file_read_secret(beside, PIN_CAP, out, f);
}

/* ---- the token ---- */

static enum rc
load_module(struct pkcs11 *key, struct fault *f)
{
	const char *path = p11_kit_uri_get_module_path(key->uri);

	key->module = p11_kit_module_load(path, 0);
	if (key->module == NULL || p11_kit_module_initialize(key->module) != CKR_OK)
		return fault_set(f, RC_UNAVAILABLE, MSG_TOKEN_MODULE, NULL, 0, key->name);
	key->is_ready = true;
	return RC_OK;
}

/* The one slot whose token fits the URI. */
static enum rc
find_slot(struct pkcs11 *key, CK_SLOT_ID *out, struct fault *f)
{
	CK_SLOT_ID slots[SLOTS];
	CK_ULONG count = SLOTS;
	unsigned found = 0;

	if (key->module->C_GetSlotList(CK_TRUE, slots, &count) != CKR_OK)
		count = 0;
	for (CK_ULONG i = 0; i < count; i++) {
		CK_TOKEN_INFO info;

		if (key->module->C_GetTokenInfo(slots[i], &info) != CKR_OK ||
		    (info.flags & CKF_TOKEN_INITIALIZED) == 0 ||
		    p11_kit_uri_match_token_info(key->uri, &info) != 1)
			continue;
		*out = slots[i];
		found++;
	}
	return found == 1 ? RC_OK : fault_set(f, RC_UNAVAILABLE, MSG_TOKEN_MISSING, NULL, 0, key->name);
}

static enum rc
log_in(const char *path, struct pkcs11 *key, CK_SLOT_ID slot, struct fault *f)
{
	struct secret *pin = NULL;
	size_t len;
	CK_RV rv;
	enum rc rc;

	if ((rc = read_pin(path, key, &pin, f)) != RC_OK)
		return rc;
	for (len = secret_len(pin); len > 0 && secret_view(pin)[len - 1] <= ' '; len--)
		; /* the end of the line */
	rv = key->module->C_OpenSession(slot, CKF_SERIAL_SESSION, NULL, NULL, &key->session);
	if (rv == CKR_OK) {
		rv = key->module->C_Login(key->session, CKU_USER, secret_bytes(pin), len);
		if (rv == CKR_USER_ALREADY_LOGGED_IN)
			rv = CKR_OK;
	}
	secret_free(pin);
	if (rv == CKR_OK)
		return RC_OK;
	log_world("token_login", "rv=0x%lx", rv);
	return fault_set(f, RC_UNAVAILABLE, MSG_TOKEN_PIN, NULL, 0, key->name);
}

/* ---- the key ---- */

/* A root key is worth what its weakest property is: it must have been born to stay inside. */
static bool
is_fit(const struct pkcs11 *key, CK_OBJECT_HANDLE object)
{
	CK_BBOOL sensitive = CK_FALSE, extractable = CK_TRUE, encrypt = CK_FALSE, decrypt = CK_FALSE;
	CK_ULONG len = 0;
	CK_ATTRIBUTE wanted[] = {
		{ CKA_SENSITIVE, &sensitive, sizeof(sensitive) },
		{ CKA_EXTRACTABLE, &extractable, sizeof(extractable) },
		{ CKA_ENCRYPT, &encrypt, sizeof(encrypt) },
		{ CKA_DECRYPT, &decrypt, sizeof(decrypt) },
		{ CKA_VALUE_LEN, &len, sizeof(len) },
	};

	return key->module->C_GetAttributeValue(
		   key->session, object, wanted, sizeof(wanted) / sizeof(wanted[0])) == CKR_OK &&
	    sensitive == CK_TRUE && extractable == CK_FALSE && encrypt == CK_TRUE && decrypt == CK_TRUE &&
	    len == KEY_BYTES;
}

static enum rc
find_key(struct pkcs11 *key, struct fault *f)
{
	CK_OBJECT_CLASS class = CKO_SECRET_KEY;
	CK_KEY_TYPE type = CKK_AES;
	CK_ATTRIBUTE wanted[4] = {
		{ CKA_CLASS, &class, sizeof(class) },
		{ CKA_KEY_TYPE, &type, sizeof(type) },
		*p11_kit_uri_get_attribute(key->uri, CKA_LABEL),
	};
	const CK_ATTRIBUTE *id = p11_kit_uri_get_attribute(key->uri, CKA_ID);
	CK_OBJECT_HANDLE found[2];
	CK_ULONG count = 0, given = 3;

	if (id != NULL)
		wanted[given++] = *id;
	if (key->module->C_FindObjectsInit(key->session, wanted, given) != CKR_OK)
		return fault_set(f, RC_UNAVAILABLE, MSG_TOKEN_KEY, NULL, 0, key->name);
	if (key->module->C_FindObjects(key->session, found, 2, &count) != CKR_OK)
		count = 0;
	(void)key->module->C_FindObjectsFinal(key->session);
	if (count != 1)
		return fault_set(f, RC_UNAVAILABLE, MSG_TOKEN_KEY, NULL, 0, key->name);
	if (!is_fit(key, found[0]))
		return fault_set(f, RC_INVALID, MSG_TOKEN_KEY, NULL, 0, key->name);
	key->object = found[0];
	return RC_OK;
}

enum rc
pkcs11_open(const char *path, struct pkcs11 **out, struct fault *f)
{
	struct pkcs11 *key = calloc(1, sizeof(*key));
	CK_SLOT_ID slot = 0;
	enum rc rc;

	*out = NULL;
	if (key == NULL || pthread_mutex_init(&key->lock, NULL) != 0) {
		free(key);
		return fault_set(f, RC_UNAVAILABLE, MSG_UNAVAILABLE, NULL, 0, NULL);
	}
	if ((rc = read_uri(path, key, f)) != RC_OK)
		goto out;
	if ((rc = load_module(key, f)) != RC_OK)
		goto out;
	if ((rc = find_slot(key, &slot, f)) != RC_OK)
		goto out;
	if ((rc = log_in(path, key, slot, f)) != RC_OK)
		goto out;
	if ((rc = find_key(key, f)) != RC_OK)
		goto out;
	key->name = NULL; /* was the caller's */
	*out = key;
	key = NULL;
out:
	pkcs11_close(key);
	return rc;
}

void
pkcs11_close(struct pkcs11 *key)
{
	if (key == NULL)
		return;
	if (key->session != 0)
		(void)key->module->C_CloseSession(key->session);
	if (key->is_ready)
		(void)p11_kit_module_finalize(key->module);
	if (key->module != NULL)
		p11_kit_module_release(key->module);
	if (key->uri != NULL)
		p11_kit_uri_free(key->uri);
	pthread_mutex_destroy(&key->lock);
	free(key->text);
	free(key);
}

const char *
pkcs11_path(const struct pkcs11 *key, unsigned i)
{
	return i < PKCS11_PATHS ? key->paths[i] : NULL;
}

/* ---- sealing ---- */

/* What a token answers to a tag that is wrong; anything else is the token's own trouble. */
static bool
is_refusal(CK_RV rv)
{
	static const CK_RV refusals[] = { CKR_ENCRYPTED_DATA_INVALID, CKR_ENCRYPTED_DATA_LEN_RANGE,
		CKR_DATA_INVALID, CKR_SIGNATURE_INVALID, CKR_GENERAL_ERROR, CKR_FUNCTION_FAILED };

	for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++)
		if (rv == refusals[i])
			return true;
	return false;
}

typedef CK_RV init_fn(CK_SESSION_HANDLE, CK_MECHANISM *, CK_OBJECT_HANDLE);
typedef CK_RV run_fn(CK_SESSION_HANDLE, unsigned char *, CK_ULONG, unsigned char *, CK_ULONG *);

/* PKCS#11 takes pointers to what it only reads, so it gets copies; they are of wrapped keys' size. */
static enum rc
run(struct pkcs11 *key, init_fn *init, run_fn *fn, const uint8_t nonce[AEAD_NONCE], struct bytes bound,
    struct bytes in, uint8_t *out, size_t out_len)
{
	uint8_t iv[AEAD_NONCE], aad[TEXT_MAX], text[TEXT_MAX], got[TEXT_MAX];
	CK_GCM_PARAMS gcm = { iv, sizeof(iv), sizeof(iv) * 8, aad, bound.len, AEAD_TAG * 8 };
	CK_MECHANISM mechanism = { CKM_AES_GCM, &gcm, sizeof(gcm) };
	CK_ULONG len = sizeof(got);
	enum rc rc = RC_OK;
	CK_RV rv;

	if (bound.len > sizeof(aad) || in.len > sizeof(text) || out_len > sizeof(got))
		return RC_TOO_BIG;
	memcpy(iv, nonce, sizeof(iv));
	if (bound.len > 0)
		memcpy(aad, bound.p, bound.len);
	if (in.len > 0)
		memcpy(text, in.p, in.len);
	pthread_mutex_lock(&key->lock);
	if ((rv = init(key->session, &mechanism, key->object)) == CKR_OK)
		rv = fn(key->session, text, in.len, got, &len);
	pthread_mutex_unlock(&key->lock);
	if (rv != CKR_OK || len != out_len) {
		rc = rv != CKR_OK && is_refusal(rv) ? RC_CORRUPT : RC_UNAVAILABLE;
		log_world("token", "rv=0x%lx len=%lu", rv, len);
	} else if (out_len > 0) {
		memcpy(out, got, out_len);
	}
	wipe(got, sizeof(got));
	wipe(text, sizeof(text));
	return rc;
}

enum rc
pkcs11_seal(
    struct pkcs11 *key, struct bytes bound, struct bytes plain, uint8_t nonce[AEAD_NONCE], uint8_t *out)
{
	random_fill(nonce, AEAD_NONCE);
	return run(key, key->module->C_EncryptInit, key->module->C_Encrypt, nonce, bound, plain, out,
	    plain.len + AEAD_TAG);
}

enum rc
pkcs11_unseal(struct pkcs11 *key, const uint8_t nonce[AEAD_NONCE], struct bytes bound, struct bytes sealed,
    uint8_t *out)
{
	if (sealed.len < AEAD_TAG)
		return RC_CORRUPT;
	return run(key, key->module->C_DecryptInit, key->module->C_Decrypt, nonce, bound, sealed, out,
	    sealed.len - AEAD_TAG);
}
