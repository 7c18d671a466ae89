/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the service was told: built in, by a file of "key = value" lines, by the command line; the later
 * counts. Everything wrong is collected with the place where it stands, so that one look at a file is enough.
 * The rows are settings.def; where the registry lies (--dir, --keys) is none of them.
 */
#ifndef MENEDEK_SETTINGS_H
#define MENEDEK_SETTINGS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/limits.h"

enum setting {
#define OPTION(name, ...) SET_##name,
#define KEY(name, ...)    SET_##name,
#include "server/settings.def"
#undef OPTION
#undef KEY
	SET_COUNT
};

enum setting_kind { SETTING_TEXT, SETTING_COUNT, SETTING_TIME, SETTING_CHOICE };
enum setting_when { WHEN_RESTART, WHEN_RELOAD };
enum setting_source { SOURCE_BUILT_IN, SOURCE_FILE, SOURCE_COMMAND_LINE };

struct setting_row {
	const char *key;
	enum setting_kind kind;
	int64_t least, most; /* of a COUNT or TIME, in seconds */
	const char *built_in;
	enum setting_when when;
	const char *value, *help;
	bool is_option;
};

#define SETTINGS_FILE       (16u * 1024) /* ten times the template */
#define SETTINGS_COMPLAINTS 8u
#define SETTINGS_COMPLAINT  256u
#define SETTINGS_PLACE      320u
#define SETTINGS_SHOWN      24u

struct settings {
	const char *path;             /* of the file, or NULL */
	char *text;                   /* of the file, cut into values; owned */
	const char *value[SET_COUNT]; /* NULL: not set */
	int64_t number[SET_COUNT];    /* COUNT, TIME in seconds, CHOICE from 0 */
	unsigned line[SET_COUNT];
	uint8_t source[SET_COUNT]; /* enum setting_source */
	unsigned wrong;            /* of which complaint[] has the first ones */
	char complaint[SETTINGS_COMPLAINTS][SETTINGS_COMPLAINT];
};

const struct setting_row *setting_row(enum setting setting);

/** The built-in values.  ${path} is the file that will be read, or NULL, and must outlive ${s}. */
void settings_init(struct settings *s, const char *path);
void settings_fini(struct settings *s);

/** Read the file at its path, if it has one; complains when that cannot be done. */
void settings_load(struct settings *s);

/** Take ${text} as the file's content. */
void settings_read(struct settings *s, struct bytes text);

/** ${value} stood on the command line; it must outlive ${s}. */
void settings_command(struct settings *s, enum setting setting, const char *value);

/** What ${from} took from the command line also stands on that of ${s}. */
void settings_command_again(struct settings *s, const struct settings *from);

/** Note that ${setting} is wrong, with where it stands. */
void settings_complain(struct settings *s, enum setting setting, const char *fmt, ...) PRINTF_LIKE(3, 4);

/** "--listen", "FILE:3: listen", or "listen" for what is built in. */
const char *settings_place(const struct settings *s, enum setting setting, char out[SETTINGS_PLACE]);

bool settings_equal(const struct settings *a, const struct settings *b, enum setting setting);

/**
 * The value as the file would write it, times in their largest whole unit; "" when there is none.  May be a
 * view of ${s}, or of ${out}.
 */
const char *settings_show(const struct settings *s, enum setting setting, char out[SETTINGS_SHOWN]);

/** Of what may change while the service runs take what ${from} says. */
void settings_follow(struct settings *s, const struct settings *from);

#endif
