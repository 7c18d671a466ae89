/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where the running service takes commands of the machine's own people: a Unix socket in the data directory
 * (0600, peers of the same user or root only), one command a connection, JSON lines as the answer, the last
 * one with "step":"done" or "failed".  Also does unasked what is due: a rotation that was broken off, the
 * day's purge, downtime sheets. Two threads: one listens, one works; one job at a time.  Who is to be shut
 * out (service/shut_out.h) waits for no job: the listener does that itself.
 */
#ifndef MENEDEK_CONTROL_H
#define MENEDEK_CONTROL_H

#include "service/parts.h"

struct control;

/**
 * Open the socket at paths->control: before the process is confined, which lets it make none.  ${*fd} is -1
 * when the path is too long for one.  RC_BUSY: another service listens there.
 */
MUST_USE enum rc control_listen(const struct paths *paths, int *fd, struct fault *f);

/** Start both threads.  Takes ${fd}, also on failure.  Parts must outlive it. */
MUST_USE enum rc control_start(struct parts *parts, int fd, struct control **out, struct fault *f);

/** Break off what is under way (it goes on at the next start) and join.  NULL-safe. */
void control_stop(struct control *control);

#endif
