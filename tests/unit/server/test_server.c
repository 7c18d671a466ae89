/* SPDX-License-Identifier: Apache-2.0 */
/* The server from outside: framing, parked calls, streams, its end; what operators see. */
#include "outside.h"

#include <criterion/parameterized.h>

TestSuite(server, .init = start, .timeout = 30);

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

/* Until so many requests wait for a slow thread. */
static void
await_queue(unsigned count)
{
	static char text[65536];
	char line[64];

	snprintf(line, sizeof(line), "\nmenedek_slow_queue %u\n", count);
	do
		ask_health("/metrics", text, sizeof(text));
	while (!strstr(text, line));
}

/* What is told has been counted, and its caller has no other try: it waits behind nobody's passphrase. */
Test(server, what_is_on_record_is_told_before_slow_work_that_waits)
{
	struct client *slow[3], *told = fixture_client(&x);

	for (unsigned i = 0; i < COUNT_OF(slow); i++) { /* two threads have two of them */
		slow[i] = fixture_client(&x);
		cr_assert(client_send(slow[i], GET("/held"), strlen(GET("/held"))));
	}
	await_queue(1);
	cr_assert(client_send(told, GET("/tell"), strlen(GET("/tell"))));
	await_queue(2);
	sem_post(&x.api->go);
	cr_expect(client_until(told, " 200 "));
	fixture_leave(told);
	for (unsigned i = 1; i < COUNT_OF(slow); i++)
		sem_post(&x.api->go);
	for (unsigned i = 0; i < COUNT_OF(slow); i++) {
		cr_expect(client_until(slow[i], " 200 "));
		fixture_leave(slow[i]);
	}
	end();
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
	for (unsigned i = 0; i < 2000 && x.api->ticks == 0; i++)
		usleep(10000);
	cr_assert(x.api->ticks >= 1);
	end();
}
