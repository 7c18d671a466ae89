/* SPDX-License-Identifier: Apache-2.0 */
/* menedek import: takes the files' names, reads, checks, writes, and says what was done. */
#include <stdio.h>
#include <string.h>

#include "base/nearest.h"
#include "ctl/import.h"

static enum status
take_file(struct import *im, const char *word)
{
	const char *names[IMPORT_TABLES], *equals = strchr(word, '=');
	char typed[32] = "";
	const char *nearest;

	for (unsigned t = 0; t < IMPORT_TABLES; t++) {
		size_t len = strlen(names[t] = import_table_name((enum import_table)t));
		if (strncmp(word, names[t], len) != 0 || word[len] != '=' || word[len + 1] == '\0')
			continue;
		if (im->path[t] != NULL) {
			talk_error("%s= is given twice", names[t]);
			return STATUS_USAGE;
		}
		im->path[t] = word + len + 1;
		return STATUS_OK;
	}
	(void)snprintf(typed, sizeof(typed), "%.*s", equals != NULL ? (int)(equals - word) : 31, word);
	nearest = nearest_name(typed, names, IMPORT_TABLES);
	if (nearest != NULL)
		talk_error("\"%s\": did you mean %s=FILE?", word, nearest);
	else
		talk_error(
		    "\"%s\" is not organisations=, people=, shelters=, units= or locations= and a FILE",
		    word);
	return STATUS_USAGE;
}

static enum status
take_files(struct import *im)
{
	enum status status = STATUS_OK;

	im->is_sample = args_has(im->args, OPT_SAMPLE);
	for (unsigned i = 0; i < im->args->word_count && status == STATUS_OK; i++)
		status = take_file(im, im->args->word[i]);
	if (status != STATUS_OK || im->args->word_count > 0)
		return status;
	if (!im->is_sample) {
		talk_error("nothing to import; see: menedek help import");
		return STATUS_USAGE;
	}
	for (unsigned t = 0; t < IMPORT_TABLES; t++)
		im->path[t] = import_table_builtin((enum import_table)t);
	return STATUS_OK;
}

/* ---- what was done ---- */

static void
print_json(const struct import *im)
{
	char buf[1024];
	struct jw w;

	jw_init(&w, buf, sizeof(buf));
	jw_open(&w, '{');
	jw_field_bool(&w, "dry_run", args_has(im->args, OPT_DRY_RUN));
	for (unsigned t = 0; t < IMPORT_TABLES; t++) {
		jw_name(&w, import_table_name((enum import_table)t));
		jw_open(&w, '{');
		jw_field_int(&w, "new", (int64_t)im->tally[t][CHANGE_NEW]);
		jw_field_int(&w, "changed", (int64_t)im->tally[t][CHANGE_SOME]);
		jw_field_int(&w, "unchanged", (int64_t)im->tally[t][CHANGE_NONE]);
		jw_close(&w, '}');
	}
	jw_close(&w, '}');
	/* a preview has begun the object */
	if (args_has(im->args, OPT_DRY_RUN))
		(void)printf(",%.*s\n", (int)w.len - 1, buf + 1);
	else
		(void)printf("%.*s\n", (int)w.len, buf);
}

static void
print_result(const struct import *im)
{
	if (args_has(im->args, OPT_JSON)) {
		print_json(im);
		return;
	}
	for (unsigned t = 0; t < IMPORT_TABLES; t++)
		if (im->path[t] != NULL)
			(void)printf("%-14s %6llu new  %6llu changed  %6llu unchanged\n",
			    import_table_name((enum import_table)t),
			    (unsigned long long)im->tally[t][CHANGE_NEW],
			    (unsigned long long)im->tally[t][CHANGE_SOME],
			    (unsigned long long)im->tally[t][CHANGE_NONE]);
	if (args_has(im->args, OPT_DRY_RUN))
		talk(im->args, "Nothing was changed (--dry-run).");
	else if (im->tally[IMPORT_PEOPLE][CHANGE_NEW] > 0 && !args_has(im->args, OPT_PASSPHRASES))
		talk(im->args,
		    "Nobody knows the new people's passphrases: menedek user passphrase --name NAME");
}

static enum status
work(struct import *im)
{
	enum rc rc = offline_hear_time(im->o, &im->now);

	if (rc != RC_OK)
		return talk_failure("import", rc, &im->o->fault);
	rc = import_read(im);
	im->is_checking = true;
	if (rc == RC_OK && im->is_read_whole)
		rc = import_check(im);
	if (im->problems > 0) {
		talk_error("%llu problems, nothing was imported", (unsigned long long)im->problems);
		return STATUS_ERROR;
	}
	if (rc != RC_OK)
		return talk_failure("import", rc, &im->o->fault);
	if ((rc = import_preview(im)) != RC_OK)
		return talk_failure("import", rc, &im->o->fault);
	if (!args_has(im->args, OPT_DRY_RUN) && (rc = import_write(im)) != RC_OK) {
		enum status status = talk_failure("import", rc, &im->o->fault);
		if (rc == RC_UNKNOWN)
			talk_error(
			    "all of it was imported or nothing: the same import with --dry-run says which");
		else
			talk_error("nothing was imported");
		return status;
	}
	print_result(im);
	return STATUS_OK;
}

enum status
cmd_import(const struct args *args)
{
	struct import im = { .args = args };
	struct offline o;
	enum status status = take_files(&im);

	if (status != STATUS_OK)
		return status;
	im.o = &o;
	if ((status = offline_open(args, true, &o)) == STATUS_OK)
		status = work(&im);
	import_free(&im);
	offline_close(&o);
	return status;
}
