/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How long what is kept (DOMAIN 5, "Retention"), one row a class in schedule.def; a registry's own
 * retention.csv may replace the hours, within the row's bounds.
 */
#ifndef MENEDEK_SCHEDULE_H
#define MENEDEK_SCHEDULE_H

#include <stdint.h>

#include "base/bytes.h"
#include "base/fault.h"
#include "base/limits.h"

enum retention_class {
#define R(class, name, least, keep, most, since) RETAIN_##class,
#include "domain/schedule.def"
#undef R
	RETAIN_COUNT
};

/** Seconds that each class is kept. */
struct schedule {
	int64_t keep[RETAIN_COUNT];
};

/** As reports and the audit trail write it. */
const char *schedule_name(enum retention_class class);

/** The rows of schedule.def. */
void schedule_default(struct schedule *out);

/**
 * Replace hours from CSV with the columns what and hours; classes that it does not name keep theirs.
 * RC_MALFORMED or RC_INVALID with "/line/column" in ${f}; ${out} is then as it was.
 */
MUST_USE enum rc schedule_read(struct bytes csv, struct schedule *out, struct fault *f);

#endif
