/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a process gives up for good: its user, its capabilities, files (Landlock) and system calls (seccomp).
 * Nothing here can be taken back, so each step comes after what still needs it: sockets and keys are opened
 * first.  Landlock binds the calling thread and those it starts: call it before there are others.  Seccomp is
 * laid on all threads at once.
 */
#ifndef MENEDEK_CONFINE_H
#define MENEDEK_CONFINE_H

#include <stdbool.h>
#include <stddef.h>

#include "fault.h"

/** Who is confined; decides the list of system calls (confine_calls.def). */
enum confine_profile {
	CONFINE_HTTP,  /* what it should not call is refused with EPERM and logged once; what no service calls
			  kills it */
	CONFINE_VAULT, /* any call that is not on its list kills it: it talks over one inherited socket only
			*/
	CONFINE_VAULT_HSM,     /* as the vault, and what a PKCS#11 module needs: Unix sockets, directories,
				  threads */
	CONFINE_HTTP_DATABASE, /* as HTTP, and new connections of its own to a database */
	CONFINE_CLIENT,        /* as HTTP, but it connects and looks names up, and nobody connects to it */
	CONFINE_PROGRAM,       /* runs a program of others, which inherits this: all but what meddles with the
				  kernel or with other processes, which is refused */
};

/** What to do on a kernel that lacks a control. */
enum confine_mode {
	CONFINE_TRY,     /* go on without it, and say so loudly in the log */
	CONFINE_REQUIRE, /* fail: RC_UNAVAILABLE */
};

/** Rights below a path, or on one file. */
enum confine_right {
	CONFINE_READ = 1,   /* read files and list directories */
	CONFINE_WRITE = 2,  /* change files that are there */
	CONFINE_CREATE = 4, /* make new files */
	CONFINE_REPLACE =
	    8, /* make new files, remove and rename old ones: what file_write needs of its directory */
	CONFINE_EXECUTE = 16, /* only for the sanitizers' own helpers */
	CONFINE_CONNECT = 32, /* of the process, whatever the path (not NULL): connect by TCP */
	CONFINE_ALL = 64      /* whatever the user may; nothing, where the path is a symbolic link */
};

struct confine_path {
	const char *path; /* NULL, or not there: the row gives nothing */
	unsigned rights;
};

/** What was done; zero it before the first step. */
struct confine_report {
	const char *user; /* who it became, or NULL */
	bool has_no_privileges, has_files, has_network, has_scope, has_calls;
	int landlock; /* ABI of this kernel, 0 without */
};

/** No core dump, no debugger of the same user, no new privileges by exec.  First of all steps. */
void confine_memory(void);

/**
 * Become ${user} with its groups, if given and not already so, and drop all capabilities.  Afterwards files
 * are reached with that user's rights only.  RC_NOT_FOUND: there is no such user.  RC_FORBIDDEN: the process
 * may not change its user.  Whatever the mode, a wish for another user that cannot be met fails.
 */
MUST_USE enum rc confine_user(const char *user, struct confine_report *report, struct fault *f);

/**
 * From now on this thread and those it starts reach only what ${rows} give (files that are open stay open),
 * connect to nothing by TCP or abstract Unix sockets, and signal nobody outside.  A file's row holds for that
 * very file: one that will be replaced by rename needs its directory's row, whose rights hold for all below
 * it.
 */
MUST_USE enum rc confine_files(const struct confine_path *rows, size_t count, enum confine_mode mode,
    struct confine_report *report, struct fault *f);

/**
 * The other way round, for who runs programs of others: reach everything that there is now but what lies
 * below the ${count} directories ${hidden} (NULL, or not there: nothing), whoever the user is.  Their parents
 * can be passed through, not listed or changed.  TCP stays free.
 */
MUST_USE enum rc confine_files_but(const char *const hidden[], size_t count, enum confine_mode mode,
    struct confine_report *report, struct fault *f);

/**
 * Lay the list of ${profile} on all threads.  New threads may still start; no new sockets (but HTTP's
 * accepted ones), no program, no executable memory.  Builds with sanitizers skip it, since those call what no
 * product should.
 */
MUST_USE enum rc confine_calls(
    enum confine_profile profile, enum confine_mode mode, struct confine_report *report, struct fault *f);

/** Say in one line of the log what ${who} was confined by, and in another, loudly, what this kernel lacks. */
void confine_log(const char *who, const struct confine_report *report);

struct confine_vault {
	enum confine_profile profile; /* CONFINE_VAULT or CONFINE_VAULT_HSM */
	enum confine_mode mode;
	const char *user;                /* or NULL: stay who you are */
	const struct confine_path *rows; /* its directories; everything else is out of reach */
	size_t count;
};

/** All of the above in order, and logged: what the vault's child calls once, when it has read its keys and
 * store. */
MUST_USE enum rc confine_vault(const struct confine_vault *vault, struct fault *f);

#endif
