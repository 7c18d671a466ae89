/* SPDX-License-Identifier: Apache-2.0 */
/* The outsider's side: opens an export, a public key, perhaps kept checkpoints; nothing else of the machine.
 */
#include "ctl/audit_offline.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"

/* ORIGIN is "HOST/audit" in the first line; whose it is, is decided by the key alone. */
static bool
read_origin(FILE *file, const struct signing_key *key, struct signer *signer)
{
	static const char suffix[] = "/audit";
	char line[TRANSCRIPT_LINE];
	char *host;
	size_t len;

	if (fgets(line, sizeof(line), file) == NULL || (host = strrchr(line, ' ')) == NULL)
		return false;
	len = strcspn(++host, "\n");
	if (len <= strlen(suffix) || strncmp(host + len - strlen(suffix), suffix, strlen(suffix)) != 0)
		return false;
	host[len - strlen(suffix)] = '\0';
	rewind(file);
	return signer_init(signer, host, key) == RC_OK;
}

static enum rc
check_lines(FILE *file, struct transcript_check *k)
{
	char line[TRANSCRIPT_LINE];

	while (fgets(line, sizeof(line), file) != NULL) {
		const size_t len = strlen(line);

		/* one that is too long, holds a NUL, or has no end is no line: nothing is taken for it */
		if (!transcript_take(k, line, len > 0 && line[len - 1] == '\n' ? len - 1 : 0))
			return RC_OK;
	}
	if (ferror(file))
		return RC_UNAVAILABLE;
	(void)transcript_end(k);
	return RC_OK;
}

static void
print(const struct args *args, const struct transcript_check *k)
{
	char finding[TRAIL_FINDING], buf[512];
	struct jw w;

	trail_finding(k, finding);
	if (args_has(args, OPT_JSON)) {
		jw_init(&w, buf, sizeof(buf));
		jw_open(&w, '{');
		jw_field_bool(&w, "verified", k->finding == NULL);
		jw_field_int(&w, "entries", (int64_t)k->range.size);
		jw_field_int(&w, "checkpoints", (int64_t)k->checkpoints);
		jw_field_int(&w, "signed", (int64_t)k->covered);
		if (k->first != 0)
			jw_field_int(&w, "first_bad", (int64_t)k->first);
		if (k->finding != NULL)
			jw_field_string(&w, "finding", finding);
		jw_close(&w, '}');
		(void)printf("%.*s\n", (int)w.len, buf);
	} else if (k->finding != NULL)
		(void)printf("NOT VERIFIED: %s\n", finding);
	else
		(void)printf("verified: %llu entries of %s, %llu checkpoints, all signed\n",
		    (unsigned long long)k->range.size, k->signer->origin, (unsigned long long)k->checkpoints);
}

static enum status
check_export(const struct args *args, FILE *file, const struct signing_key *key)
{
	struct signer signer;
	struct kept kept = { .count = 0 };
	struct transcript_check k = { .signer = &signer };
	enum status status = STATUS_OK;

	if (!read_origin(file, key, &signer)) {
		talk_error("%s is no export of an audit trail", args->value[OPT_EXPORT]);
		return STATUS_CHECK_FAILED;
	}
	if (args_has(args, OPT_CHECKPOINTS)) {
		status = trail_read_kept(args->value[OPT_CHECKPOINTS], &signer, &kept);
		k.kept = &kept;
	}
	if (status == STATUS_OK)
		status = talk_failure(args->value[OPT_EXPORT], check_lines(file, &k), NULL);
	if (status == STATUS_OK) {
		print(args, &k);
		status = k.finding == NULL ? STATUS_OK : STATUS_CHECK_FAILED;
	}
	kept_free(&kept);
	return status;
}

static enum status
load_public(const char *path, struct signing_key **key)
{
	struct fault f = { .count = 0 };
	struct pem pem = { .text = "" };
	char *text = NULL;
	size_t len = 0;
	enum rc rc = file_read(path, sizeof(pem.text) - 1, &text, &len, &f);

	if (rc == RC_OK) {
		memcpy(pem.text, text, len);
		if ((rc = signing_load(&pem, false, key)) != RC_OK)
			rc = fault_set(&f, rc, MSG_AUDIT_KEY, NULL, 0, path);
	}
	free(text);
	return talk_failure("--public-key", rc, &f);
}

enum status
audit_verify_export(const struct args *args)
{
	struct signing_key *key = NULL;
	enum status status;
	FILE *file;

	if (!args_has(args, OPT_PUBLIC_KEY)) {
		talk_error(
		    "--export needs --public-key FILE: the registry's audit.pub, from a source you trust");
		return STATUS_USAGE;
	}
	if ((status = load_public(args->value[OPT_PUBLIC_KEY], &key)) != STATUS_OK)
		return status;
	if ((file = fopen(args->value[OPT_EXPORT], "re")) == NULL) {
		talk_error("%s cannot be read", args->value[OPT_EXPORT]);
		status = STATUS_NOT_FOUND;
	} else {
		status = check_export(args, file, key);
		(void)fclose(file);
	}
	signing_free(key);
	return status;
}
