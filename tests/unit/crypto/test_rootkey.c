/* SPDX-License-Identifier: Apache-2.0 */
/* A root key in memory and one in a token do the same; the token's never leaves it. */
#include "token.h"

#include <pthread.h>
#include <sys/stat.h>
#include <unistd.h>

#include "crypto/rootkey.h"
#include "crypto/vaultring.h"

#define TEXT   "Fictional street 1"
#define SEALED (sizeof(TEXT) - 1 + VAULT_OVERHEAD)

TestSuite(rootkey, .init = token_init, .fini = token_fini);

static const char *
path_of(const char *name)
{
	static char path[160];

	(void)snprintf(path, sizeof(path), "%s/%s", token_dir, name);
	return path;
}

static enum rc
load(struct rootkey **out)
{
	struct fault f = { 0 };

	return rootkey_load(path_of("location.root"), out, &f);
}

static struct rootkey *
must_load(void)
{
	struct rootkey *key;

	cr_assert_eq(load(&key), RC_OK);
	return key;
}

static struct rootkey *
in_memory(void)
{
	struct secret *bytes = secret_new(AEAD_KEY);
	struct rootkey *key;
	struct fault f = { 0 };

	memset(secret_bytes(bytes), 7, AEAD_KEY);
	cr_assert_eq(rootkey_new(bytes, &key, &f), RC_OK);
	secret_free(bytes);
	return key;
}

/* What either kind promises. */
static void
assert_seals(struct rootkey *key)
{
	uint8_t nonce[AEAD_NONCE], sealed[32 + AEAD_TAG], again[32 + AEAD_TAG], plain[32], text[32] = { 9 };
	uint8_t none[1];

	cr_assert_eq(rootkey_seal(key, bytes_str("bound"), BYTES_OF(text), nonce, again), RC_OK);
	cr_assert_eq(rootkey_seal(key, bytes_str("bound"), BYTES_OF(text), nonce, sealed), RC_OK);
	cr_assert_arr_neq(sealed, again, sizeof(sealed), "a nonce was used twice");
	cr_assert_eq(rootkey_open(key, nonce, bytes_str("bound"), BYTES_OF(sealed), plain), RC_OK);
	cr_assert_arr_eq(plain, text, sizeof(text));
	cr_assert_eq(rootkey_open(key, nonce, bytes_str("bounds"), BYTES_OF(sealed), plain), RC_CORRUPT);
	for (size_t i = 0; i < sizeof(sealed); i++) {
		sealed[i] ^= 1;
		cr_assert_eq(rootkey_open(key, nonce, bytes_str("bound"), BYTES_OF(sealed), plain),
		    RC_CORRUPT, "byte %zu", i);
		sealed[i] ^= 1;
	}
	cr_assert_eq(
	    rootkey_open(key, nonce, bytes_str("bound"), (struct bytes){ sealed, 15 }, plain), RC_CORRUPT);
	/* no text at all: how a file is sealed */
	cr_assert_eq(
	    rootkey_seal(key, bytes_str("bound"), (struct bytes){ sealed, 0 }, nonce, sealed), RC_OK);
	cr_assert_eq(
	    rootkey_open(key, nonce, bytes_str("bound"), (struct bytes){ sealed, AEAD_TAG }, none), RC_OK);
	cr_assert_eq(rootkey_open(key, nonce, bytes_str("bounds"), (struct bytes){ sealed, AEAD_TAG }, none),
	    RC_CORRUPT);
}

Test(rootkey, a_key_in_memory_seals_and_opens)
{
	struct rootkey *key = in_memory();

	cr_assert_not(rootkey_is_in_token(key));
	assert_seals(key);
	rootkey_free(key);
}

Test(rootkey, a_key_in_a_token_seals_and_opens_and_survives_a_wrong_text)
{
	struct rootkey *key = must_load();

	cr_assert(rootkey_is_in_token(key));
	assert_seals(key);
	assert_seals(key);
	rootkey_free(key);
}

Test(rootkey, after_the_token_is_closed_our_own_cipher_still_works)
{
	struct rootkey *key = must_load();

	rootkey_free(key);
	key = in_memory();
	assert_seals(key);
	rootkey_free(key);
	key = must_load();
	assert_seals(key);
	rootkey_free(key);
}

static enum rc
unseal(struct rootkey *root, const struct id *house, struct bytes sealed)
{
	struct vaultring *ring;
	struct fault f = { 0 };
	uint8_t plain[SEALED];
	size_t len;
	enum rc rc = vaultring_open(path_of("ring"), root, &ring, &f);

	if (rc != RC_OK)
		return rc;
	rc = vaultring_unseal(ring, house, sealed, plain, &len);
	cr_assert(rc != RC_OK || bytes_equal((struct bytes){ plain, len }, bytes_str(TEXT)));
	vaultring_free(ring);
	return rc;
}

static void
seal(struct rootkey *root, const struct id *house, uint8_t sealed[SEALED])
{
	struct vaultring *ring;
	struct fault f = { 0 };

	cr_assert_eq(vaultring_create(path_of("ring"), root, &f), RC_OK);
	cr_assert_eq(vaultring_open(path_of("ring"), root, &ring, &f), RC_OK);
	cr_assert_eq(vaultring_seal(ring, house, bytes_str(TEXT), sealed), RC_OK);
	vaultring_free(ring);
}

Test(rootkey, locations_under_a_token_open_with_it_and_with_nothing_else)
{
	const struct id house = id_new();
	struct rootkey *token = must_load(), *memory = in_memory(), *other;
	uint8_t sealed[SEALED];

	seal(token, &house, sealed);
	cr_assert_eq(unseal(token, &house, BYTES_OF(sealed)), RC_OK);
	cr_assert_eq(unseal(memory, &house, BYTES_OF(sealed)), RC_CORRUPT);
	rootkey_free(token);
	token_new();
	cr_assert_eq(load(&other), RC_UNAVAILABLE, "a token without the key");
	token_key("location", "--key-type AES:32 --sensitive");
	other = must_load();
	cr_assert_eq(unseal(other, &house, BYTES_OF(sealed)), RC_CORRUPT, "a key of the same name");
	rootkey_free(other);
	token_shell("rm -rf '%s/tokens'; mkdir '%s/tokens'", token_dir, token_dir);
	cr_assert_eq(load(&other), RC_UNAVAILABLE, "no token at all");
	rootkey_free(memory);
}

Test(rootkey, a_ring_moves_into_a_token_and_out_again)
{
	const struct id house = id_new();
	struct rootkey *token = must_load(), *memory = in_memory();
	struct vaultring *ring;
	struct fault f = { 0 };
	uint8_t sealed[SEALED];

	seal(memory, &house, sealed);
	cr_assert_eq(vaultring_open(path_of("ring"), memory, &ring, &f), RC_OK);
	cr_assert_eq(vaultring_rewrap(ring, token, &f), RC_OK);
	vaultring_free(ring);
	cr_assert_eq(unseal(memory, &house, BYTES_OF(sealed)), RC_CORRUPT);
	cr_assert_eq(unseal(token, &house, BYTES_OF(sealed)), RC_OK);
	cr_assert_eq(vaultring_open(path_of("ring"), token, &ring, &f), RC_OK);
	cr_assert_eq(vaultring_rewrap(ring, memory, &f), RC_OK);
	vaultring_free(ring);
	cr_assert_eq(unseal(memory, &house, BYTES_OF(sealed)), RC_OK);
	rootkey_free(token);
	rootkey_free(memory);
}

Test(rootkey, a_key_that_may_leave_its_token_or_is_too_short_is_refused)
{
	struct rootkey *none;

	token_new();
	token_key("location", "--key-type AES:32 --extractable");
	cr_assert_eq(load(&none), RC_INVALID);
	token_new();
	token_key("location", "--key-type AES:16 --sensitive");
	cr_assert_eq(load(&none), RC_INVALID);
	cr_assert_null(none);
}

Test(rootkey, two_keys_of_the_name_are_one_too_many)
{
	struct rootkey *none;

	token_key("location", "--key-type AES:32 --sensitive");
	cr_assert_eq(load(&none), RC_UNAVAILABLE);
}

Test(rootkey, a_wrong_pin_is_tried_once_and_a_pin_others_may_read_never)
{
	struct rootkey *key;

	token_write("location.pin", "%s", "wrong");
	cr_assert_eq(load(&key), RC_UNAVAILABLE);
	token_write("location.pin", "%s", TOKEN_PIN);
	key = must_load();
	rootkey_free(key);
	cr_assert_eq(chmod(path_of("location.pin"), 0644), 0);
	cr_assert_eq(load(&key), RC_INVALID);
}

Test(rootkey, the_pin_may_stand_where_the_uri_says)
{
	char uri[256];
	struct rootkey *key;

	cr_assert_eq(unlink(path_of("location.pin")), 0);
	cr_assert_neq(load(&key), RC_OK);
	token_write("pin", "%s\n", TOKEN_PIN);
	(void)snprintf(uri, sizeof(uri),
	    "pkcs11:token=menedek;object=location?module-path=" TOKEN_MODULE "&pin-source=file:%s/pin",
	    token_dir);
	token_write("location.pkcs11", "%s", uri);
	key = must_load();
	rootkey_free(key);
}

Test(rootkey, a_root_key_given_twice_is_refused)
{
	struct rootkey *none;

	token_write("location.root", "%s", "0123456789abcdef0123456789abcdef");
	cr_assert_eq(load(&none), RC_STATE_CONFLICT);
	cr_assert_eq(unlink(path_of("location.pkcs11")), 0);
	cr_assert_eq(load(&none), RC_OK);
	rootkey_free(none);
}

Test(rootkey, what_is_no_usable_uri_is_refused)
{
	static const char *const texts[] = { "", "\n", "token=menedek",
		"pkcs11:", "pkcs11:token=menedek;object=location",
		"pkcs11:token=menedek?module-path=" TOKEN_MODULE,
		"pkcs11:token=menedek;object=location?module-path=" TOKEN_MODULE "\nrelative/path",
		"pkcs11:token=menedek;object=location?module-path=" TOKEN_MODULE "\n/1\n/2\n/3\n/4\n/5",
		"pkcs11:token=menedek;object=location;colour=red?module-path=" TOKEN_MODULE,
		"pkcs11:token=%zz;object=location?module-path=" TOKEN_MODULE };
	struct rootkey *none;

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		token_write("location.pkcs11", "%s", texts[i]);
		cr_assert_eq(load(&none), RC_INVALID, "%s", texts[i]);
	}
	token_write("location.pkcs11", "%s", "pkcs11:token=menedek;object=location?module-path=/no/such.so");
	cr_assert_eq(load(&none), RC_UNAVAILABLE);
	token_write(
	    "location.pkcs11", "%s", "pkcs11:token=another;object=location?module-path=" TOKEN_MODULE);
	cr_assert_eq(load(&none), RC_UNAVAILABLE);
}

Test(rootkey, what_the_module_needs_after_the_start_is_told)
{
	struct rootkey *key;

	token_write("location.pkcs11",
	    "pkcs11:token=menedek;object=location?module-path=" TOKEN_MODULE
	    "\n# its tokens\n%s/tokens\n\n/dev/null\n",
	    token_dir);
	key = must_load();
	cr_assert_str_eq(rootkey_path(key, 0), path_of("tokens"));
	cr_assert_str_eq(rootkey_path(key, 1), "/dev/null");
	cr_assert_null(rootkey_path(key, 2));
	rootkey_free(key);
}

static void *
seal_often(void *arg)
{
	for (int i = 0; i < 20; i++)
		assert_seals(arg);
	return NULL;
}

Test(rootkey, two_threads_share_one_token)
{
	struct rootkey *key = must_load();
	pthread_t threads[2];

	for (size_t i = 0; i < 2; i++)
		cr_assert_eq(pthread_create(&threads[i], NULL, seal_often, key), 0);
	for (size_t i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	rootkey_free(key);
}
