/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where a remote command goes and as whom: a small file of "key = value" lines.  It holds no secret; secrets
 * come from files that only their owner may read, from a descriptor, or from the terminal, never from
 * arguments or the environment, where other programs of the machine could read them.
 */
#ifndef MENEDEK_PROFILE_H
#define MENEDEK_PROFILE_H

#include "base/secret.h"
#include "ctl/talk.h"

#define PROFILE_VALUE 512u

enum profile_key {
#define P(constant, name) PROFILE_##constant,
#include "ctl/profile.def"
#undef P
	PROFILE_KEYS
};

struct profile {
	char value[PROFILE_KEYS][PROFILE_VALUE]; /* "" = not given; paths from where the program runs */
};

/** --profile, $MENEDEK_PROFILE, or ~/.config/menedek/profile.  Says what is wrong, with its line. */
MUST_USE enum status profile_read(const struct args *args, struct profile *out);

/** The value of ${key}, or NULL. */
const char *profile_value(const struct profile *p, enum profile_key key);

/**
 * A line that is a secret, with a NUL and without its end: from descriptor --passphrase-fd (only where
 * ${may_be_fd}), from ${path}, or asked for as ${what} at the terminal.  The caller frees it.
 */
MUST_USE enum status profile_secret(
    const struct args *args, bool may_be_fd, const char *path, const char *what, struct secret **out);

/** Ask at the terminal, without showing what is typed. */
MUST_USE enum status profile_ask(const char *what, struct secret **out);

#endif
