/* SPDX-License-Identifier: Apache-2.0 */
/* The file of settings: what counts, what is refused and with which words, and that all rows are usable. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "server/serve.h"

static struct settings s;
static struct serve_options options;

static bool
reads(const char *text)
{
	settings_init(&s, "m.conf");
	settings_read(&s, bytes_str(text));
	if (s.value[SET_LISTEN] == NULL)
		settings_command(&s, SET_LISTEN, "127.0.0.1:0");
	return serve_options_of(&s, &options);
}

static void
check_refused(const char *text, const char *why)
{
	cr_expect_not(reads(text), "taken: %s", text);
	cr_expect(strstr(s.complaint[0], why) != NULL, "\"%s\" is not said of \"%s\": %s", why, text,
	    s.complaint[0]);
	settings_fini(&s);
}

Test(settings, built_in_numbers_are_those_of_the_domain)
{
	const struct booking_rules booking = BOOKING_DEFAULT;
	const struct freshness_rule freshness = FRESHNESS_DEFAULT;
	struct tunings none = { 0 };

	cr_assert(reads(""));
	cr_expect_arr_eq(&options.tuning.booking.escalate, &booking.escalate, sizeof(booking.escalate));
	cr_expect(
	    options.tuning.booking.hold == booking.hold && options.tuning.booking.request == booking.request);
	cr_expect_eq(options.tuning.booking.disclose_window, booking.disclose_window);
	cr_expect_eq(options.tuning.booking.disclosures, booking.disclosures);
	cr_expect_eq(options.tuning.freshness.aging_after, freshness.aging_after);
	cr_expect_eq(options.tuning.freshness.unknown_after, freshness.unknown_after);
	cr_expect_eq(options.tuning.rate.burst, tunings_now(&none)->rate.burst);
	cr_expect_eq(options.tuning.rate.per_second, tunings_now(&none)->rate.per_second);
	cr_expect_eq(options.tuning.rate.slow_cost, tunings_now(&none)->rate.slow_cost);
	cr_expect_eq(options.log_level, LOG_NOTE);
	cr_expect_eq(options.sandbox, CONFINE_TRY);
	settings_fini(&s);
}

Test(settings, values_comments_blanks_and_units_are_understood)
{
	cr_assert(
	    reads("# a comment\r\n\r\n  hold-time=20m # twenty\r\n\tknown-for = 2d\nlog-level =\tworld\n"
		  "checkpoints = /mnt/a#b/c\nsandbox=require\nrate-burst = 500"));
	cr_expect_eq(options.tuning.booking.hold, 1200);
	cr_expect_eq(options.tuning.freshness.unknown_after, 172800);
	cr_expect_eq(options.log_level, LOG_WORLD);
	cr_expect_str_eq(options.notary.file, "/mnt/a#b/c");
	cr_expect_eq(options.sandbox, CONFINE_REQUIRE);
	cr_expect_eq(options.tuning.rate.burst, 500);
	settings_fini(&s);
}

Test(settings, mistakes_are_named_with_their_line)
{
	check_refused(
	    "\n\nhold-tmie = 30m\n", "m.conf:3: there is no setting hold-tmie; did you mean hold-time?");
	check_refused("zzzzzzzzzz = 1", "m.conf:1: there is no setting zzzzzzzzzz; see");
	check_refused("hold-time = 30m\nhold-time = 30m", "m.conf:2: hold-time stands in line 1 already");
	check_refused("hold-time", "m.conf:1: this is not a line of KEY = VALUE");
	check_refused("[serve]\n", "m.conf:1: this is not a line of KEY = VALUE");
	check_refused("\033[2J = 1\n", "m.conf:1: this is not a line of KEY = VALUE");
	check_refused("user = a\033[2J\n", "m.conf:1: user holds a character that cannot be seen");
	check_refused("user =\n", "m.conf:1: user takes NAME");
	check_refused("user =# nobody yet\n", "m.conf:1: user takes NAME");
	check_refused("hold-time = 4m", "m.conf:1: hold-time takes 5m to 2h");
	check_refused("hold-time = 99999999999999999999s", "hold-time takes a time");
	check_refused("hold-time = -30m", "hold-time takes a time");
	check_refused("hold-time = 30 m", "hold-time takes a time");
	check_refused("hold-time = ", "hold-time takes a time");
	check_refused("disclosures = 3h", "disclosures takes a whole number");
	check_refused("disclosures = 0", "disclosures takes 1 to 10");
	check_refused("sandbox = off", "sandbox takes one of require|try");
	check_refused("sandbox = require|try", "sandbox takes one of");
	check_refused("listen = localhost", "m.conf:1: listen takes ADDRESS:PORT");
	check_refused("health = 0.0.0.0:9464", "must not be reached from outside");
	check_refused("checkpoint-every = 5", "takes ENTRIES,SECONDS");
	check_refused("checkpoint-every = x,5", "takes ENTRIES,SECONDS");
	check_refused("issuer = https://login.example.hu", "m.conf:1: issuer goes only together");
	check_refused("second-factor = admin,nobody", "names a role that there is not: nobody");
	check_refused(
	    "escalate-second = 2h", "m.conf:1: escalate-second must not be more than escalate-third (60m)");
	check_refused("known-for = 2h", "m.conf:1: known-for must not be less than fresh-for (4h)");
	check_refused("\xff\xfe", "or no text");
}

Test(settings, a_nul_and_a_file_too_long_are_refused)
{
	static char long_text[SETTINGS_FILE + 2];

	settings_init(&s, "m.conf");
	settings_read(&s, (struct bytes){ (const uint8_t *)"a\0b", 3 });
	cr_expect_eq(s.wrong, 1);
	settings_fini(&s);
	memset(long_text, '\n', sizeof(long_text) - 1);
	check_refused(long_text, "longer than");
}

Test(settings, the_command_line_goes_before_the_file_also_after_a_reload)
{
	struct settings again;

	settings_init(&s, "m.conf");
	settings_read(&s, bytes_str("listen = 127.0.0.1:1\n"));
	settings_command(&s, SET_LISTEN, "127.0.0.1:2");
	settings_init(&again, "m.conf");
	settings_read(&again, bytes_str("listen = 127.0.0.1:3\nhold-time = 10m\n"));
	settings_command_again(&again, &s);
	cr_expect_str_eq(again.value[SET_LISTEN], "127.0.0.1:2");
	cr_expect(settings_equal(&again, &s, SET_LISTEN));
	cr_expect_not(settings_equal(&again, &s, SET_HOLD));
	settings_follow(&s, &again);
	cr_expect(settings_equal(&again, &s, SET_HOLD));
	settings_fini(&again);
	settings_fini(&s);
}

/* settings_follow copies numbers only */
Test(settings, every_row_has_words_and_what_reloads_is_a_number)
{
	char shown[SETTINGS_SHOWN], text[128];

	for (unsigned i = 0; i < SET_COUNT; i++) {
		const struct setting_row *row = setting_row((enum setting)i);

		cr_expect(
		    strlen(row->key) <= 32 && *row->help != '\0' && *row->value != '\0', "%s", row->key);
		cr_expect(row->when == WHEN_RESTART || row->kind != SETTING_TEXT, "%s", row->key);
		if (row->kind == SETTING_TEXT)
			continue;
		settings_init(&s, NULL);
		cr_expect_eq(s.wrong, 0, "%s: %s", row->key, s.complaint[0]);
		(void)snprintf(
		    text, sizeof(text), "%s = %s", row->key, settings_show(&s, (enum setting)i, shown));
		cr_expect(reads(text), "%s: %s", text, s.complaint[0]);
		settings_fini(&s);
	}
}

Test(settings, numbers_that_were_replaced_stay_until_the_end)
{
	struct tunings t = { 0 };
	struct tuning next = *tunings_now(&t);
	const struct tuning *old;

	next.booking.hold = 60;
	cr_assert_eq(tunings_change(&t, &next), RC_OK);
	old = tunings_now(&t);
	next.booking.hold = 90;
	cr_assert_eq(tunings_change(&t, &next), RC_OK);
	cr_expect_eq(old->booking.hold, 60);
	cr_expect_eq(tunings_now(&t)->booking.hold, 90);
	tunings_fini(&t);
	cr_expect_eq(tunings_now(&t)->booking.hold, BOOKING_DEFAULT.hold);
}
