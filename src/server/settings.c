/* SPDX-License-Identifier: Apache-2.0 */
/* The file is cut in place: a value points into its text. */
#include "server/settings.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fault.h"
#include "base/file.h"
#include "base/nearest.h"

static const struct setting_row rows[SET_COUNT] = {
#define ROW(name, key, kind, least, most, built_in, when, value, help, is_option) \
	[SET_##name] = { key, SETTING_##kind, least, most, built_in, WHEN_##when, value, help, is_option },
#define OPTION(...) ROW(__VA_ARGS__, true)
#define KEY(...)    ROW(__VA_ARGS__, false)
#include "server/settings.def"
#undef OPTION
#undef KEY
#undef ROW
};

static const struct unit {
	char name;
	int64_t seconds;
} units[] = { { 'd', 86400 }, { 'h', 3600 }, { 'm', 60 }, { 's', 1 } };

#define DIGITS_MAX 9u /* of a number: no sum of ours overflows */

const struct setting_row *
setting_row(enum setting setting)
{
	return &rows[setting];
}

/* ---- what is wrong ---- */

const char *
settings_place(const struct settings *s, enum setting setting, char out[SETTINGS_PLACE])
{
	const char *key = rows[setting].key;

	if (s->source[setting] == SOURCE_FILE)
		(void)snprintf(out, SETTINGS_PLACE, "%s:%u: %s", s->path, s->line[setting], key);
	else
		(void)snprintf(
		    out, SETTINGS_PLACE, "%s%s", s->source[setting] == SOURCE_COMMAND_LINE ? "--" : "", key);
	return out;
}

static void PRINTF_LIKE(2, 3) complain(struct settings *s, const char *fmt, ...)
{
	va_list ap;

	if (s->wrong < SETTINGS_COMPLAINTS) {
		va_start(ap, fmt);
		(void)vsnprintf(s->complaint[s->wrong], SETTINGS_COMPLAINT, fmt, ap);
		va_end(ap);
	}
	s->wrong++;
}

void
settings_complain(struct settings *s, enum setting setting, const char *fmt, ...)
{
	char place[SETTINGS_PLACE], what[SETTINGS_COMPLAINT];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	complain(s, "%.150s %s", settings_place(s, setting, place), what);
}

/* ---- values ---- */

static void
show_time(int64_t seconds, char out[SETTINGS_SHOWN])
{
	const struct unit *u = units;

	while (u->seconds > 1 && (seconds == 0 || seconds % u->seconds != 0))
		u++;
	(void)snprintf(out, SETTINGS_SHOWN, "%lld%c", (long long)(seconds / u->seconds), u->name);
}

/* A number without sign; of a time with one letter for its unit, seconds without. */
static bool
parse_number(const char *text, bool is_time, int64_t *out)
{
	const size_t digits = strspn(text, "0123456789");
	const char *unit = text + digits;

	if (digits == 0 || digits > DIGITS_MAX)
		return false;
	*out = strtoll(text, NULL, 10);
	if (*unit == '\0')
		return true;
	for (size_t i = 0; is_time && i < COUNT_OF(units); i++)
		if (unit[0] == units[i].name && unit[1] == '\0') {
			*out *= units[i].seconds;
			return true;
		}
	return false;
}

/* Which of the words "a|b|c" ${text} is; -1 for none. */
static int
parse_choice(const char *text, const char *words)
{
	const size_t len = strlen(text);

	for (int i = 0; *words != '\0'; i++) {
		const size_t word = strcspn(words, "|");

		if (word == len && strncmp(words, text, len) == 0)
			return i;
		words += word + (words[word] == '|');
	}
	return -1;
}

const char *
settings_show(const struct settings *s, enum setting setting, char out[SETTINGS_SHOWN])
{
	const struct setting_row *row = &rows[setting];
	const char *word = row->value;

	if (row->kind == SETTING_TEXT)
		return s->value[setting] != NULL ? s->value[setting] : "";
	if (row->kind == SETTING_TIME) {
		show_time(s->number[setting], out);
	} else if (row->kind == SETTING_COUNT) {
		(void)snprintf(out, SETTINGS_SHOWN, "%lld", (long long)s->number[setting]);
	} else {
		for (int64_t i = 0; i < s->number[setting]; i++)
			word += strcspn(word, "|") + 1;
		(void)snprintf(out, SETTINGS_SHOWN, "%.*s", (int)strcspn(word, "|"), word);
	}
	return out;
}

static void
take_number(struct settings *s, enum setting setting)
{
	const struct setting_row *row = &rows[setting];
	const bool is_time = row->kind == SETTING_TIME;
	char least[SETTINGS_SHOWN], most[SETTINGS_SHOWN];

	if (!parse_number(s->value[setting], is_time, &s->number[setting])) {
		settings_complain(s, setting,
		    is_time ? "takes a time as 90s, 30m, 4h or 2d" : "takes a whole number, without a unit");
		return;
	}
	if (s->number[setting] >= row->least && s->number[setting] <= row->most)
		return;
	(void)snprintf(least, sizeof(least), "%lld", (long long)row->least);
	(void)snprintf(most, sizeof(most), "%lld", (long long)row->most);
	if (is_time) {
		show_time(row->least, least);
		show_time(row->most, most);
	}
	settings_complain(s, setting, "takes %s to %s", least, most);
}

static void
take(struct settings *s, enum setting setting, const char *value, enum setting_source source, unsigned line)
{
	const struct setting_row *row = &rows[setting];
	int choice;

	s->value[setting] = value;
	s->source[setting] = (uint8_t)source;
	s->line[setting] = line;
	if (value == NULL)
		return;
	if (row->kind == SETTING_COUNT || row->kind == SETTING_TIME) {
		take_number(s, setting);
	} else if (row->kind == SETTING_CHOICE) {
		if ((choice = parse_choice(value, row->value)) < 0)
			settings_complain(s, setting, "takes one of %s", row->value);
		s->number[setting] = choice;
	} else if (*value == '\0' || strlen(value) >= LIMIT_PATH) {
		settings_complain(s, setting, "takes %s, of at most %u bytes", row->value, LIMIT_PATH - 1);
	}
}

void
settings_init(struct settings *s, const char *path)
{
	memset(s, 0, sizeof(*s));
	s->path = path;
	for (unsigned i = 0; i < SET_COUNT; i++)
		take(s, (enum setting)i, rows[i].built_in, SOURCE_BUILT_IN, 0);
}

void
settings_fini(struct settings *s)
{
	free(s->text);
	s->text = NULL;
}

void
settings_command(struct settings *s, enum setting setting, const char *value)
{
	take(s, setting, value, SOURCE_COMMAND_LINE, 0);
}

void
settings_command_again(struct settings *s, const struct settings *from)
{
	for (unsigned i = 0; i < SET_COUNT; i++)
		if (from->source[i] == SOURCE_COMMAND_LINE)
			settings_command(s, (enum setting)i, from->value[i]);
}

bool
settings_equal(const struct settings *a, const struct settings *b, enum setting setting)
{
	const char *x = a->value[setting], *y = b->value[setting];

	if (rows[setting].kind != SETTING_TEXT)
		return a->number[setting] == b->number[setting];
	return x == NULL || y == NULL ? x == y : strcmp(x, y) == 0;
}

/* These are numbers, all of them: nothing of the other's text is needed. */
void
settings_follow(struct settings *s, const struct settings *from)
{
	for (unsigned i = 0; i < SET_COUNT; i++)
		if (rows[i].when == WHEN_RELOAD)
			s->number[i] = from->number[i];
}

/* ---- the file ---- */

static void
refuse_key(struct settings *s, const char *key, unsigned line)
{
	const char *keys[SET_COUNT], *nearest;

	/* what has other letters may be anything, also what a terminal obeys: it is not said again */
	if (key[strspn(key, "abcdefghijklmnopqrstuvwxyz0123456789-_")] != '\0' || strlen(key) > 32) {
		complain(s, "%.150s:%u: this is not a line of KEY = VALUE", s->path, line);
		return;
	}
	for (unsigned i = 0; i < SET_COUNT; i++)
		keys[i] = rows[i].key;
	if ((nearest = nearest_name(key, keys, SET_COUNT)) != NULL)
		complain(
		    s, "%.150s:%u: there is no setting %s; did you mean %s?", s->path, line, key, nearest);
	else
		complain(s, "%.150s:%u: there is no setting %s; see: menedek check-config --dump", s->path,
		    line, key);
}

/* Cut blanks off both ends; a NUL goes where the text ends. */
static char *
trim(char *text)
{
	size_t len;

	text += strspn(text, " \t");
	for (len = strlen(text); len > 0 && strchr(" \t\r", text[len - 1]) != NULL; len--)
		text[len - 1] = '\0';
	return text;
}

static bool
is_visible(const char *text)
{
	for (; *text != '\0'; text++)
		if ((unsigned char)*text < ' ' || *text == 0x7f)
			return false;
	return true;
}

/* "# ..." at the start or after a blank is for people. */
static void
cut_comment(char *line)
{
	for (char *p = line; *p != '\0'; p++)
		if (*p == '#' && (p == line || p[-1] == ' ' || p[-1] == '\t')) {
			*p = '\0';
			return;
		}
}

static void
read_line(struct settings *s, char *line, unsigned number)
{
	char *key, *value, *equals;
	unsigned i = 0;

	cut_comment(line);
	if (*(key = trim(line)) == '\0')
		return;
	if ((equals = strchr(key, '=')) == NULL) {
		complain(s, "%.150s:%u: this is not a line of KEY = VALUE", s->path, number);
		return;
	}
	*equals = '\0';
	key = trim(key);
	value = trim(equals + 1);
	if (*value == '#')
		*value = '\0'; /* also right after the sign: written with a blank it would be for people */
	while (i < SET_COUNT && strcmp(rows[i].key, key) != 0)
		i++;
	if (i == SET_COUNT)
		refuse_key(s, key, number);
	else if (s->source[i] == SOURCE_FILE)
		complain(s, "%.150s:%u: %s stands in line %u already", s->path, number, key, s->line[i]);
	else if (!is_visible(value))
		complain(s, "%.150s:%u: %s holds a character that cannot be seen", s->path, number, key);
	else
		take(s, (enum setting)i, value, SOURCE_FILE, number);
}

void
settings_read(struct settings *s, struct bytes text)
{
	unsigned number = 1;
	char *line, *end;

	free(s->text);
	if ((s->text = malloc(text.len + 1)) == NULL) {
		complain(s, "%.150s: there is no memory to read it", s->path);
		return;
	}
	memcpy(s->text, text.p, text.len);
	s->text[text.len] = '\0';
	if (text.len > SETTINGS_FILE || !utf8_is_valid(s->text, text.len)) {
		complain(s, "%.150s: it is longer than %u bytes, or no text", s->path, SETTINGS_FILE);
		return;
	}
	for (line = s->text; line != NULL; line = end, number++) {
		if ((end = strchr(line, '\n')) != NULL)
			*end++ = '\0';
		read_line(s, line, number);
	}
}

void
settings_load(struct settings *s)
{
	struct fault f = { 0 };
	char *text = NULL, why[160];
	size_t len = 0;

	if (s->path == NULL)
		return;
	if (file_read(s->path, SETTINGS_FILE, &text, &len, &f) == RC_OK)
		settings_read(s, (struct bytes){ (const uint8_t *)text, len });
	else
		complain(s, "%.150s: %s", s->path, fault_text(&f.item[0], LANG_EN, why, sizeof(why)));
	free(text);
}
