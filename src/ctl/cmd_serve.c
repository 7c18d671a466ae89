/* SPDX-License-Identifier: Apache-2.0 */
/* menedek serve: reads what it is told, then hands over to src/server. */
#include "base/file.h"
#include "ctl/told.h"

static enum status
find_registry(const struct args *args, const struct settings *s, struct paths *paths)
{
	const char *dir = args_dir(args), *tls = s->value[SET_TLS];

	if (!paths_of(paths, dir, args_keys(args)) || (tls != NULL && !paths_use_tls(paths, tls))) {
		talk_error("%s: the path is too long", dir);
		return STATUS_USAGE;
	}
	if (file_exists(paths->keyring))
		return STATUS_OK;
	talk_error("%s holds no registry; make one: menedek init --dir %s --host NAME --org NAME", dir, dir);
	return STATUS_NOT_FOUND;
}

enum status
cmd_serve(const struct args *args)
{
	struct serve_options options;
	struct fault fault = { .count = 0 };
	struct told told;
	enum status status = STATUS_USAGE;

	told_read(&told, args);
	if (!serve_options_of(&told.settings, &options))
		told_complain(&told);
	else
		status = find_registry(args, &told.settings, &options.paths);
	if (status == STATUS_OK)
		status = talk_failure("serve", serve_run(&options, &fault), &fault);
	told_fini(&told);
	return status;
}
