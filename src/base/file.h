/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Small files: read whole with a bound, written so that after a crash either the old or the new one is there.
 * Faults name the file without its directory.
 */
#ifndef MENEDEK_FILE_H
#define MENEDEK_FILE_H

#include <stdbool.h>
#include <sys/types.h>

#include "bytes.h"
#include "fault.h"
#include "secret.h"

/** Read ${path}, at most ${cap} bytes, into malloc'd memory with a NUL after it.  RC_NOT_FOUND, RC_TOO_BIG,
 * RC_UNAVAILABLE. */
MUST_USE enum rc file_read(const char *path, size_t cap, char **out, size_t *len, struct fault *f);

/** Like file_read into locked memory; RC_INVALID for what is no regular file or lets group or others in (an
 * access list that names only its owner and us is fine). */
MUST_USE enum rc file_read_secret(const char *path, size_t cap, struct secret **out, struct fault *f);

/**
 * Write to a temporary beside ${path}, fsync, rename, fsync the directory.  The result has ${mode} less the
 * umask, whatever the old file had.  RC_UNAVAILABLE: the old content stands; RC_UNKNOWN: the new one is in
 * place but may not survive a power cut.  One writer of a path at a time.  The temporary of a crash is
 * overwritten by the next write, so that erased keys do not linger in strays.
 */
MUST_USE enum rc file_write(const char *path, struct bytes data, mode_t mode, struct fault *f);

/**
 * Who is root gives the file or directory ${path}, which it has just made, to whom its directory belongs: at
 * once, since root's program may be ended at any moment, and what is root's own would keep the service out.
 * Only what is root's, has no second name and is no link, in a directory where nobody but its owner writes.
 * Does nothing for who is not root.
 */
void file_give(const char *path);

/** As file_write; what root writes is given (file_give) before it takes the name. */
MUST_USE enum rc file_write_given(const char *path, struct bytes data, mode_t mode, struct fault *f);

/** Write all of ${data}, in as many pieces as the kernel takes.  False: errno has why, and a part may be
 * written. */
MUST_USE bool write_all(int fd, struct bytes data);

/** Put the directory of ${path} on disk: a rename is durable only then. */
MUST_USE bool file_sync_parent(const char *path);

/**
 * Make a directory and its missing parents, ${mode} for the last one.  An existing directory is fine,
 * RC_INVALID if something else stands there.
 */
MUST_USE enum rc dir_make(const char *path, mode_t mode, struct fault *f);
bool file_exists(const char *path);

/** Join with '/', false if it does not fit. */
MUST_USE bool path_join(char *out, size_t cap, const char *dir, const char *name);

/** The last name in ${path}, a view of it: for sentences, which name files and no directories. */
const char *path_name(const char *path);

#endif
