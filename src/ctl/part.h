/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a command writes for somebody to keep: a file that takes its name only when all of it is on disk. What
 * stood there before, last month's perhaps, stands until then, and after a failure.
 */
#ifndef MENEDEK_PART_H
#define MENEDEK_PART_H

#include <sys/types.h>

#include "ctl/talk.h"

#define PART_PATH 512u

struct part {
	char path[PART_PATH + 8], target[PART_PATH];
	int fd;
};

/**
 * Begin what will be ${target}, with ${mode} less the umask, in "${target}.part", which is empty then.  Says
 * why not: STATUS_CONFLICT, another command is writing it; STATUS_USAGE, a link, a device or a directory has
 * that name; STATUS_ERROR.
 */
MUST_USE enum status part_open(struct part *p, const char *target, mode_t mode);

/** End it.  STATUS_OK: synced, and under its name; else as ${status}, and nothing is left of it.  Says so
 * when it is STATUS_ERROR. */
MUST_USE enum status part_close(struct part *p, enum status status);

#endif
