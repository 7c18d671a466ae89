/* SPDX-License-Identifier: Apache-2.0 */
/* The life of the serving process, from its limits to its last answer. */
#ifndef MENEDEK_SERVE_H
#define MENEDEK_SERVE_H

#include "base/confine.h"
#include "base/log.h"
#include "server/duty.h"
#include "server/server.h"
#include "service/sheets.h"
#include "server/settings.h"
#include "service/tuning.h"

struct serve_options {
	struct paths paths; /* made by paths_of */
	const char *user;   /* who to become once keys and sockets are open, or NULL */
	enum confine_mode sandbox;
	struct issuer_options issuer; /* path NULL: none.  Its directory is read again on SIGHUP */
	uint32_t factor_roles;        /* bits: who has one of these needs a second factor */
	struct server_options server;
	struct notary_options notary;
	struct sheets_options sheets;
	struct duty_options duty; /* command NULL: none */
	const char *outbox; /* path of the socket where menedek deliver fetches houses' events, or NULL */
	struct tuning tuning;
	enum log_level log_level;
	char address[64];          /* server.address points here: never copied */
	struct settings *settings; /* where all this comes from; follows what is reloaded */
};

/**
 * What ${s} says, but for the paths of the registry.  ${out} keeps pointers into ${s}.  False if anything is
 * wrong: ${s} has the complaints.
 */
MUST_USE bool serve_options_of(struct settings *s, struct serve_options *out);

/**
 * Give up the user and every file but the store, the keyring and the certificates: all that a taken-over
 * service can reach. A step of serve_run, before there is a second thread.  RC_INVALID: one of these
 * directories holds the root keys or the vault.
 */
MUST_USE enum rc serve_confine_files(
    const struct serve_options *options, struct confine_report *report, struct fault *f);

/**
 * Serve until SIGTERM or SIGINT; SIGHUP reads settings and certificates again (server/reload.h).  Call it
 * with one thread only: it blocks these signals for all threads to come.  Prints "menedek: listening on
 * https://ADDRESS:PORT" on standard output when clients are served by a process that can reach nothing else
 * any more, and tells systemd if NOTIFY_SOCKET is set.  RC_UNAVAILABLE, for the supervisor to start it again:
 * the vault ended, or a disk error broke the store.  Ends the process itself (exit 1) when calls are stuck in
 * the store, since nothing can be closed under them.
 */
MUST_USE enum rc serve_run(const struct serve_options *options, struct fault *f);

#endif
