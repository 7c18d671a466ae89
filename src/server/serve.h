/* SPDX-License-Identifier: Apache-2.0 */
/* The life of the serving process, from its limits to its last answer. */
#ifndef MENEDEK_SERVE_H
#define MENEDEK_SERVE_H

#include "base/confine.h"
#include "server/server.h"

struct serve_options {
	struct paths paths; /* made by paths_of */
	const char *user;   /* who to become once keys and sockets are open, or NULL */
	enum confine_mode sandbox;
	struct issuer_options issuer; /* path NULL: none.  Its directory is read again on SIGHUP */
	uint32_t factor_roles;        /* bits: who has one of these needs a second factor */
	struct server_options server;
	struct notary_options notary;
};

/**
 * Give up the user and every file but the store, the keyring and the certificates: all that a taken-over
 * service can reach. A step of serve_run, before there is a second thread.  RC_INVALID: one of these
 * directories holds the root keys or the vault.
 */
MUST_USE enum rc serve_confine_files(
    const struct serve_options *options, struct confine_report *report, struct fault *f);

/**
 * Serve until SIGTERM or SIGINT; SIGHUP loads the certificates anew.  Call it with one thread only: it blocks
 * these signals for all threads to come.  Prints "menedek: listening on https://ADDRESS:PORT" on standard
 * output when clients are served by a process that can reach nothing else any more, and tells systemd if
 * NOTIFY_SOCKET is set.  Ends the process itself (exit 1) when calls are stuck in the store, since nothing
 * can be closed under them.
 */
MUST_USE enum rc serve_run(const struct serve_options *options, struct fault *f);

#endif
