/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The server under load, to be built with ThreadSanitizer (Criterion does not run there): 200 connections
 * that wait, are slow, stream, come and go, while certificates are reloaded and a device is revoked and
 * enrolled again.  Exits with 1 when a call was misused, an answer was wrong, or something was left behind.
 */
#include "fixture.h"

#define THREADS     20u
#define CONNECTIONS 10u /* of each thread */
#define ROUNDS      30u

static struct fixture x;
static atomic_uint answers, failures, refusals, streams;
static atomic_bool is_over;

static const char *const requests[] = {
	"GET /wait HTTP/1.1\r\nHost: x\r\n\r\n",
	"GET /slow HTTP/1.1\r\nHost: x\r\n\r\n",
	"GET /slow-wait HTTP/1.1\r\nHost: x\r\n\r\n",
	"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello",
	"GET /refused HTTP/1.1\r\nHost: x\r\n\r\n",
};

static void
watch_stream(struct client *c)
{
	static const char request[] = "GET /stream?5 HTTP/1.1\r\nHost: x\r\n\r\n";

	client_forget_text(c);
	if (client_send(c, request, sizeof(request) - 1) && client_until(c, "id: 5\n") && client_is_over(c))
		streams++;
	else
		failures++;
}

static void
ask_all(struct client **c, unsigned round)
{
	for (unsigned i = 0; i < CONNECTIONS; i++) {
		const unsigned which = (round + i) % COUNT_OF(requests);
		const int status = client_ask(c[i], requests[which]);

		if (status == 200 || status == 403)
			answers++;
		else if (status == 503)
			refusals++; /* the slow threads are full: an answer, too */
		else
			failures++;
		if (c[i]->text[0] != '\0' && status == 503) {
			fixture_leave(c[i]);
			c[i] = fixture_client(&x);
		}
	}
}

static void *
load(void *arg)
{
	struct client *c[CONNECTIONS];
	struct client *stream;

	(void)arg;
	for (unsigned i = 0; i < CONNECTIONS; i++)
		c[i] = fixture_client(&x);
	for (unsigned round = 0; round < ROUNDS; round++) {
		ask_all(c, round);
		if (round % 10 != 0)
			continue;
		stream = fixture_client(&x);
		watch_stream(stream);
		fixture_leave(stream);
		fixture_leave(c[round % CONNECTIONS]); /* gone without a word */
		c[round % CONNECTIONS] = fixture_client(&x);
	}
	for (unsigned i = 0; i < CONNECTIONS; i++)
		fixture_leave(c[i]);
	return NULL;
}

/* What operators do meanwhile. */
static void *
disturb(void *arg)
{
	static struct client c;
	struct identity other = issue(&recipe_client, &x.ca);
	uint8_t print[32];
	struct fault f = { 0 };

	(void)arg;
	fingerprint(&other, print);
	for (unsigned i = 0; !is_over; i++) {
		fake_enrol(&x.trust, print, i % 2 ? TRUST_REVOKED : TRUST_ACTIVE);
		if (server_reload(x.server, &f) != RC_OK)
			failures++;
		if (client_open(&c, x.port, &x.ca, &other))
			(void)client_ask(&c, requests[0]);
		client_close(&c);
		usleep(20000);
	}
	forget(&other);
	return NULL;
}

int
main(void)
{
	pthread_t threads[THREADS], disturber;
	bool is_clean;

	fixture_start(&x);
	pthread_create(&disturber, NULL, disturb, NULL);
	for (unsigned i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, load, NULL);
	for (unsigned i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	is_over = true;
	pthread_join(disturber, NULL);
	is_clean = fixture_stop(&x);
	printf("answers=%u refusals=%u streams=%u failures=%u clean=%d\n", answers, refusals, streams,
	    failures, is_clean);
	/* a floor of load, or nothing was proved */
	return is_clean && failures == 0 && answers > THREADS * CONNECTIONS * ROUNDS / 2 && streams > THREADS
	    ? 0
	    : 1;
}
