/* SPDX-License-Identifier: Apache-2.0 */
/* Findings of the trail, in words.  Ids are shown: who may read the root keys may read records. */
#include "ctl/trail.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "ledger/review.h"

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
trail_check(struct ctx *c, const struct kept *kept, struct trail_report *out)
{
	struct review r = {
		.signatures = { .signer = &c->parts->signer, .kept = kept, .may_be_ahead = true },
		.arena = c->arena,
	};
	enum rc rc = tags_begin(&r.tags);

	memset(out, 0, sizeof(*out));
	if (rc == RC_OK)
		rc = review_trail(c->txn, &r);
	if (rc == RC_OK) {
		out->ledger = r.ledger;
		if (r.ledger.first_bad == 0) {
			out->signatures = r.signatures;
			rc = tags_compare(r.tags, c->txn, say, out, &out->tags);
		}
	}
	tags_end(r.tags);
	return rc;
}

bool
trail_is_good(const struct trail_report *report)
{
	return report->ledger.first_bad == 0 && report->signatures.finding == NULL &&
	    report->tags.findings == 0;
}

void
trail_finding(const struct transcript_check *k, char out[TRAIL_FINDING])
{
	int n = 0;

	out[0] = '\0';
	if (k->finding == NULL)
		return;
	if (k->checkpoint != 0)
		n = snprintf(out, TRAIL_FINDING, "checkpoint %llu: ", (unsigned long long)k->checkpoint);
	if (k->first != 0 && k->first < k->last)
		n += snprintf(out + n, TRAIL_FINDING - (size_t)n,
		    "entries %llu to %llu: ", (unsigned long long)k->first, (unsigned long long)k->last);
	else if (k->first != 0)
		n += snprintf(
		    out + n, TRAIL_FINDING - (size_t)n, "entry %llu: ", (unsigned long long)k->first);
	(void)snprintf(out + n, TRAIL_FINDING - (size_t)n, "%s", k->finding);
}

void
trail_print(const struct trail_report *report)
{
	const struct transcript_check *k = &report->signatures;
	char finding[TRAIL_FINDING];

	if (report->ledger.first_bad != 0) {
		(void)printf("BAD   signatures, values: not looked at, the trail is not whole\n");
		return;
	}
	trail_finding(k, finding);
	(void)printf("%-5s signatures  %llu checkpoints, up to entry %llu%s%s\n",
	    k->finding == NULL ? "ok" : "BAD", (unsigned long long)k->checkpoints,
	    (unsigned long long)k->covered, *finding == '\0' ? "" : ": ", finding);
	(void)printf("%-5s values      %llu as the trail says, %llu findings\n",
	    report->tags.findings == 0 ? "ok" : "BAD", (unsigned long long)report->tags.compared,
	    (unsigned long long)report->tags.findings);
}

enum status
trail_read_kept(const char *path, const struct signer *signer, struct kept *kept)
{
	FILE *file = fopen(path, "re");
	char line[4096]; /* a syslog's own prefix and a checkpoint */
	uint64_t number = 0;
	enum rc rc = RC_OK;

	if (file == NULL) {
		talk_error("%s cannot be read", path);
		return STATUS_NOT_FOUND;
	}
	while (rc == RC_OK && fgets(line, sizeof(line), file) != NULL)
		rc = kept_add(kept, signer, (struct bytes){ (const uint8_t *)line, strlen(line) }, ++number);
	if (rc == RC_OK && ferror(file))
		rc = RC_UNAVAILABLE;
	(void)fclose(file);
	kept_sort(kept);
	if (rc == RC_OK && kept->count == 0 && kept->bad_line == 0) {
		talk_error("%s holds no checkpoint of %s", path, signer->origin);
		return STATUS_CHECK_FAILED;
	}
	return talk_failure(path, rc, NULL);
}
