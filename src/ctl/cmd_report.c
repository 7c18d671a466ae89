/* SPDX-License-Identifier: Apache-2.0 */
/* menedek report: the figures of a year as CSV and as a page in each language, from one look at the registry.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "ctl/offline.h"
#include "ctl/report_write.h"

#define REPORT_MAX      (1024u * 1024) /* 512 lines, three times as text */
#define INHABITANTS_MAX UINT64_C(10000000000)

/* The forms of the report. */
static const struct form {
	const char *ending;
	enum lang lang;
	bool is_page;
} forms[] = {
	{ ".csv", LANG_EN, false },
	{ ".hu.html", LANG_HU, true },
	{ ".en.html", LANG_EN, true },
};

static enum rc
make(struct ctx *c, void *arg)
{
	return report_make(c, arg);
}

static enum status
write_form(const struct args *args, const struct report *r, const struct form *form, char *buf)
{
	struct textbuf t = { .buf = buf, .cap = REPORT_MAX };
	struct fault f = { .count = 0 };
	char path[4096];
	int n = snprintf(path, sizeof(path), "%s%s", args->value[OPT_OUT], form->ending);

	if (n < 0 || (size_t)n >= sizeof(path)) {
		talk_error("the path is too long");
		return STATUS_USAGE;
	}
	if (form->is_page)
		report_html(r, form->lang, &t);
	else
		report_csv(r, &t);
	if (t.overflow)
		return talk_failure("report", RC_TOO_BIG, NULL);
	return talk_failure(
	    path, file_write(path, (struct bytes){ (const uint8_t *)buf, t.len }, 0644, &f), &f);
}

static enum status
write_files(const struct args *args, const struct report *r)
{
	char *buf = malloc(REPORT_MAX);
	enum status status = STATUS_OK;

	if (buf == NULL)
		return talk_failure("report", RC_UNAVAILABLE, NULL);
	if (r->has_samples)
		talk_warning("invented houses (import --sample) are among these figures");
	for (unsigned i = 0; i < COUNT_OF(forms) && status == STATUS_OK; i++)
		status = write_form(args, r, &forms[i], buf);
	if (status == STATUS_OK)
		talk(args, "%s.csv, %s.hu.html and %s.en.html are written.", args->value[OPT_OUT],
		    args->value[OPT_OUT], args->value[OPT_OUT]);
	free(buf);
	return status;
}

static enum status
take_words(const struct args *args, struct report *r)
{
	const char *inhabitants = args->value[OPT_INHABITANTS];
	struct period period;

	if (args->word_count != 1 || !period_parse(args->word[0], strlen(args->word[0]), &period) ||
	    period.quarter != 0) {
		talk_error("give one year that is over, such as: menedek report 2025 --out report-2025");
		return STATUS_USAGE;
	}
	r->year = period.year;
	if (inhabitants != NULL &&
	    (!text_number(inhabitants, INHABITANTS_MAX, &r->inhabitants) || r->inhabitants == 0)) {
		talk_error("--inhabitants: \"%s\" is not a number of people", inhabitants);
		return STATUS_USAGE;
	}
	return STATUS_OK;
}

enum status
cmd_report(const struct args *args)
{
	struct report *r = calloc(1, sizeof(*r));
	struct offline o;
	enum status status;

	if (r == NULL)
		return talk_failure("report", RC_UNAVAILABLE, NULL);
	if ((status = take_words(args, r)) != STATUS_OK) {
		free(r);
		return status;
	}
	if ((status = offline_open_to_read(args, &o)) == STATUS_OK)
		status = talk_failure("report", offline_view(&o, make, r), &o.fault);
	if (status == STATUS_OK)
		status = write_files(args, r);
	offline_close(&o);
	free(r);
	return status;
}
