/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The command line: one table of commands, from which dispatch, help and suggestions come.  A command gets
 * its parsed arguments and returns an exit status.  Data go to standard output, talk to standard error;
 * secrets never come in arguments, where every user of the machine could read them.
 */
#ifndef MENEDEK_COMMAND_H
#define MENEDEK_COMMAND_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"

/* Public: scripts depend on them. */
enum status {
	STATUS_OK,
	STATUS_ERROR,
	STATUS_USAGE,
	STATUS_NOT_FOUND,
	STATUS_AUTH,     /* authentication, certificate or key */
	STATUS_CONFLICT, /* exists already, or another process has it */
	STATUS_UNREACHABLE,
	STATUS_CHECK_FAILED
};

enum option {
#define O(name, text, value, help) OPT_##name,
#include "ctl/options.def"
#undef O
	OPT_COUNT
};

#define OPT_BIT(option) (UINT64_C(1) << (option))

#define ARGS_WORDS 8u

struct args {
	const struct command *command;
	const char *value[OPT_COUNT]; /* NULL = not given; "" for a switch that was */
	const char *word[ARGS_WORDS]; /* what is no option, in order */
	unsigned word_count;
};

struct command {
	const char *name; /* one word, or two: "device add" */
	const char *group;
	const char *summary;
	const char *words;      /* usage of what is no option, or NULL */
	uint64_t needed, taken; /* options, as bits */
	enum status (*run)(const struct args *args);
	const char *example[3];
};

/** All commands, grouped, ended by one without a name. */
extern const struct command commands[];

/**
 * Parse what stands after the command's name.  STATUS_OK, or STATUS_USAGE after having said what is wrong.
 * ${args} keeps pointers into ${argv}.
 */
MUST_USE enum status args_parse(const struct command *command, int argc, char **argv, struct args *args);

bool args_has(const struct args *args, enum option option);

/** The data directory: --dir, the environment, or the system's place. */
const char *args_dir(const struct args *args);

/** The directory of the root keys: --keys, the credentials that systemd passes, or NULL for DIR/keys. */
const char *args_keys(const struct args *args);

const char *option_name(enum option option);
const char *option_value_name(enum option option); /* NULL for a switch */
const char *option_help(enum option option);

/** All commands by group (${command} NULL), or one in full, to standard output. */
void help_print(const struct command *command);

/**
 * Of ${count} names the one nearest to ${typed}, or NULL when none is near: at most a third of its letters
 * inserted, dropped, changed or swapped.
 */
const char *help_nearest(const char *typed, const char *const *names, unsigned count);

enum status cmd_init(const struct args *args);
enum status cmd_serve(const struct args *args);
enum status cmd_import(const struct args *args);
enum status cmd_check(const struct args *args);
enum status cmd_user_add(const struct args *args);
enum status cmd_user_list(const struct args *args);
enum status cmd_user_passphrase(const struct args *args);
enum status cmd_device_add(const struct args *args);
enum status cmd_device_list(const struct args *args);
enum status cmd_device_revoke(const struct args *args);
enum status cmd_rotate_keys(const struct args *args);
enum status cmd_rekey_locations(const struct args *args);
enum status cmd_purge(const struct args *args);
enum status cmd_upkeep(const struct args *args);
enum status cmd_audit_verify(const struct args *args);
enum status cmd_audit_checkpoint(const struct args *args);
enum status cmd_audit_export(const struct args *args);
enum status cmd_version(const struct args *args);
enum status cmd_help(const struct args *args);

#endif
