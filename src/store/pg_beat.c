/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a node does every second beside following: it writes, which proves that its server still is the
 * primary, and with that come the clocks of all nodes.  One that is ahead of the others would end holds early
 * and call tokens old, so it goes by the time of most.  What begins at one that is behind would be over early
 * by the others' clocks, so it begins by theirs, too; but nothing ends there before it has ended by its own.
 * Where there is no majority, as of two, nobody knows who is right: then nothing ends before it has ended by
 * the lower clock, and what is written keeps its node's own, lest a clock that was years behind make what
 * began meanwhile end with its mending.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "crypto/digest.h"
#include "store/pg_parts.h"

#define BEAT_MS  1000
#define PRUNE_MS 60000
#define LOOK_MS  4000
#define CLOSE_S  10     /* clocks so near each other are equal: a beat takes its time, too */
#define ALONE_MS 600000 /* longer than the others take to come back and compare */

struct clocks {
	int64_t own, middle; /* seconds ahead of the server's */
	bool is_majority;    /* most are where the middle one is */
};

/* Rows: each node's clock less the server's, in order, and whether it is this node's.  Of an even number the
 * lower counts in the middle: too late is better than too early. */
static struct clocks
read_clocks(const PGresult *res)
{
	const int nodes = PQntuples(res);
	const int64_t middle = nodes > 0 ? (int64_t)pg_number(res, (nodes - 1) / 2, 0) : 0;
	struct clocks c = { .own = middle, .middle = middle };
	int close = 0;

	for (int i = 0; i < nodes; i++) {
		const int64_t clock = (int64_t)pg_number(res, i, 0);

		close += clock - middle <= CLOSE_S && middle - clock <= CLOSE_S;
		if (pg_number(res, i, 1) == 1)
			c.own = clock;
	}
	c.is_majority = 2 * close > nodes;
	return c;
}

/* Said when it begins and when it is over, not every second. */
static void
say_clock(struct engine *e, int64_t ahead)
{
	const bool is_off = ahead > CLOSE_S || ahead < -CLOSE_S;

	if (is_off && !e->is_clock_off)
		log_world("clocks_differ", "seconds=%" PRId64 ": ahead of the other nodes' clocks, or behind",
		    ahead);
	else if (!is_off && e->is_clock_off)
		log_note("clocks_agree", "with the other nodes' clocks");
	e->is_clock_off = is_off;
}

/* After an outage the first node to beat hears nobody, and would end holds by its own clock; and of three
 * that are two while one is started again nobody would know any more who is right.  What was agreed on before
 * counts by the clock that nobody sets, so it still holds; but not for ever, since who is alone for good has
 * no other to mend it. */
static bool
is_still_agreed(struct engine *e, const struct clocks *c, int nodes, int64_t now)
{
	const bool is_less = nodes == 1 || (nodes > 1 && nodes < e->agreed_nodes && !c->is_majority);

	if (!is_less)
		e->alone_at = 0;
	else if (e->alone_at == 0)
		e->alone_at = now;
	return is_less && atomic_load(&e->agreed_ms) != 0 && now - e->alone_at < ALONE_MS;
}

/* ${sent}: what this clock said in the beat, at ${now}. */
static void
set_clock(struct engine *e, const PGresult *res, int64_t sent, int64_t now)
{
	const struct clocks c = read_clocks(res);
	const int64_t ahead = c.own - c.middle;

	if (is_still_agreed(e, &c, PQntuples(res), now))
		return;
	say_clock(e, ahead);
	e->agreed_nodes = c.is_majority ? PQntuples(res) : 0;
	atomic_store(&e->clock_ahead, e->is_clock_off ? ahead : 0);
	atomic_store(&e->is_majority, c.is_majority);
	/* alone there is nobody to ask */
	atomic_store(&e->agreed_ms, PQntuples(res) > 1 ? (sent - ahead) * 1000 - now : 0);
}

void
pg_now(const struct engine *e, int64_t *now, int64_t *sure, int64_t *common)
{
	const int64_t own = clock_now(), agreed_ms = atomic_load(&e->agreed_ms);
	const int64_t agreed = (agreed_ms + clock_mono_ms()) / 1000;
	const bool is_behind = agreed_ms != 0 && own < agreed - CLOSE_S;

	*sure = agreed_ms != 0 && own > agreed + CLOSE_S ? agreed : own;
	*common = is_behind ? agreed : *sure;
	*now = atomic_load(&e->is_majority) ? *common : own;
}

/* A write that standbys confirm proves that this server is still the primary; its reads prove nothing.  One
 * that wrote nothing met a database that was left: who connects anew is told so. */
static bool
hear_beat(struct engine *e, int64_t sent, int64_t now)
{
	const int64_t until = now + LOOK_MS;
	PGresult *beat = pg_answer(&e->link, until), *clocks = NULL;
	bool is_good = PQresultStatus(beat) == PGRES_COMMAND_OK && strcmp(PQcmdTuples(beat), "1") == 0;

	if (is_good) {
		clocks = pg_answer(&e->link, until);
		is_good = PQresultStatus(clocks) == PGRES_TUPLES_OK && pg_answer_sync(&e->link, until) &&
		    !e->link.is_unsure;
	}
	if (is_good) {
		set_clock(e, clocks, sent, now);
		e->has_heard = true;
	}
	PQclear(clocks);
	PQclear(beat);
	return is_good;
}

/* The directory may be confined to making files: no rename. */
static bool
read_node(int fd, uint8_t node[ID_BYTES])
{
	uint8_t text[ID_BYTES + 8], own[DIGEST_BYTES];
	struct stat st;

	if (fd < 0 || fstat(fd, &st) != 0)
		return false;
	if (read(fd, text, ID_BYTES) != (ssize_t)ID_BYTES) {
		random_fill(text, ID_BYTES);
		if (pwrite(fd, text, ID_BYTES, 0) != (ssize_t)ID_BYTES)
			return false;
	}
	put_u64(text + ID_BYTES, (uint64_t)st.st_ino);
	digest(BYTES_OF(text), own);
	memcpy(node, own, ID_BYTES);
	return true;
}

/*
 * A beat is a witness of the time for five seconds, and of one node there must not be two: one that had a new
 * id at each start outvoted the only other with its own last beat, ended what that one held, and went on so
 * for ten minutes, since it was agreed on.  So the id stays with the store's directory: from its first beat
 * on, since others are set up as copies of one that was not served; and with the file's own number, since
 * somebody may copy one that was.
 */
void
pg_know_node(struct engine *e)
{
	int fd;

	if (e->node_file[0] == '\0')
		return;
	fd = open(e->node_file, O_CREAT | O_RDWR | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (!read_node(fd, e->node))
		log_world("node_file", "%s: for five seconds after each start this node counts twice",
		    strerror(errno));
	if (fd >= 0) {
		file_give(e->node_file);
		close(fd);
	}
	e->node_file[0] = '\0';
}

static void
beat(struct engine *e, int64_t looked)
{
	const int64_t sent = clock_now(), now = clock_mono_ms();
	uint8_t clock[8];
	const struct pg_param params[] = {
		{ .p = e->node, .len = sizeof(e->node) },
		{ .p = clock, .len = sizeof(clock) },
	};
	bool is_good;

	pg_know_node(e);
	put_u64(clock, (uint64_t)sent);
	is_good = pg_send(&e->link, PG_BEAT, params, COUNT_OF(params)) &&
	    pg_send(&e->link, PG_CLOCKS, params, 1) && pg_send_sync(&e->link) && hear_beat(e, sent, now);
	e->beat_at = looked + BEAT_MS;
	if (is_good)
		atomic_store(&e->confirmed, looked);
	else
		pg_link_drop(&e->link);
}

static void
prune(struct engine *e)
{
	const int64_t now = clock_mono_ms();
	PGresult *res;

	e->prune_at = now + PRUNE_MS;
	if (!pg_send(&e->link, PG_PRUNE, NULL, 0) || !pg_send_sync(&e->link))
		return;
	res = pg_answer(&e->link, now + LOOK_MS);
	if (res == NULL || !pg_answer_sync(&e->link, now + LOOK_MS))
		pg_link_drop(&e->link);
	PQclear(res);
}

void
pg_beat(struct engine *e, int64_t looked)
{
	if (looked >= e->beat_at)
		beat(e, looked);
	if (looked >= e->prune_at && e->link.conn != NULL)
		prune(e);
}
