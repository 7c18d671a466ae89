/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Entries of the audit trail: how they are written, read back and checked.  Knows nothing of who may read
 * them, nor of what the actions mean.
 */
#include "ledger/ledger.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "crypto/digest.h"
#include "ledger/tags.h"

#define LEAF      DIGEST_BYTES
#define FORM_MAX  512u /* an entry with all its fields takes about 220 */
#define FORM_HEAD 2u   /* its length */
#define TAGS_MAX  (LIMIT_TXN_KEYS * TAG_BYTES)

/* Ids and salt never go to JSON from here: a reader's view of the trail masks them (service/audits.c). */
static const struct field audit_entry_fields[] = {
	ROW(struct audit_entry, at, 1, F_TIME, 0),
	ROW(struct audit_entry, action, 2, F_TEXT, 0),
	ROW(struct audit_entry, outcome, 3, F_U16, 0),
	ROW(struct audit_entry, roles, 4, F_U32, 0),
	ROW(struct audit_entry, reason, 5, F_TEXT, 0),
	ROW(struct audit_entry, salt, 6, F_BYTES, FIELD_SECRET),
	ROW(struct audit_entry, user, 7, F_ID, FIELD_SECRET),
	ROW(struct audit_entry, org, 8, F_ID, FIELD_SECRET),
	ROW(struct audit_entry, device, 9, F_ID, FIELD_SECRET),
	ROW(struct audit_entry, subject, 10, F_ID, FIELD_SECRET),
	ROW(struct audit_entry, shelter, 11, F_ID, FIELD_SECRET),
};
MODEL(model_audit_entry, NULL, struct audit_entry, audit_entry_fields);

/* ---- the leaf ---- */

#define PUBLIC_MAX                                                           \
	(1 + 8 + 2 + 4 + 1 + sizeof(((struct audit_entry *)0)->action) + 1 + \
	    sizeof(((struct audit_entry *)0)->reason))
#define PRIVATE_IDS 5u

struct leaf_text {
	uint8_t b[PUBLIC_MAX];
	size_t len;
};

static bool
add_text(struct leaf_text *out, const char *text, size_t size)
{
	const size_t len = strnlen(text, size);

	if (len == size)
		return false;
	out->b[out->len++] = (uint8_t)len;
	memcpy(out->b + out->len, text, len);
	out->len += len;
	return true;
}

static bool
add_public(struct leaf_text *out, const struct audit_entry *e)
{
	out->b[0] = 0x00; /* apart from the chain's 0x01: a leaf can never pass for a head */
	put_u64(out->b + 1, (uint64_t)e->at);
	out->b[9] = (uint8_t)(e->outcome >> 8);
	out->b[10] = (uint8_t)e->outcome;
	put_u32(out->b + 11, e->roles);
	out->len = 15;
	return add_text(out, e->action, sizeof(e->action)) && add_text(out, e->reason, sizeof(e->reason));
}

void
ledger_hidden(const struct audit_entry *e, uint8_t out[32])
{
	const struct bytes parts[1 + PRIVATE_IDS + 1] = { BYTES_OF(e->salt), BYTES_OF(e->user.b),
		BYTES_OF(e->org.b), BYTES_OF(e->device.b), BYTES_OF(e->subject.b), BYTES_OF(e->shelter.b),
		e->tags };

	digest_parts(parts, COUNT_OF(parts), out);
}

enum rc
ledger_leaf_of(const struct audit_entry *e, const uint8_t hidden[32], uint8_t leaf[32])
{
	struct leaf_text public = { .len = 0 };

	if (!add_public(&public, e))
		return RC_INTERNAL;
	digest_parts((struct bytes[]){ { public.b, public.len }, { hidden, DIGEST_BYTES } }, 2, leaf);
	return RC_OK;
}

enum rc
ledger_leaf(const struct audit_entry *e, uint8_t leaf[32])
{
	uint8_t hidden[DIGEST_BYTES];

	ledger_hidden(e, hidden);
	return ledger_leaf_of(e, hidden, leaf);
}

enum rc
ledger_public(const struct audit_entry *e, uint8_t out[LEDGER_PUBLIC_MAX], size_t *len)
{
	struct leaf_text public = { .len = 0 };

	_Static_assert(PUBLIC_MAX - 1 <= LEDGER_PUBLIC_MAX, "a public part must fit");
	if (!add_public(&public, e))
		return RC_INTERNAL;
	*len = public.len - 1; /* without the leaf's 0x00 */
	memcpy(out, public.b + 1, *len);
	return RC_OK;
}

/* ---- writing ---- */

/* Tags of all that ${t} wrote but log entries, which the chains cover. */
static size_t
collect_tags(const struct txn *t, uint8_t out[TAGS_MAX])
{
	unsigned count;
	const struct write_entry *writes = txn_writes(t, &count);
	size_t len = 0;

	for (unsigned i = 0; i < count; i++) {
		if (!tags_cover(writes[i].key.b[0]))
			continue;
		tag_write(&writes[i].key, writes[i].value, out + len);
		len += TAG_BYTES;
	}
	return len;
}

enum rc
ledger_record(struct txn *t, const struct audit_entry *e)
{
	uint8_t text[FORM_HEAD + FORM_MAX + TAGS_MAX], tags[TAGS_MAX], leaf[LEAF];
	struct audit_entry whole = *e;
	size_t len = 0;
	enum rc rc;

	whole.tags = (struct bytes){ tags, collect_tags(t, tags) };
	if ((rc = ledger_leaf(&whole, leaf)) != RC_OK)
		return rc;
	if ((rc = model_encode(&model_audit_entry, e, text + FORM_HEAD, FORM_MAX, &len)) == RC_OK) {
		text[0] = (uint8_t)(len >> 8);
		text[1] = (uint8_t)len;
		len += FORM_HEAD;
		memcpy(text + len, tags, whole.tags.len);
		rc = txn_append(t, LOG_AUDIT, leaf, KEY_AUDIT, (struct bytes){ text, len + whole.tags.len });
	}
	wipe(text, len);
	txn_freeze(t);
	return rc;
}

/* ---- erasing ---- */

static const char erased_to[] = "to ";

enum rc
ledger_erase(struct txn *t, uint64_t from, uint64_t to, struct audit_entry *e)
{
	enum rc rc = from > 0 && to >= from && to - from < LEDGER_ERASE_MOST ? RC_OK : RC_INVALID;

	for (uint64_t number = from; number <= to && rc == RC_OK; number++)
		rc = txn_log_erase(t, LOG_AUDIT, number);
	if (rc != RC_OK)
		return rc;
	str_copy(e->action, sizeof(e->action), LEDGER_ERASED);
	(void)snprintf(e->reason, sizeof(e->reason), "%s%" PRIu64, erased_to, to);
	return RC_OK;
}

uint64_t
ledger_erased_to(const struct audit_entry *e)
{
	const char *p = e->reason + strlen(erased_to);
	uint64_t number = 0;

	if (strcmp(e->action, LEDGER_ERASED) != 0 || strncmp(e->reason, erased_to, strlen(erased_to)) != 0)
		return 0;
	for (; *p >= '0' && *p <= '9' && number < e->number; p++)
		number = number * 10 + (uint64_t)(*p - '0');
	return *p == '\0' && number < e->number ? number : 0; /* never what comes after it */
}

/* ---- reading ---- */

bool
ledger_is_entry(const struct key *key)
{
	struct key sample = log_key(LOG_AUDIT, 0);

	if (key->len != sample.len)
		return false;
	return memcmp(key->b, sample.b, sample.len - sizeof(uint64_t)) == 0; /* all but the number */
}

/* A log entry reads as its leaf, then what was appended. */
enum rc
ledger_decode(const struct key *key, struct bytes value, struct audit_entry *out)
{
	const uint8_t *text = value.p + LEAF;
	size_t form, tags;
	enum rc rc;

	if (value.len < LEAF || key->len < sizeof(uint64_t))
		return RC_CORRUPT;
	if (value.len == LEAF) {
		*out = (struct audit_entry){ .is_erased = true };
		memcpy(out->leaf, value.p, LEAF);
		out->number = get_u64(key->b + key->len - sizeof(uint64_t));
		return RC_OK;
	}
	if (value.len < LEAF + FORM_HEAD)
		return RC_CORRUPT;
	form = (size_t)text[0] << 8 | text[1];
	if (form > value.len - LEAF - FORM_HEAD)
		return RC_CORRUPT;
	tags = value.len - LEAF - FORM_HEAD - form;
	if (tags % TAG_BYTES != 0)
		return RC_CORRUPT;
	rc = model_decode(&model_audit_entry, (struct bytes){ text + FORM_HEAD, form }, out);
	if (tags > 0)
		out->tags = (struct bytes){ text + FORM_HEAD + form, tags };
	out->number = get_u64(key->b + key->len - sizeof(uint64_t));
	memcpy(out->leaf, value.p, LEAF); /* decoding cleared it */
	return rc;
}

static enum rc
scan_trail(struct txn *t, uint64_t from, txn_scan_fn *fn, void *arg)
{
	const struct key first = log_key(LOG_AUDIT, from);
	struct key prefix = first;

	prefix.len = (uint8_t)(prefix.len - sizeof(uint64_t)); /* all but the number */
	return txn_scan(t, &prefix, &first, fn, arg);
}

struct reader {
	ledger_fn *fn;
	void *arg;
	enum rc rc;
};

static bool
read_one(void *arg, const struct key *key, struct bytes value, uint64_t rev)
{
	struct reader *r = arg;
	struct audit_entry e;

	(void)rev;
	if ((r->rc = ledger_decode(key, value, &e)) != RC_OK)
		return false;
	return r->fn(r->arg, &e);
}

enum rc
ledger_read(struct txn *t, uint64_t from, ledger_fn *fn, void *arg)
{
	struct reader r = { .fn = fn, .arg = arg, .rc = RC_OK };
	const enum rc rc = scan_trail(t, from > 0 ? from : 1, read_one, &r);

	return rc == RC_OK ? r.rc : rc;
}

/* ---- checking ---- */

static const char missing[] = "missing", altered[] = "altered", wrong_head[] = "head does not match",
		  gone[] = "content is gone, but not by retention";

static bool
found(struct ledger_report *report, uint64_t number, const char *finding)
{
	report->first_bad = number;
	report->finding = finding;
	return false;
}

struct verifier {
	struct ledger_report *report;
	ledger_fn *fn;
	void *arg;
	bool is_ended; /* by fn */
};

static bool
check_one(void *arg, const struct key *key, struct bytes value, uint64_t rev)
{
	struct verifier *v = arg;
	struct ledger_report *report = v->report;
	const uint64_t expected = report->entries + 1;
	struct audit_entry e;
	uint8_t leaf[LEAF];
	enum rc rc;

	(void)rev;
	rc = ledger_decode(key, value, &e);
	if (rc == RC_OK && e.number != expected)
		return found(report, expected, missing);
	if (rc != RC_OK)
		return found(report, expected, altered);
	if (e.is_erased)
		report->erased = expected;
	else if (ledger_leaf(&e, leaf) != RC_OK || !bytes_equal(BYTES_OF(leaf), BYTES_OF(e.leaf)))
		return found(report, expected, altered);
	if (ledger_erased_to(&e) > report->may_be_erased)
		report->may_be_erased = ledger_erased_to(&e);
	log_chain(report->head, e.number, e.leaf);
	report->entries++;
	v->is_ended = v->fn != NULL && !v->fn(v->arg, &e);
	return !v->is_ended;
}

/* The walk broke off at a seal that does not open; the entry that should have come next may also be gone. */
static enum rc
name_broken(struct txn *t, struct ledger_report *report)
{
	const struct key key = log_key(LOG_AUDIT, report->entries + 1);
	struct bytes value;
	const enum rc rc = txn_peek(t, &key, &value);

	if (rc != RC_OK && rc != RC_CORRUPT && rc != RC_NOT_FOUND)
		return rc;
	found(report, report->entries + 1, rc == RC_NOT_FOUND ? missing : altered);
	return RC_OK;
}

static void
check_head(const struct log_head *head, struct ledger_report *report)
{
	if (report->entries < head->count)
		found(report, report->entries + 1, missing);
	else if (report->erased > report->may_be_erased)
		found(report, report->may_be_erased + 1, gone);
	else if (report->entries > head->count)
		found(report, head->count + 1, wrong_head);
	else if (!bytes_equal(BYTES_OF(report->head), BYTES_OF(head->head)))
		found(report, report->entries > 0 ? report->entries : 1, wrong_head);
}

enum rc
ledger_verify(struct txn *t, ledger_fn *fn, void *arg, struct ledger_report *out)
{
	struct verifier v = { .report = out, .fn = fn, .arg = arg };
	struct log_head head;
	enum rc rc;

	memset(out, 0, sizeof(*out));
	if ((rc = scan_trail(t, 1, check_one, &v)) == RC_CORRUPT)
		return name_broken(t, out);
	if (rc != RC_OK || out->first_bad != 0 || v.is_ended)
		return rc;
	if ((rc = txn_log_head(t, LOG_AUDIT, &head)) == RC_CORRUPT) {
		found(out, out->entries > 0 ? out->entries : 1, wrong_head);
		return RC_OK;
	}
	if (rc == RC_OK)
		check_head(&head, out);
	return rc;
}
