/* SPDX-License-Identifier: Apache-2.0 */
/* A service in memory with one desk, one device and one person of its own, and requests that pass the gate on
 * the way to a handler of the test's own. */
#ifndef MENEDEK_TEST_GATE_SCENE_H
#define MENEDEK_TEST_GATE_SCENE_H

#include "../store_fixture.h"
#include "gate.h"

#include <semaphore.h>
#include <time.h>

#include "base/clock.h"
#include "base/log.h"
#include "service/access.h"

#define AUDIENCE "menedek.example.hu"

static struct fixture x;
static struct parts parts;
static struct api *api;
static struct org org;
static struct device device;
static struct user user;
static struct pem token_key;
static char bearer[2048];
static sem_t woken;
static struct route route; /* of the next request: of its path, but with this handler and these flags */

static const struct id mark = { { 77 } }; /* what a handler of ours writes */

/* ---- the plainest handlers ---- */

static unsigned runs, index_of_me;

static enum rc
write_mark(struct call *c)
{
	const struct reference row = { .id = mark };
	const struct key key = record_key(KIND_EPISODE_DESK, &mark);

	return record_put(c->txn, KIND_EPISODE_DESK, &key, &row);
}

static enum rc
answer(struct call *c)
{
	runs++;
	return call_answer_empty(c, 204);
}

/* ---- the service ---- */

static void
wake(void *arg)
{
	sem_post(arg);
}

static void
put_all(void)
{
	fixture_put(&x, KIND_ORG, &org.id, &org);
	fixture_put(&x, KIND_DEVICE, &device.id, &device);
	fixture_put(&x, KIND_USER, &user.id, &user);
}

static void
make_people(void)
{
	struct reference row = { .id = { { 2 } } };
	struct key cert;

	model_clear(&model_org, &org);
	model_clear(&model_device, &device);
	model_clear(&model_user, &user);
	org.id = (struct id){ { 1 } };
	org.kind = ORG_HELPLINE;
	device.id = row.id;
	device.org = org.id;
	memset(device.fingerprint, 0xaa, 32);
	device.not_after = clock_now() + 10000;
	user.id = (struct id){ { 3 } };
	user.org = org.id;
	user.roles = ROLE_BIT(ROLE_COUNSELLOR);
	cert = record_key_bytes(KIND_DEVICE_CERT, device.fingerprint, 32);
	fixture_put_at(&x, KIND_DEVICE_CERT, &cert, &row);
	put_all();
}

static void
make_token(void)
{
	struct claims c = {
		.jti = { { 4 } }, .user = user.id, .device = device.id, .issued_at = clock_now()
	};
	const char *token;

	c.expires_at = c.issued_at + 900;
	memcpy(c.cert, device.fingerprint, 32);
	cr_assert_eq(auth_issue(parts.auth, &c, x.arena, &token), RC_OK);
	(void)snprintf(bearer, sizeof(bearer), "Bearer %s", token);
	arena_rewind(x.arena, 0);
}

static void
set_up(void)
{
	struct fault f = { 0 };

	fixture_new(&x, &engine_memory);
	memset(&parts, 0, sizeof(parts));
	parts.store = x.store;
	parts.keyring = x.ring;
	cr_assert_eq(schemas_load(&parts.schemas, &f), RC_OK);
	cr_assert_eq(
	    breadth_watch_new(x.store, &parts.breadth_rules, clock_now(), &parts.breadth, &f), RC_OK);
	cr_assert_eq(ledger_new(x.store, &parts.ledger), RC_OK);
	cr_assert_eq(ca_key_new(&token_key), RC_OK);
	cr_assert_eq(auth_new(&token_key, AUDIENCE, &parts.auth, &f), RC_OK);
	cr_assert_eq(api_new(&parts, &api, &f), RC_OK);
	cr_assert_eq(sem_init(&woken, 0, 0), 0);
	make_people();
	make_token();
	route = (struct route){ .operation = "tested",
		.handler = answer,
		.permission = PERM_SEARCH,
		.verb = GET,
		.path = "/v1/me" };
}

static void
tear_down(void)
{
	api_free(api);
	ledger_free(parts.ledger);
	fixture_close_store(&x);
	breadth_watch_free(parts.breadth);
	schemas_free(parts.schemas);
	auth_free(parts.auth);
	fixture_free(&x);
}

static enum call_step
run_to_end(struct call *c)
{
	enum call_step step = call_run(c, CALL_SLOW);

	while (step == CALL_WAIT) {
		sem_wait(&woken);
		step = call_run(c, CALL_SLOW);
	}
	return step;
}

/* One request of GET /v1/me as ${head} changes it, by ${route}; the status of its answer. */
static unsigned
ask_as(struct call_head head)
{
	struct call *c;
	unsigned status;

	head.method = "GET";
	head.path = "/v1/me";
	memcpy(head.fingerprint, device.fingerprint, 32);
	cr_assert_not_null(c = call_new(api, &head, wake, &woken));
	cr_assert(!call_is_refused(c));
	index_of_me = c->route_index;
	c->route = &route;
	cr_assert_eq(run_to_end(c), CALL_DONE);
	cr_expect_eq(call_run(c, CALL_SLOW), CALL_DONE, "once more does nothing");
	status = call_reply(c)->status;
	call_free(c);
	return status;
}

static unsigned
ask(void)
{
	return ask_as((struct call_head){ .authorization = bearer });
}

static enum rc
read_mark_txn(struct txn *t, void *arg)
{
	struct reference row;
	const struct key key = record_key(KIND_EPISODE_DESK, &mark);

	(void)arg;
	return record_get(t, KIND_EPISODE_DESK, &key, &row);
}

static bool
has_mark(void)
{
	return fixture_view(&x, read_mark_txn, NULL) == RC_OK;
}

static enum rc
entries_txn(struct txn *t, void *arg)
{
	return txn_log_head(t, LOG_AUDIT, arg);
}

static uint64_t
entries(void)
{
	struct log_head head;

	cr_assert_eq(fixture_view(&x, entries_txn, &head), RC_OK);
	return head.count;
}

#endif
