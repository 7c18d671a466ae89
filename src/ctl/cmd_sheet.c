/* SPDX-License-Identifier: Apache-2.0 */
/* menedek sheet key, open: the passphrase of a desk's downtime sheets, and a sheet as a page.  Opening needs
 * no registry: it is done where nothing else works. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "ctl/names.h"
#include "ctl/offline.h"
#include "ctl/passes.h"
#include "ctl/sheet_page.h"
#include "service/accounts.h"
#include "service/sheets.h"

/* ---- key ---- */

struct making {
	const struct args *args;
	struct names orgs;
	struct pass pass;
	struct sheet_key key;
};

static enum rc
look_up(struct ctx *c, void *arg)
{
	struct making *m = arg;
	const char *made;
	enum rc rc = names_load(c, KIND_ORG, &m->orgs);

	if (rc != RC_OK || args_has(m->args, OPT_STDIN))
		return rc;
	if ((made = user_random_passphrase(c)) == NULL)
		return RC_UNAVAILABLE;
	(void)str_copy(m->pass.passphrase, sizeof(m->pass.passphrase), made);
	return RC_OK;
}

static enum status
make_key(struct offline *o, struct making *m)
{
	const struct name_row *org = names_find(&m->orgs, m->args->value[OPT_ORG]);
	enum rc rc;

	if (org == NULL) {
		talk_error("there is no organisation \"%s\"", m->args->value[OPT_ORG]);
		return STATUS_NOT_FOUND;
	}
	m->key.org = org->id;
	rc = letter_key(bytes_str(m->pass.passphrase), m->key.key);
	if (rc == RC_OK)
		rc = sheet_key_write(&o->parts.paths, &m->key, args_has(m->args, OPT_FORCE), &o->fault);
	return talk_failure("sheet key", rc, &o->fault);
}

static void
tell(const struct making *m)
{
	const bool is_made = !args_has(m->args, OPT_STDIN);

	if (args_has(m->args, OPT_JSON) && is_made)
		(void)printf("{\"name\":\"%s\",\"passphrase\":\"%s\"}\n", m->key.name, m->pass.passphrase);
	else if (is_made)
		(void)printf("%s %s\n", m->key.name, m->pass.passphrase);
	if (is_made)
		talk(m->args,
		    "The passphrase is shown once: give it to the shift lead on paper, away from this "
		    "machine.");
	talk(m->args, "The service writes %s.sheet from its next start on, with --sheets DIR.", m->key.name);
}

enum status
cmd_sheet_key(const struct args *args)
{
	struct making m = { .args = args };
	struct offline o;
	enum status status = STATUS_OK;

	if (!sheet_name_is_good(args->value[OPT_NAME])) {
		talk_error("--name takes a to z, 0 to 9 and -, at most %u characters", SHEET_NAME - 1);
		return STATUS_USAGE;
	}
	(void)str_copy(m.key.name, sizeof(m.key.name), args->value[OPT_NAME]);
	if (args_has(args, OPT_STDIN) && (status = passes_read(&m.pass)) != STATUS_OK)
		return status;
	if ((status = offline_open_to_read(args, &o)) == STATUS_OK)
		status = talk_failure("sheet key", offline_view(&o, look_up, &m), &o.fault);
	if (status == STATUS_OK)
		status = make_key(&o, &m);
	if (status == STATUS_OK)
		tell(&m);
	names_free(&m.orgs);
	offline_close(&o);
	wipe(&m, sizeof(m));
	return status;
}

/* ---- open ---- */

static enum status
print_page(const struct args *args, char *text)
{
	const char *path = args->value[OPT_OUT];
	char *page = NULL;
	size_t len = 0;
	FILE *to = open_memstream(&page, &len);
	struct fault f = { .count = 0 };
	bool is_sheet = false;
	enum rc rc = to == NULL ? RC_UNAVAILABLE : RC_OK;

	if (to != NULL) {
		is_sheet = sheet_page_write(to, text, talk_lang());
		(void)fclose(to);
	}
	if (rc == RC_OK && path != NULL && is_sheet)
		rc = file_write(path, (struct bytes){ (const uint8_t *)page, len }, 0600, &f);
	else if (rc == RC_OK && is_sheet && fwrite(page, 1, len, stdout) != len)
		rc = RC_UNAVAILABLE;
	if (page != NULL)
		wipe(page, len);
	free(page);
	if (rc == RC_OK && !is_sheet) {
		talk_error("this was sealed by another version of the program, or is no downtime sheet");
		return STATUS_ERROR;
	}
	return talk_failure(path == NULL ? "sheet open" : path, rc, &f);
}

static enum status
open_sealed(const struct args *args, struct bytes sealed, const struct pass *pass)
{
	char *text = calloc(1, sealed.len + 1);
	size_t len = 0;
	enum rc rc;
	enum status status;

	if (text == NULL)
		return talk_failure("sheet open", RC_UNAVAILABLE, NULL);
	rc = letter_open(bytes_str(pass->passphrase), sealed, (uint8_t *)text, &len);
	if (rc == RC_OK) {
		status = print_page(args, text);
	} else if (rc == RC_BAD_LOGIN) {
		talk_error("the passphrase is not the one of this sheet, or the file was changed");
		status = STATUS_AUTH;
	} else {
		talk_error("%s is no downtime sheet", args->word[0]);
		status = STATUS_ERROR;
	}
	wipe(text, sealed.len);
	free(text);
	return status;
}

enum status
cmd_sheet_open(const struct args *args)
{
	struct fault f = { .count = 0 };
	struct pass pass = { .name = "" };
	char *sealed = NULL;
	size_t len;
	enum status status;
	enum rc rc;

	if (args->word_count != 1) {
		talk_error("sheet open takes one FILE");
		return STATUS_USAGE;
	}
	rc = file_read(args->word[0], SHEET_TEXT + 2 * LETTER_MORE, &sealed, &len, &f);
	if ((status = talk_failure(args->word[0], rc, &f)) != STATUS_OK)
		return status;
	status = args_has(args, OPT_STDIN)
	    ? passes_read(&pass)
	    : passes_ask(talk_lang() == LANG_HU ? "Jelmondat: " : "Passphrase: ", &pass);
	if (status == STATUS_OK)
		status = open_sealed(args, (struct bytes){ (const uint8_t *)sealed, len }, &pass);
	free(sealed);
	wipe(&pass, sizeof(pass));
	return status;
}
