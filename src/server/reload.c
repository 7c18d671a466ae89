/* SPDX-License-Identifier: Apache-2.0 */
/* Nothing is put in force before everything was read and found good. */
#include "server/reload.h"

#include <string.h>

#include "base/log.h"

enum rc
reload_begin(const struct serve_options *options, struct parts *parts, struct fault *f)
{
	if (tunings_change(&parts->tunings, &options->tuning) != RC_OK)
		return fault_set(f, RC_UNAVAILABLE, MSG_NO_MEMORY, NULL, 0, NULL);
	log_set_level(options->log_level);
	return RC_OK;
}

/* Of what waits for a restart the running value stays, so that it is said again at the next reload. */
static void
tell_changes(const struct settings *was, const struct settings *is)
{
	for (unsigned i = 0; i < SET_COUNT; i++) {
		const struct setting_row *row = setting_row((enum setting)i);
		char shown[2][SETTINGS_SHOWN];
		const char *from, *to;

		if (settings_equal(was, is, (enum setting)i))
			continue;
		from = settings_show(was, (enum setting)i, shown[0]);
		to = settings_show(is, (enum setting)i, shown[1]);
		if (row->when == WHEN_RELOAD)
			log_note("reloaded", "setting=%s from=%s to=%s", row->key, from, to);
		else
			log_world("restart_needed", "setting=%s stays \"%s\" until a restart makes it \"%s\"",
			    row->key, from, to);
	}
}

/* A file with a mistake changes no setting. */
static void
reload_settings(const struct serve_options *options, struct parts *parts)
{
	struct settings *now = options->settings, next;
	struct serve_options wanted;
	struct fault f = { 0 };

	if (now == NULL || now->path == NULL)
		return;
	settings_init(&next, now->path);
	settings_load(&next);
	settings_command_again(&next, now);
	if (!serve_options_of(&next, &wanted)) {
		for (unsigned i = 0; i < next.wrong && i < SETTINGS_COMPLAINTS; i++)
			log_world("reload_refused", "%s", next.complaint[i]);
		log_world("reload_refused", "mistakes=%u; no setting was changed, all go on as they were",
		    next.wrong);
		settings_fini(&next);
		return;
	}
	tell_changes(now, &next);
	if (reload_begin(&wanted, parts, &f) != RC_OK)
		log_world("reload_failed", "the old settings stay: %s", rc_code(f.rc));
	else
		settings_follow(now, &next);
	settings_fini(&next);
}

static void
reload_issuer(struct parts *parts)
{
	struct fault f = { 0 };

	if (issuer_reload(parts->issuer, &f) == RC_OK) {
		trust_moved(parts->trust); /* streams of a key that is gone end now */
		log_note("reloaded", "outside issuer");
	} else {
		log_world("reload_failed", "the issuer's old keys stay: %s", rc_code(f.rc));
	}
}

void
reload_all(const struct serve_options *options, struct server *server, struct parts *parts)
{
	struct fault f = { 0 };

	reload_settings(options, parts); /* wrong ones stay out; a withdrawn key must go all the same */
	if (parts->issuer != NULL)
		reload_issuer(parts);
	if (server_reload(server, &f) == RC_OK)
		log_note("reloaded", "certificates");
	else
		log_world("reload_failed", "the old certificates stay: %s", rc_code(f.rc));
}
