/* SPDX-License-Identifier: Apache-2.0 */
/* What only takes away needs no second person and no passphrase: nothing is told, and nobody gains. */
#include "service/shut_out.h"

#include <string.h>

#include "service/accounts.h"

struct shutting {
	struct ctx ctx;
	enum rc (*fn)(struct ctx *c, const char *name);
	const char *name;
};

static enum rc
run(struct txn *t, void *arg)
{
	struct shutting *s = arg;
	enum rc rc;

	s->ctx.txn = t;
	s->ctx.ids_used = 0;
	rc = s->fn(&s->ctx, s->name);
	return rc == RC_OK && txn_is_writing(t) ? ledger_record(t, &s->ctx.audit) : rc;
}

static enum rc
shut_out(struct parts *parts, const char *action, enum rc (*fn)(struct ctx *c, const char *name),
    const char *name, struct fault *f)
{
	const struct principal machine = { .roles = ROLE_BIT(ROLE_ADMIN) };
	struct arena *arena = arena_new(LIMIT_ARENA);
	struct shutting s = { .fn = fn, .name = name };
	enum rc rc;

	if (arena == NULL)
		return fault_set(f, RC_UNAVAILABLE, MSG_NO_MEMORY, NULL, 0, NULL);
	s.ctx = (struct ctx){
		.parts = parts, .arena = arena, .who = &machine, .now = store_now(parts->store), .fault = f
	};
	s.ctx.audit = (struct audit_entry){ .at = s.ctx.now, .outcome = RC_OK };
	(void)str_copy(s.ctx.audit.action, sizeof(s.ctx.audit.action), action);
	random_fill(s.ctx.audit.salt, sizeof(s.ctx.audit.salt));
	rc = store_update(parts->store, arena, run, &s);
	arena_free(arena);
	return rc;
}

static enum rc
revoke(struct ctx *c, const char *text)
{
	struct device d;
	struct id id;

	if (!id_parse(text, strlen(text), &id))
		return RC_NOT_FOUND;
	return device_revoke(c, &id, &d);
}

static enum rc
retire(struct ctx *c, const char *name)
{
	struct user u;
	enum rc rc = user_by_name(c, name, &u);

	if (rc != RC_OK || u.retired)
		return rc;
	return user_retire(c, &u);
}

enum rc
shut_out_device(struct parts *parts, const char *id, struct fault *f)
{
	return shut_out(parts, "cli_device_revoke", revoke, id, f);
}

enum rc
shut_out_person(struct parts *parts, const char *name, struct fault *f)
{
	return shut_out(parts, "cli_user_retire", retire, name, f);
}
