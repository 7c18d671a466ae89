/* SPDX-License-Identifier: Apache-2.0 */
/* Deadlines and room: clients that are slow, silent or many. */
#include "outside.h"

#define PATIENCE_MS 15000 /* of the client; who is not cut off by then never is */
#define TRIES       20u

static const struct server_options hasty = {
	.threads = 1, .connections = 8, .request_ms = 400, .idle_ms = 800
};
static const struct server_options brief = { .threads = 1, .connections = 8, .request_ms = 400 };
static const struct server_options roomy = { .threads = 1, .connections = 8 };
static const struct server_options chatty = {
	.threads = 1, .connections = 8, .request_ms = 4000, .ping_ms = 200
};

static void
hurry(void)
{
	fixture_start_with(&x, &hasty);
}

static void
be_brief(void)
{
	fixture_start_with(&x, &brief);
}

static void
have_room(void)
{
	fixture_start_with(&x, &roomy);
}

static void
chat(void)
{
	fixture_start_with(&x, &chatty);
}

static struct timespec
clock_mono(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now;
}

static long
elapsed_ms(const struct timespec *from)
{
	const struct timespec now = clock_mono();

	return (now.tv_sec - from->tv_sec) * 1000 + (now.tv_nsec - from->tv_nsec) / 1000000;
}

/*
 * A connection that was answered once, ${from} before its request.  A machine may stand still for longer than
 * the server's deadlines here: who was cut off because its time was over comes again.
 */
static struct client *
hurried(struct timespec *from)
{
	for (unsigned i = 0; i < TRIES; i++) {
		struct client *c = malloc(sizeof(*c));
		const struct timespec begun = clock_mono();
		bool is_open;

		cr_assert_not_null(c);
		is_open = client_open(c, x.port, &x.ca, &x.device);
		*from = clock_mono();
		if (is_open && client_ask(c, GET("/wait")) == 200)
			return c;
		cr_assert_geq(elapsed_ms(&begun), (long)brief.request_ms, "cut off before its time");
		fixture_leave(c);
	}
	cr_assert_fail("never answered in time");
	return NULL;
}

/* How long from ${from} on does the server bear a client that sends ${drip} again and again? */
static long
patience_ms(struct client *c, const char *drip, const struct timespec *from)
{
	const struct timeval brief_wait = { .tv_usec = 50000 };

	setsockopt(c->fd, SOL_SOCKET, SO_RCVTIMEO, &brief_wait, sizeof(brief_wait));
	while (!c->is_over && elapsed_ms(from) < PATIENCE_MS) {
		if (drip[0] != '\0' && SSL_write(c->ssl, drip, (int)strlen(drip)) <= 0)
			break;
		(void)client_more(c);
	}
	return elapsed_ms(from);
}

/* The same for one that sends ${head} first; the longest of a few times, since the server's clock may be a
 * pause old when it hears of it. */
static long
patience_after_ms(const char *head, const char *drip)
{
	long ms = 0, longest = 0;

	for (unsigned i = 0; i < 3 && longest < 300; i++) {
		struct timespec from;
		struct client *c = hurried(&from);

		from = clock_mono();
		client_send(c, head, strlen(head));
		ms = patience_ms(c, drip, &from);
		longest = ms > longest ? ms : longest;
		fixture_leave(c);
	}
	return longest;
}

Test(deadlines, head_that_drips_in_is_cut_off, .init = be_brief, .timeout = 60)
{
	const long ms = patience_after_ms("GET /wait", "a");

	cr_assert(ms >= 300 && ms < PATIENCE_MS, "%ld ms", ms);
	end();
}

Test(deadlines, body_that_drips_in_is_cut_off, .init = be_brief, .timeout = 60)
{
	const long ms = patience_after_ms(POST("/echo", "Content-Length: 1000\r\n\r\n"), "a");

	cr_assert(ms >= 300 && ms < PATIENCE_MS, "%ld ms", ms);
	end();
}

Test(deadlines, idle_connection_is_kept_longer_and_then_closed, .init = hurry, .timeout = 60)
{
	struct client *c = NULL;
	struct timespec from;
	bool is_kept = false;
	long ms;

	for (unsigned i = 0; i < TRIES && !is_kept; i++) {
		struct timespec last;

		if (c != NULL)
			fixture_leave(c);
		c = hurried(&last);
		usleep(600000);
		from = clock_mono();
		is_kept = client_ask(c, GET("/wait")) == 200;
		cr_assert(is_kept || elapsed_ms(&last) >= (long)hasty.idle_ms, "closed before its time");
	}
	cr_assert(is_kept);
	ms = patience_ms(c, "", &from);
	cr_assert(ms >= 700 && ms < PATIENCE_MS, "%ld ms", ms);
	fixture_leave(c);
	end();
}

Test(deadlines, socket_without_a_handshake_is_closed, .init = be_brief, .timeout = 30)
{
	int fd = client_socket(x.port);
	const struct timeval wait = { .tv_sec = PATIENCE_MS / 1000 };
	char byte;

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
	cr_assert_eq(read(fd, &byte, 1), 0);
	close(fd);
	end();
}

/* It lives on for longer than a request may take. */
Test(deadlines, silent_stream_gets_signs_of_life_and_no_deadline, .init = chat, .timeout = 60)
{
	struct client *c = fixture_client(&x);
	const struct timespec from = clock_mono();
	const char *request = GET("/stream?0");
	unsigned pings = 0;

	client_send(c, request, strlen(request));
	while (pings < 5 || elapsed_ms(&from) < (long)chatty.request_ms + 1000) {
		cr_assert(client_until(c, ": ping\n\n"));
		client_forget_text(c);
		pings++;
	}
	fixture_leave(c);
	end();
}

Test(deadlines, strangers_cannot_take_the_place_of_devices, .init = have_room, .timeout = 30)
{
	int fd[7];
	struct client *c;

	for (int i = 0; i < 7; i++)
		fd[i] = client_socket(x.port);
	c = fixture_client(&x);
	cr_assert_eq(client_ask(c, GET("/wait")), 200);
	cr_assert_eq(client_ask(c, GET("/wait")), 200);
	for (int i = 0; i < 7; i++)
		close(fd[i]);
	fixture_leave(c);
	end();
}

Test(deadlines, more_connections_than_there_is_room_for_wait_their_turn, .init = be_brief, .timeout = 60)
{
	struct timespec from;
	struct client *late;
	int fd[8];

	for (int i = 0; i < 8; i++)
		fd[i] = client_socket(x.port);
	late = hurried(&from);
	fixture_leave(late);
	for (int i = 0; i < 8; i++)
		close(fd[i]);
	end();
}

Test(deadlines, device_cannot_take_the_places_of_others, .init = have_room, .timeout = 30)
{
	struct client *c[2], *third = malloc(sizeof(*third));
	bool has_place = false;

	for (int i = 0; i < 2; i++)
		c[i] = fixture_client(&x);
	if (client_open(third, x.port, &x.ca, &x.device))
		cr_expect_eq(client_ask(third, GET("/wait")), 0);
	fixture_leave(third);
	cr_assert_eq(client_ask(c[0], GET("/wait")), 200);
	fixture_leave(c[1]);
	for (unsigned i = 0; i < 500 && !has_place; i++) { /* the server hears of it a moment later */
		c[1] = malloc(sizeof(*c[1]));
		has_place =
		    client_open(c[1], x.port, &x.ca, &x.device) && client_ask(c[1], GET("/wait")) == 200;
		fixture_leave(c[1]);
		usleep(20000);
	}
	cr_assert(has_place);
	fixture_leave(c[0]);
	end();
}

Test(deadlines, call_stuck_in_the_store_is_reported_and_not_freed, .init = have_room, .timeout = 30)
{
	struct client *c = fixture_client(&x);
	const char *request = GET("/stuck");
	struct timespec from;

	client_send(c, request, strlen(request));
	while (x.api->calls == 0)
		usleep(100);
	clock_gettime(CLOCK_MONOTONIC, &from);
	cr_assert_not(server_stop(x.server));
	cr_assert(elapsed_ms(&from) < LIMIT_STOP_MS + 10000);
	cr_assert_eq(x.api->freed, 0);
	fixture_leave(c);
}
