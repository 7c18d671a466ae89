/* SPDX-License-Identifier: Apache-2.0 */
/* menedek version. */
#include <stdio.h>

#include "base/version.h"
#include "ctl/command.h"

enum status
cmd_version(const struct args *args)
{
	(void)printf(args_has(args, OPT_JSON) ? "{\"version\":\"%s\"}\n" : "menedek %s\n", MENEDEK_VERSION);
	return STATUS_OK;
}
