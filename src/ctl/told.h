/* SPDX-License-Identifier: Apache-2.0 */
/* The settings of serve as the command line of any command gives them: --config FILE and the options. */
#ifndef MENEDEK_TOLD_H
#define MENEDEK_TOLD_H

#include "ctl/talk.h"
#include "server/serve.h"

struct told {
	struct settings settings;
	char path[LIMIT_PATH]; /* of the file, absolute: the service may stand elsewhere when it reads it
				  again */
};

/** ${args} must outlive ${t}; told_fini frees. */
void told_read(struct told *t, const struct args *args);
void told_fini(struct told *t);

/** Say everything that is wrong, on standard error. */
void told_complain(const struct told *t);

#endif
