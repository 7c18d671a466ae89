/* SPDX-License-Identifier: Apache-2.0 */
/*
 * menedek manual: man pages, made from the command table as help is, so that the two cannot differ.
 * Knows no command by name; what it says beyond the table stands in menedek(1) alone.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/file.h"
#include "base/version.h"
#include "ctl/command.h"
#include "ctl/talk.h"

/* What has a meaning of its own to troff, and how it is written to mean itself. */
static const char *const escapes[128] = {
	['-'] = "\\-",
	['\''] = "\\(aq",
	['`'] = "\\(ga",
	['^'] = "\\(ha",
	['~'] = "\\(ti",
	['\\'] = "\\e",
};

static void
put(FILE *out, const char *text)
{
	/* a dot would begin a request where a line begins with it */
	if (*text == '.')
		(void)fputs("\\&", out);
	for (; *text != '\0'; text++) {
		const unsigned char c = (unsigned char)*text;

		if (c < COUNT_OF(escapes) && escapes[c] != NULL)
			(void)fputs(escapes[c], out);
		else
			(void)fputc(c, out);
	}
}

/* "menedek-device-add": the page's name, from the command's. */
static void
page_name(const struct command *c, char *out, size_t cap)
{
	(void)snprintf(out, cap, "menedek%s%s", c != NULL ? "-" : "", c != NULL ? c->name : "");
	for (char *at = strchr(out, ' '); at != NULL; at = strchr(at, ' '))
		*at = '-';
}

static void
put_title(FILE *out, const struct command *c, const char *summary)
{
	char name[64];

	page_name(c, name, sizeof(name));
	(void)fputs(".\\\" Made by: menedek manual\n.TH ", out);
	for (const char *at = name; *at != '\0'; at++)
		(void)fputc(*at >= 'a' && *at <= 'z' ? *at - 'a' + 'A' : *at, out);
	/* no date: the same table makes the same bytes */
	(void)fprintf(out, " 1 \"\" \"menedek %s\" \"Mened\\('ek\"\n.SH NAME\n", MENEDEK_VERSION);
	put(out, name);
	(void)fputs(" \\- ", out);
	put(out, summary);
	(void)fputc('\n', out);
}

static void
put_option(FILE *out, enum option option)
{
	const char *value = option_value_name(option);

	(void)fputs("\\fB\\-\\-", out);
	put(out, option_name(option));
	(void)fputs("\\fR", out);
	if (value == NULL)
		return;
	(void)fputs(" \\fI", out);
	put(out, value);
	(void)fputs("\\fR", out);
}

static void
put_options(FILE *out, const char *title, uint64_t bits)
{
	if (bits == 0)
		return;
	(void)fprintf(out, ".SH %s\n", title);
	for (unsigned i = 0; i < OPT_COUNT; i++) {
		if (!(bits & OPT_BIT(i)))
			continue;
		(void)fputs(".TP\n", out);
		put_option(out, (enum option)i);
		(void)fputc('\n', out);
		put(out, option_help((enum option)i));
		(void)fputc('\n', out);
	}
}

static void
put_exit_statuses(FILE *out)
{
	(void)fputs(".SH \"EXIT STATUS\"\n", out);
	for (unsigned i = 0; i <= STATUS_CHECK_FAILED; i++) {
		(void)fprintf(out, ".TP 4\n%u\n", i);
		put(out, status_meaning((enum status)i));
		(void)fputc('\n', out);
	}
}

static void
put_synopsis(FILE *out, const struct command *c)
{
	(void)fputs(".SH SYNOPSIS\n\\fBmenedek ", out);
	put(out, c->name);
	(void)fputs("\\fR", out);
	for (unsigned i = 0; i < OPT_COUNT; i++) {
		if (!(c->needed & OPT_BIT(i)))
			continue;
		(void)fputc(' ', out);
		put_option(out, (enum option)i);
	}
	(void)fputs(c->taken != 0 ? " [\\fIOPTIONS\\fR]" : "", out);
	if (c->words != NULL) {
		(void)fputc(' ', out);
		put(out, c->words);
	}
	(void)fputc('\n', out);
}

static void
write_page(FILE *out, const struct command *c)
{
	put_title(out, c, c->summary);
	put_synopsis(out, c);
	put_options(out, "NEEDED", c->needed);
	put_options(out, "OPTIONS", c->taken);
	(void)fputs(".SH EXAMPLES\n.nf\n", out);
	for (unsigned i = 0; i < COUNT_OF(c->example) && c->example[i] != NULL; i++) {
		put(out, c->example[i]);
		(void)fputc('\n', out);
	}
	(void)fputs(".fi\n", out);
	put_exit_statuses(out);
	(void)fputs(".SH \"SEE ALSO\"\n.BR menedek (1)\n", out);
}

static const char *const places[][2] = {
	{ "/var/lib/menedek", "the registry: store, sealed keyrings, the vault's own directory" },
	{ "/etc/menedek/keys",
	    "root keys, root's own; without them the data are lost, so keep two copies elsewhere" },
	{ "/etc/menedek/tls", "the server's certificate and key, read again on systemctl reload" },
	{ "/run/menedek/health.sock", "health and metrics, as the unit asks for them" },
	{ "/usr/share/doc/menedek", "the manual, an example of settings for the unit, the contract" },
};

static void
write_first_page(FILE *out)
{
	const char *group = "";
	char name[64];

	put_title(out, NULL, "the confidential shelter-bed registry");
	(void)fputs(".SH SYNOPSIS\n\\fBmenedek\\fR \\fICOMMAND\\fR [\\fIOPTIONS\\fR]\n.SH COMMANDS\n", out);
	for (const struct command *c = commands; c->name != NULL; c++) {
		if (strcmp(c->group, group) != 0)
			(void)fprintf(out, ".SS \"%s\"\n", c->group);
		group = c->group;
		page_name(c, name, sizeof(name));
		(void)fputs(".TP\n.BR ", out);
		put(out, name);
		(void)fputs(" (1)\n", out);
		put(out, c->summary);
		(void)fputc('\n', out);
	}
	put_exit_statuses(out);
	(void)fputs(".SH FILES\n", out);
	for (size_t i = 0; i < COUNT_OF(places); i++) {
		(void)fputs(".TP\n.I ", out);
		put(out, places[i][0]);
		(void)fputc('\n', out);
		put(out, places[i][1]);
		(void)fputc('\n', out);
	}
	(void)fputs(".SH \"SEE ALSO\"\n.BR systemctl (1),\n.BR journalctl (1)\n", out);
}

static void
write_any(FILE *out, const struct command *c)
{
	if (c == NULL)
		write_first_page(out);
	else
		write_page(out, c);
}

/* One page as the file DIR/NAME.1; ${c} NULL: menedek(1). */
static enum rc
save_page(const char *dir, const struct command *c, struct fault *f)
{
	char name[64], file[80], path[512];
	char *text = NULL;
	size_t len = 0;
	FILE *out;
	enum rc rc = RC_UNAVAILABLE;

	page_name(c, name, sizeof(name));
	(void)snprintf(file, sizeof(file), "%s.1", name);
	if (!path_join(path, sizeof(path), dir, file) || (out = open_memstream(&text, &len)) == NULL)
		return rc;
	write_any(out, c);
	if (fclose(out) == 0)
		rc = file_write(path, (struct bytes){ (const uint8_t *)text, len }, 0644, f);
	free(text);
	return rc;
}

static enum rc
save_pages(const char *dir, struct fault *f)
{
	enum rc rc = dir_make(dir, 0755, f);

	if (rc == RC_OK)
		rc = save_page(dir, NULL, f);
	for (const struct command *c = commands; c->name != NULL && rc == RC_OK; c++)
		rc = save_page(dir, c, f);
	return rc;
}

enum status
cmd_manual(const struct args *args)
{
	struct fault fault = { .count = 0 };
	const struct command *c = NULL;
	int used;

	if (args->word_count > 0 && (c = command_find((int)args->word_count, args->word, &used)) == NULL) {
		talk_error("there is no command \"%s\"; see: menedek help", args->word[0]);
		return STATUS_USAGE;
	}
	if (args_has(args, OPT_OUT_DIR))
		return talk_failure("manual", save_pages(args->value[OPT_OUT_DIR], &fault), &fault);
	write_any(stdout, c);
	return STATUS_OK;
}
