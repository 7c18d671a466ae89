/* SPDX-License-Identifier: Apache-2.0 */
/* The device's certificate and key, and whom we believe, as OpenSSL wants them. */
#include <openssl/err.h>
#include <openssl/pkcs12.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wire_room.h"

/* Never a prompt: a library does not ask the terminal. */
static int
give_passphrase(char *buf, int size, int is_writing, void *arg)
{
	const char *text = arg;
	const size_t len = text == NULL ? 0 : strlen(text);

	(void)is_writing;
	if (len == 0 || len > (size_t)size)
		return -1;
	memcpy(buf, text, len); /* NOLINT(bugprone-not-null-terminated-result): OpenSSL takes the length */
	return (int)len;
}

static enum menedek_outcome
refuse(struct menedek_problem *problem, const char *what, const char *path)
{
	const char *slash = strrchr(path, '/');

	ERR_clear_error();
	return wire_problem(
	    problem, MENEDEK_FILE, "%s %s cannot be used", what, slash == NULL ? path : slash + 1);
}

static enum menedek_outcome
use_pem(SSL_CTX *context, const struct menedek_options *o, struct menedek_problem *problem)
{
	union {
		const char *given;
		void *taken;
	} passphrase = { .given = o->key_passphrase }; /* OpenSSL's argument has no const */
	bool is_read;

	if (o->certificate == NULL || o->key == NULL)
		return wire_problem(
		    problem, MENEDEK_ARGUMENT, "no certificate and key of this device were named");
	if (SSL_CTX_use_certificate_chain_file(context, o->certificate) != 1)
		return refuse(problem, "the certificate", o->certificate);
	SSL_CTX_set_default_passwd_cb(context, give_passphrase);
	SSL_CTX_set_default_passwd_cb_userdata(context, passphrase.taken);
	is_read = SSL_CTX_use_PrivateKey_file(context, o->key, SSL_FILETYPE_PEM) == 1;
	SSL_CTX_set_default_passwd_cb_userdata(context, NULL);
	if (!is_read || SSL_CTX_check_private_key(context) != 1)
		return refuse(problem, "the key", o->key);
	return MENEDEK_OK;
}

static enum menedek_outcome
use_p12(SSL_CTX *context, const struct menedek_options *o, struct menedek_problem *problem)
{
	FILE *file = fopen(o->p12, "rbe");
	PKCS12 *p12 = file == NULL ? NULL : d2i_PKCS12_fp(file, NULL);
	EVP_PKEY *key = NULL;
	X509 *certificate = NULL;
	bool is_used = p12 != NULL && PKCS12_parse(p12, o->key_passphrase, &key, &certificate, NULL) == 1 &&
	    key != NULL && certificate != NULL && SSL_CTX_use_certificate(context, certificate) == 1 &&
	    SSL_CTX_use_PrivateKey(context, key) == 1;

	EVP_PKEY_free(key);
	X509_free(certificate);
	PKCS12_free(p12);
	if (file != NULL)
		(void)fclose(file);
	return is_used ? MENEDEK_OK : refuse(problem, "with this passphrase the file", o->p12);
}

static enum menedek_outcome
trust(SSL_CTX *context, const char *ca, struct menedek_problem *problem)
{
	SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
	if (ca == NULL && SSL_CTX_set_default_verify_paths(context) == 1)
		return MENEDEK_OK;
	if (ca != NULL && SSL_CTX_load_verify_file(context, ca) == 1)
		return MENEDEK_OK;
	return refuse(problem, "the authority's certificate", ca == NULL ? "of the system" : ca);
}

enum menedek_outcome
wire_identity_new(
    const struct menedek_options *options, struct wire_identity **out, struct menedek_problem *problem)
{
	struct wire_identity *identity = calloc(1, sizeof(*identity));
	enum menedek_outcome outcome;

	*out = NULL;
	if (identity == NULL || (identity->context = SSL_CTX_new(TLS_client_method())) == NULL) {
		free(identity);
		return wire_problem(problem, MENEDEK_MEMORY, "no memory");
	}
	(void)SSL_CTX_set_min_proto_version(identity->context, TLS1_3_VERSION);
	(void)SSL_CTX_set_mode(
	    identity->context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	/* a ticket would keep a device known after its key was taken away from here */
	(void)SSL_CTX_set_options(identity->context, SSL_OP_NO_TICKET);
	outcome = trust(identity->context, options->ca, problem);
	if (outcome == MENEDEK_OK)
		outcome = (options->p12 != NULL ? use_p12 : use_pem)(identity->context, options, problem);
	if (outcome == MENEDEK_OK)
		*out = identity;
	else
		wire_identity_free(identity);
	return outcome;
}

void
wire_identity_free(struct wire_identity *identity)
{
	if (identity == NULL)
		return;
	SSL_CTX_free(identity->context);
	free(identity);
}

void
wire_identity_watch(struct wire_identity *identity, const atomic_bool *is_over)
{
	identity->is_over = is_over;
}
