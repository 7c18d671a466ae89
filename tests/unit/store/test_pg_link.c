/* SPDX-License-Identifier: Apache-2.0 */
/* Connection strings, names and addresses: what cannot be one is refused before anything is connected, and
 * who answers nothing is named. */
#include <netdb.h>

#include "../refusal.h"
#include "pair.h"
#include "store/pg_parts.h"

REFUSABLE(int, getaddrinfo,
    (const char *host, const char *service, const struct addrinfo *hints, struct addrinfo **out),
    (host, service, hints, out), EAI_AGAIN)
REFUSABLE(int, getnameinfo,
    (const struct sockaddr *at, socklen_t at_len, char *host, socklen_t cap, char *service,
	socklen_t service_cap, int flags),
    (at, at_len, host, cap, service, service_cap, flags), EAI_MEMORY)

static enum rc
init_link(struct pg_link *l, const char *conninfo, struct fault *f)
{
	*f = (struct fault){ .count = 0 };
	return pg_link_init(l, conninfo, f);
}

/* ---- reading a connection string ---- */

static const struct string_row {
	const char *text;
	enum rc rc;
	unsigned count;
	const char *host, *address, *port; /* of the last server */
} strings[] = {
	{ "dbname=x", RC_OK, 1, "", "", "" },
	{ "host=/a", RC_OK, 1, "/a", "", "" },
	{ "host=/a,/b port=1,2", RC_OK, 2, "/b", "", "2" },
	{ "host=/a,/b port=5", RC_OK, 2, "/b", "", "5" },
	{ "sslmode=verify-full hostaddr=127.0.0.1,127.0.0.2 port=5", RC_OK, 2, "", "127.0.0.2", "5" },
	{ "host=127.0.0.1 sslmode=verify-full", RC_OK, 1, "127.0.0.1", "127.0.0.1", "" },
	{ "host=one,two hostaddr=127.0.0.1,127.0.0.2 sslmode=verify-full", RC_OK, 2, "two", "127.0.0.2", "" },
	{ "host=/a,/b,/c,/d,/e,/f,/g,/h", RC_OK, 8, "/h", "", "" },
	{ "host=/a,/b,/c,/d,/e,/f,/g,/h,/i", RC_INVALID, 9, NULL, NULL, NULL },
	{ "host=/a,/b,/c port=1,2", RC_INVALID, 3, NULL, NULL, NULL },
	{ "host=/a,/b,/c hostaddr=127.0.0.1,127.0.0.2", RC_INVALID, 3, NULL, NULL, NULL },
	{ "hostaddr=127.0.0.1,127.0.0.2,127.0.0.3 port=1,2", RC_INVALID, 3, NULL, NULL, NULL },
	{ "host=/a port=12345678", RC_INVALID, 1, NULL, NULL, NULL },
	{ "nonsense", RC_INVALID, 0, NULL, NULL, NULL },
};

Test(pg_link, a_connection_string_is_read_whole_or_refused)
{
	for (size_t i = 0; i < COUNT_OF(strings); i++) {
		const struct string_row *r = &strings[i];
		struct pg_link l;
		struct fault f;

		cr_expect_eq(init_link(&l, r->text, &f), r->rc, "%s", r->text);
		cr_expect_eq(l.count, r->count, "%s", r->text);
		cr_expect_eq(f.count > 0, r->rc != RC_OK, "%s", r->text);
		if (r->rc == RC_OK) {
			cr_expect_str_eq(l.hosts[l.count - 1], r->host, "%s", r->text);
			cr_expect_str_eq(l.addresses[l.count - 1], r->address, "%s", r->text);
			cr_expect_str_eq(l.ports[l.count - 1], r->port, "%s", r->text);
		}
		pg_link_fini(&l);
	}
}

/* ---- who may pose as the database ---- */

#define VERIFIED "verify-full"

/* Addresses of RFC 5737: nobody is there, and nobody is asked. */
static const struct proof_row {
	const char *text;
	const char *sslmode; /* that the last server is spoken to with; NULL: refused */
} proofs[] = {
	{ "host=/a", VERIFIED },
	{ "host=/a sslmode=disable", VERIFIED },
	{ "dbname=x sslmode=disable", VERIFIED }, /* wherever service or environment lead */
	{ "service=x sslmode=require", VERIFIED },
	{ "host=192.0.2.1", NULL },
	{ "host=192.0.2.1 sslmode=disable", NULL },
	{ "host=192.0.2.1 sslmode=allow", NULL },
	{ "host=192.0.2.1 sslmode=prefer", NULL },
	{ "host=192.0.2.1 sslmode=require", NULL },
	{ "host=192.0.2.1 sslmode=verify-ca", NULL },
	{ "host=192.0.2.1 sslmode=verify-full", VERIFIED },
	{ "host=192.0.2.1 sslmode=verify-full sslmode=require", NULL },
	{ "hostaddr=192.0.2.1", NULL },
	{ "host=/a hostaddr=192.0.2.1", NULL },
	{ "host=/a,192.0.2.1", NULL },
	{ "host=/a,192.0.2.1 sslmode=verify-full", VERIFIED },
	{ "host=127.0.0.1,192.0.2.1 sslmode=disable", NULL },
	{ "host=192.0.2.1,127.0.0.1 sslmode=disable", NULL },
	{ "host=127.0.0.1", NULL },
	{ "host=127.0.0.1 sslmode=require", NULL },
	{ "host=127.0.0.1 sslmode=disable", "disable" },
	{ "host=::1 sslmode=disable", "disable" },
	{ "host=far hostaddr=192.0.2.1 sslmode=disable", NULL },
	{ "host=127.0.0.1 hostaddr=192.0.2.1 sslmode=disable", NULL },
	{ "host=::2 sslmode=disable", NULL },
	{ "postgresql://192.0.2.1/x", NULL },
	{ "postgresql://192.0.2.1/x?ssl=true", NULL },
	{ "postgresql://192.0.2.1/x?sslmode=verify-full", VERIFIED },
};

Test(pg_link, a_server_across_a_network_must_prove_who_it_is)
{
	/* what a service file or the environment says does not count */
	setenv("PGSSLMODE", VERIFIED, 1);
	for (size_t i = 0; i < COUNT_OF(proofs); i++) {
		const struct proof_row *r = &proofs[i];
		struct pg_link l;
		struct fault f;

		cr_expect_eq(
		    init_link(&l, r->text, &f), r->sslmode != NULL ? RC_OK : RC_INVALID, "%s", r->text);
		if (r->sslmode != NULL)
			cr_expect_str_eq(pg_sslmode(&l, l.count - 1), r->sslmode, "%s", r->text);
		else
			cr_expect_eq(f.item[0].msg, MSG_PG_PLAIN, "%s", r->text);
		pg_link_fini(&l);
	}
}

/* As long as there is room for, and one more. */
Test(pg_link, a_name_or_an_address_that_is_too_long_is_refused_and_not_cut)
{
	static const struct long_row {
		const char *keyword;
		int fits;
	} rows[] = { { "host=/", 254 }, { "sslmode=verify-full host=/a hostaddr=", 63 } };
	char text[400];
	struct pg_link l;
	struct fault f;

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		(void)snprintf(text, sizeof(text), "%s%0*d", rows[i].keyword, rows[i].fits, 0);
		cr_expect_eq(init_link(&l, text, &f), RC_OK, "%s", text);
		pg_link_fini(&l);
		(void)snprintf(text, sizeof(text), "%s%0*d", rows[i].keyword, rows[i].fits + 1, 0);
		cr_expect_eq(init_link(&l, text, &f), RC_INVALID, "%s", text);
		pg_link_fini(&l);
	}
}

Test(pg_link, an_option_that_libpq_does_not_know_is_none)
{
	struct pg_link l;
	struct fault f;

	cr_assert_eq(init_link(&l, "host=/a", &f), RC_OK);
	cr_expect_str_eq(pg_option(&l, "host"), "/a");
	cr_expect_null(pg_option(&l, "hostaddr"));
	cr_expect_null(pg_option(&l, "no such word"));
	pg_link_fini(&l);
}

/* A confined process could not ask again later. */
Test(pg_link, a_name_that_is_not_found_is_told_and_found_the_next_time)
{
	static atomic_uint *const refuse[] = { &refuse_getaddrinfo, &refuse_getnameinfo };
	struct pg_link l;
	struct fault f;

	for (size_t i = 0; i < COUNT_OF(refuse); i++) {
		atomic_store(refuse[i], 1);
		cr_expect_eq(init_link(&l, "host=/a,127.0.0.1 sslmode=verify-full", &f), RC_UNAVAILABLE);
		cr_expect_eq(atomic_load(refuse[i]), 0, "it was not asked for");
		cr_expect_str_eq(f.item[0].word, "127.0.0.1");
		pg_link_fini(&l);
		cr_expect_eq(init_link(&l, "host=/a,127.0.0.1 sslmode=verify-full", &f), RC_OK);
		cr_expect_str_eq(l.addresses[1], "127.0.0.1");
		pg_link_fini(&l);
	}
}

/* ---- servers that are not there ---- */

Test(pg_link, of_servers_that_refuse_each_is_named_in_turn, .timeout = 60)
{
	int port[2];
	const int fd[2] = { closed_port(&port[0]), closed_port(&port[1]) };
	struct pg_link l;
	struct fault f;
	char text[128];

	(void)snprintf(text, sizeof(text),
	    "hostaddr=127.0.0.1,127.0.0.1 port=%d,%d host=one,two sslmode=verify-full", port[0], port[1]);
	cr_assert_eq(init_link(&l, text, &f), RC_OK);
	for (unsigned i = 0; i < 4; i++) {
		fault_clear(&f);
		cr_expect_eq(l.next, i % 2);
		cr_expect_eq(pg_link_up(&l, &f), RC_UNAVAILABLE);
		cr_expect_eq(f.count, 1);
		cr_expect_str_eq(f.item[0].word, i % 2 ? "two" : "one");
		cr_expect_null(l.conn);
	}
	cr_expect_eq(pg_link_up(&l, NULL), RC_UNAVAILABLE, "nobody wants to know why");
	pg_link_fini(&l);
	close(fd[0]);
	close(fd[1]);
}

Test(pg_link, a_server_without_a_name_is_named_by_its_address, .timeout = 60)
{
	int port;
	const int fd = closed_port(&port);
	struct pg_link l;
	struct fault f;
	char text[64];

	(void)snprintf(text, sizeof(text), "hostaddr=127.0.0.1 port=%d sslmode=disable", port);
	cr_assert_eq(init_link(&l, text, &f), RC_OK);
	cr_expect_str_eq(pg_server_name(&l, 0), "127.0.0.1");
	cr_expect_eq(pg_link_up(&l, &f), RC_UNAVAILABLE);
	cr_expect_str_eq(f.item[0].word, "127.0.0.1");
	pg_link_fini(&l);
	close(fd);
}

/* ---- opening an engine where none can be ---- */

Test(pg_link, an_engine_does_not_open_where_no_connection_string_can_be)
{
	char path[600], dir[] = P_tmpdir "/menedek-XXXXXX";
	struct engine *e;
	struct fault f = { 0 };

	memset(path, 'd', sizeof(path) - 1);
	path[sizeof(path) - 1] = '\0';
	cr_expect_eq(engine_postgresql.open(path, MAP_MIB, &e, &f), RC_INVALID);
	cr_expect_null(e);
	cr_expect_gt(f.count, 0);
	fault_clear(&f);
	cr_assert_not_null(mkdtemp(dir));
	cr_expect_neq(engine_postgresql.open(dir, MAP_MIB, &e, &f), RC_OK);
	cr_expect_null(e);
	cr_expect_gt(f.count, 0);
	cr_expect_eq(rmdir(dir), 0, "nothing was left there");
}

/* ---- numbers ---- */

/* A column of another type would be read as a number that nobody wrote. */
Test(pg_link, what_is_no_number_of_eight_bytes_counts_as_none, .timeout = 60)
{
	PGconn *conn;
	PGresult *res;

	NEEDS_SERVER();
	conn = PQconnectdb(postgres_server());
	res = PQexecParams(conn, "SELECT 7::bigint, 7::int, NULL::bigint", 0, NULL, NULL, NULL, NULL, 1);
	cr_assert_eq(PQresultStatus(res), PGRES_TUPLES_OK);
	cr_expect_eq(pg_number(res, 0, 0), 7);
	cr_expect_eq(pg_number(res, 0, 1), 0);
	cr_expect_eq(pg_number(res, 0, 2), 0);
	PQclear(res);
	PQfinish(conn);
}
