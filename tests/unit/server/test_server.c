/* SPDX-License-Identifier: Apache-2.0 */
/* The server from outside: handshakes down to the alert, framing, parked calls, streams, its end. */
#include <criterion/criterion.h>
#include <criterion/parameterized.h>

#include "fixture.h"

#define HOST             "Host: menedek\r\n"
#define GET(path)        "GET " path " HTTP/1.1\r\n" HOST "\r\n"
#define POST(path, more) "POST " path " HTTP/1.1\r\n" HOST more

static struct fixture x;

static void
start(void)
{
	fixture_start(&x);
}

/* At the end of each body, since what is asserted in a .fini is lost. */
static void
end(void)
{
	cr_assert(fixture_stop(&x), "the server was not left clean");
}

TestSuite(server, .init = start, .timeout = 30);

/* --- who gets in --- */

/* Shake hands as ${me} and read what the server says to it. */
static int
alert_for(const struct identity *me)
{
	static struct client c;
	int alert;

	if (client_open(&c, x.port, &x.ca, me))
		(void)client_more(&c);
	alert = c.is_over || c.alert != 0 ? c.alert : -1;
	if (c.ssl != NULL && alert == 0)
		alert = -2; /* closed without a word */
	client_close(&c);
	return alert;
}

static int
alert_for_recipe(const struct cert_recipe *recipe, const struct identity *issuer, enum trust_state state)
{
	struct identity me = issue(recipe, issuer);
	uint8_t print[32];
	int alert;

	fingerprint(&me, print);
	if (state != TRUST_UNKNOWN)
		fake_enrol(&x.trust, print, state);
	alert = alert_for(&me);
	forget(&me);
	return alert;
}

Test(server, no_certificate_gets_alert_116)
{
	cr_assert_eq(alert_for(NULL), 116);
	end();
}

Test(server, foreign_authority_of_the_same_name_gets_alert_48)
{
	struct identity foreign = issue(&recipe_ca, NULL);

	cr_assert_eq(alert_for_recipe(&recipe_client, &foreign, TRUST_ACTIVE), 48);
	forget(&foreign);
	end();
}

Test(server, self_signed_certificate_gets_alert_48)
{
	cr_assert_eq(alert_for_recipe(&recipe_client, NULL, TRUST_ACTIVE), 48);
	end();
}

Test(server, expired_certificate_gets_alert_45)
{
	static const struct cert_recipe old = { "device", "clientAuth", false, -7200, -3600 };

	cr_assert_eq(alert_for_recipe(&old, &x.ca, TRUST_ACTIVE), 45);
	end();
}

Test(server, certificate_of_tomorrow_gets_alert_45)
{
	static const struct cert_recipe early = { "device", "clientAuth", false, 7200, 86400 };

	cr_assert_eq(alert_for_recipe(&early, &x.ca, TRUST_ACTIVE), 45);
	end();
}

Test(server, certificate_for_servers_gets_alert_43)
{
	static const struct cert_recipe wrong = { "device", "serverAuth", false, -3600, 86400 };

	cr_assert_eq(alert_for_recipe(&wrong, &x.ca, TRUST_ACTIVE), 43);
	end();
}

Test(server, certificate_without_purpose_gets_alert_43)
{
	static const struct cert_recipe none = { "device", NULL, false, -3600, 86400 };

	cr_assert_eq(alert_for_recipe(&none, &x.ca, TRUST_ACTIVE), 43);
	end();
}

Test(server, authority_as_leaf_gets_alert_43)
{
	static const struct cert_recipe authority = { "device", "clientAuth", true, -3600, 86400 };

	cr_assert_eq(alert_for_recipe(&authority, &x.ca, TRUST_ACTIVE), 43);
	end();
}

Test(server, our_own_certificate_that_no_device_has_gets_alert_46)
{
	cr_assert_eq(alert_for_recipe(&recipe_client, &x.ca, TRUST_UNKNOWN), 46);
	end();
}

Test(server, revoked_device_gets_alert_44)
{
	cr_assert_eq(alert_for_recipe(&recipe_client, &x.ca, TRUST_REVOKED), 44);
	end();
}

Test(server, second_enrolled_device_gets_in)
{
	cr_assert_eq(alert_for_recipe(&recipe_client, &x.ca, TRUST_ACTIVE), -1);
	end();
}

Test(server, no_session_ticket_is_given)
{
	struct client *c = fixture_client(&x);

	cr_assert_eq(client_ask(c, GET("/wait")), 200);
	cr_assert_eq(SSL_SESSION_has_ticket(SSL_get_session(c->ssl)), 0);
	cr_assert_eq(SSL_version(c->ssl), TLS1_3_VERSION);
	fixture_leave(c);
	end();
}

Test(server, kept_connection_of_a_revoked_device_ends_with_its_next_answer)
{
	struct client *c = fixture_client(&x);
	uint8_t print[32];

	cr_assert_eq(client_ask(c, GET("/wait")), 200);
	fingerprint(&x.device, print);
	fake_enrol(&x.trust, print, TRUST_REVOKED);
	(void)client_ask(c, GET("/wait"));
	cr_assert(client_is_over(c));
	fixture_leave(c);
	end();
}

Test(server, new_certificate_serves_new_handshakes_after_a_reload)
{
	struct identity fresh = issue(&recipe_server, &x.ca);
	struct client *old = fixture_client(&x), *c;
	struct fault f = { 0 };
	uint8_t got[32], want[32];

	remove(x.parts.paths.server_cert);
	remove(x.parts.paths.server_key);
	write_pem(x.parts.paths.server_cert, &fresh, false);
	cr_assert_neq(server_reload(x.server, &f), RC_OK, "a certificate without its key was taken");
	write_pem(x.parts.paths.server_key, &fresh, true);
	cr_assert_eq(server_reload(x.server, &f), RC_OK);
	cr_assert_eq(client_ask(old, GET("/wait")), 200);
	c = fixture_client(&x);
	fingerprint(&fresh, want);
	X509_digest(SSL_get0_peer_certificate(c->ssl), EVP_sha256(), got, NULL);
	cr_assert_arr_eq(got, want, 32);
	fixture_leave(c);
	fixture_leave(old);
	forget(&fresh);
	end();
}

/* --- what a call can do --- */

Test(server, body_comes_back_and_the_connection_is_kept)
{
	struct client *c = fixture_client(&x);

	for (int i = 0; i < 3; i++) {
		cr_assert_eq(client_ask(c, POST("/echo", "Content-Length: 5\r\n\r\nhello")), 200);
		cr_assert_str_eq(strstr(c->text, "\r\n\r\n") + 4, "hello");
	}
	fixture_leave(c);
	end();
}

Test(server, chunked_body_comes_back_whole)
{
	struct client *c = fixture_client(&x);

	cr_assert_eq(
	    client_ask(
		c, POST("/echo", "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n1\r\n!\r\n0\r\n\r\n")),
	    200);
	cr_assert_str_eq(strstr(c->text, "\r\n\r\n") + 4, "hello!");
	fixture_leave(c);
	end();
}

Test(server, every_answer_has_the_headers_that_protect_it)
{
	struct client *c = fixture_client(&x);

	cr_assert_eq(client_ask(c, GET("/wait")), 200);
	cr_expect(strstr(c->text, "Cache-Control: no-store\r\n"));
	cr_expect(strstr(c->text, "X-Content-Type-Options: nosniff\r\n"));
	cr_expect(strstr(c->text, "Strict-Transport-Security: max-age="));
	cr_expect(strstr(c->text, "Request-Id: 01234567890123456789abcdef\r\n"));
	cr_assert_eq(client_ask(c, "GET /wait HTTP/1.1\r\n\r\n"), 400);
	cr_expect(strstr(c->text, "Cache-Control: no-store\r\n"));
	cr_expect(strstr(c->text, "X-Content-Type-Options: nosniff\r\n"));
	cr_expect(strstr(c->text, "Request-Id: "));
	cr_expect(client_is_over(c));
	fixture_leave(c);
	end();
}

Test(server, calls_that_wait_or_are_slow_are_answered)
{
	struct client *c = fixture_client(&x);

	for (int i = 0; i < 20; i++) {
		cr_assert_eq(client_ask(c, GET("/wait")), 200);
		cr_assert_eq(client_ask(c, GET("/slow")), 200);
		cr_assert_eq(client_ask(c, GET("/slow-wait")), 200);
	}
	fixture_leave(c);
	end();
}

Test(server, refusal_by_the_head_keeps_the_connection_when_no_body_follows)
{
	struct client *c = fixture_client(&x);

	cr_assert_eq(client_ask(c, GET("/refused")), 403);
	cr_assert_eq(client_ask(c, GET("/refused")), 403);
	cr_assert_eq(client_ask(c, POST("/refused", "Content-Length: 5\r\n\r\nhello")), 403);
	cr_assert(client_is_over(c));
	fixture_leave(c);
	end();
}

Test(server, body_over_the_limit_is_heard_out_and_refused)
{
	static char request[2 * FAKE_BODY];
	struct client *c = fixture_client(&x);
	int head =
	    snprintf(request, sizeof(request), POST("/echo", "Content-Length: %u\r\n\r\n"), FAKE_BODY + 1);

	memset(request + head, 'a', FAKE_BODY + 1);
	cr_assert_eq(client_ask(c, request), 413);
	cr_assert(client_is_over(c));
	fixture_leave(c);
	end();
}

Test(server, head_of_an_answer_with_a_body_is_sent_at_once)
{
	struct client *c = fixture_client(&x);
	const char *request = "HEAD /nothing HTTP/1.1\r\n" HOST "\r\n";

	for (int i = 0; i < 2; i++) {
		client_forget_text(c);
		client_send(c, request, strlen(request));
		cr_assert(client_until(c, "\r\n\r\n"));
		cr_assert_eq(client_ask(c, GET("/nothing")), 404);
		cr_assert_str_eq(strstr(c->text, "\r\n\r\n") + 4, "none");
	}
	fixture_leave(c);
	end();
}

Test(server, pipelined_requests_are_answered_in_order)
{
	struct client *c = fixture_client(&x);
	char request[4096] = "";
	int answers = 0;

	for (int i = 0; i < 20; i++)
		strcat(request, i % 2 ? GET("/slow-wait") : POST("/echo", "Content-Length: 2\r\n\r\nhi"));
	cr_assert(client_send(c, request, strlen(request)));
	while (answers < 20 && client_more(c)) {
		answers = 0;
		for (const char *p = c->text; (p = strstr(p, "HTTP/1.1 200")) != NULL; p++)
			answers++;
	}
	cr_assert_eq(answers, 20);
	fixture_leave(c);
	end();
}

/* --- framing --- */

struct attack {
	char text[256];
	int status; /* of the first answer; 0: closed without one */
};

ParameterizedTestParameters(server, ambiguous_framing_is_refused_and_never_runs_a_second_request)
{
#define SMUGGLED GET("/echo")
	static struct attack attacks[] = {
		{ POST("/echo",
		      "Content-Length: 5\r\nTransfer-Encoding: "
		      "chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n" SMUGGLED),
		    400 },
		{ POST("/echo", "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n" SMUGGLED),
		    400 },
		{ POST("/echo", "Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello!" SMUGGLED), 400 },
		{ POST("/echo", "Transfer-Encoding: xchunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n" SMUGGLED), 400 },
		{ POST("/echo",
		      "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n" SMUGGLED),
		    400 },
		{ POST("/echo", "Content-Length: +5\r\n\r\nhello" SMUGGLED), 400 },
		{ POST("/echo", "Content-Length: 5, 5\r\n\r\nhello" SMUGGLED), 400 },
		{ POST("/echo", "Content-Length : 5\r\n\r\nhello" SMUGGLED), 400 },
		{ POST("/echo", "Host: other\r\nContent-Length: 5\r\n\r\nhello" SMUGGLED), 400 },
		{ "GET /echo HTTP/1.1\r\n" HOST "X: a\r\n b\r\n\r\n" SMUGGLED, 400 },
		{ "GET /echo HTTP/1.1\nHost: x\n\n" SMUGGLED, 400 },
		{ "GET /echo HTTP/1.0\r\n" HOST "\r\n" SMUGGLED, 400 },
		{ "GET /echo%00x HTTP/1.1\r\n" HOST "\r\n" SMUGGLED, 400 },
		{ "GET /echo HTTP/1.1\r\n" HOST "Content-Length: 5\r\n\r\nhello" SMUGGLED, 400 },
		{ "GET  /echo  HTTP/1.1\r\nHost:x\r\n\r\n" SMUGGLED, 400 },
		{ "CONNECT x:443 HTTP/1.1\r\n" HOST "\r\n" SMUGGLED, 400 },
	};

	return cr_make_param_array(struct attack, attacks, sizeof(attacks) / sizeof(attacks[0]));
}

ParameterizedTest(struct attack *attack, server, ambiguous_framing_is_refused_and_never_runs_a_second_request)
{
	struct client *c = fixture_client(&x);

	cr_expect_eq(client_ask(c, attack->text), attack->status, "%s: %s", attack->text, c->text);
	cr_expect(client_is_over(c), "kept: %s", attack->text);
	cr_expect_null(strstr(c->text, "HTTP/1.1 200"), "smuggled: %s", attack->text);
	cr_expect_eq(x.api->calls, 0);
	fixture_leave(c);
	end();
}

Test(server, nul_in_path_or_header_is_refused)
{
	static const char path[] = "GET /echo\0x HTTP/1.1\r\n" HOST "\r\n";
	static const char header[] = "GET /echo HTTP/1.1\r\n" HOST "X: a\0b\r\n\r\n";
	struct client *c = fixture_client(&x);

	client_send(c, path, sizeof(path) - 1);
	cr_expect(client_is_over(c));
	cr_expect_null(strstr(c->text, " 200 "));
	fixture_leave(c);
	c = fixture_client(&x);
	client_send(c, header, sizeof(header) - 1);
	cr_expect(client_is_over(c));
	cr_expect_null(strstr(c->text, " 200 "));
	cr_assert_eq(x.api->calls, 0);
	fixture_leave(c);
	end();
}

/* --- streams --- */

Test(server, stream_sends_its_events_and_ends)
{
	struct client *c = fixture_client(&x);
	const char *request = GET("/stream?3");

	client_send(c, request, strlen(request));
	cr_assert(client_until(c, "id: 3\n"));
	cr_expect(strstr(c->text, "Content-Type: text/event-stream\r\n"));
	cr_assert(client_is_over(c));
	fixture_leave(c);
	end();
}

Test(server, streams_whose_clients_have_gone_do_not_hinder_the_end)
{
	for (int i = 0; i < 5; i++) {
		struct client *c = fixture_client(&x);
		const char *request = GET("/stream?0");

		client_send(c, request, strlen(request));
		cr_assert(client_until(c, "\r\n\r\n"));
		fixture_leave(c);
	}
	end();
}

Test(server, stream_of_a_revoked_device_ends_without_an_event)
{
	struct client *c = fixture_client(&x);
	const char *request = GET("/stream?0");
	uint8_t print[32];

	client_send(c, request, strlen(request));
	cr_assert(client_until(c, "\r\n\r\n"));
	fingerprint(&x.device, print);
	fake_enrol(&x.trust, print, TRUST_REVOKED);
	cr_assert(client_is_over(c));
	fixture_leave(c);
	end();
}

/* --- the end --- */

Test(server, open_stream_ends_with_the_server)
{
	struct client *c = fixture_client(&x);
	const char *request = GET("/stream?0");

	client_send(c, request, strlen(request));
	cr_assert(client_until(c, "\r\n\r\n"));
	end();
	cr_assert(client_is_over(c));
	fixture_leave(c);
}

Test(server, waiting_call_is_answered_before_the_server_ends)
{
	struct client *c = fixture_client(&x);
	const char *request = GET("/slow-wait");

	client_send(c, request, strlen(request));
	while (x.api->calls == 0)
		usleep(100);
	cr_assert(server_stop(x.server));
	cr_assert(client_until(c, " 200 "));
	fixture_leave(c);
	x.server = NULL;
	end();
}

/* --- deadlines and room --- */

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
	while (!c->is_over && elapsed_ms(&from) < CLIENT_WAIT_MS) {
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
	cr_assert(ms >= 300 && ms < 1000, "%ld ms", ms);
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
	cr_assert(ms >= 300 && ms < 1000, "%ld ms", ms);
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
	cr_assert(ms >= 700 && ms < 1500, "%ld ms", ms);
	fixture_leave(c);
	end();
}

Test(deadlines, socket_without_a_handshake_is_closed, .init = hurry, .timeout = 30)
{
	int fd = client_socket(x.port);
	struct timespec from;
	char byte;

	clock_gettime(CLOCK_MONOTONIC, &from);
	cr_assert_eq(read(fd, &byte, 1), 0);
	cr_assert(elapsed_ms(&from) < 1000);
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
	cr_assert(elapsed_ms(&from) < LIMIT_STOP_MS + 1000);
	cr_assert_eq(x.api->freed, 0);
	fixture_leave(c);
}

/* --- operators --- */

static void
ask_health(const char *path, char *text, size_t cap)
{
	int fd = client_socket(server_health_port(x.server));
	char request[128];
	ssize_t n;
	size_t len = 0;

	snprintf(request, sizeof(request), "GET %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", path);
	cr_assert(write(fd, request, strlen(request)) > 0);
	while ((n = read(fd, text + len, cap - 1 - len)) > 0)
		len += (size_t)n;
	text[len] = '\0';
	close(fd);
}

Test(server, operators_learn_life_readiness_and_counts)
{
	static char text[65536];
	struct client *c = fixture_client(&x);

	cr_assert_eq(client_ask(c, GET("/wait")), 200);
	(void)alert_for(NULL);
	ask_health("/livez", text, sizeof(text));
	cr_expect(strstr(text, " 200 OK"));
	ask_health("/readyz", text, sizeof(text));
	cr_expect(strstr(text, " 200 OK"));
	ask_health("/metrics", text, sizeof(text));
	cr_expect(strstr(text, "menedek_handshakes_total{certificate=\"no_certificate\"} 1\n"));
	cr_expect(strstr(text, "menedek_handshakes_total{certificate=\"fine\"} 1\n"));
	cr_expect(strstr(text, "menedek_answers_2xx_total 1\n"));
	cr_expect(strstr(text, "fake_calls_total 1\n"));
	ask_health("/nothing", text, sizeof(text));
	cr_expect(strstr(text, " 404 "));
	fixture_leave(c);
	end();
}

Test(server, timer_runs)
{
	usleep(1200000);
	cr_assert(x.api->ticks >= 1);
	end();
}
