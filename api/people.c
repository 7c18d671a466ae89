/* SPDX-License-Identifier: Apache-2.0 */
/* Handlers: tokens, me, organisations, users, devices. */
#include "gate.h"

#include <string.h>

#include "index/index.h"
#include "service/accounts.h"
#include "service/factor.h"
#include "service/grants.h"

enum rc
tokens_create(struct call *c)
{
	struct token_reply out = { 0 };
	struct sign_in in = { 0 };
	enum rc rc;

	if ((rc = call_read(c, &model_sign_in, &in)) == RC_OK)
		rc = sign_in(&c->ctx, &in, &out);
	wipe(&in, sizeof(in));
	return call_is_answerable(c, rc) ? call_answer(c, 201, &model_token_reply, &out) : rc;
}

enum rc
tokens_renew(struct call *c)
{
	struct token_reply out = { 0 };
	enum rc rc = sign_renew(&c->ctx, &out);

	return rc == RC_OK ? call_answer(c, 201, &model_token_reply, &out) : rc;
}

enum rc
tokens_delete(struct call *c)
{
	enum rc rc = sign_out(&c->ctx);

	return rc == RC_OK ? call_answer_empty(c, 204) : rc;
}

enum rc
me_sign_out_everywhere(struct call *c)
{
	enum rc rc = sign_out_everywhere(&c->ctx);

	return rc == RC_OK ? call_answer_empty(c, 204) : rc;
}

static struct bytes
permission_names(struct call *c)
{
	size_t cap = 64 * PERM_COUNT;
	char *buf = arena_alloc(c->arena, cap);
	struct jw w;

	if (!buf)
		return (struct bytes){ NULL, 0 };
	jw_init(&w, buf, cap);
	jw_open(&w, '[');
	for (unsigned p = PERM_NONE + 1; p < PERM_COUNT; p++)
		if (policy_allows(c->who.roles, (enum permission)p))
			jw_string(&w, policy_name((enum permission)p));
	jw_close(&w, ']');
	return (struct bytes){ (const uint8_t *)buf, w.overflow ? 0 : w.len };
}

enum rc
me_read(struct call *c)
{
	const struct principal *who = &c->who;
	struct me_reply out = { .user = who->user.id,
		.org = who->org.id,
		.device = who->device.id,
		.name = who->user.name,
		.org_name = who->org.name,
		.org_kind = who->org.kind,
		.roles = who->roles,
		.shelter_count = who->user.shelter_count,
		.permissions = permission_names(c),
		.expires_at = who->claims.expires_at,
		.device_until = who->device.not_after };

	enum rc rc = factor_left(&c->ctx, &who->user, &out.backup_codes_left);

	memcpy(out.shelters, who->user.shelters, sizeof(out.shelters));
	out.second_factor = who->user.second_factor;
	out.demo = index_enter(c->ctx.parts->index)->is_demo;
	index_leave(c->ctx.parts->index);
	return rc == RC_OK ? call_answer(c, 200, &model_me_reply, &out) : rc;
}

enum rc
me_passphrase(struct call *c)
{
	struct passphrase_change in = { 0 };
	enum rc rc;

	if ((rc = call_read(c, &model_passphrase_change, &in)) == RC_OK)
		rc = passphrase_change(&c->ctx, &in);
	wipe(&in, sizeof(in));
	return call_is_answerable(c, rc) ? call_answer_empty(c, 204) : rc;
}

/* ---- the second factor ---- */

enum rc
totp_begin(struct call *c)
{
	struct totp_reply out = { 0 };
	struct totp_new in = { 0 };
	enum rc rc;

	if ((rc = call_read(c, &model_totp_new, &in)) == RC_OK)
		rc = factor_start(&c->ctx, &in, &out);
	wipe(&in, sizeof(in));
	return call_is_answerable(c, rc) ? call_answer(c, 201, &model_totp_reply, &out) : rc;
}

enum rc
totp_confirm(struct call *c)
{
	struct backup_codes out = { 0 };
	struct totp_code_body in = { 0 };
	enum rc rc;

	if ((rc = call_read(c, &model_totp_code_body, &in)) == RC_OK)
		rc = factor_confirm(&c->ctx, &in, &out);
	return rc == RC_OK ? call_answer(c, 200, &model_backup_codes, &out) : rc;
}

enum rc
totp_remove(struct call *c)
{
	struct totp_removal in = { 0 };
	enum rc rc;

	if ((rc = call_read(c, &model_totp_removal, &in)) == RC_OK)
		rc = factor_remove(&c->ctx, &in);
	wipe(&in, sizeof(in));
	return call_is_answerable(c, rc) ? call_answer_empty(c, 204) : rc;
}

/* ---- organisations ---- */

static enum rc
answer_org(struct call *c, unsigned status, const struct org *o)
{
	enum rc rc = call_etag(c, &o->id, o->version);

	return rc == RC_OK ? call_answer(c, status, &model_org, o) : rc;
}

enum rc
orgs_list(struct call *c)
{
	return call_list(c, &model_org_list, sizeof(struct org), org_list);
}

enum rc
orgs_create(struct call *c)
{
	struct org o;
	enum rc rc;

	model_clear(&model_org, &o);
	if ((rc = call_read(c, &model_org, &o)) != RC_OK || (rc = org_create(&c->ctx, &o)) != RC_OK)
		return rc;
	return answer_org(c, 201, &o);
}

enum rc
orgs_read(struct call *c)
{
	struct org o;
	enum rc rc = org_load(&c->ctx, call_param(c, 0), &o);

	if (rc != RC_OK)
		return rc;
	return call_not_modified(c, &o.id, o.version) ? call_answer_empty(c, 304) : answer_org(c, 200, &o);
}

enum rc
orgs_change(struct call *c)
{
	struct org o;
	enum rc rc;

	if ((rc = org_load(&c->ctx, call_param(c, 0), &o)) != RC_OK)
		return rc;
	if ((rc = call_match(c, &o.id, o.version, &model_org, &o)) != RC_OK)
		return rc;
	if ((rc = call_read(c, &model_org, &o)) != RC_OK || (rc = org_save(&c->ctx, &o)) != RC_OK)
		return rc;
	return answer_org(c, 200, &o);
}

/* ---- users ---- */

static enum rc
answer_user(struct call *c, unsigned status, const struct user *u)
{
	enum rc rc = call_etag(c, &u->id, u->version);

	return rc == RC_OK ? call_answer(c, status, &model_user, u) : rc;
}

enum rc
users_list(struct call *c)
{
	return call_list(c, &model_user_list, sizeof(struct user), user_list);
}

enum rc
users_create(struct call *c)
{
	struct passphrase_reply out;
	struct user u;
	enum rc rc;

	model_clear(&model_user, &u);
	u.org = c->who.org.id; /* a manager need not say it */
	if ((rc = call_read(c, &model_user, &u)) != RC_OK)
		return rc;
	if ((rc = user_create(&c->ctx, &u, &out.passphrase)) != RC_OK)
		return rc;
	out.user = u.id;
	out.grant = u.pending;
	return call_answer(c, 201, &model_passphrase_reply, &out);
}

enum rc
users_read(struct call *c)
{
	struct user u;
	enum rc rc = user_load(&c->ctx, call_param(c, 0), &u);

	if (rc != RC_OK)
		return rc;
	return call_not_modified(c, &u.id, u.version) ? call_answer_empty(c, 304) : answer_user(c, 200, &u);
}

enum rc
users_change(struct call *c)
{
	struct user before, u;
	enum rc rc;

	if ((rc = user_load(&c->ctx, call_param(c, 0), &before)) != RC_OK)
		return rc;
	if ((rc = call_match(c, &before.id, before.version, &model_user, &before)) != RC_OK)
		return rc;
	u = before;
	if ((rc = call_read(c, &model_user, &u)) != RC_OK || (rc = user_save(&c->ctx, &before, &u)) != RC_OK)
		return rc;
	return answer_user(c, 200, &u);
}

enum rc
users_passphrase(struct call *c)
{
	struct passphrase_reply out;
	enum rc rc = user_reset_passphrase(&c->ctx, call_param(c, 0), &out);

	return rc == RC_OK ? call_answer(c, 200, &model_passphrase_reply, &out) : rc;
}

enum rc
users_sign_out(struct call *c)
{
	enum rc rc = user_sign_out(&c->ctx, call_param(c, 0));

	return rc == RC_OK ? call_answer_empty(c, 204) : rc;
}

enum rc
users_totp_remove(struct call *c)
{
	struct user u;
	enum rc rc = user_reset_factor(&c->ctx, call_param(c, 0), &u);

	return rc == RC_OK ? answer_user(c, 200, &u) : rc;
}

/* ---- four eyes ---- */

enum rc
grants_list(struct call *c)
{
	return call_list(c, &model_grant_list, sizeof(struct grant_view), grant_list);
}

enum rc
grants_approve(struct call *c)
{
	struct grant_view out;
	enum rc rc = grant_approve(&c->ctx, call_param(c, 0), &out);

	return rc == RC_OK ? call_answer(c, 200, &model_grant_view, &out) : rc;
}

enum rc
grants_refuse(struct call *c)
{
	struct grant_view out;
	enum rc rc = grant_refuse(&c->ctx, call_param(c, 0), &out);

	return rc == RC_OK ? call_answer(c, 200, &model_grant_view, &out) : rc;
}

/* ---- devices ---- */

enum rc
devices_list(struct call *c)
{
	return call_list(c, &model_device_list, sizeof(struct device), device_list);
}

enum rc
devices_create(struct call *c)
{
	struct device_reply *out = arena_alloc(c->arena, sizeof(*out));
	struct device_new in = { .org = c->who.org.id };
	enum rc rc;

	if (!out)
		return RC_UNAVAILABLE;
	if ((rc = call_read(c, &model_device_new, &in)) != RC_OK)
		return rc;
	if ((rc = device_enrol(&c->ctx, &in, &out->device, &out->certificate)) != RC_OK)
		return rc;
	out->ca_certificate = c->api->parts->ca_cert.text;
	return call_answer(c, 201, &model_device_reply, out);
}

enum rc
devices_invite(struct call *c)
{
	struct device_new in = { .org = c->who.org.id };
	struct device_kit out = { 0 };
	enum rc rc;

	if ((rc = call_read(c, &model_device_kit_new, &in)) != RC_OK)
		return rc;
	if ((rc = device_invite(&c->ctx, &in, &out)) != RC_OK)
		return rc;
	if ((rc = call_answer(c, 201, &model_device_kit, &out)) != RC_OK)
		return rc;
	out.p12 = out.passphrase = NULL; /* told once */
	return call_keep(c, &model_device_kit, &out);
}

enum rc
devices_read(struct call *c)
{
	struct device d;
	enum rc rc = device_load(&c->ctx, call_param(c, 0), &d);

	return rc == RC_OK ? call_answer(c, 200, &model_device, &d) : rc;
}

enum rc
devices_revoke(struct call *c)
{
	struct device d;
	enum rc rc = device_revoke(&c->ctx, call_param(c, 0), &d);

	return rc == RC_OK ? call_answer(c, 200, &model_device, &d) : rc;
}
