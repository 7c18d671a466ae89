/* SPDX-License-Identifier: Apache-2.0 */
/* menedek version. */
#include <stdio.h>

#include "ctl/command.h"

#define VERSION "1.0.0"

enum status
cmd_version(const struct args *args)
{
	(void)printf(args_has(args, OPT_JSON) ? "{\"version\":\"%s\"}\n" : "menedek %s\n", VERSION);
	return STATUS_OK;
}
