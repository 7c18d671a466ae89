/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/told.h"

#include <stdlib.h>

/* OPT_COUNT: in the file only */
static const uint8_t option_of[SET_COUNT] = {
#define OPTION(name, ...) [SET_##name] = OPT_##name,
#define KEY(name, ...)    [SET_##name] = OPT_COUNT,
#include "server/settings.def"
#undef OPTION
#undef KEY
};

/* NULL: the command line names no file. */
static const char *
find_file(struct told *t, const struct args *args)
{
	const char *named = args->value[OPT_CONFIG];
	char *real = named != NULL ? realpath(named, NULL) : NULL;
	const bool is_known = real != NULL && str_copy(t->path, sizeof(t->path), real);

	free(real);
	return is_known ? t->path : named; /* reading it says why it is not known */
}

void
told_read(struct told *t, const struct args *args)
{
	settings_init(&t->settings, find_file(t, args));
	settings_load(&t->settings);
	for (unsigned i = 0; i < SET_COUNT; i++)
		if (option_of[i] != OPT_COUNT && args_has(args, (enum option)option_of[i]))
			settings_command(&t->settings, (enum setting)i, args->value[option_of[i]]);
}

void
told_fini(struct told *t)
{
	settings_fini(&t->settings);
}

void
told_complain(const struct told *t)
{
	const struct settings *s = &t->settings;

	for (unsigned i = 0; i < s->wrong && i < SETTINGS_COMPLAINTS; i++)
		talk_error("%s", s->complaint[i]);
	if (s->wrong > SETTINGS_COMPLAINTS)
		talk_error("and %u more", s->wrong - SETTINGS_COMPLAINTS);
}
