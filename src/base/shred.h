/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Replacing a file that holds keys so that the old content is gone: as far as a file system writes in place.
 * Where it does not (copy on write, flash translation), what lay in the file was wrapped under a root key
 * that lives elsewhere.
 */
#ifndef MENEDEK_SHRED_H
#define MENEDEK_SHRED_H

#include <sys/types.h>

#include "bytes.h"
#include "fault.h"

/**
 * Like file_write_given (base/file.h), and then the file that was replaced is overwritten with zeros, synced
 * and unlinked.  The old file keeps a second name, ${path}.old, until then: what a crash left undone is done
 * by the next call.  A hard link to the old file made by somebody else reads zeros afterwards.  After
 * RC_UNKNOWN the old file is left for the next call too, since a power cut could bring it back.
 */
MUST_USE enum rc shred_replace(const char *path, struct bytes data, mode_t mode, struct fault *f);

/** Overwrite and unlink what a crashed shred_replace of ${path} left beside it; never ${path} itself. */
void shred_strays(const char *path);

#endif
