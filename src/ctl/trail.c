/* SPDX-License-Identifier: Apache-2.0 */
/* Findings of the trail, in words.  Ids are shown: who may read the root keys may read records. */
#include "ctl/trail.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#define FINDINGS_SHOWN 50u
#define NAME_CAP       40u

/* "RES_HOUSE" reads as "res house"; kept answers (api/idem.c) are no kind of the model. */
static void
name_of(uint8_t byte, char out[NAME_CAP])
{
	const enum kind kind = kind_of_byte(byte);
	const char *name = kind == KIND_COUNT ? "kept answer or unknown" : kind_name(kind);
	size_t i;

	for (i = 0; name[i] != '\0' && i + 1 < NAME_CAP; i++)
		out[i] = name[i] == '_' ? ' ' : (char)tolower((unsigned char)name[i]);
	out[i] = '\0';
}

static void
say(void *arg, const struct tag_finding *f)
{
	const struct trail_report *report = arg;
	char name[NAME_CAP], id[ID_TEXT + 1] = "", entry[48] = "";
	struct id first;

	if (report->tags.findings > FINDINGS_SHOWN)
		return;
	name_of(f->kind, name);
	if (f->key != NULL && f->key->len > ID_BYTES) {
		memcpy(first.b, f->key->b + 1, ID_BYTES);
		id_format(&first, id);
	}
	if (f->put_back != 0)
		(void)snprintf(entry, sizeof(entry), ", that of entry %llu", (unsigned long long)f->put_back);
	(void)fprintf(stderr, "BAD   %s %s: %s%s", name, id, tag_trouble_text(f->trouble), entry);
	if (f->last != 0)
		(void)fprintf(stderr, " (last written by entry %llu)", (unsigned long long)f->last);
	(void)fputc('\n', stderr);
}

enum rc
trail_check(struct txn *t, struct trail_report *out)
{
	enum rc rc = ledger_verify(t, &out->ledger);

	out->tags = (struct tags_report){ 0 };
	if (rc == RC_OK && out->ledger.first_bad == 0)
		rc = tags_check(t, say, out, &out->tags);
	return rc;
}

bool
trail_is_good(const struct trail_report *report)
{
	return report->ledger.first_bad == 0 && report->tags.findings == 0;
}

void
trail_print_tags(const struct trail_report *report)
{
	if (report->ledger.first_bad != 0)
		(void)printf("BAD   values      not compared: the trail is not whole\n");
	else
		(void)printf("%-5s values      %llu as the trail says, %llu findings\n",
		    report->tags.findings == 0 ? "ok" : "BAD", (unsigned long long)report->tags.compared,
		    (unsigned long long)report->tags.findings);
}
