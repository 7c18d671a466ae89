/* SPDX-License-Identifier: Apache-2.0 */
/* Who gets in: handshakes from outside, down to the alert, revocation and a new certificate. */
#include "outside.h"

TestSuite(handshake, .init = start, .timeout = 30);

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

Test(handshake, no_certificate_gets_alert_116)
{
	cr_assert_eq(alert_for(NULL), 116);
	end();
}

Test(handshake, foreign_authority_of_the_same_name_gets_alert_48)
{
	struct identity foreign = issue(&recipe_ca, NULL);

	cr_assert_eq(alert_for_recipe(&recipe_client, &foreign, TRUST_ACTIVE), 48);
	forget(&foreign);
	end();
}

Test(handshake, self_signed_certificate_gets_alert_48)
{
	cr_assert_eq(alert_for_recipe(&recipe_client, NULL, TRUST_ACTIVE), 48);
	end();
}

Test(handshake, expired_certificate_gets_alert_45)
{
	static const struct cert_recipe old = { "device", "clientAuth", false, -7200, -3600 };

	cr_assert_eq(alert_for_recipe(&old, &x.ca, TRUST_ACTIVE), 45);
	end();
}

Test(handshake, certificate_of_tomorrow_gets_alert_45)
{
	static const struct cert_recipe early = { "device", "clientAuth", false, 7200, 86400 };

	cr_assert_eq(alert_for_recipe(&early, &x.ca, TRUST_ACTIVE), 45);
	end();
}

Test(handshake, certificate_for_servers_gets_alert_43)
{
	static const struct cert_recipe wrong = { "device", "serverAuth", false, -3600, 86400 };

	cr_assert_eq(alert_for_recipe(&wrong, &x.ca, TRUST_ACTIVE), 43);
	end();
}

Test(handshake, certificate_without_purpose_gets_alert_43)
{
	static const struct cert_recipe none = { "device", NULL, false, -3600, 86400 };

	cr_assert_eq(alert_for_recipe(&none, &x.ca, TRUST_ACTIVE), 43);
	end();
}

Test(handshake, authority_as_leaf_gets_alert_43)
{
	static const struct cert_recipe authority = { "device", "clientAuth", true, -3600, 86400 };

	cr_assert_eq(alert_for_recipe(&authority, &x.ca, TRUST_ACTIVE), 43);
	end();
}

Test(handshake, our_own_certificate_that_no_device_has_gets_alert_46)
{
	cr_assert_eq(alert_for_recipe(&recipe_client, &x.ca, TRUST_UNKNOWN), 46);
	end();
}

Test(handshake, revoked_device_gets_alert_44)
{
	cr_assert_eq(alert_for_recipe(&recipe_client, &x.ca, TRUST_REVOKED), 44);
	end();
}

Test(handshake, second_enrolled_device_gets_in)
{
	cr_assert_eq(alert_for_recipe(&recipe_client, &x.ca, TRUST_ACTIVE), -1);
	end();
}

/* A session of the enrolled device that may be resumed; the caller frees it. */
static SSL_SESSION *
ticket(void)
{
	struct client *c = fixture_client(&x);
	SSL_SESSION *session;

	cr_assert_eq(client_ask(c, GET("/wait")), 200);
	cr_assert_eq(SSL_version(c->ssl), TLS1_3_VERSION);
	/* a copy: with the connection and its context the session itself becomes one that is not resumed */
	session = SSL_SESSION_dup(SSL_get_session(c->ssl));
	cr_assert(SSL_SESSION_is_resumable(session));
	fixture_leave(c);
	return session;
}

/* The alert to a resumed handshake, -1 when an answer comes. */
static int
alert_to(SSL_SESSION *session)
{
	static struct client c;
	int alert = -1;

	cr_assert(client_resume(&c, x.port, &x.ca, &x.device, session));
	cr_assert(SSL_session_reused(c.ssl));
	if (client_ask(&c, GET("/wait")) != 200)
		alert = c.alert;
	client_close(&c);
	return alert;
}

Test(handshake, session_is_resumed_for_ten_minutes_at_most)
{
	SSL_SESSION *session = ticket();

	cr_assert_eq(alert_to(session), -1);
	cr_assert_leq(SSL_SESSION_get_ticket_lifetime_hint(session), 600);
	SSL_SESSION_free(session);
	end();
}

Test(handshake, device_revoked_after_its_ticket_gets_alert_44_when_it_resumes)
{
	SSL_SESSION *session = ticket();
	uint8_t print[32];

	fingerprint(&x.device, print);
	fake_enrol(&x.trust, print, TRUST_REVOKED);
	cr_assert_eq(alert_to(session), 44);
	SSL_SESSION_free(session);
	end();
}

Test(handshake, chain_found_good_before_does_not_let_a_revoked_device_in)
{
	uint8_t print[32];

	cr_assert_eq(alert_for(&x.device), -1);
	fingerprint(&x.device, print);
	fake_enrol(&x.trust, print, TRUST_REVOKED);
	cr_assert_eq(alert_for(&x.device), 44);
	fake_enrol(&x.trust, print, TRUST_UNKNOWN);
	cr_assert_eq(alert_for(&x.device), 46);
	end();
}

Test(handshake, chain_found_good_before_ends_with_its_certificate)
{
	static const struct cert_recipe brief = { "device", "clientAuth", false, -60, 2 };
	struct identity me = { NULL, NULL };
	int alert = 0;

	/* who came too late to be let in once has proved nothing */
	for (unsigned i = 0; i < 4 && alert != -1; i++) {
		uint8_t print[32];

		forget(&me);
		me = issue(&brief, &x.ca);
		fingerprint(&me, print);
		fake_enrol(&x.trust, print, TRUST_ACTIVE);
		alert = alert_for(&me);
		cr_assert(alert == -1 || X509_cmp_current_time(X509_get0_notAfter(me.cert)) < 0, "%d", alert);
	}
	cr_assert_eq(alert, -1);
	sleep(3);
	cr_assert_eq(alert_for(&me), 45);
	forget(&me);
	end();
}

Test(handshake, kept_connection_of_a_revoked_device_ends_with_its_next_answer)
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

Test(handshake, new_certificate_serves_new_handshakes_after_a_reload)
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

static int64_t
ms_of(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* Of hundred milliseconds so many did this process work. */
static int64_t
busy_percent(void)
{
	const int64_t began = ms_of(CLOCK_MONOTONIC), worked = ms_of(CLOCK_PROCESS_CPUTIME_ID);

	usleep(200000);
	return (ms_of(CLOCK_PROCESS_CPUTIME_ID) - worked) * 100 / (ms_of(CLOCK_MONOTONIC) - began);
}

Test(handshake, half_a_handshake_costs_no_more_than_it_sent)
{
	static const char head[] = { 0x16, 3, 1, 2, 0, 1, 0, 1, (char)0xfc, 3,
		3 }; /* of a ClientHello of 512 bytes */
	int64_t least = 100;
	int fds[8];

	for (unsigned i = 0; i < 8; i++) {
		fds[i] = client_socket(x.port);
		cr_assert_eq(send(fds[i], head, sizeof(head), MSG_NOSIGNAL), (ssize_t)sizeof(head));
	}
	usleep(200000);
	/* a loop that turns for nothing does so all the time; a virtual machine may be charged for a pause */
	for (unsigned i = 0; i < 3; i++) {
		const int64_t busy = busy_percent();

		least = busy < least ? busy : least;
	}
	cr_assert_lt(least, 33, "the loop turns without anything to do");
	for (unsigned i = 0; i < 8; i++)
		close(fds[i]);
	end();
}
