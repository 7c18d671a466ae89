/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shutting a device or a person out from the machine itself, in the name of whoever may read the root keys:
 * by a program that has the registry to itself, or by the running service, which was asked through its
 * control socket.  Each is one commit with its audit entry, and counts as of that moment, for open event
 * streams too.
 */
#ifndef MENEDEK_SHUT_OUT_H
#define MENEDEK_SHUT_OUT_H

#include "service/parts.h"

/** Shut out what ${name} names.  RC_NOT_FOUND: nothing does.  Who is out already stays out: RC_OK. */
typedef enum rc shut_out_fn(struct parts *parts, const char *name, struct fault *f);

/** ${id}: the device's, as it is listed. */
MUST_USE enum rc shut_out_device(struct parts *parts, const char *id, struct fault *f);

/** The person of that sign-in name retires; an administrator may bring her back in the console. */
MUST_USE enum rc shut_out_person(struct parts *parts, const char *name, struct fault *f);

#endif
