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
_Static_assert(OPT_COUNT <= 64, "an option is a bit");

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

/** The command named by the first one or two of ${words}, or NULL; *used of them belong to its name. */
const struct command *command_find(int count, const char *const *words, int *used);

/** In a word or two, as help and the manual list it. */
const char *status_meaning(enum status status);

/**
 * Parse what stands after the command's name.  STATUS_OK, or STATUS_USAGE after having said what is wrong.
 * ${args} keeps pointers into ${argv}.
 */
MUST_USE enum status args_parse(const struct command *command, int argc, char **argv, struct args *args);

bool args_has(const struct args *args, enum option option);

/** The data directory: --dir, the environment, or the system's place. */
const char *args_dir(const struct args *args);

/** The directory of the root keys: --keys, the credentials that systemd passes, or NULL for DIR/keys. */
const char *args_named_keys(const struct args *args);

/** Of a registry that is there: as above, and the package's where nobody named one and DIR/keys has none. */
const char *args_keys(const struct args *args);

const char *option_name(enum option option);
const char *option_value_name(enum option option); /* NULL for a switch */
const char *option_help(enum option option);

/** All commands by group (${command} NULL), or one in full, to standard output. */
void help_print(const struct command *command);

enum status cmd_init(const struct args *args);
enum status cmd_serve(const struct args *args);
enum status cmd_deliver(const struct args *args);
enum status cmd_import(const struct args *args);
enum status cmd_export(const struct args *args);
enum status cmd_report(const struct args *args);
enum status cmd_check(const struct args *args);
enum status cmd_backup(const struct args *args);
enum status cmd_backup_verify(const struct args *args);
enum status cmd_restore(const struct args *args);
enum status cmd_accept_rollback(const struct args *args);
enum status cmd_check_config(const struct args *args);
enum status cmd_doctor(const struct args *args);
enum status cmd_sheet_key(const struct args *args);
enum status cmd_sheet_write(const struct args *args);
enum status cmd_sheet_open(const struct args *args);
enum status cmd_reconcile(const struct args *args);
enum status cmd_top(const struct args *args);
enum status cmd_user_add(const struct args *args);
enum status cmd_user_list(const struct args *args);
enum status cmd_user_passphrase(const struct args *args);
enum status cmd_user_factor_remove(const struct args *args);
enum status cmd_user_retire(const struct args *args);
enum status cmd_device_add(const struct args *args);
enum status cmd_device_list(const struct args *args);
enum status cmd_device_revoke(const struct args *args);
enum status cmd_rotate_keys(const struct args *args);
enum status cmd_rekey_locations(const struct args *args);
enum status cmd_keep_keys(const struct args *args);
enum status cmd_accept_database(const struct args *args);
enum status cmd_migrate(const struct args *args);
enum status cmd_purge(const struct args *args);
enum status cmd_upkeep(const struct args *args);
enum status cmd_audit_verify(const struct args *args);
enum status cmd_audit_checkpoint(const struct args *args);
enum status cmd_audit_export(const struct args *args);
enum status cmd_avail_show(const struct args *args);
enum status cmd_avail_set(const struct args *args);
enum status cmd_avail_confirm(const struct args *args);
enum status cmd_requests(const struct args *args);
enum status cmd_hold(const struct args *args);
enum status cmd_confirm(const struct args *args);
enum status cmd_decline(const struct args *args);
enum status cmd_watch(const struct args *args);
enum status cmd_manual(const struct args *args);
enum status cmd_completion(const struct args *args);
enum status cmd_version(const struct args *args);
enum status cmd_help(const struct args *args);

#endif
