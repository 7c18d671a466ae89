/* SPDX-License-Identifier: Apache-2.0 */
/* Deadlines and room: clients that are slow, silent or many. */
#include "outside.h"

#define PATIENCE_MS 15000 /* of the client; who is not cut off by then never is */

static const struct server_options hasty = {
	.threads = 1, .connections = 8, .request_ms = 400, .idle_ms = 800, .ping_ms = 200
};

static void
hurry(void)
{
	fixture_start_with(&x, &hasty);
}

static long
elapsed_ms(const struct timespec *from)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (now.tv_sec - from->tv_sec) * 1000 + (now.tv_nsec - from->tv_nsec) / 1000000;
}

/* How long does the server bear a client that sends ${drip} again and again? */
static long
patience_ms(struct client *c, const char *drip)
{
	const struct timeval brief = { .tv_usec = 50000 };
	struct timespec from;

	setsockopt(c->fd, SOL_SOCKET, SO_RCVTIMEO, &brief, sizeof(brief));
	clock_gettime(CLOCK_MONOTONIC, &from);
	while (!c->is_over && elapsed_ms(&from) < PATIENCE_MS) {
		if (drip[0] != '\0' && SSL_write(c->ssl, drip, (int)strlen(drip)) <= 0)
			break;
		(void)client_more(c);
	}
	return elapsed_ms(&from);
}

Test(deadlines, head_that_drips_in_is_cut_off, .init = hurry, .timeout = 30)
{
	struct client *c = fixture_client(&x);
	long ms;

	cr_assert_eq(client_ask(c, GET("/wait")), 200);
	client_send(c, "GET /wait", 9);
	ms = patience_ms(c, "a");
	cr_assert(ms >= 300 && ms < PATIENCE_MS, "%ld ms", ms);
	fixture_leave(c);
	end();
}

Test(deadlines, body_that_drips_in_is_cut_off, .init = hurry, .timeout = 30)
{
	const char *head = POST("/echo", "Content-Length: 1000\r\n\r\n");
	struct client *c = fixture_client(&x);
	long ms;

	client_send(c, head, strlen(head));
	ms = patience_ms(c, "a");
	cr_assert(ms >= 300 && ms < PATIENCE_MS, "%ld ms", ms);
	fixture_leave(c);
	end();
}

Test(deadlines, idle_connection_is_kept_longer_and_then_closed, .init = hurry, .timeout = 30)
{
	struct client *c = fixture_client(&x);
	long ms;

	cr_assert_eq(client_ask(c, GET("/wait")), 200);
	usleep(600000);
	cr_assert_eq(client_ask(c, GET("/wait")), 200, "closed before its time");
	ms = patience_ms(c, "");
	cr_assert(ms >= 700 && ms < PATIENCE_MS, "%ld ms", ms);
	fixture_leave(c);
	end();
}

Test(deadlines, socket_without_a_handshake_is_closed, .init = hurry, .timeout = 30)
{
	int fd = client_socket(x.port);
	const struct timeval wait = { .tv_sec = PATIENCE_MS / 1000 };
	char byte;

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
	cr_assert_eq(read(fd, &byte, 1), 0);
	close(fd);
	end();
}

Test(deadlines, silent_stream_gets_signs_of_life_and_no_deadline, .init = hurry, .timeout = 30)
{
	struct client *c = fixture_client(&x);
	const char *request = GET("/stream?0");

	client_send(c, request, strlen(request));
	for (int i = 0; i < 5; i++) {
		cr_assert(client_until(c, ": ping\n\n"));
		client_forget_text(c);
	}
	fixture_leave(c);
	end();
}

Test(deadlines, strangers_cannot_take_the_place_of_devices, .init = hurry, .timeout = 30)
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

Test(deadlines, more_connections_than_there_is_room_for_wait_their_turn, .init = hurry, .timeout = 30)
{
	int fd[8];
	struct client *late;

	for (int i = 0; i < 8; i++)
		fd[i] = client_socket(x.port);
	late = fixture_client(&x);
	cr_assert_eq(client_ask(late, GET("/wait")), 200);
	fixture_leave(late);
	for (int i = 0; i < 8; i++)
		close(fd[i]);
	end();
}

Test(deadlines, device_cannot_take_the_places_of_others, .init = hurry, .timeout = 30)
{
	struct client *c[2], *third = malloc(sizeof(*third));

	for (int i = 0; i < 2; i++)
		c[i] = fixture_client(&x);
	if (client_open(third, x.port, &x.ca, &x.device))
		cr_expect_eq(client_ask(third, GET("/wait")), 0);
	fixture_leave(third);
	cr_assert_eq(client_ask(c[0], GET("/wait")), 200);
	fixture_leave(c[1]);
	usleep(100000);
	c[1] = fixture_client(&x);
	cr_assert_eq(client_ask(c[1], GET("/wait")), 200);
	fixture_leave(c[1]);
	fixture_leave(c[0]);
	end();
}

Test(deadlines, call_stuck_in_the_store_is_reported_and_not_freed, .init = hurry, .timeout = 30)
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
