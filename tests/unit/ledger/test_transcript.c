/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The trail as an outsider gets it, line by line: what was written checks; what a forger makes of it, with
 * the text alone, with checkpoints kept elsewhere or even with the key, is named.
 */
#include "ledger/transcript.h"

#include "../famine.h"
#include "signed_trail.h"

#define LINES 64u

struct lines {
	char text[LINES][TRANSCRIPT_LINE];
	unsigned count, most; /* no more are taken */
};

static struct lines written;

static bool
take_line(void *arg, const char *line, size_t len)
{
	struct lines *l = arg;

	cr_assert_lt(l->count, LINES);
	memcpy(l->text[l->count], line, len);
	l->text[l->count++][len] = '\0';
	return l->count < l->most;
}

static enum rc
write_up_to(struct txn *t, void *arg)
{
	written.count = 0;
	return transcript_write(t, x.arena, &signer, *(const uint64_t *)arg, take_line, &written);
}

static enum rc
write_lines(uint64_t upto, unsigned most)
{
	written.most = most;
	return fixture_view(&x, write_up_to, &upto);
}

static void
set_up(void)
{
	trail_open();
	trail_add((struct audit_entry){ .at = 1000, .action = "orgs_read", .reason = "-", .roles = 5 });
	trail_add(
	    (struct audit_entry){ .at = 1001, .action = "a b%\x7f-", .reason = "\xc3\xa9", .outcome = 7 });
	trail_add((struct audit_entry){ .at = 1002, .action = "-a" });
	(void)trail_sign();
	trail_add((struct audit_entry){ .at = 1003, .action = "orgs_read" });
	trail_add((struct audit_entry){ .at = 1004, .action = "orgs_read" });
	(void)trail_sign();
	cr_assert_eq(write_lines(0, LINES), RC_OK);
}

TestSuite(transcript, .init = set_up, .fini = trail_close, .timeout = 120);

/* ---- checking ---- */

static struct kept kept;
static struct transcript_check last;

/* The finding, or NULL. */
static const char *
check_with(const struct lines *l, const struct kept *k, bool may_be_ahead)
{
	last = (struct transcript_check){ .signer = &signer, .kept = k, .may_be_ahead = may_be_ahead };
	for (unsigned i = 0; i < l->count; i++)
		if (!transcript_take(&last, l->text[i], strlen(l->text[i])))
			break;
	cr_expect_eq(transcript_end(&last), last.finding == NULL);
	return last.finding;
}

#define check(l) check_with(l, NULL, false)

#define says(l, what)                                                            \
	do {                                                                     \
		const char *said = check(l);                                     \
		cr_expect(said != NULL && strcmp(said, what) == 0, "%s, not %s", \
		    said == NULL ? "nothing" : said, what);                      \
	} while (0)

static struct lines altered;

static void
again(void)
{
	altered = written;
}

/* The line that begins with ${word}, the ${nth} of them from 0. */
static unsigned
find_line(const char *word, unsigned nth)
{
	for (unsigned i = 0; i < altered.count; i++)
		if (strncmp(altered.text[i], word, strlen(word)) == 0 && nth-- == 0)
			return i;
	cr_assert_fail("no line %s", word);
	return 0;
}

static void
drop_line(unsigned at)
{
	memmove(altered.text[at], altered.text[at + 1], (altered.count - at - 1) * sizeof(altered.text[0]));
	altered.count--;
}

static void
add_line(const char *text)
{
	snprintf(altered.text[altered.count++], TRANSCRIPT_LINE, "%s", text);
}

Test(transcript, what_was_written_is_in_order_and_no_byte_of_it_can_be_another)
{
	cr_expect_null(check(&written));
	cr_expect_eq(last.covered, 5);
	cr_expect_eq(last.checkpoints, 2);
	for (unsigned line = 0; line < written.count; line++)
		for (size_t i = 0; written.text[line][i] != '\0'; i++) {
			again();
			altered.text[line][i] ^= 1;
			cr_expect_not_null(check(&altered), "line %u, byte %zu", line, i);
			again();
			altered.text[line][i] = '\0';
			cr_expect_not_null(check(&altered), "line %u cut at %zu", line, i);
		}
}

Test(transcript, lines_that_are_missing_there_twice_or_out_of_order_are_named)
{
	again();
	drop_line(find_line("e 2 ", 0));
	says(&altered, "missing");
	cr_expect(last.first == 2 && last.last == 2);
	again();
	memcpy(altered.text[find_line("e 3 ", 0)], altered.text[find_line("e 2 ", 0)], TRANSCRIPT_LINE);
	says(&altered, "out of order, or there twice");
	again();
	drop_line(find_line("menedek-checkpoint ", 0));
	says(&altered, "checkpoint missing or out of order");
	again();
	drop_line(find_line("menedek-checkpoint ", 1));
	says(&altered, "covered by no signature");
	cr_expect(last.first == 4 && last.last == 5);
	cr_expect_null(check_with(&altered, NULL, true), "a trail that is alive is ahead");
	again();
	drop_line(find_line("e 5 ", 0));
	says(&altered, "not what was signed");
}

Test(transcript, its_beginning_and_its_end_are_what_they_should_be)
{
	again();
	altered.count--;
	says(&altered, "cut off");
	altered.count = 0;
	says(&altered, "cut off");
	again();
	add_line("e 6 x");
	says(&altered, "altered");
	again();
	snprintf(altered.text[0], TRANSCRIPT_LINE, "menedek-audit-export 1 elsewhere/audit");
	says(&altered, "not an export of this registry");
	snprintf(altered.text[0], TRANSCRIPT_LINE, "menedek-audit-export 1 elsewhere");
	says(&altered, "not an export of this registry");
	snprintf(altered.text[0], TRANSCRIPT_LINE, "menedek-audit-export 2 localhost/audit");
	says(&altered, "not an export of this registry");
	again();
	drop_line(0);
	says(&altered, "not an export of this registry");
}

Test(transcript, how_many_there_were_is_believed_only_as_it_was_written)
{
	static const struct {
		const char *end, *finding;
	} rows[] = { { "end 6", "missing" }, { "end 4", "the end is altered" },
		{ "end x", "the end is altered" }, { "end 99999999999999999999", "the end is altered" },
		{ "end ", "altered" }, { "end 000000000000000000000005", "altered" }, { "enD 5", "altered" },
		{ "", "altered" }, { "e", "altered" }, { "e5 ", "altered" }, { "f", "altered" },
		{ "menedek-checkpoint ", "altered" }, { "menedek-checkpoinT localhost/audit 5", "altered" },
		{ "menedek-checkpoint localhost/audit 5", "a checkpoint was altered" } };

	for (unsigned i = 0; i < COUNT_OF(rows); i++) {
		again();
		snprintf(altered.text[altered.count - 1], TRANSCRIPT_LINE, "%s", rows[i].end);
		says(&altered, rows[i].finding);
	}
}

Test(transcript, a_line_with_a_nul_or_longer_than_any_is_refused_before_it_is_read)
{
	static char line[TRANSCRIPT_LINE + 1];
	struct transcript_check k = { .signer = &signer };

	memset(line, 'e', sizeof(line));
	cr_expect_not(transcript_take(&k, line, TRANSCRIPT_LINE));
	cr_expect_not(transcript_take(&k, line, 5), "after the first finding nothing is taken");
	k = (struct transcript_check){ .signer = &signer };
	line[3] = '\0';
	cr_expect_not(transcript_take(&k, line, 6));
	cr_expect_str_eq(k.finding, "altered");
}

/* ---- each field of an entry ---- */

/* Entry 2's line with another ${n}th word. */
static void
replace_word(const char *line, unsigned n, const char *word)
{
	const unsigned at = find_line(line, 0);
	char old[TRANSCRIPT_LINE], *p, *end;

	memcpy(old, altered.text[at], sizeof(old));
	for (p = old; n > 0; n--)
		p = strchr(p, ' ') + 1;
	end = p + strcspn(p, " ");
	snprintf(altered.text[at], TRANSCRIPT_LINE, "%.*s%s%s", (int)(p - old), old, word, end);
}

Test(transcript, a_word_that_cannot_be_one_is_named)
{
	static const struct {
		unsigned n;
		const char *word;
	} rows[] = { { 1, "x" }, { 1, "02" }, { 1, "2 2" }, { 2, "yesterday" }, { 3, "%zz" }, { 3, "%00" },
		{ 3, "%4" }, { 3, "%" }, { 3, "%GG" }, { 3, "%c3" }, { 3, "a%20b" },
		{ 3, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" }, { 4, "65536" }, { 4, "-1" },
		{ 5, "4294967296" }, { 5, "" },
		{ 6, "rrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrr" }, { 7, "00" },
		{ 8, "zz" } };

	for (unsigned i = 0; i < COUNT_OF(rows); i++) {
		again();
		replace_word("e 2 ", rows[i].n, rows[i].word);
		says(&altered, "altered");
		cr_expect(last.first == 2 && last.last == 2, "row %u", i);
	}
}

static enum rc
erase_first(struct txn *t, void *arg)
{
	struct audit_entry e = { .at = 1005 };
	enum rc rc = ledger_erase(t, 1, 2, &e);

	(void)arg;
	return rc == RC_OK ? ledger_record(t, &e) : rc;
}

Test(transcript, entries_whose_content_retention_erased_are_leaves_and_say_so)
{
	static const struct {
		unsigned n;
		const char *word;
	} rows[] = { { 1, "x" }, { 1, "01" }, { 2, "00" }, { 2, "" } };

	cr_assert_eq(fixture_update(&x, erase_first, NULL), RC_OK);
	(void)trail_sign();
	cr_assert_eq(write_lines(0, LINES), RC_OK);
	cr_expect_null(check(&written));
	cr_expect(last.erased == 2 && last.may_be_erased == 2);
	for (unsigned i = 0; i < COUNT_OF(rows); i++) {
		again();
		replace_word("f 1 ", rows[i].n, rows[i].word);
		says(&altered, "altered");
	}
	again();
	snprintf(altered.text[find_line("f 1 ", 0)], TRANSCRIPT_LINE, "f 1");
	says(&altered, "altered");
	/* a thief who erases what he did, and leaves the rest */
	again();
	snprintf(altered.text[find_line("e 3 ", 0)], TRANSCRIPT_LINE, "f 3 %s",
	    strrchr(written.text[find_line("e 3 ", 0)], ' ') + 1);
	says(&altered, "content is gone, but not by retention");
	cr_expect(last.first == 3 && last.last == 3);
}

/* ---- who has the key can sign what he likes, but not what was ---- */

Test(transcript, a_checkpoint_signed_with_the_stolen_key_does_not_fit_the_trail)
{
	struct checkpoint c;

	again();
	for (unsigned i = 0; i < 4; i++) {
		const unsigned at = find_line("menedek-checkpoint ", 0);

		cr_assert(checkpoint_read_line(&signer, bytes_str(written.text[at]), &c));
		c.head[0] ^= i == 0;
		c.root[0] ^= i == 1;
		c.size += i == 2;
		c.number += i == 3;
		cr_assert_eq(checkpoint_sign(&signer, &c), RC_OK);
		(void)checkpoint_line(&signer, &c, altered.text[at]);
		says(&altered, i == 3 ? "checkpoint missing or out of order" : "not what was signed");
	}
	c.signature[0] ^= 1;
	(void)checkpoint_line(&signer, &c, altered.text[find_line("menedek-checkpoint ", 0)]);
	says(&altered, "signature does not hold");
}

Test(transcript, the_first_finding_stays)
{
	struct transcript_check k = { .signer = &signer };

	transcript_lost_checkpoint(&k, 3);
	transcript_lost_checkpoint(&k, 4);
	cr_expect_str_eq(k.finding, "a checkpoint was altered");
	cr_expect_eq(k.checkpoint, 3);
}

/* ---- checkpoints that were kept elsewhere ---- */

static void
keep(const char *line, uint64_t number)
{
	cr_assert_eq(kept_add(&kept, &signer, bytes_str(line), number), RC_OK);
}

static void
keep_all(void)
{
	for (unsigned i = 0; i < written.count; i++)
		keep(written.text[i], i + 1);
	cr_assert_eq(kept.count, 2);
	cr_assert_eq(kept.bad_line, 0);
}

Test(transcript, what_was_kept_elsewhere_shows_a_trail_that_was_cut_or_made_anew)
{
	struct checkpoint c;
	char line[CHECKPOINT_TEXT];

	keep_all();
	kept_sort(&kept);
	cr_expect_null(check_with(&written, &kept, false));
	/* cut at a checkpoint, whole in itself */
	again();
	drop_line(find_line("menedek-checkpoint ", 1));
	drop_line(find_line("e 5 ", 0));
	drop_line(find_line("e 4 ", 0));
	snprintf(altered.text[altered.count - 1], TRANSCRIPT_LINE, "end 3");
	cr_expect_null(check(&altered));
	cr_expect_str_eq(check_with(&altered, &kept, false), "rolled back or cut off");
	cr_expect(last.checkpoint == 2 && last.first == 4 && last.last == 5);
	kept_free(&kept);
	/* another trail was signed */
	cr_assert(
	    checkpoint_read_line(&signer, bytes_str(written.text[find_line("menedek-checkpoint ", 0)]), &c));
	c.root[3] ^= 1;
	cr_assert_eq(checkpoint_sign(&signer, &c), RC_OK);
	(void)checkpoint_line(&signer, &c, line);
	keep(line, 1);
	kept_sort(&kept);
	cr_expect_str_eq(check_with(&written, &kept, false), "not what was signed");
	kept_free(&kept);
}

Test(transcript, a_kept_line_with_a_bad_signature_is_said_when_nothing_worse_is)
{
	char bad[CHECKPOINT_TEXT];
	struct checkpoint c;

	again();
	cr_assert(
	    checkpoint_read_line(&signer, bytes_str(written.text[find_line("menedek-checkpoint ", 0)]), &c));
	c.signature[9] ^= 1;
	(void)checkpoint_line(&signer, &c, bad);
	keep("something else", 1);
	keep(bad, 2);
	keep(bad, 3);
	cr_expect_eq(kept.bad_line, 2, "the first is named");
	cr_expect_str_eq(
	    check_with(&written, &kept, false), "a checkpoint that was kept has no good signature");
	kept_free(&kept);
}

Test(transcript, many_kept_checkpoints_come_in_order_of_size)
{
	char line[CHECKPOINT_TEXT];

	for (unsigned i = 0; i < 600; i++) {
		struct checkpoint c = { .number = i + 1, .size = i * 7 % 500 }; /* some twice */

		cr_assert_eq(checkpoint_sign(&signer, &c), RC_OK);
		(void)checkpoint_line(&signer, &c, line);
		keep(line, i + 1);
	}
	kept_sort(&kept);
	cr_assert_eq(kept.count, 600);
	for (size_t i = 1; i < kept.count; i++)
		cr_assert_leq(kept.items[i - 1].size, kept.items[i].size);
	kept_free(&kept);
}

static enum rc
keep_one(void *arg)
{
	const enum rc rc = kept_add(&kept, &signer, bytes_str(arg), 1);

	kept_sort(&kept);
	kept_free(&kept);
	return rc;
}

Test(transcript, without_memory_it_says_so)
{
	NEEDS_FAMINE();
	again();
	cr_expect_eq(famine_each(keep_one, altered.text[find_line("menedek-checkpoint ", 0)], RC_OK), 1);
}

/* ---- writing ---- */

Test(transcript, it_ends_where_it_is_told_to)
{
	const unsigned whole = written.count;

	for (unsigned most = 1; most < whole; most++) {
		cr_expect_eq(write_lines(0, most), RC_OK);
		cr_expect_eq(written.count, most, "who stopped hears no more");
	}
	cr_assert_eq(write_lines(3, LINES), RC_OK);
	cr_expect_null(check(&written));
	cr_expect_eq(last.range.size, 3);
}

Test(transcript, a_failing_disk_is_no_shorter_trail)
{
	uint64_t all = 0;

	written.most = LINES;
	cr_expect_geq(fixture_update_starved(&x, write_up_to, &all), 4);
	cr_expect_null(check(&written));
}

Test(transcript, an_entry_or_a_checkpoint_that_does_not_open_ends_it)
{
	const struct key entry = log_key(LOG_AUDIT, 4), first = checkpoint_key(1), second = checkpoint_key(2);

	trail_break(&second);
	cr_expect_eq(write_lines(0, LINES), RC_CORRUPT);
	trail_break(&second); /* whole again */
	trail_break(&entry);
	cr_expect_eq(write_lines(0, LINES), RC_CORRUPT);
	trail_break(&entry);
	trail_break(&first);
	cr_expect_eq(write_lines(0, LINES), RC_CORRUPT);
	trail_break(&first);
	cr_expect_eq(write_lines(0, LINES), RC_OK);
}
