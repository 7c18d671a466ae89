/* SPDX-License-Identifier: Apache-2.0 */
/* A server over the fake calls on a free port, with an enrolled device. */
#ifndef TEST_FIXTURE_H
#define TEST_FIXTURE_H

#include "client.h"
#include "fake_call.h"
#include "server/server.h"

struct fixture {
	char dir[64];
	struct identity ca, server_id, device;
	struct trust trust;
	struct parts parts;
	struct api *api;
	struct server *server;
	uint16_t port;
};

static inline void
fixture_start_with(struct fixture *x, const struct server_options *options)
{
	struct fault f = { 0 };
	uint8_t print[32];

	memset(x, 0, sizeof(*x));
	snprintf(x->dir, sizeof(x->dir), "%s", "/tmp/menedek-server-XXXXXX");
	x->ca = issue(&recipe_ca, NULL);
	x->server_id = issue(&recipe_server, &x->ca);
	x->device = issue(&recipe_client, &x->ca);
	write_server_files(x->dir, &x->parts.paths, &x->ca, &x->server_id);
	pthread_mutex_init(&x->trust.lock, NULL);
	x->parts.trust = &x->trust;
	fingerprint(&x->device, print);
	fake_enrol(&x->trust, print, TRUST_ACTIVE);
	if (api_new(&x->parts, &x->api, &f) != RC_OK ||
	    server_start(&x->parts, x->api, options, &x->server, &f) != RC_OK)
		abort();
	x->port = server_port(x->server);
}

static inline void
fixture_start(struct fixture *x)
{
	static const struct server_options options = { .health_port = 0 };

	fixture_start_with(x, &options);
}

/* True if all was given back and no call was misused. */
static inline bool
fixture_stop(struct fixture *x)
{
	bool is_fine = server_stop(x->server);

	is_fine = is_fine && x->api->wrong == 0 && x->api->calls == x->api->freed;
	api_free(x->api);
	remove_server_files(x->dir, &x->parts.paths);
	forget(&x->ca);
	forget(&x->server_id);
	forget(&x->device);
	return is_fine;
}

/* A connection of the enrolled device. */
static inline struct client *
fixture_client(struct fixture *x)
{
	struct client *c = malloc(sizeof(*c));

	if (c == NULL || !client_open(c, x->port, &x->ca, &x->device))
		abort();
	return c;
}

static inline void
fixture_leave(struct client *c)
{
	client_close(c);
	free(c);
}

#endif
