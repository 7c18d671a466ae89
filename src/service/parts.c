/* SPDX-License-Identifier: Apache-2.0 */
/* Opens what a registry consists of, bottom up, and closes it top down.  Knows where files lie, nothing of
 * what is in them. */
#include "service/parts.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "crypto/totp.h"
#include "service/duty_watch.h"
#include "service/sheets.h"
#include "store/database.h"

#define ROOT_KEY   32u
#define HOST_FILE  256u
#define RULES_FILE (64u * 1024)

struct place {
	size_t offset;
	const char *name;
	bool in_keys;
};

#define PLACE(member, name, in_keys)                          \
	{                                                     \
		offsetof(struct paths, member), name, in_keys \
	}

static const struct place places[] = {
	PLACE(store, "store", false),
	PLACE(keyring, "keyring/ring", false),
	PLACE(vault, "vault", false),
	PLACE(record_root, "record.root", true),
	PLACE(location_root, "location.root", true),
	PLACE(token_key, "token.key", true),
	PLACE(ca_cert, "ca.crt", false),
	PLACE(ca_key, "ca.key", true),
	PLACE(server_cert, "tls/server.crt", true),
	PLACE(server_key, "tls/server.key", true),
	PLACE(audit_key, "audit.key", true),
	PLACE(audit_pub, "audit.pub", false),
	PLACE(host, "host", false),
	PLACE(terms, "terms.csv", false),
	PLACE(breadth, "breadth.csv", false),
	PLACE(retention, "retention.csv", false),
	PLACE(control, "control.sock", false),
};

bool
paths_of(struct paths *p, const char *dir, const char *keys)
{
	char in_dir[sizeof(p->dir)];

	memset(p, 0, sizeof(*p));
	if (!str_copy(p->dir, sizeof(p->dir), dir))
		return false;
	if (keys == NULL) {
		if (!path_join(in_dir, sizeof(in_dir), dir, "keys"))
			return false;
		keys = in_dir;
	}
	for (unsigned i = 0; i < COUNT_OF(places); i++) {
		char *to = (char *)p + places[i].offset;
		if (!path_join(to, sizeof(p->dir), places[i].in_keys ? keys : dir, places[i].name))
			return false;
	}
	return true;
}

bool
paths_use_tls(struct paths *p, const char *dir)
{
	return path_join(p->server_cert, sizeof(p->server_cert), dir, "server.crt") &&
	    path_join(p->server_key, sizeof(p->server_key), dir, "server.key");
}

enum rc
parts_read_root(const char *path, struct secret **out, struct fault *f)
{
	enum rc rc = file_read_secret(path, ROOT_KEY, out, f);

	if (rc != RC_OK || secret_len(*out) == ROOT_KEY)
		return rc;
	secret_free(*out);
	*out = NULL;
	return fault_set(f, RC_CORRUPT, MSG_KEY_LENGTH, NULL, ROOT_KEY, path_name(path));
}

static enum rc
open_keyring(struct parts *p, struct fault *f)
{
	struct secret *root = NULL;
	enum rc rc = parts_read_root(p->paths.record_root, &root, f);

	if (rc == RC_OK)
		rc = keyring_open(p->paths.keyring, root, &p->keyring, f);
	secret_free(root);
	if (rc == RC_OK)
		rc = keyring_derive(p->keyring, "etag", p->etag_key);
	if (rc == RC_OK)
		rc = keyring_derive(p->keyring, "cursor", p->cursor_key);
	return rc;
}

/* Before anything else: what this process does not have yet, the vault's process does not inherit. */
static enum rc
start_vault(struct parts *p, const struct parts_wish *wish, struct fault *f)
{
	const struct vault_options options = { .dir = p->paths.vault,
		.store = p->paths.store,
		.keyring = p->paths.keyring,
		.record_root = p->paths.record_root,
		.location_root = p->paths.location_root,
		.user = wish->vault_user,
		.must_confine = wish->must_confine,
		.is_offline = wish->extent != PARTS_ALL };

	return wish->extent == PARTS_RECORDS ? RC_OK : vault_start(&options, &p->vault, f);
}

enum rc
parts_read_pem(const char *path, bool is_private, struct pem *out, struct fault *f)
{
	struct secret *raw = NULL;
	char *text = NULL;
	size_t len = 0;
	enum rc rc;

	memset(out, 0, sizeof(*out));
	if (!is_private) {
		if ((rc = file_read(path, sizeof(out->text) - 1, &text, &len, f)) == RC_OK)
			memcpy(out->text, text, len);
		free(text);
		return rc;
	}
	if ((rc = file_read_secret(path, sizeof(out->text) - 1, &raw, f)) == RC_OK)
		memcpy(out->text, secret_view(raw), secret_len(raw));
	secret_free(raw);
	return rc;
}

/* The registry's own name, malloc'd. */
static enum rc
read_host(const struct parts *p, char **host, struct fault *f)
{
	size_t len = 0;
	enum rc rc = file_read(p->paths.host, HOST_FILE, host, &len, f);

	if (rc == RC_OK)
		(*host)[strcspn(*host, "\r\n")] = '\0';
	return rc;
}

enum rc
parts_open_signer(struct parts *p, struct fault *f)
{
	struct pem key = { 0 };
	char *host = NULL;
	enum rc rc;

	if ((rc = read_host(p, &host, f)) != RC_OK)
		return rc;
	if ((rc = parts_read_pem(p->paths.audit_key, true, &key, f)) == RC_OK &&
	    (rc = signing_load(&key, true, &p->audit_key)) != RC_OK)
		rc = fault_set(f, rc, MSG_AUDIT_KEY, NULL, 0, "audit.key");
	if (rc == RC_OK && (rc = signer_init(&p->signer, host, p->audit_key)) != RC_OK)
		rc = fault_set(f, rc, MSG_AUDIT_ORIGIN, NULL, 0, host);
	wipe(&key, sizeof(key));
	free(host);
	return rc;
}

enum rc
parts_open_notary(struct parts *p, const struct notary_options *options, struct fault *f)
{
	return notary_open(&p->signer, options, &p->notary, f);
}

enum rc
parts_start_notary(struct parts *p, struct fault *f)
{
	enum rc rc = notary_start(p->notary, p->store, f);

	return rc == RC_OK ? inspector_start(p->store, &p->signer, &p->inspector, f) : rc;
}

static enum rc
open_auth(struct parts *p, struct fault *f)
{
	struct pem key = { 0 };
	char *host = NULL;
	enum rc rc;

	if ((rc = read_host(p, &host, f)) != RC_OK)
		return rc;
	if ((rc = parts_read_pem(p->paths.token_key, true, &key, f)) == RC_OK)
		rc = auth_new(&key, host, &p->auth, f);
	wipe(&key, sizeof(key));
	free(host);
	return rc;
}

static enum rc
read_own_terms(struct parts *p, struct bytes text, struct fault *f)
{
	return terms_read(text, &p->terms, f);
}

static enum rc
read_own_retention(struct parts *p, struct bytes text, struct fault *f)
{
	return schedule_read(text, &p->schedule, f);
}

static enum rc
read_own_breadth(struct parts *p, struct bytes text, struct fault *f)
{
	return breadth_read(text, &p->breadth_rules, f);
}

static enum rc
read_own(struct parts *p, const char *path, enum rc (*read)(struct parts *, struct bytes, struct fault *),
    struct fault *f)
{
	char *text = NULL;
	size_t len = 0;
	enum rc rc;

	if (!file_exists(path))
		return RC_OK;
	if ((rc = file_read(path, RULES_FILE, &text, &len, f)) == RC_OK)
		rc = read(p, (struct bytes){ (const uint8_t *)text, len }, f);
	free(text);
	return rc;
}

enum rc
parts_open_issuer(struct parts *p, const struct issuer_options *options, struct fault *f)
{
	return issuer_new(options, p->keyring, &p->issuer, f);
}

/* Rules are dated configuration: a registry may carry its own tables (DOMAIN 2, 5). */
static enum rc
read_rules(struct parts *p, struct fault *f)
{
	enum rc rc;

	terms_default(&p->terms);
	breadth_default(&p->breadth_rules);
	schedule_default(&p->schedule);
	if ((rc = read_own(p, p->paths.terms, read_own_terms, f)) != RC_OK)
		return rc;
	if ((rc = read_own(p, p->paths.retention, read_own_retention, f)) != RC_OK)
		return rc;
	return read_own(p, p->paths.breadth, read_own_breadth, f);
}

/* What follows the commits must be there before the first one. */
static enum rc
open_followers(struct parts *p, struct fault *f)
{
	enum rc rc;

	if ((rc = trust_new(p->store, &p->trust, f)) != RC_OK)
		return rc;
	if ((rc = index_new(p->store, &p->index, f)) != RC_OK)
		return rc;
	if ((rc = feed_new(p->store, &p->feed, f)) != RC_OK)
		return rc;
	if ((rc = breadth_watch_new(p->store, &p->breadth_rules, clock_now(), &p->breadth, f)) != RC_OK)
		return rc;
	return ledger_new(p->store, &p->ledger);
}

/* What only a service needs: the authority, the key of the tokens. */
static enum rc
read_rest(struct parts *p, struct fault *f)
{
	enum rc rc;

	if ((rc = parts_read_pem(p->paths.ca_cert, false, &p->ca_cert, f)) != RC_OK)
		return rc;
	if ((rc = parts_read_pem(p->paths.ca_key, true, &p->ca_key, f)) != RC_OK)
		return rc;
	totp_start();
	if ((rc = open_auth(p, f)) != RC_OK)
		return rc;
	return parts_open_signer(p, f);
}

enum rc
parts_read(struct parts *p, const struct paths *paths, const struct parts_wish *wish, struct fault *f)
{
	enum rc rc;

	memset(p, 0, sizeof(*p));
	p->paths = *paths;
	if ((rc = start_vault(p, wish, f)) != RC_OK)
		return rc;
	if ((rc = open_keyring(p, f)) != RC_OK)
		return rc;
	if ((rc = read_rules(p, f)) != RC_OK)
		return rc;
	if ((rc = schemas_load(&p->schemas, f)) != RC_OK)
		return rc;
	return wish->extent == PARTS_ALL ? read_rest(p, f) : RC_OK;
}

/* A value that is gone without a trace would be told as "there is none". */
static enum rc
refuse_altered(struct parts *p, const struct parts_wish *wish, struct fault *f)
{
	struct store_stats stats;

	if (p->is_reader || wish->may_be_altered || wish->may_only_read)
		return RC_OK;
	store_stats(p->store, &stats);
	return stats.is_altered ? fault_set(f, RC_CORRUPT, MSG_STORE_ALTERED, NULL, 0, NULL) : RC_OK;
}

/* A copy that was made while people's decision was not on record knows of nothing that it refuses. */
static enum rc
refuse_unsettled(const struct parts *p, const struct parts_wish *wish, struct fault *f)
{
	if (wish->is_accepting || !database_is_unsettled(p->paths.store))
		return RC_OK;
	return fault_set(f, RC_UNAVAILABLE, MSG_STORE_UNSETTLED, NULL, 0, NULL);
}

enum rc
parts_start(struct parts *p, const struct parts_wish *wish, struct fault *f)
{
	struct store_options options = {
		.engine = engine_of(p->paths.store),
		.path = p->paths.store,
		.keyring = p->keyring,
		.must_keep_keys = wish->must_keep_keys,
		.is_look = wish->may_be_altered || wish->may_only_read,
	};
	enum rc rc = refuse_unsettled(p, wish, f);

	if (rc != RC_OK)
		return rc;
	rc = wish->is_copy_enough ? RC_BUSY : store_open(&options, &p->store, f);
	if (rc == RC_BUSY && (wish->may_only_read || wish->is_copy_enough)) {
		fault_clear(f);
		options.engine = &engine_lmdb; /* the other process's own, or its copy of the database */
		rc = store_open_reader(&options, &p->store, f);
		p->is_reader = rc == RC_OK;
		/* half of what was and half of what is: no backup, no report, and its trail would look forged
		 */
		if (rc == RC_OK && !wish->is_copy_enough && !store_is_whole(p->store))
			rc = fault_set(f, RC_UNAVAILABLE, MSG_STORE_OPEN, NULL, 0, "comparing");
	}
	if (rc == RC_OK)
		rc = refuse_unsettled(p, wish, f); /* it may have begun just before this opening */
	if (rc == RC_OK)
		rc = refuse_altered(p, wish, f);
	if (rc == RC_OK && p->vault != NULL)
		rc = vault_open_store(p->vault, f);
	return rc == RC_OK && wish->extent == PARTS_ALL ? open_followers(p, f) : rc;
}

enum rc
parts_open(struct parts *p, const struct paths *paths, const struct parts_wish *wish, struct fault *f)
{
	enum rc rc = parts_read(p, paths, wish, f);

	if (rc == RC_OK)
		rc = parts_start(p, wish, f);
	if (rc != RC_OK)
		parts_close(p);
	return rc;
}

const struct tuning *
parts_tuning(const struct parts *p)
{
	return tunings_now(&p->tunings);
}

void
parts_close(struct parts *p)
{
	ledger_free(p->ledger); /* its last entries still need the store */
	notary_stop(p->notary); /* and are signed */
	inspector_stop(p->inspector);
	vault_stop(p->vault); /* or it might still write its ring when another has the store's lock */
	store_close(p->store);
	breadth_watch_free(p->breadth);
	notary_free(p->notary);
	signing_free(p->audit_key);
	feed_free(p->feed);
	index_free(p->index);
	trust_free(p->trust);
	issuer_free(p->issuer);
	auth_free(p->auth);
	schemas_free(p->schemas);
	keyring_free(p->keyring);
	sheets_free(p->sheets);
	tunings_fini(&p->tunings);
	duty_watch_free(p->duty);
	wipe(p, sizeof(*p));
}
