/* SPDX-License-Identifier: Apache-2.0 */
/* menedek audit checkpoint, audit export, audit verify on a registry: whoever may read the root keys. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "ctl/audit_offline.h"
#include "ctl/part.h"

/* ---- verify ---- */

struct verification {
	struct trail_report report;
	struct kept kept;
	bool has_kept;
};

static enum rc
verify(struct ctx *c, void *arg)
{
	struct verification *v = arg;

	return trail_check(c, v->has_kept ? &v->kept : NULL, &v->report);
}

static void
print_json(const struct trail_report *t)
{
	const struct ledger_report *r = &t->ledger;
	char head[2 * sizeof(r->head) + 1], finding[TRAIL_FINDING], buf[1024];
	struct jw w;

	hex_format(r->head, sizeof(r->head), head);
	trail_finding(&t->signatures, finding);
	jw_init(&w, buf, sizeof(buf));
	jw_open(&w, '{');
	jw_field_bool(&w, "verified", trail_is_good(t));
	jw_field_int(&w, "entries", (int64_t)r->entries);
	jw_field_string(&w, "head", head);
	if (r->first_bad != 0) {
		jw_field_int(&w, "first_bad", (int64_t)r->first_bad);
		jw_field_string(&w, "finding", r->finding);
	} else if (*finding != '\0') {
		jw_field_string(&w, "finding", finding);
	}
	jw_field_int(&w, "checkpoints", (int64_t)t->signatures.checkpoints);
	jw_field_int(&w, "signed", (int64_t)t->signatures.covered);
	jw_field_int(&w, "values_compared", (int64_t)t->tags.compared);
	jw_field_int(&w, "values_exchanged", (int64_t)t->tags.findings);
	jw_close(&w, '}');
	(void)printf("%.*s\n", (int)w.len, buf);
}

static void
print_report(const struct trail_report *t)
{
	const struct ledger_report *r = &t->ledger;
	char head[2 * sizeof(r->head) + 1];

	hex_format(r->head, sizeof(r->head), head);
	if (r->first_bad != 0)
		(void)printf("NOT VERIFIED: entry %llu of %llu: %s\n", (unsigned long long)r->first_bad,
		    (unsigned long long)r->entries, r->finding);
	else
		(void)printf("%s: %llu entries, head %s\n", trail_is_good(t) ? "verified" : "NOT VERIFIED",
		    (unsigned long long)r->entries, head);
	trail_print(t);
}

static enum status
verify_registry(const struct args *args)
{
	struct verification v = { .has_kept = args_has(args, OPT_CHECKPOINTS) };
	struct offline o;
	enum status status = offline_open_to_read(args, &o);

	if (status == STATUS_OK)
		status = talk_failure("audit verify", parts_open_signer(&o.parts, &o.fault), &o.fault);
	if (status == STATUS_OK && v.has_kept)
		status = trail_read_kept(args->value[OPT_CHECKPOINTS], &o.parts.signer, &v.kept);
	if (status == STATUS_OK)
		status = talk_failure("audit verify", offline_view(&o, verify, &v), &o.fault);
	if (status == STATUS_OK) {
		if (args_has(args, OPT_JSON))
			print_json(&v.report);
		else
			print_report(&v.report);
		status = trail_is_good(&v.report) ? STATUS_OK : STATUS_CHECK_FAILED;
	}
	kept_free(&v.kept);
	offline_close(&o);
	return status;
}

enum status
cmd_audit_verify(const struct args *args)
{
	return args_has(args, OPT_EXPORT) ? audit_verify_export(args) : verify_registry(args);
}

/* ---- checkpoint ---- */

/* Sign what there is; says what is wrong. */
static enum status
sign(struct offline *o, struct checkpoint *latest)
{
	enum rc rc = parts_open_signer(&o->parts, &o->fault);

	if (rc == RC_OK)
		rc = tree_sign(o->parts.store, o->arena, &o->parts.signer, clock_now(), latest);
	if (rc == RC_OK && latest->number == 0)
		rc = RC_NOT_FOUND;
	return talk_failure("the audit trail", rc, &o->fault);
}

enum status
cmd_audit_checkpoint(const struct args *args)
{
	char note[CHECKPOINT_TEXT];
	struct checkpoint latest = { .number = 0 };
	struct offline o;
	enum status status = offline_open(args, false, &o);

	if (status == STATUS_OK)
		status = sign(&o, &latest);
	if (status == STATUS_OK) {
		(void)checkpoint_note(&o.parts.signer, &latest, note);
		(void)fputs(note, stdout);
	}
	offline_close(&o);
	return status;
}

/* ---- export ---- */

static bool
write_line(void *arg, const char *line, size_t len)
{
	FILE *file = arg;

	return fwrite(line, 1, len, file) == len && fputc('\n', file) != EOF;
}

struct exporting {
	FILE *file;
	uint64_t upto;
};

static enum rc
write_trail(struct ctx *c, void *arg)
{
	const struct exporting *e = arg;

	return transcript_write(c->txn, c->arena, &c->parts->signer, e->upto, write_line, e->file);
}

static enum rc
find_latest(struct ctx *c, void *arg)
{
	return tree_checkpoint(c->txn, 0, arg);
}

/* Who reads beside the service signs nothing: the export ends where the service has signed last. */
static enum status
find_signed(struct offline *o, struct checkpoint *latest)
{
	enum rc rc = parts_open_signer(&o->parts, &o->fault);

	if (rc == RC_OK)
		rc = offline_view(o, find_latest, latest);
	return talk_failure("the audit trail", rc, &o->fault);
}

static FILE *
stream_to(int fd)
{
	const int own = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	FILE *file = own < 0 ? NULL : fdopen(own, "w");

	if (file == NULL && own >= 0)
		(void)close(own);
	return file;
}

static enum status
write_export(struct offline *o, uint64_t upto, const char *path)
{
	struct part part;
	struct exporting e;
	enum status status;
	bool is_written;

	if ((status = part_open(&part, path, 0640)) != STATUS_OK)
		return status;
	e = (struct exporting){ stream_to(part.fd), upto };
	if (e.file == NULL)
		return part_close(&part, STATUS_ERROR);
	status = talk_failure("audit export", offline_view(o, write_trail, &e), &o->fault);
	is_written = !ferror(e.file);
	if (fclose(e.file) != 0 || !is_written)
		status = STATUS_ERROR;
	return part_close(&part, status);
}

enum status
cmd_audit_export(const struct args *args)
{
	struct checkpoint latest = { .number = 0 };
	struct offline o;
	enum status status = offline_open_to_read(args, &o);

	if (status == STATUS_OK)
		status = o.parts.is_reader ? find_signed(&o, &latest) : sign(&o, &latest);
	if (status == STATUS_OK)
		status = write_export(&o, latest.size, args->value[OPT_OUT]);
	if (status == STATUS_OK)
		talk_step(args, "%llu entries, %llu checkpoints in %s", (unsigned long long)latest.size,
		    (unsigned long long)latest.number, args->value[OPT_OUT]);
	offline_close(&o);
	return status;
}
