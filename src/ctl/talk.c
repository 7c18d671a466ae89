/* SPDX-License-Identifier: Apache-2.0 */
/* Lines on standard error.  Must not be given secrets: a terminal's scrollback is a file. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "ctl/talk.h"

#define STEP_WIDTH 58
#define LINE       512

/* every way to fail that is not plain STATUS_ERROR */
static const uint8_t status_of[RC_COUNT] = {
	[RC_NOT_FOUND] = STATUS_NOT_FOUND,
	[RC_NO_TOKEN] = STATUS_AUTH,
	[RC_BAD_TOKEN] = STATUS_AUTH,
	[RC_BAD_LOGIN] = STATUS_AUTH,
	[RC_FORBIDDEN] = STATUS_AUTH,
	[RC_DEVICE_REFUSED] = STATUS_AUTH,
	[RC_TAKEN] = STATUS_CONFLICT,
	[RC_STATE_CONFLICT] = STATUS_CONFLICT,
	[RC_CONFLICT] = STATUS_CONFLICT,
	[RC_BUSY] = STATUS_CONFLICT,
};

static const char *const hint_of[RC_COUNT] = {
	[RC_BUSY] = "is `menedek serve` running on this directory? Use the API, or stop it first",
	[RC_CORRUPT] = "these are other keys than the data were sealed with, or the data are damaged",
	[RC_UNKNOWN] = "it may have happened: look before you repeat it",
};

enum lang
talk_lang(void)
{
	static const char *const names[] = { "LC_ALL", "LC_MESSAGES", "LANG" };

	for (size_t i = 0; i < COUNT_OF(names); i++) {
		const char *value = getenv(names[i]);

		if (value != NULL && *value != '\0')
			return strncmp(value, "hu", 2) == 0 ? LANG_HU : LANG_EN;
	}
	return LANG_EN;
}

void
talk_error(const char *fmt, ...)
{
	char line[LINE];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	text_tame(line); /* cells, names and answers come from elsewhere */
	(void)fprintf(stderr, "menedek: %s\n", line);
}

void
talk_warning(const char *fmt, ...)
{
	char line[LINE];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	text_tame(line); /* cells, names and answers come from elsewhere */
	(void)fprintf(stderr, "menedek: warning: %s\n", line);
}

void
talk(const struct args *args, const char *fmt, ...)
{
	char line[LINE];
	va_list ap;

	if (args_has(args, OPT_QUIET))
		return;
	va_start(ap, fmt);
	(void)vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	text_tame(line); /* cells, names and answers come from elsewhere */
	(void)fprintf(stderr, "%s\n", line);
}

void
talk_step(const struct args *args, const char *fmt, ...)
{
	char line[LINE];
	int dots;
	va_list ap;

	if (args_has(args, OPT_QUIET))
		return;
	va_start(ap, fmt);
	(void)vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	text_tame(line); /* cells, names and answers come from elsewhere */
	dots = STEP_WIDTH - (int)strlen(line);
	(void)fprintf(stderr, "%s ", line);
	for (int i = 0; i < dots; i++)
		(void)fputc('.', stderr);
	(void)fprintf(stderr, " ok\n");
}

enum status
talk_failure(const char *doing, enum rc rc, const struct fault *f)
{
	char text[LINE];

	if (rc == RC_OK)
		return STATUS_OK;
	if (f == NULL || f->count == 0)
		talk_error("%s: %s", doing, rc_title(rc, LANG_EN));
	for (unsigned i = 0; f != NULL && i < f->count; i++) {
		const struct fault_item *item = &f->item[i];
		talk_error("%s: %s%s%s", doing, item->pointer, *item->pointer != '\0' ? ": " : "",
		    fault_text(item, LANG_EN, text, sizeof(text)));
	}
	if (hint_of[rc] != NULL)
		(void)fprintf(stderr, "  %s\n", hint_of[rc]);
	return status_of[rc] != STATUS_OK ? (enum status)status_of[rc] : STATUS_ERROR;
}
