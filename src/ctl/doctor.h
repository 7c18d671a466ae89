/* SPDX-License-Identifier: Apache-2.0 */
/* What the checks of `menedek doctor` share.  A check looks and says; it changes nothing and reads no key. */
#ifndef MENEDEK_DOCTOR_H
#define MENEDEK_DOCTOR_H

#include <sys/stat.h>
#include <sys/types.h>

#include "ctl/talk.h"
#include "service/parts.h"

enum doctor_level { DOCTOR_OK, DOCTOR_WARN, DOCTOR_FAIL, DOCTOR_LEVELS };

enum doctor_text {
#define T(name, level, hu, en) DOCTOR_##name,
#include "ctl/doctor.def"
#undef T
	DOCTOR_TEXTS
};

struct doctor {
	const struct args *args;
	struct paths paths;
	enum lang lang;
	const struct doctor_check *check; /* under way */
	unsigned said[DOCTOR_LEVELS];
	pid_t service; /* who answers at the control socket; 0: nobody */
};

struct doctor_check {
	const char *name; /* for programs */
	const char *label[LANG_COUNT];
	void (*run)(struct doctor *d);
};

/** Say ${text} about ${detail}, which is shown as it is: never a secret. */
void doctor_say(struct doctor *d, enum doctor_text text, const char *detail);

/** The same about a number. */
void doctor_say_number(struct doctor *d, enum doctor_text text, int64_t number);

/** Is ${st} out of reach of everybody but its owner? */
static inline bool
doctor_is_closed(const struct stat *st)
{
	return (st->st_mode & (S_IRWXG | S_IRWXO)) == 0;
}

/* doctor_files.c: the installation's files */
void doctor_files(struct doctor *d);
void doctor_keys(struct doctor *d);
void doctor_server_certificate(struct doctor *d);
void doctor_authority(struct doctor *d);
void doctor_checkpoints(struct doctor *d);

/* doctor_unit.c: the unit that hands keys over */
void doctor_unit(struct doctor *d);

/* doctor_database.c: the database that several nodes share */
void doctor_database(struct doctor *d);

/* doctor_machine.c: the machine, and the service on it */
void doctor_clock(struct doctor *d);
void doctor_disk(struct doctor *d);
void doctor_map(struct doctor *d);
void doctor_service(struct doctor *d);
void doctor_sandbox(struct doctor *d);

#endif
