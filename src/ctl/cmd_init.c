/* SPDX-License-Identifier: Apache-2.0 */
/*
 * menedek init: a data directory with everything that `serve` needs.  Keys first, then the store; what it
 * prints of secrets it prints once.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "crypto/digest.h"
#include "ctl/enrol.h"
#include "ctl/migration.h"
#include "ctl/owner.h"
#include "ctl/passes.h"
#include "service/accounts.h"

#define CA_DAYS     3650
#define SERVER_DAYS 397
#define ROOT_KEY    32u
#define KEYS        5u
#define ASIDE_MAX   1000u /* directories of keys that were put aside */

struct init {
	const struct args *args;
	struct paths paths;
	char keys_dir[256];
	struct pem ca_key, ca_cert;
	struct fault fault;
	struct org org;
	struct pass admin;
	struct enrolment device;
	char p12_passphrase[ID_TEXT + 1];
};

/* ---- what is there already ---- */

/* But for the certificates that reach the database: those lie there beforehand. */
static bool
dir_is_empty(const char *path)
{
	DIR *dir = opendir(path);
	const struct dirent *entry;
	bool empty = true;

	if (dir == NULL)
		return true;
	while (empty && (entry = readdir(dir)) != NULL)
		empty = strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0 ||
		    strcmp(entry->d_name, "database") == 0;
	(void)closedir(dir);
	return empty;
}

static void
list_keys(const struct paths *p, const char *out[KEYS])
{
	out[0] = p->record_root;
	out[1] = p->location_root;
	out[2] = p->token_key;
	out[3] = p->ca_key;
	out[4] = p->audit_key;
}

/* One that is there already, or NULL. */
static const char *
find_old_key(const struct paths *p)
{
	const char *keys[KEYS];

	list_keys(p, keys);
	for (unsigned i = 0; i < KEYS; i++)
		if (file_exists(keys[i]))
			return keys[i];
	return NULL;
}

/* A directory in KEYS that was not there before. */
static enum status
make_aside(const struct init *in, char out[320])
{
	for (unsigned i = 1; i <= ASIDE_MAX; i++) {
		(void)snprintf(out, 320, "%s/old-%u", in->keys_dir, i);
		if (mkdir(out, 0700) == 0)
			return STATUS_OK;
		if (errno != EEXIST)
			break;
	}
	talk_error("%s: %s", out, strerror(errno));
	return STATUS_ERROR;
}

/* Also with --force no key is lost: what it sealed, backups that nobody thought of too, opens with nothing
 * else. */
static enum status
put_keys_aside(const struct init *in)
{
	const char *keys[KEYS];
	char aside[320], to[512];
	enum status status;

	if (find_old_key(&in->paths) == NULL)
		return STATUS_OK;
	if ((status = make_aside(in, aside)) != STATUS_OK)
		return status;
	list_keys(&in->paths, keys);
	for (unsigned i = 0; i < KEYS; i++) {
		(void)snprintf(to, sizeof(to), "%s/%s", aside, path_name(keys[i]));
		if (rename(keys[i], to) == 0 || errno == ENOENT)
			continue;
		talk_error("%s: %s", keys[i], strerror(errno));
		return STATUS_ERROR;
	}
	if (!file_sync_parent(to) || !file_sync_parent(aside)) {
		talk_error("%s: it may not have reached the disk", aside);
		return STATUS_ERROR;
	}
	talk_warning(
	    "the keys that were there are in %s now: what they sealed, backups too, opens with nothing else",
	    aside);
	return STATUS_OK;
}

/* Only what init itself makes, and what would keep it from making it: --force must not be a way to empty a
 * wrong directory.  A copy that was put aside stays: only people throw that away. */
static void
remove_old(const struct init *in)
{
	const struct paths *p = &in->paths;
	const char *files[] = { p->keyring, p->ca_cert, p->server_cert, p->server_key, p->audit_pub,
		p->host };
	static const char *const parts_of_store[] = { "data.mdb", "data.mdb.asked", "lock.mdb", "keeper",
		"node", PG_CONNINFO };
	static const char *const parts_of_vault[] = { "ring", "quota", "limits.csv" };
	char path[512];

	for (unsigned i = 0; i < COUNT_OF(files); i++)
		(void)unlink(files[i]);
	for (unsigned i = 0; i < COUNT_OF(parts_of_vault); i++) {
		(void)snprintf(path, sizeof(path), "%s/%s", p->vault, parts_of_vault[i]);
		(void)unlink(path);
	}
	for (unsigned i = 0; i < COUNT_OF(parts_of_store); i++) {
		(void)snprintf(path, sizeof(path), "%s/%s", p->store, parts_of_store[i]);
		(void)unlink(path);
	}
}

/* Who serves would go on acknowledging into files that have no name any more: kept out until *lock is closed
 * (-1: there is no store). */
static bool
keep_others_out(const struct paths *p, int *lock)
{
	char path[512];

	(void)snprintf(path, sizeof(path), "%s/serving.lock", p->store);
	if ((*lock = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW)) < 0)
		return errno == ENOENT || errno == ENOTDIR;
	return flock(*lock, LOCK_EX | LOCK_NB) == 0;
}

static enum status
begin_anew(const struct init *in)
{
	enum status status = STATUS_CONFLICT;
	int lock;

	if (!keep_others_out(&in->paths, &lock))
		talk_error("%s is being served, or cannot be looked into: stop the service first",
		    args_dir(in->args));
	else if ((status = put_keys_aside(in)) == STATUS_OK)
		remove_old(in);
	if (lock >= 0)
		(void)close(lock);
	return status;
}

static enum status
find_place(struct init *in)
{
	const char *dir = args_dir(in->args), *key;

	if (!paths_of(&in->paths, dir, args_named_keys(in->args)) ||
	    (args_has(in->args, OPT_TLS) && !paths_use_tls(&in->paths, in->args->value[OPT_TLS]))) {
		talk_error("%s: the path is too long", dir);
		return STATUS_USAGE;
	}
	(void)str_copy(in->keys_dir, sizeof(in->keys_dir), in->paths.record_root);
	*strrchr(in->keys_dir, '/') = '\0';
	if (args_has(in->args, OPT_FORCE))
		return begin_anew(in);
	if (!dir_is_empty(dir)) {
		talk_error(
		    "%s exists and is not empty; another --dir, or --force to lose the registry in it", dir);
		return STATUS_CONFLICT;
	}
	if ((key = find_old_key(&in->paths)) != NULL) {
		talk_error("%s is there already, and what it sealed, backups too, opens with nothing else: "
			   "menedek restore puts a backup back; for a new registry another --keys, or "
			   "--force to put these keys aside",
		    key);
		return STATUS_CONFLICT;
	}
	return STATUS_OK;
}

/* ---- keys ---- */

/* The directory that ${path} will lie in, for its owner alone. */
static enum rc
make_home(const char *path, struct fault *f)
{
	char dir[256];

	(void)str_copy(dir, sizeof(dir), path);
	*strrchr(dir, '/') = '\0';
	return dir_make(dir, 0700, f);
}

typedef enum rc ring_fn(const char *path, const struct secret *root, struct fault *f);

static enum rc
make_vault(const char *path, const struct secret *bytes, struct fault *f)
{
	struct rootkey *root;
	enum rc rc = rootkey_new(bytes, &root, f);

	if (rc == RC_OK)
		rc = vault_create(path, root, f);
	rootkey_free(root);
	return rc;
}

static enum rc
make_ring(const char *root_path, const char *ring_path, ring_fn *create, struct fault *f)
{
	struct secret *root = secret_new(ROOT_KEY);
	enum rc rc;

	if (root == NULL)
		return fault_set(f, RC_UNAVAILABLE, MSG_NO_LOCKED_MEMORY, NULL, 0, NULL);
	random_fill(secret_bytes(root), ROOT_KEY);
	rc = file_write(root_path, (struct bytes){ secret_view(root), ROOT_KEY }, 0400, f);
	if (rc == RC_OK)
		rc = create(ring_path, root, f);
	secret_free(root);
	return rc;
}

/* A token that was set up beforehand (docs/hsm.md) is taken; else a root key is made. */
static enum rc
make_location_keys(const struct paths *p, struct fault *f)
{
	struct rootkey *root = NULL;
	enum rc rc;

	if (!rootkey_has_token(p->location_root))
		return make_ring(p->location_root, p->vault, make_vault, f);
	if ((rc = rootkey_load(p->location_root, &root, f)) == RC_OK)
		rc = vault_create(p->vault, root, f);
	rootkey_free(root);
	return rc;
}

static enum rc
make_keys(struct init *in)
{
	const struct paths *p = &in->paths;
	enum rc rc;

	if ((rc = dir_make(p->dir, 0700, &in->fault)) != RC_OK)
		return rc;
	talk_step(in->args, "Data directory %s (0700)", p->dir);
	/* the store now already: it is given to its owner before the vault's process, who may be that user,
	 * needs it */
	if ((rc = dir_make(p->store, 0700, &in->fault)) != RC_OK ||
	    (rc = dir_make(in->keys_dir, 0700, &in->fault)) != RC_OK)
		return rc;
	if ((rc = make_home(p->keyring, &in->fault)) != RC_OK ||
	    (rc = make_home(p->server_key, &in->fault)) != RC_OK)
		return rc;
	if ((rc = make_ring(p->record_root, p->keyring, keyring_create, &in->fault)) != RC_OK)
		return rc;
	if ((rc = make_location_keys(p, &in->fault)) != RC_OK)
		return rc;
	talk_step(in->args, "Root keys in %s (0400)", in->keys_dir);
	return RC_OK;
}

/* ---- certificates ---- */

static enum rc
write_pair(const char *key_path, const struct pem *key, const char *cert_path, const struct pem *cert,
    struct fault *f)
{
	enum rc rc = file_write(key_path, bytes_str(key->text), 0400, f);

	return rc == RC_OK ? file_write(cert_path, bytes_str(cert->text), 0644, f) : rc;
}

static void
say_fingerprint(const struct init *in)
{
	uint8_t print[CERT_FINGERPRINT];
	char hex[2 * CERT_FINGERPRINT + 1], text[3 * CERT_FINGERPRINT + 1] = "";
	size_t at = 0;

	if (ca_fingerprint(in->ca_cert.text, print) != RC_OK)
		return;
	hex_format(print, sizeof(print), hex);
	for (size_t i = 0; hex[i] != '\0'; i++) {
		if (i > 0 && i % 2 == 0)
			text[at++] = ':';
		text[at++] = hex[i];
	}
	talk(in->args, "  root fingerprint SHA256:%s", text);
	talk(in->args, "  read it aloud when a device is enrolled");
}

static enum rc
make_certificates(struct init *in)
{
	const char *names = in->args->value[OPT_HOST];
	char host[256], line[sizeof(host) + 1];
	struct pem server_key, server_cert, token_key;
	enum rc rc;

	(void)str_copy(host, sizeof(host), names);
	host[strcspn(host, ",")] = '\0';
	if ((rc = ca_key_new(&in->ca_key)) != RC_OK || (rc = ca_key_new(&server_key)) != RC_OK ||
	    (rc = ca_key_new(&token_key)) != RC_OK)
		return rc;
	if ((rc = ca_self_sign(&in->ca_key, "Menedek root", CA_DAYS, &in->ca_cert)) != RC_OK)
		return rc;
	rc = write_pair(in->paths.ca_key, &in->ca_key, in->paths.ca_cert, &in->ca_cert, &in->fault);
	if (rc != RC_OK)
		return rc;
	talk_step(in->args, "Certificate authority (P-256, 10 years)");
	say_fingerprint(in);
	rc = ca_issue(
	    &in->ca_key, &in->ca_cert, &server_key, host, CA_SERVER, names, SERVER_DAYS, &server_cert);
	if (rc == RC_OK)
		rc = write_pair(
		    in->paths.server_key, &server_key, in->paths.server_cert, &server_cert, &in->fault);
	if (rc == RC_OK)
		rc = file_write(in->paths.token_key, bytes_str(token_key.text), 0400, &in->fault);
	(void)snprintf(line, sizeof(line), "%s\n", host);
	if (rc == RC_OK)
		rc = file_write(in->paths.host, bytes_str(line), 0644, &in->fault);
	wipe(&server_key, sizeof(server_key));
	wipe(&token_key, sizeof(token_key));
	if (rc == RC_OK)
		talk_step(in->args, "Server certificate for %s", names);
	return rc;
}

/* Who has the public half can check every export of the audit trail, and nothing else. */
static enum rc
make_audit_key(struct init *in)
{
	const struct paths *p = &in->paths;
	struct pem key, public;
	enum rc rc = signing_new(&key, &public);

	if (rc == RC_OK)
		rc = write_pair(p->audit_key, &key, p->audit_pub, &public, &in->fault);
	wipe(&key, sizeof(key));
	if (rc == RC_OK)
		talk_step(in->args, "Key that signs the audit trail; give %s to the auditors", p->audit_pub);
	return rc;
}

/* ---- the first records ---- */

static enum rc
record_first(struct ctx *c, void *arg)
{
	struct init *in = arg;
	const char *passphrase;
	struct user admin;
	enum rc rc;

	model_clear(&model_org, &in->org);
	in->org.kind = ORG_OPERATOR;
	(void)str_copy(in->org.name, sizeof(in->org.name), in->args->value[OPT_ORG]);
	if ((rc = org_create(c, &in->org)) != RC_OK)
		return rc;
	model_clear(&model_user, &admin);
	admin.org = in->org.id;
	admin.roles = ROLE_BIT(ROLE_ADMIN);
	(void)str_copy(admin.name, sizeof(admin.name), in->admin.name);
	if ((rc = user_create(c, &admin, &passphrase)) != RC_OK)
		return rc;
	(void)str_copy(in->admin.passphrase, sizeof(in->admin.passphrase), passphrase);
	return RC_OK;
}

static enum rc
write_device(struct init *in)
{
	char prefix[512];
	enum rc rc;

	(void)snprintf(prefix, sizeof(prefix), "%s/devices", in->paths.dir);
	if ((rc = dir_make(prefix, 0700, &in->fault)) != RC_OK)
		return rc;
	(void)snprintf(prefix, sizeof(prefix), "%s/devices/admin", in->paths.dir);
	if ((rc = enrol_write(&in->device, prefix, &in->fault)) != RC_OK)
		return rc;
	rc = enrol_write_p12(&in->device, prefix, P12_STRONG, in->p12_passphrase, &in->fault);
	if (rc == RC_OK)
		talk_step(in->args, "Device of the administrator: %s.crt .key .p12", prefix);
	return rc;
}

static enum status
make_records(struct init *in)
{
	struct offline o;
	enum status status = offline_open(in->args, true, &o);
	enum rc rc = RC_OK;

	if (status == STATUS_OK) {
		(void)str_copy(in->admin.name, sizeof(in->admin.name), "admin");
		if ((rc = offline_update(&o, "cli_init", record_first, in)) == RC_OK) {
			talk_step(in->args, "Organisation and first administrator");
			in->device.org = in->org.id;
			in->device.name = "admin";
			rc = enrol_device(&o, &in->device);
		}
		status = talk_failure("init", rc, &o.fault);
	}
	if (status == STATUS_OK)
		status = talk_failure("init", write_device(in), &in->fault);
	offline_close(&o);
	return status;
}

/* ---- what is told once ---- */

static enum status
tell(struct init *in)
{
	const char *file = in->args->value[OPT_PASSPHRASES];
	char buf[1024];
	struct jw w;

	if (file != NULL && passes_save(file, &in->admin, 1, &in->fault) != RC_OK)
		return talk_failure("the passphrase", in->fault.rc, &in->fault);
	if (args_has(in->args, OPT_JSON)) {
		jw_init(&w, buf, sizeof(buf));
		jw_open(&w, '{');
		jw_field_string(&w, "dir", in->paths.dir);
		jw_field_id(&w, "org", &in->org.id);
		jw_field_string(&w, "user", in->admin.name);
		if (file == NULL)
			jw_field_string(&w, "passphrase", in->admin.passphrase);
		jw_field_string(&w, "p12_passphrase", in->p12_passphrase);
		jw_close(&w, '}');
		(void)printf("%.*s\n", (int)w.len, buf);
	} else if (file == NULL)
		(void)printf("admin passphrase (shown once): %s\nadmin.p12 passphrase (shown once): %s\n",
		    in->admin.passphrase, in->p12_passphrase);
	else
		(void)printf("admin.p12 passphrase (shown once): %s\n", in->p12_passphrase);
	talk(in->args, "Copy %s to two safe places. WITHOUT THESE KEYS YOUR DATA ARE LOST.", in->keys_dir);
	talk(in->args, "Next: menedek serve --dir %s --listen 0.0.0.0:8443", in->paths.dir);
	return STATUS_OK;
}

enum status
cmd_init(const struct args *args)
{
	struct init in = { .args = args };
	enum status status, moved = STATUS_OK;
	bool is_postgresql;
	uint64_t pairs;
	enum rc rc;

	/* before anything is removed by --force */
	if (strlen(args->value[OPT_ORG]) >= LIMIT_NAME || strlen(args->value[OPT_HOST]) > 255) {
		talk_error("--org takes %u bytes at most, --host 255", LIMIT_NAME - 1);
		return STATUS_USAGE;
	}
	if ((status = migrate_check(args, &is_postgresql)) != STATUS_OK ||
	    (status = find_place(&in)) != STATUS_OK)
		return status;
	rc = make_keys(&in);
	if (rc == RC_OK)
		rc = make_certificates(&in);
	if (rc == RC_OK)
		rc = make_audit_key(&in);
	status = talk_failure("init", rc, &in.fault);
	if (status == STATUS_OK)
		status = make_records(&in);
	if (status == STATUS_OK && is_postgresql &&
	    (moved = migrate_into(args, &in.paths, &pairs)) == STATUS_OK)
		talk_step(args, "Records in PostgreSQL");
	/* also what was made before something failed: the next try may be another user's */
	owner_give_registry(in.paths.dir);
	if (args_has(args, OPT_TLS)) {
		owner_give_file(in.paths.dir, in.paths.server_key);
		owner_give_file(in.paths.dir, in.paths.server_cert);
	}
	/* also when the database was not reached: a second init is refused, so nobody would ever learn it */
	if (status == STATUS_OK)
		status = tell(&in);
	if (moved != STATUS_OK)
		talk_error(
		    "the registry is made, but its records are not in PostgreSQL; before it is served: "
		    "menedek migrate with the same --engine and --database");
	wipe(&in, sizeof(in));
	return status == STATUS_OK ? moved : status;
}
