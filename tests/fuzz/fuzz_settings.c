/* SPDX-License-Identifier: Apache-2.0 */
/* libFuzzer: the service's file of settings; what was read is shown, and shown it reads the same. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/settings.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t len);

/* The file as --dump would write it. */
static size_t
dump(const struct settings *s, char *out, size_t cap)
{
	size_t at = 0;

	for (unsigned i = 0; i < SET_COUNT; i++) {
		char shown[SETTINGS_SHOWN];
		const char *text = settings_show(s, (enum setting)i, shown);

		if (*text != '\0')
			at += (size_t)snprintf(
			    out + at, cap - at, "%s = %s\n", setting_row((enum setting)i)->key, text);
	}
	return at;
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t len)
{
	static char text[64 * 1024];
	struct settings s, again;
	char place[SETTINGS_PLACE];

	settings_init(&s, "menedek.conf");
	settings_init(&again, "menedek.conf");
	settings_read(&s, (struct bytes){ p, len });
	for (unsigned i = 0; i < SET_COUNT; i++)
		(void)settings_place(&s, (enum setting)i, place);
	if (s.wrong == 0) {
		settings_read(&again, (struct bytes){ (uint8_t *)text, dump(&s, text, sizeof(text)) });
		for (unsigned i = 0; i < SET_COUNT; i++)
			if (again.wrong != 0 || !settings_equal(&s, &again, (enum setting)i))
				abort();
	}
	settings_fini(&again);
	settings_fini(&s);
	return 0;
}
