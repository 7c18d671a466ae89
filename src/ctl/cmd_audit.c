/* SPDX-License-Identifier: Apache-2.0 */
/* menedek audit verify: is the trail whole?  Exit status 7 when it is not. */
#include <stdio.h>

#include "ctl/offline.h"
#include "ctl/trail.h"

static enum rc
verify(struct ctx *c, void *arg)
{
	return trail_check(c->txn, arg);
}

static void
print_report(const struct args *args, const struct trail_report *t)
{
	const struct ledger_report *r = &t->ledger;
	char head[2 * sizeof(r->head) + 1], buf[512];
	struct jw w;

	hex_format(r->head, sizeof(r->head), head);
	if (args_has(args, OPT_JSON)) {
		jw_init(&w, buf, sizeof(buf));
		jw_open(&w, '{');
		jw_field_bool(&w, "verified", trail_is_good(t));
		jw_field_int(&w, "entries", (int64_t)r->entries);
		jw_field_string(&w, "head", head);
		if (r->first_bad != 0) {
			jw_field_int(&w, "first_bad", (int64_t)r->first_bad);
			jw_field_string(&w, "finding", r->finding);
		}
		jw_field_int(&w, "values_compared", (int64_t)t->tags.compared);
		jw_field_int(&w, "values_exchanged", (int64_t)t->tags.findings);
		jw_close(&w, '}');
		(void)printf("%.*s\n", (int)w.len, buf);
		return;
	}
	if (r->first_bad != 0)
		(void)printf("NOT VERIFIED: entry %llu of %llu: %s\n", (unsigned long long)r->first_bad,
		    (unsigned long long)r->entries, r->finding);
	else
		(void)printf("%s: %llu entries, head %s\n", trail_is_good(t) ? "verified" : "NOT VERIFIED",
		    (unsigned long long)r->entries, head);
	trail_print_tags(t);
}

enum status
cmd_audit_verify(const struct args *args)
{
	struct trail_report report = { .ledger = { .entries = 0 } };
	struct offline o;
	enum status status = offline_open(args, false, &o);

	if (status == STATUS_OK)
		status = talk_failure("audit verify", offline_view(&o, verify, &report), &o.fault);
	if (status == STATUS_OK) {
		print_report(args, &report);
		status = trail_is_good(&report) ? STATUS_OK : STATUS_CHECK_FAILED;
	}
	offline_close(&o);
	return status;
}
