/* SPDX-License-Identifier: Apache-2.0 */
/* Keys of the desks, and what goes on a desk's sheet. */
#include "service/sheets.h"

#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/log.h"
#include "base/textbuf.h"
#include "service/candidates.h"

#define KEY_FILE  256u
#define HOURS     4u
#define KEY_WORD  "menedek-sheet-key"
#define LAST_LINE 24u /* says how many there are, also when they did not fit */
#define ARENA     (4u * 1024 * 1024)
#define AGAIN     600 /* seconds after which a sheet that could not be written is tried again */

struct sheets {
	char dir[256];
	int64_t every;
	int64_t next_at; /* of the thread that writes */
	unsigned count;
	struct sheet_key key[SHEET_DESKS];
};

/* ---- keys ---- */

bool
sheet_name_is_good(const char *name)
{
	const size_t len = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-");

	return len > 0 && len < SHEET_NAME && name[len] == '\0';
}

static bool
path_of(char path[512], const char *dir, const char *name, const char *end)
{
	char file[SHEET_NAME + 8];

	(void)snprintf(file, sizeof(file), "%s%s", name, end);
	return path_join(path, 512, dir, file);
}

enum rc
sheet_key_write(const struct paths *paths, const struct sheet_key *key, bool may_replace, struct fault *f)
{
	char dir[300], path[512], org[ID_TEXT + 1], text[KEY_FILE];
	enum rc rc;

	if (!path_join(dir, sizeof(dir), paths->dir, SHEET_KEYS) || !path_of(path, dir, key->name, ".key"))
		return RC_INVALID;
	if (!may_replace && file_exists(path))
		return fault_set(f, RC_TAKEN, MSG_SHEET_TAKEN, NULL, 0, key->name);
	if ((rc = dir_make(dir, 0755, f)) != RC_OK)
		return rc;
	file_give(dir);
	id_format(&key->org, org);
	(void)snprintf(text, sizeof(text), KEY_WORD " 1 %s %s\n", org, key->key);
	/* who may look into the data directory may read it: it opens nothing */
	return file_write_given(path, bytes_str(text), 0644, f);
}

static bool
read_key(const char *path, struct sheet_key *out)
{
	char *text = NULL, *field[4];
	size_t len;
	bool is_good = false;

	if (file_read(path, KEY_FILE, &text, &len, NULL) != RC_OK)
		return false;
	text[strcspn(text, "\n")] = '\0';
	if (text_split(text, field, COUNT_OF(field)))
		is_good = strcmp(field[0], KEY_WORD) == 0 && strcmp(field[1], "1") == 0 &&
		    id_parse(field[2], strlen(field[2]), &out->org) && letter_key_is_good(field[3]) &&
		    str_copy(out->key, sizeof(out->key), field[3]);
	free(text);
	return is_good;
}

bool
sheet_key_file(const char *file, char name[SHEET_NAME])
{
	const size_t len = strlen(file);

	if (len < 5 || len - 4 >= SHEET_NAME || strcmp(file + len - 4, ".key") != 0)
		return false;
	memcpy(name, file, len - 4);
	name[len - 4] = '\0';
	return sheet_name_is_good(name);
}

static enum rc
add_key(struct sheets *s, const char *dir, const char *file, struct fault *f)
{
	struct sheet_key key;
	char path[512];

	if (!sheet_key_file(file, key.name))
		return RC_OK;
	if (s->count == SHEET_DESKS)
		return fault_set(f, RC_TOO_BIG, MSG_SHEET_KEYS, NULL, SHEET_DESKS, NULL);
	if (!path_join(path, sizeof(path), dir, file) || !read_key(path, &key))
		return fault_set(f, RC_INVALID, MSG_SHEET_KEY, NULL, 0, key.name);
	s->key[s->count++] = key;
	return RC_OK;
}

static enum rc
read_keys(struct sheets *s, const char *dir, struct fault *f)
{
	DIR *open = opendir(dir);
	const struct dirent *e;
	enum rc rc = RC_OK;

	while (rc == RC_OK && open != NULL && (e = readdir(open)) != NULL)
		rc = add_key(s, dir, e->d_name, f);
	if (open != NULL)
		(void)closedir(open);
	return rc == RC_OK && s->count == 0 ? fault_set(f, RC_NOT_FOUND, MSG_SHEET_NONE, NULL, 0, NULL) : rc;
}

enum rc
sheets_open(struct parts *p, const struct sheets_options *options, struct fault *f)
{
	struct sheets *s = calloc(1, sizeof(*s));
	char dir[300];
	enum rc rc;

	if (s == NULL)
		return RC_UNAVAILABLE;
	s->every = (int64_t)(options->hours == 0 ? HOURS : options->hours) * 3600;
	if (!str_copy(s->dir, sizeof(s->dir), options->dir) ||
	    !path_join(dir, sizeof(dir), p->paths.dir, SHEET_KEYS))
		rc = RC_INVALID;
	else if ((rc = dir_make(s->dir, 0700, f)) == RC_OK)
		rc = read_keys(s, dir, f);
	if (rc == RC_OK)
		p->sheets = s;
	else
		sheets_free(s);
	return rc;
}

void
sheets_free(struct sheets *sheets)
{
	free(sheets);
}

/* A clock that ran ahead and was put back must not make a desk wait for longer than it was to. */
bool
sheets_are_due(const struct parts *p, int64_t now)
{
	const struct sheets *s = p->sheets;

	return s != NULL && (now >= s->next_at || s->next_at - now > s->every);
}

/* ---- what stands on it ---- */

struct page {
	struct ctx ctx;
	const struct sheet_key *key;
	struct textbuf text;
	unsigned rows;
	unsigned lost; /* of them what cannot be read */
	enum rc rc;    /* of the walk over them */
};

static void
put_bands(struct page *page, const struct reservation *r)
{
	const unsigned children = (unsigned)r->children + r->babies;

	textbuf_add(&page->text, "\t");
	for (unsigned i = 0; i < children && i < LIMIT_CHILDREN; i++) {
		const char *code = code_text(&codes_age_band, r->bands[i]);

		if (code != NULL)
			textbuf_add(&page->text, "%s,", code);
	}
}

static void
put_needs(struct page *page, const struct reservation *r)
{
	textbuf_add(&page->text, "\t%s%s%s", r->step_free ? "step_free," : "", r->pet ? "pet," : "",
	    r->pregnant ? "pregnant," : "");
	for (unsigned i = 0; i < codes_language.count; i++)
		if ((r->languages >> i & 1) != 0)
			textbuf_add(&page->text, "%s,", codes_language.rows[i].code);
}

/* A row that does not fit whole is not there at all. */
static void
put_row(struct page *page, const struct reservation *r, const struct shelter *s, const char *name)
{
	const size_t kept = page->text.len;

	textbuf_add(&page->text, "row\t%s\t%s\t%s\t%s\t%u\t%u\t%u", r->number, r->check_word, name,
	    code_text(&codes_shelter_type, s->type), r->adults, r->children, r->babies);
	put_bands(page, r);
	put_needs(page, r);
	textbuf_add(
	    &page->text, "\t%s\t%" PRId64 "\n", code_text(&codes_reservation_state, r->state), r->expires_at);
	if (page->text.overflow)
		page->text.len = kept;
	page->rows++;
}

/* One hurt record must not cost a desk its paper for all others: it counts as a row, so that the sheet says
 * that one is missing. */
static enum rc
pass_by(struct page *page, enum rc rc)
{
	if (rc != RC_NOT_FOUND && rc != RC_CORRUPT)
		return rc;
	page->rows++;
	page->lost++;
	return RC_OK;
}

static enum rc
add_reservation(struct page *page, const struct id *id)
{
	struct ctx *c = &page->ctx;
	struct key key = record_key(KIND_RESERVATION, id), sk;
	struct reservation r;
	struct shelter s;
	const char *name;
	enum rc rc;

	if ((rc = record_peek(c->txn, KIND_RESERVATION, &key, &r)) != RC_OK)
		return pass_by(page, rc); /* a row leads to a record, always */
	if (r.state == RES_IN_STAY || reservation_is_over(r.state) || reservation_has_expired(&r, c->now))
		return RC_OK;
	sk = record_key(KIND_SHELTER, &r.shelter);
	if ((rc = record_peek(c->txn, KIND_SHELTER, &sk, &s)) != RC_OK)
		return pass_by(page, rc);
	if ((name = candidate_name(c, &s, &r.episode)) == NULL)
		return RC_UNAVAILABLE;
	put_row(page, &r, &s, name);
	return RC_OK;
}

static bool
add_row(void *arg, const struct key *key, struct bytes value, uint64_t rev)
{
	struct page *page = arg;
	const size_t mark = arena_mark(page->ctx.arena);
	struct reference row;

	(void)key;
	(void)rev;
	page->rc = record_decode(KIND_RES_DESK, value, &row);
	page->rc = page->rc == RC_OK ? add_reservation(page, &row.id) : pass_by(page, page->rc);
	arena_rewind(page->ctx.arena, mark);
	return page->rc == RC_OK;
}

/* The id stands in the key, but without the seal of its value anybody may have written that. */
static void
miss_row(void *arg, const struct key *key)
{
	(void)key;
	(void)pass_by(arg, RC_CORRUPT);
}

static enum rc
add_rows(struct page *page)
{
	const struct key prefix = record_key(KIND_RES_DESK, &page->key->org);
	const enum rc rc = txn_scan_past(page->ctx.txn, &prefix, NULL, add_row, miss_row, page);

	return rc == RC_OK ? page->rc : rc;
}

static enum rc
collect(struct txn *t, void *arg)
{
	struct page *page = arg;
	struct ctx *c = &page->ctx;
	struct key key = record_key(KIND_ORG, &page->key->org);
	char host[256] = "";
	struct org org;
	enum rc rc;

	c->txn = t;
	page->text = (struct textbuf){ .buf = page->text.buf, .cap = SHEET_TEXT };
	page->rows = page->lost = 0;
	page->rc = RC_OK;
	if ((rc = record_peek(t, KIND_ORG, &key, &org)) != RC_OK)
		return rc;
	(void)str_copy(host, sizeof(host), c->parts->signer.origin);
	textbuf_add(
	    &page->text, SHEET_FIRST "registry\t%s\ndesk\t%s\nat\t%" PRId64 "\n", host, org.name, c->now);
	if ((rc = add_rows(page)) != RC_OK)
		return rc;
	page->text = (struct textbuf){ page->text.buf, page->text.len + LAST_LINE, page->text.len, false };
	textbuf_add(&page->text, "rows\t%u\n", page->rows);
	return RC_OK;
}

/* ---- writing ---- */

static enum rc
seal_to_file(const struct sheets *s, const struct page *page, struct fault *f)
{
	uint8_t *sealed = malloc(page->text.len + LETTER_MORE);
	char path[512];
	size_t len;
	enum rc rc = sealed == NULL ? RC_UNAVAILABLE : RC_OK;

	if (rc == RC_OK)
		rc = letter_seal(page->key->key,
		    (struct bytes){ (const uint8_t *)page->text.buf, page->text.len }, sealed, &len);
	if (rc == RC_OK && !path_of(path, s->dir, page->key->name, ".sheet"))
		rc = RC_INVALID;
	if (rc == RC_OK)
		rc = file_write(path, (struct bytes){ sealed, len }, 0644, f);
	free(sealed);
	return rc;
}

static enum rc
write_one(struct parts *p, struct page *page, struct fault *f)
{
	struct audit_entry entry = { .at = page->ctx.now,
		.action = "clock_sheet",
		.outcome = RC_OK,
		.org = page->key->org,
		.subject = page->key->org };
	enum rc rc;

	random_fill(entry.salt, sizeof(entry.salt));
	if ((rc = store_view(p->store, page->ctx.arena, collect, page)) != RC_OK ||
	    (rc = ledger_record_later(p->ledger, &entry)) != RC_OK)
		return rc;
	if (page->lost > 0)
		log_world("sheet_unreadable", "desk=%s reservations=%u: run menedek check", page->key->name,
		    page->lost);
	return seal_to_file(p->sheets, page, f);
}

enum rc
sheets_write(struct parts *p, int64_t now, unsigned *desks, unsigned *rows, struct fault *f)
{
	const struct principal nobody = { 0 };
	struct page page = { .text.buf = malloc(SHEET_TEXT + LAST_LINE) };
	struct arena *arena = arena_new(ARENA);
	enum rc rc = p->sheets == NULL ? RC_NOT_FOUND : RC_OK, all = rc;

	*desks = *rows = 0;
	if (page.text.buf == NULL || arena == NULL)
		rc = RC_UNAVAILABLE;
	page.ctx = (struct ctx){ .parts = p, .arena = arena, .who = &nobody, .now = now, .fault = f };
	for (unsigned i = 0; rc == RC_OK && i < p->sheets->count; i++) {
		page.key = &p->sheets->key[i];
		const enum rc one = write_one(p, &page, f);

		if (one != RC_OK) { /* the other desks get theirs */
			all = one;
			continue;
		}
		*desks += 1;
		*rows += page.rows;
	}
	rc = rc == RC_OK ? all : rc;
	if (p->sheets != NULL) /* later than the next look: what else is due must have its turn */
		p->sheets->next_at = now + (rc == RC_OK ? p->sheets->every : AGAIN);
	if (rc == RC_OK) {
		log_note("sheets_written", "desks=%u reservations=%u", *desks, *rows);
	}
	if (page.text.buf != NULL)
		wipe(page.text.buf, SHEET_TEXT + LAST_LINE);
	free(page.text.buf);
	arena_free(arena);
	return rc;
}
