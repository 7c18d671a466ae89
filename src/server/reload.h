/* SPDX-License-Identifier: Apache-2.0 */
/* SIGHUP: what is read again while clients are served, and what has to wait for a restart. */
#ifndef MENEDEK_RELOAD_H
#define MENEDEK_RELOAD_H

#include "server/serve.h"

/** Put the numbers of ${options} in force. */
MUST_USE enum rc reload_begin(const struct serve_options *options, struct parts *parts, struct fault *f);

/**
 * Read the file of settings, the outside issuer's keys and the server's certificate again; no connection is
 * touched.  Each for itself: a file with one mistake changes no setting and the log says which; keys or a
 * certificate that cannot be read leave the old ones.  A key that was withdrawn must not stay for a slip of
 * the pen elsewhere.  The log names each setting that changed, and each that waits for a restart.
 */
void reload_all(const struct serve_options *options, struct server *server, struct parts *parts);

#endif
